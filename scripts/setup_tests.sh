#!/bin/sh
# Install what only tests need: LibreOffice, which opens and saves workbooks as analysts do, and
# MariaDB's server, of which tests start one of their own.
#
# Run by `make test`. Without them the tests that need them are skipped, with the reason. With the
# argument `mariadb`, as `make demo STORE=mariadb` calls it, only the server is installed.
set -eu

as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo

# install_program NAME DEBIAN_PACKAGE BREW_PACKAGE SECONDS
install_program() {
    if command -v apt-get >/dev/null; then
        echo "setup: installing $2 (apt-get, about $4 seconds)"
        $as_root apt-get update >/dev/null 2>&1 &&
            $as_root env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y --no-install-recommends "$2" >/dev/null 2>&1 && return
    elif command -v brew >/dev/null; then
        echo "setup: installing $3 (brew)"
        brew install "$3" >/dev/null 2>&1 && return
    fi
    echo "setup: $1 could not be installed; install it, or its tests are skipped." >&2
}

[ "${1:-}" = mariadb ] || command -v soffice >/dev/null || command -v libreoffice >/dev/null ||
    install_program LibreOffice libreoffice-calc libreoffice 40

# Debian's is in /usr/sbin, which is not in everybody's path. The service does not start by itself in
# a container; where it does, tests still use their own.
command -v mariadbd >/dev/null || [ -x /usr/sbin/mariadbd ] ||
    install_program MariaDB mariadb-server mariadb 15
