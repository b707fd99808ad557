#!/bin/sh
# Install what only tests need: LibreOffice, which opens and saves workbooks as analysts do.
#
# Run by `make test`. Without it the round trip through LibreOffice is skipped, with the reason.
set -eu

command -v soffice >/dev/null || command -v libreoffice >/dev/null && exit 0

as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
if command -v apt-get >/dev/null; then
    echo "setup: installing libreoffice-calc (apt-get, about 40 seconds)"
    set -- apt-get install -y --no-install-recommends libreoffice-calc
    $as_root apt-get update >/dev/null 2>&1 &&
        $as_root env DEBIAN_FRONTEND=noninteractive "$@" >/dev/null 2>&1 && exit 0
elif command -v brew >/dev/null; then
    echo "setup: installing libreoffice (brew)"
    brew install --cask libreoffice >/dev/null 2>&1 && exit 0
fi
echo "setup: LibreOffice could not be installed; install it, or its test is skipped." >&2
