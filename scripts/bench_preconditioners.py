"""Conjugate gradients with each preconditioner on both blocks: iterations and time to a given residual.

    python scripts/bench_preconditioners.py [--quick] [--resume] [--seconds S] [--output FOLDER]

Needs MNIST: REFMS_DATA names the folder that holds mnist/. Writes validation/benchmarks/preconditioners.json,
from which scripts/make_benchmarks.py writes its section.
"""

import sys

from benchmarks.run import main

if __name__ == "__main__":
    sys.exit(main("preconditioners"))
