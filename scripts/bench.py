"""Measure a table of validation/BENCHMARKS.md, or all of them one after the other.

    python scripts/bench.py environment               # once: .venv-bench with all peers, pinned
    .venv-bench/bin/python scripts/bench.py all       # every table but those of a GPU, then the page
    .venv-bench/bin/python scripts/bench.py network [--quick] [--resume] [--seconds S] [--output FOLDER]

A table writes validation/benchmarks/TABLE.json, from which scripts/make_pages.py writes its section. Run it
on a machine that does nothing else. What takes hours can be stopped and taken up again with --resume.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.tables import TABLES

ENVIRONMENT = Path(__file__).with_name("benchmarks") / "environment.sh"


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    listed = "\n".join(f"  {name:15} {what}" for name, what in {**TABLES, **TOGETHER}.items())
    top = argparse.ArgumentParser(
        description=f"{__doc__}\ntables:\n{listed}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument("table", choices=[*TABLES, *TOGETHER], metavar="TABLE", help="see above")
    top.add_argument("--quick", action="store_true", help="one size and few rounds, for development")
    top.add_argument("--resume", action="store_true", help="keep the rows that the output has already")
    top.add_argument("--seconds", type=float, help="time for the rounds of one comparison")
    top.add_argument("--tables", nargs="+", choices=TABLES, help="with all: only these")
    top.add_argument(
        "--output",
        type=Path,
        help="folder of the JSON files; default validation/benchmarks, quick: out/benchmarks",
    )
    return top


TOGETHER = {
    "all": "every table but those of a GPU, or those of --tables, then the page",
    "environment": "make .venv-bench: refms as it lies here, and the peers of benchmarks/requirements.txt",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; return 0, 1 if a row could not be measured, 2 where there is no usable GPU."""
    options = parser().parse_args(argv)
    if options.table == "environment":
        return subprocess.run(["bash", str(ENVIRONMENT)], check=False).returncode
    from benchmarks.run import folder, measure  # environment is made without refms

    if options.table != "all":
        return measure(options.table, options) if not options.table.startswith("gpu") or _has_gpu() else 2
    from benchmarks.engines import engines
    from make_pages import write

    for family, reason in engines()[1].items():
        print(f"{family} will not be measured: {reason}", file=sys.stderr)
    chosen = options.tables or [name for name in TABLES if not name.startswith("gpu")]
    failures = sum(measure(name, options) for name in chosen)
    write("benchmarks", folder(options))
    return 1 if failures else 0


def _has_gpu() -> bool:
    from refms.backend import backend_named
    from refms.errors import InputError

    try:
        backend_named("cupy")
    except InputError as error:
        print(f"not measured: {error}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
