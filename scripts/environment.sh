# Sourced by the other scripts: make a virtual environment of this project's own and install refms into it.
#
#   make_environment FOLDER EXTRAS     e.g.  make_environment .venv data

# the Python that PYTHON names, or the newest one there is
find_python() {
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3.{14,13,12,11} python3; fi
    for candidate; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

version_of() {
    "$1" -c 'import platform; print("Python", platform.python_version())'
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
    if command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1; }; then
        echo "installing $* with apt-get"
        as_root apt-get update -qq && as_root apt-get install -y -qq "$@"
    else
        echo "please install $* and run this again" >&2
        return 1
    fi
}

# say what is done, do it, and say how long it took
tell() {
    echo "$1 …"
    shift
    started=$SECONDS
    "$@" || return 2
    echo "… done after $((SECONDS - started)) s"
}

make_environment() {
    folder=$1
    extras=$2
    if ! python=$(find_python) && [ -z "${PYTHON:-}" ]; then
        install_packages python3 python3-venv || return 2
    fi
    if ! python=$(find_python); then
        echo "refms needs Python 3.11 or newer, which ${PYTHON:-python3} is not; set PYTHON=/path/to/python" >&2
        return 2
    fi
    install="$folder/bin/python -m pip install --quiet --disable-pip-version-check --editable .[$extras]"
    if [ -x "$folder/bin/python" ]; then
        if [ -n "${PYTHON:-}" ] && [ "$(version_of "$python")" != "$(version_of "$folder/bin/python")" ]; then
            echo "$folder has $(version_of "$folder/bin/python"), but PYTHON=$PYTHON is $(version_of "$python")" >&2
            echo "Remove $folder to make it anew with the latter, or unset PYTHON to go on with the former." >&2
            return 2
        fi
        $install
        return
    fi
    # Debian and Ubuntu ship venv in a package of its own
    "$python" -c 'import ensurepip' 2>/dev/null || install_packages python3-venv || return 2
    tell "making $folder with $(version_of "$python")" "$python" -m venv "$folder" || return 2
    tell "installing refms and its extras $extras into $folder by pip; later runs find it there" $install
}
