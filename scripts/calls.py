"""Count what a reader of a run goes through: Python calls of refms, and the functions and files they are in.

    python scripts/calls.py [FOLDER …]   # checkouts; default: this one
    python scripts/calls.py --list train # every function that is entered, in order

*product*: one Gauss–Newton product of a net of two layers on 16 images. *train*: ``refms train digits.toml``
up to the first K(s)y. Bodies of classes and modules, which run when they are imported, are counted apart; a
comprehension belongs to what it stands in, as Python 3.12 and later run it.
"""

import argparse
import inspect
import json
import os
import re
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


Calls = Counter[tuple[str, str, str]]
"""How often a kind (function, class, module) of a file is entered, by its name: kind, file, name."""


def entry(code: CodeType, home: str) -> tuple[str, str, str]:
    """Return what is entered with a code object, without the comprehensions at the end of its name."""
    name = re.sub(r"(\.<locals>\.|\.)?<((list|set|dict)comp|genexpr)>", "", code.co_qualname)
    kind = "function" if code.co_flags & inspect.CO_OPTIMIZED else "class"
    kind, name = ("module", "") if name in ("", "<module>") else (kind, name)
    return kind, code.co_filename.removeprefix(home), name


def calls_of(work: Callable[[], object], until: Callable[[CodeType], bool] = lambda code: False) -> Calls:
    """Return how often ``work`` enters each part of refms, or does up to the first ``until``."""
    import refms

    home, found = f"{Path(refms.__file__).parent}/", Calls()

    def watch(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(home):
            found[entry(code, home)] += 1
            if until(code):
                raise _Reached

    sys.setprofile(watch)
    try:
        with suppress(_Reached):
            work()
    finally:
        sys.setprofile(None)
    return found


def product_calls() -> Calls:
    """Return the calls of one Gauss–Newton product, by the benchmarks' own way to it in this checkout."""
    from benchmarks.cases import Case, Problem
    from benchmarks.operations import call, objective

    problem = Problem(Case(*SIZE))
    product = call("product", objective(problem.control, problem), problem)
    product()  # what is made once is made
    return calls_of(product)


def train_calls() -> Calls:
    """Return the calls of a training of digits up to the first K(s)y; the command line is imported before."""
    from refms.cli.main import main

    def is_first(code: CodeType) -> bool:
        return Path(code.co_filename).parent.name == "routes" and code.co_name in FIRST

    with tempfile.TemporaryDirectory() as folder:
        words = ["train", DIGITS, "-o", f"{folder}/model.h5", "--quiet"]
        return calls_of(lambda: main(words), is_first)


COUNTS = {"product": product_calls, "train": train_calls}
KINDS = {"function": "functions", "class": "classes", "module": "modules"}


def summary(found: Calls) -> dict[str, int]:
    """Return the numbers of calls, of what is entered by its kind, and of files."""
    kinds = Counter(kind for kind, *_ in found)
    numbers = {plural: kinds[kind] for kind, plural in KINDS.items()}
    return {"calls": found.total(), **numbers, "files": len({file for _, file, _ in found})}


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
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--only", choices=COUNTS, help="count this, in this process; print JSON")
    one.add_argument("--list", choices=COUNTS, help="print every function that this enters, and how often")
    options = parser.parse_args(argv)
    if options.list:
        found = COUNTS[options.list]()
        print(
            *(f"{n:6} {file}:{name}" for (kind, file, name), n in found.items() if kind == "function"),
            sep="\n",
        )
        return 0
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
