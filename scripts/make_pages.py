"""Write the pages of validation/ from the JSON files beside them, or see whether they are up to date.

python scripts/make_pages.py [PAGE …]           # write these; by default all
python scripts/make_pages.py [PAGE …] --check   # end with 1 if one is not what its results give
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import benchmarks.report
import results
from benchmarks.record import PUBLISHED
from fuzzing import page as fuzzing_page
from mutation import publishing
from results import (
    corners_page,
    false_alarms_page,
    joined_page,
    kills_page,
    public_page,
    resize_page,
    restoration_page,
    tables_page,
    theory_page,
    unseen_page,
)

VALIDATION = Path(__file__).resolve().parent.parent / "validation"

PAGES: dict[str, tuple[str, Callable[[], str]]] = {
    "benchmarks": ("BENCHMARKS.md", benchmarks.report.text),
    "results": ("RESULTS.md", results.text),
    "false-alarms": ("conformance/FALSE_ALARMS.md", false_alarms_page.text),
    "kills": ("conformance/KILLS.md", kills_page.text),
    "corners": ("conformance/CORNERS.md", corners_page.text),
    "fuzzing": ("conformance/FUZZING.md", fuzzing_page.text),
    "mutation": ("conformance/MUTATION.md", publishing.text),
    "unseen": ("conformance/UNSEEN.md", unseen_page.text),
    "public": ("public/PUBLIC.md", public_page.text),
    "resize": ("peers/RESIZE.md", resize_page.text),
    "theory": ("multiscale_training/THEORY.md", theory_page.text),
    "joined": ("multiscale_training/JOINED.md", joined_page.text),
    "restoration": ("multiscale_training/RESTORATION.md", restoration_page.text),
    "tables": ("multiscale_training/TABLES.md", tables_page.text),
}
"""Page -> where it lies in validation/, and what makes its text."""


def page_of(name: str, measured: Path = PUBLISHED) -> tuple[Path, str]:
    """Return where a page lies and its text; that of benchmarks lies beside the folder that was measured."""
    place, text = PAGES[name]
    if name == "benchmarks":
        return measured.parent / place, benchmarks.report.text(measured)
    return VALIDATION / place, text()


def write(name: str, measured: Path = PUBLISHED) -> None:
    """Write a page."""
    target, text = page_of(name, measured)
    target.write_text(text, encoding="utf-8")
    print(f"wrote {target}")


def is_current(name: str, measured: Path = PUBLISHED) -> bool:
    """Say whether a page is what its results give."""
    target, text = page_of(name, measured)
    same = target.is_file() and target.read_text(encoding="utf-8") == text
    told = "is up to date" if same else f"is out of date; run scripts/make_pages.py {name}"
    print(f"{target.name} {told}")
    return same


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the pages; return 1 if one is out of date."""
    parser = argparse.ArgumentParser(description="Write the pages of validation/ from their JSON results.")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help=f"some of {', '.join(PAGES)}; default all")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--results", type=Path, default=PUBLISHED, help="folder of benchmarks: JSON files")
    options = parser.parse_args(argv)
    chosen = options.pages or list(PAGES)
    if unknown := [name for name in chosen if name not in PAGES]:
        parser.error(f"no page {unknown[0]!r}; expected some of {', '.join(PAGES)}")
    if options.check:
        current = [is_current(name, options.results) for name in chosen]
        return 0 if all(current) else 1
    for name in chosen:
        write(name, options.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
