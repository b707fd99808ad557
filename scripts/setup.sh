#!/bin/sh
# Set up Foreview in this folder: Python packages in .venv, Java 17, Delta Lake's jars, and an archive
# of Spark's classes.
#
# Run by `make setup`, and by every other target that needs it. It can be run again at any time, and
# after an interruption: what is there already is kept, and the stamp .venv/.ready comes last.
set -eu

cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

say() { echo "setup: $*"; }

fail() {
    echo "setup: $*" >&2
    exit 1
}

# quietly WHAT COMMAND...: run it; show what it printed only when it fails.
quietly() {
    what=$1
    shift
    if ! "$@" >"$work/log" 2>&1 </dev/null; then
        tail -n 40 "$work/log" >&2
        fail "$what failed; its last lines are above."
    fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        return 1
    fi
}

# install_package PACKAGE: by apt-get; fails where there is none, or no right to use it.
install_package() {
    command -v apt-get >/dev/null || return 1
    say "installing $1 (apt-get)"
    {
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update &&
            as_root env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y --no-install-recommends "$1"
    } >"$work/apt" 2>&1 || {
        tail -n 20 "$work/apt" >&2
        return 1
    }
}

# --- Python ---------------------------------------------------------------------------------------

is_right_python() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3.12 python3; do
        if is_right_python "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}

# find_uv: sets uv, installing it into .uv where there is none.
find_uv() {
    if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then
        uv=uv
        return
    fi
    uv=.uv/bin/uv
    if "$uv" --version >/dev/null 2>&1; then
        return
    fi
    say "installing uv into .uv"
    rm -rf .uv
    if ! "${python:-python3}" -m venv .uv >"$work/log" 2>&1; then
        install_package python3-venv || fail "Python's venv is missing: install python3-venv."
        rm -rf .uv
        quietly "making .uv" "${python:-python3}" -m venv .uv
    fi
    quietly "installing uv" .uv/bin/pip install -q uv
}

python=$(find_python) || python=
if [ -z "$python" ] && ! command -v python3 >/dev/null; then
    install_package python3 || fail "There is no Python: install Python 3.11 or 3.12."
    python=$(find_python) || python=
fi
find_uv

if ! is_right_python .venv/bin/python; then
    say "making .venv"
    rm -rf .venv
    # Without a right Python here, uv fetches one.
    quietly "making .venv (install Python 3.11 or 3.12)" "$uv" venv --python "${python:-3.11}" .venv
fi
rm -f .venv/.ready
say "installing the Python packages of requirements.lock"
quietly "installing packages" "$uv" pip sync --compile-bytecode \
    --python .venv/bin/python requirements.lock
quietly "installing foreview and its adapter for MariaDB" \
    "$uv" pip install --python .venv/bin/python --no-deps -e . -e adapters/mariadb

# --- Java -----------------------------------------------------------------------------------------

# is_right_java JAVA: 17 or newer. (macOS has a /usr/bin/java that only says that there is none.)
is_right_java() {
    version=$("$1" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${version:-0}" -ge 17 ]
}

# find_java: sets java to one outside the search path.
find_java() {
    for candidate in /usr/lib/jvm/*17*/bin/java /usr/lib/jvm/*21*/bin/java \
        /opt/homebrew/opt/openjdk@17/bin/java /usr/local/opt/openjdk@17/bin/java; do
        if [ -x "$candidate" ] && is_right_java "$candidate"; then
            java=$candidate
            return
        fi
    done
    return 1
}

rm -f .venv/bin/java
if [ -n "${JAVA_HOME:-}" ]; then
    is_right_java "$JAVA_HOME/bin/java" ||
        fail "JAVA_HOME is $JAVA_HOME, which is no Java 17 or newer: change it, or unset it."
    java=$JAVA_HOME/bin/java
elif command -v java >/dev/null && is_right_java java; then
    java=java
else
    if ! find_java; then
        if command -v apt-get >/dev/null; then
            # Newer releases of Debian have 21 only.
            install_package openjdk-17-jre-headless || install_package openjdk-21-jre-headless ||
                fail "Java 17 could not be installed: install openjdk-17-jre-headless."
        elif command -v brew >/dev/null; then
            say "installing openjdk@17 (brew)"
            quietly "brew install openjdk@17" brew install openjdk@17
        else
            fail "There is no Java 17: install a Java 17 runtime, set JAVA_HOME, and try again."
        fi
    fi
    if command -v java >/dev/null && is_right_java java; then
        java=java
    else
        find_java || fail "There is no Java 17 still: install one, set JAVA_HOME, and try again."
        # make, and an activated .venv, find it there.
        ln -s "$java" .venv/bin/java
        say "Java is not in PATH; outside make: export JAVA_HOME=$(dirname "$(dirname "$java")")"
    fi
fi

# --- Jars: Delta Lake's, and MariaDB's driver -----------------------------------------------------

# They are put beside Spark's own, which costs no resolving at each start.

# fetch_jars WHAT ORGANISATION NAME VERSION: put it, and what it depends on, into $work/jars.
fetch_jars() {
    say "fetching $1"
    set -- "$@" "$jars"/ivy-*.jar
    quietly "fetching $1" "$java" -jar "$5" -cache "$work/ivy" -dependency "$2" "$3" "$4" \
        -confs default -types jar -retrieve "$work/jars/[artifact]-[revision].[ext]"
}

# add_jar NAME: copy it to Spark's, whole or not at all.
add_jar() {
    cp "$work/jars/$1" "$jars/$1.part"
    mv "$jars/$1.part" "$jars/$1"
}

eval "$(.venv/bin/python - <<'PYTHON'
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

print(f"jars='{Path(find_spec('pyspark').origin).parent / 'jars'}'")
print(f"delta='{version('delta-spark')}'")
print(f"artifact='delta-spark_{version('pyspark').rpartition('.')[0]}_2.13'")
PYTHON
)"

# delta-spark's wheel has no jar. The one of its name comes last: where it is, the others are.
if [ ! -e "$jars/$artifact-$delta.jar" ]; then
    fetch_jars "the jars of $artifact $delta (about 87 MB)" io.delta "$artifact" "$delta"
    rm -f "$jars"/delta-*.jar "$jars"/unitycatalog-*.jar
    for jar in "$work"/jars/*.jar; do
        name=$(basename "$jar")
        set -- "$jars/${name%-[0-9]*}"-[0-9]*.jar
        # Spark's own copy of a library, of whichever version, is the one to use.
        if [ ! -e "$1" ] && [ "$name" != "$artifact-$delta.jar" ]; then
            add_jar "$name"
        fi
    done
    add_jar "$artifact-$delta.jar"
fi

# Spark reads the reference store with it (docs/reference-store.md).
driver=mariadb-java-client-3.5.6.jar
if [ ! -e "$jars/$driver" ]; then
    fetch_jars "MariaDB's JDBC driver" org.mariadb.jdbc mariadb-java-client 3.5.6
    add_jar "$driver"
fi

# --- An archive of Spark's classes ----------------------------------------------------------------

# It fits these jars and this Java only; the JVM ignores one that does not fit.
if [ ! -e .venv/spark.jsa ] || [ -n "$(find "$jars" -name '*.jar' -newer .venv/spark.jsa)" ]; then
    say "archiving Spark's classes, which shortens each start (about a minute, once)"
    PATH="$PWD/.venv/bin:$PATH" .venv/bin/python scripts/class_archive.py >"$work/log" 2>&1 </dev/null ||
        say "no archive was made; Spark will start slower. $(tail -n 1 "$work/log")"
fi

touch .venv/.ready
say "ready"
