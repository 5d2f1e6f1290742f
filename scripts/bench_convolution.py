"""One convolution: routes of refms, SciPy's sparse product, PyTorch; share of the matrix product's rate.

    python scripts/bench_convolution.py [--quick] [--resume] [--seconds S] [--output FOLDER]

Writes validation/benchmarks/convolution.json, from which scripts/make_benchmarks.py writes its section.
"""

import sys

from benchmarks.run import main

if __name__ == "__main__":
    sys.exit(main("convolution"))
