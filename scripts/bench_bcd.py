"""One iteration of block-coordinate descent: refms and peers under the same optimiser.

    python scripts/bench_bcd.py [--quick] [--resume] [--seconds S] [--output FOLDER]

Writes validation/benchmarks/bcd.json, from which scripts/make_benchmarks.py writes its section.
"""

import sys

from benchmarks.run import main

if __name__ == "__main__":
    sys.exit(main("bcd"))
