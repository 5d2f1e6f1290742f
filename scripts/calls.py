"""Count what a reader of a run goes through: Python calls of refms, and the functions and files they are in.

    python scripts/calls.py [FOLDER …]   # checkouts; default: this one

*product*: the calls of one Gauss–Newton product of a net of two layers on 16 images. *train*: the distinct
functions (bodies of classes and modules too) that ``refms train digits.toml`` enters up to the first K(s)y.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType, FrameType

ROOT = Path(__file__).resolve().parents[1]
SIZE = (8, 4, 2, 16)
"""(n, c, N, m) of the net whose product is counted."""

DIGITS = "validation/learning_across_scales/digits.toml"
FIRST = ("combine", "apply")
"""Names of the method of a route, a module in ``routes/``, that computes K(s)y."""


class _Reached(BaseException):
    """The first K(s)y: not an error, so that nothing on the way takes it for one."""


def calls_of(
    work: Callable[[], object], until: Callable[[CodeType], bool] = lambda code: False
) -> Counter[str]:
    """Return how often ``work`` enters each ``file:function`` of refms, or does up to the first ``until``."""
    import refms

    home, found = f"{Path(refms.__file__).parent}/", Counter[str]()

    def watch(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(home):
            found[f"{code.co_filename.removeprefix(home)}:{code.co_qualname}"] += 1
            if until(code):
                raise _Reached

    sys.setprofile(watch)
    try:
        with suppress(_Reached):
            work()
    finally:
        sys.setprofile(None)
    return found


def product_calls() -> Counter[str]:
    """Return the calls of one Gauss–Newton product, by the benchmarks' own way to it in this checkout."""
    from benchmarks.cases import Case, Problem
    from benchmarks.operations import call, objective

    problem = Problem(Case(*SIZE))
    product = call("product", objective(problem.control, problem), problem)
    product()  # what is made once is made
    return calls_of(product)


def train_calls() -> Counter[str]:
    """Return the calls of a training of digits up to the first K(s)y; the command line is imported before."""
    from refms.cli.main import main

    def is_first(code: CodeType) -> bool:
        return Path(code.co_filename).parent.name == "routes" and code.co_name in FIRST

    with tempfile.TemporaryDirectory() as folder:
        words = ["train", DIGITS, "-o", f"{folder}/model.h5", "--quiet"]
        return calls_of(lambda: main(words), is_first)


COUNTS = {"product": product_calls, "train": train_calls}


def summary(found: Counter[str]) -> dict[str, int]:
    """Return the numbers of calls, of functions and of files."""
    files = {where.partition(":")[0] for where in found}
    return {"calls": found.total(), "functions": len(found), "files": len(files)}


def counted(folder: Path, what: str) -> dict[str, int]:
    """Return a summary of another process, in which the checkout in ``folder`` is imported."""
    paths = os.pathsep.join([str(folder), str(folder / "scripts")])
    command = [sys.executable, str(Path(__file__).resolve()), "--only", what]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{folder}: {done.stderr[-2000:]}")
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


def main(argv: Sequence[str] | None = None) -> int:
    """Print the counts of each checkout."""
    parser = argparse.ArgumentParser(
        description="Count Python calls, functions and files of refms in two runs."
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="default: this checkout")
    parser.add_argument("--only", choices=COUNTS, help="count this, in this process; print JSON")
    options = parser.parse_args(argv)
    if options.only:
        print(json.dumps(summary(COUNTS[options.only]())))
        return 0
    for folder in options.folders or [ROOT]:
        for what in COUNTS:
            counts = counted(folder.resolve(), what)
            print(f"{folder} {what}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))
    return 0


if __name__ == "__main__":
    sys.path[0] = ""  # the checkout that PYTHONPATH names comes first, not the one that this file lies in
    sys.exit(main())
