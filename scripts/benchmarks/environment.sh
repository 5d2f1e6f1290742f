#!/usr/bin/env bash
# Make .venv-bench: refms as it lies here, and every peer of the benchmarks in the version that is pinned in
# scripts/benchmarks/requirements.txt. PyTorch comes before those that need it, so that none brings another build.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/environment.sh
make_environment .venv-bench fast
install() { .venv-bench/bin/python -m pip install --quiet --disable-pip-version-check "$@"; }
install "$(grep '^torch==' scripts/benchmarks/requirements.txt)"
install --requirement scripts/benchmarks/requirements.txt
.venv-bench/bin/python scripts/bench.py all --tables startup --quick
echo "now: .venv-bench/bin/python scripts/bench.py all"
