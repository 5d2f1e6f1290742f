"""Stencils across meshes: refms, SciPy's R K P, PyTorch.

    python scripts/bench_transfer.py [--quick] [--resume] [--seconds S] [--output FOLDER]

Writes validation/benchmarks/transfer.json, from which scripts/make_benchmarks.py writes its section.
"""

import sys

from benchmarks.run import main

if __name__ == "__main__":
    sys.exit(main("transfer"))
