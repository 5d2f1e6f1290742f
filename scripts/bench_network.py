"""Forward, gradient, Gauss–Newton product and step of the network: refms and every peer; time and memory.

    python scripts/bench_network.py [--quick] [--resume] [--seconds S] [--output FOLDER]

Writes validation/benchmarks/network.json, from which scripts/make_benchmarks.py writes its section.
"""

import sys

from benchmarks.run import main

if __name__ == "__main__":
    sys.exit(main("network"))
