# Sourced by the other scripts: make a virtual environment of this project's own and install refms into it.
#
#   make_environment FOLDER EXTRAS     e.g.  make_environment .venv data

find_python() {
    for candidate in "${PYTHON:-}" python3.14 python3.13 python3.12 python3.11 python3; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
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

make_environment() {
    folder=$1
    extras=$2
    if ! python=$(find_python); then
        install_packages python3 python3-venv || return 2
        python=$(find_python) || {
            echo "refms needs Python 3.11 or newer; set PYTHON=/path/to/python" >&2
            return 2
        }
    fi
    if [ ! -x "$folder/bin/python" ]; then
        # Debian and Ubuntu ship venv in a package of its own
        "$python" -c 'import ensurepip' 2>/dev/null || install_packages python3-venv || return 2
        "$python" -m venv "$folder" || return 2
    fi
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".[$extras]"
}
