"""All benchmarks of the processor one after the other, then BENCHMARKS.md; bench_gpu.py is apart.

    scripts/bench_environment.sh                                # once: .venv-bench with all peers, pinned
    .venv-bench/bin/python scripts/bench_all.py [--quick] [--resume] [--tables network bcd …]

Run it on a machine that does nothing else. What takes hours can be stopped and taken up again with --resume.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import make_benchmarks
from benchmarks.engines import engines
from benchmarks.run import folder, measure, parser
from benchmarks.tables import NAMES


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the tables and write the report.

    Parameters
    ----------
    argv : sequence of str, optional
        Command line without the program's name.

    Returns
    -------
    int
        0, or 1 if something could not be measured.
    """
    command = parser("All benchmarks one after the other, then BENCHMARKS.md.")
    here = [name for name in NAMES if name != "gpu"]
    command.add_argument(
        "--tables", nargs="+", choices=NAMES, default=here, help="only these; default: all but gpu"
    )
    options = command.parse_args(argv)
    for family, reason in engines()[1].items():
        print(f"{family} will not be measured: {reason}", file=sys.stderr)
    failures = sum(measure(name, options) for name in options.tables)
    make_benchmarks.main(["--results", str(folder(options))])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
