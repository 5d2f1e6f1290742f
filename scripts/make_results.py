"""Write validation/RESULTS.md from the JSON results beside the validation scripts.

python scripts/make_results.py            # write
python scripts/make_results.py --check    # end with 1 if the file is not what the results give
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from results import FOLDER, text

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "validation" / "RESULTS.md"


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
    parser = argparse.ArgumentParser(description="Write validation/RESULTS.md from the JSON results.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    page = text(ROOT / FOLDER / "results")
    if parser.parse_args(argv).check:
        same = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == page
        told = "is up to date" if same else "is out of date; run scripts/make_results.py"
        print(f"RESULTS.md {told}")
        return 0 if same else 1
    TARGET.write_text(page, encoding="utf-8")
    print(f"wrote {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
