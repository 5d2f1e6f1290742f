#!/usr/bin/env bash
# Set up and pass the tests: lint, types, unit and property tests. Tests of real data run where REFMS_DATA
# names a folder with mnist/, tests of the peers (PyTorch, JAX) where EXTRAS=dev,peers asks for them; everything
# this makes lies in .venv-test and the tools' own cache folders.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
make_environment .venv-test "${EXTRAS:-dev}"
export PATH="$PWD/.venv-test/bin:$PATH"
# one BLAS thread a process: the test processes themselves use the cores
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

ruff check .
ruff format --check .
mypy
pytest -n auto --dist worksteal "$@"
