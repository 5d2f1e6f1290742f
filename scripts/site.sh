#!/usr/bin/env bash
# Set up and build the pages: README, guide, reference, results. Open build/site/html/index.html. A broken link, an
# unknown name or a wrong formula ends it with an error. Everything this makes lies in .venv-site and build/site.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
make_environment .venv-site docs
PYTHONPATH=scripts/site .venv-site/bin/python -m sphinx -c scripts/site -d build/site/doctrees -j auto -n -W --keep-going "$@" . build/site/html
