"""Memory of one gradient of a deep network on many images.

    python scripts/bench_memory.py [--quick] [--resume] [--seconds S] [--output FOLDER]

Writes validation/benchmarks/memory.json, from which scripts/make_benchmarks.py writes its section.
"""

import sys

from benchmarks.run import main

if __name__ == "__main__":
    sys.exit(main("memory"))
