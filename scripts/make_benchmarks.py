"""Write validation/BENCHMARKS.md from the JSON results in validation/benchmarks/.

python scripts/make_benchmarks.py            # write
python scripts/make_benchmarks.py --check    # end with 1 if the file is not what the results give
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.record import PUBLISHED
from benchmarks.report import text


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the file.

    Parameters
    ----------
    argv : sequence of str, optional
        Command line without the program's name.

    Returns
    -------
    int
        0, or 1 if the file is not up to date.
    """
    parser = argparse.ArgumentParser(description="Write BENCHMARKS.md from the JSON results.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--results", type=Path, default=PUBLISHED, help="folder with the JSON files")
    options = parser.parse_args(argv)
    target = options.results.parent / "BENCHMARKS.md"
    wanted = text(options.results)
    if options.check:
        same = target.is_file() and target.read_text(encoding="utf-8") == wanted
        print(
            f"{target.name} is up to date"
            if same
            else f"{target.name} is out of date; run scripts/make_benchmarks.py"
        )
        return 0 if same else 1
    target.write_text(wanted, encoding="utf-8")
    print(f"wrote {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
