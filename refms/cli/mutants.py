"""``refms conform mutants``: the kit's proof, which property finds which mistake."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from refms.cli.files import write_json
from refms.cli.progress import show_status
from refms.conformance.mutants.kill_matrix import KillMatrix, Kills, kill_matrix

INCOMPLETE = 4
"""Exit code where the kit itself is at fault."""


def run(options: argparse.Namespace) -> int:
    """Print the kill matrix; return 0 if it is complete, 4 otherwise."""
    start = time.perf_counter()
    matrix = kill_matrix(tier=options.tier, progress=_progress)
    _progress(None)
    print(described(matrix))
    print(f"{verdict(matrix)}: tier {options.tier}, {time.perf_counter() - start:.1f} s")
    write_json(options.json, {"tier": options.tier, **matrix.to_dict()})
    return 0 if matrix.complete else INCOMPLETE


def described(matrix: KillMatrix) -> str:
    """Return the matrix as text.

    Parameters
    ----------
    matrix : KillMatrix
        What was found.

    Returns
    -------
    str
        One line a mutant: how many properties kill it, its name, their ids; then how many mutants each
        property kills; then the faults, if any.
    """
    width = max((len(row.name) for row in matrix.rows), default=0)
    lines = []
    family = ""
    for row in matrix.rows:
        if row.family != family:
            family = row.family
            lines.append(family)
        lines.append(f"{len(row.by):4} {row.name:{width}}  {' '.join(row.by)}")
    lines += ["", "mutants killed by each property"]
    counts = [f"{name:>4} {count:3}" for name, count in matrix.killed.items()]
    lines += ["  ".join(counts[first : first + 10]) for first in range(0, len(counts), 10)]
    for text, names in (
        ("no property kills", matrix.survivors),
        ("printed numbers alone kill", matrix.golden_only),
        ("no mutant is killed by", matrix.idle),
    ):
        lines += [f"{text}: {name}" for name in names]
    return "\n".join([*lines, ""])


def verdict(matrix: KillMatrix) -> str:
    """Return the counts in one line."""
    faults = (
        _counted(matrix.survivors, "surviving"),
        _counted(matrix.golden_only, "killed by printed numbers alone"),
        _counted(matrix.idle, "properties that kill none"),
    )
    rest = ", ".join(text for text in faults if text) or "none survives, no property is idle"
    return f"{len(matrix.rows)} mutants, {len(matrix.properties)} properties: {rest}"


def _counted(names: Sequence[str], text: str) -> str:
    return f"{len(names)} {text}" if names else ""


def _progress(row: Kills | None) -> None:
    """Show which mutant was finished last, on a terminal only; None clears the line."""
    show_status("" if row is None else row.name)
