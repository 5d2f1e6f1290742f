"""``refms conform mutants``: the kit's proof, which property finds which mistake."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from refms.cli.conform.codes import KIT_AT_FAULT
from refms.cli.files import write_json
from refms.cli.options import Commands, add_command, add_options
from refms.cli.progress import show_status
from refms.environment import made

if TYPE_CHECKING:
    from refms.conformance.mutants.kill_matrix import KillMatrix, Kills


def register(actions: Commands) -> None:
    """Add ``mutants`` to the actions."""
    command = add_command(
        actions,
        "mutants",
        "refms conform mutants --json kills.json",
        run,
        "Run the catalogue on refms with one mistake after another, and say which property finds which.",
    )
    command.epilog = (
        f"{command.epilog}\n\n"
        "exit codes: 0 every mistake is found and every property finds one, 2 bad usage,\n"
        "4 a mistake survives or only printed numbers find it, or a property finds none"
    )
    add_options(command, "--tier")


def run(options: argparse.Namespace) -> int:
    """Print the kill matrix; return 0 if it is complete, 4 otherwise."""
    from refms.conformance.mutants.kill_matrix import kill_matrix

    start = time.perf_counter()
    matrix = kill_matrix(tier=options.tier, progress=_progress)
    _progress(None)
    print(matrix_in_words(matrix))
    print(f"{verdict(matrix)}: tier {options.tier}, {time.perf_counter() - start:.1f} s")
    write_json(options.json, {"tier": options.tier, **made(), **matrix.to_dict()})
    return 0 if matrix.complete else KIT_AT_FAULT


def matrix_in_words(matrix: KillMatrix) -> str:
    """Return a line a mutant with what kills it, how many each property kills, then the faults."""
    width = max((len(row.name) for row in matrix.rows), default=0)
    lines = []
    for family, rows in groupby(matrix.rows, lambda row: row.family):
        lines.append(family)
        lines += [f"{len(row.by):4} {row.name:{width}}  {' '.join(row.by)}" for row in rows]
    for title, numbers in (
        ("mutants killed by each property", matrix.killed),
        ("killed by it alone", matrix.alone),
        ("killed by nothing else that needs no other operation", matrix.needed),
    ):
        counts = [f"{name:>4} {count:3}" for name, count in numbers.items()]
        lines += ["", title, *("  ".join(counts[first : first + 10]) for first in range(0, len(counts), 10))]
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
