"""How time grows with examples, cells, layers and channels, with fitted exponents.

    python scripts/bench_scaling.py [--quick] [--resume] [--seconds S] [--output FOLDER]

Writes validation/benchmarks/scaling.json, from which scripts/make_benchmarks.py writes its section.
"""

import sys

from benchmarks.run import main

if __name__ == "__main__":
    sys.exit(main("scaling"))
