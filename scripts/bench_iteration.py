"""Iterations of block-coordinate descent on all of MNIST, step by step.

    python scripts/bench_iteration.py [--quick] [--resume] [--seconds S] [--output FOLDER]

Writes validation/benchmarks/iteration.json, from which scripts/make_benchmarks.py writes its section. The
images are read from the folder that the environment variable REFMS_DATA names.
"""

import sys

from benchmarks.run import main

if __name__ == "__main__":
    sys.exit(main("iteration"))
