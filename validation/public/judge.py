"""Judge functions of public libraries by refms': one row a comparison, in both precisions.

    pip install -r validation/public/requirements.txt -e .
    python validation/public/judge.py                # all, a few minutes; writes results/judged.json
    python validation/public/judge.py --only ssim    # rows with this word; prints alone

The exit code is the number of rows that could not be judged, or that agree or differ against expectation.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from comparisons import COMPARISONS
from comparisons.comparison import DTYPES, INSTANCES, Comparison, Inputs, both, largest_rho, smallest_input

from refms.checks.report import verdict

TARGET = Path(__file__).parent / "results" / "judged.json"
NOT_INSTALLED = "not installed"
FEW = 6
"""Entries that are named one by one."""


def version_of(library: str) -> str | None:
    """Return the installed version, or None."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def judge(row: Comparison, instances: int = INSTANCES) -> dict[str, Any]:
    """Return the row of the result: ρ and verdict of each precision, why they differ, the smallest input."""
    result: dict[str, Any] = {"library": row.library, "function": row.function, "refms": row.refms}
    if version_of(row.library) is None:
        return result | {"outcome": NOT_INSTALLED, "expected": False}
    try:
        found = {dtype: largest_rho(row, dtype, instances) for dtype in DTYPES}
    except Exception as error:  # whatever a library raises, the other rows are still to be judged
        return result | {"outcome": f"not judged: {type(error).__name__}: {error}", "expected": False}
    verdicts = {dtype: verdict(rho) for dtype, rho in found.items()}
    failing = [dtype for dtype in DTYPES if verdicts[dtype] == "FAIL"]
    result |= {
        "outcome": "differs" if failing else "agrees",
        "expected": all(verdicts[dtype] == ("FAIL" if row.differs(dtype) else "PASS") for dtype in DTYPES),
        "rho": {dtype: number(rho) for dtype, rho in found.items()},
        "verdicts": verdicts,
    }
    return result | {"why": row.why, "smallest": shown(row, failing[0])} if failing else result


def number(value: float) -> float | str:
    """Return three digits, or a word for what JSON has no number."""
    return float(f"{value:.3g}") if np.isfinite(value) else str(value)


def shown(row: Comparison, dtype: str) -> dict[str, Any] | None:
    """Return the smallest input in words, and both results at the entry where they differ most."""
    found = smallest_input(row, dtype)
    if found is None:
        return None
    size, inputs = found
    theirs, ours, _ = both(row, inputs, dtype)
    told = {"dtype": dtype, "size": size, "inputs": in_words(inputs)}
    if theirs.shape != ours.shape:
        return told | {"theirs": f"shape {theirs.shape}", "ours": f"shape {ours.shape}"}
    place = np.unravel_index(int(np.argmax(abs(theirs - ours))), theirs.shape)
    return told | {"theirs": float(theirs[place]), "ours": float(ours[place])}


def in_words(inputs: Inputs) -> dict[str, str]:
    """Return what each input is: entries of arrays that have few, else their shape.

    >>> in_words({"y": np.array([[0.0, 2.0]]), "stride": 2})
    {'y': '1×2, [0, 1] = 2', 'stride': '2'}
    """
    return {name: array_in_words(a) if isinstance(a, np.ndarray) else str(a) for name, a in inputs.items()}


def array_in_words(array: np.ndarray) -> str:
    """Return shape and non-zero entries."""
    shape = "×".join(map(str, array.shape))
    places = np.argwhere(array)
    if len(places) == 0:
        return f"{shape} zeros"
    if len(places) > FEW:
        return f"{shape} numbers"
    return f"{shape}, " + ", ".join(f"{place.tolist()} = {array[tuple(place)]:.6g}" for place in places)


def line(row: dict[str, Any]) -> str:
    """Return a row as it is printed."""
    mark = " " if row["expected"] else "!"
    rhos = " ".join(f"{dtype} {rho}" for dtype, rho in row.get("rho", {}).items())
    return f"{mark} {row['outcome']:8} {row['library']}: {row['function']}   {rhos}"


def main(argv: Sequence[str] | None = None, rows: Sequence[Comparison] = COMPARISONS) -> int:
    """Judge all rows, or some; return how many could not be judged or came out against expectation."""
    parser = argparse.ArgumentParser(description="Judge functions of public libraries by refms'.")
    parser.add_argument(
        "--only", metavar="WORD", help="rows with this word in library or function; not written"
    )
    parser.add_argument("-o", "--output", type=Path, default=TARGET, help="JSON file")
    options = parser.parse_args(argv)
    word = (options.only or "").lower()
    judged = []
    for row in rows:
        if word in f"{row.library} {row.function}".lower():
            judged.append(judge(row))
            print(line(judged[-1]), flush=True)
    if not word:
        libraries = sorted({row.library for row in rows} | {"numpy"})
        result = {
            "command": "python validation/public/judge.py",
            "date": datetime.date.today().isoformat(),
            "versions": {name: version_of(name) or NOT_INSTALLED for name in libraries},
            "instances": INSTANCES,
            "rows": judged,
        }
        options.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    surprises = sum(not row["expected"] for row in judged)
    print(f"{len(judged)} rows, {surprises} not judged or not as expected")
    return min(surprises, 125)  # beyond are the codes of signals


if __name__ == "__main__":
    sys.exit(main())
