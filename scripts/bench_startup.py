"""How long refms takes to start.

    python scripts/bench_startup.py [--quick] [--resume] [--seconds S] [--output FOLDER]

Writes validation/benchmarks/startup.json, from which scripts/make_benchmarks.py writes its section.
"""

import sys

from benchmarks.run import main

if __name__ == "__main__":
    sys.exit(main("startup"))
