"""How much faster K(S) is refilled for a new S than built anew from SciPy's shift matrices.

    python scripts/bench_assembly.py [--quick] [--resume] [--seconds S] [--output FOLDER]

Writes validation/benchmarks/assembly.json, from which scripts/make_benchmarks.py writes its section.
"""

import sys

from benchmarks.run import main

if __name__ == "__main__":
    sys.exit(main("assembly"))
