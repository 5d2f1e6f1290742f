"""``refms certify``: this installation held against numbers that are proved."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from refms.cli.files import claim, write_json
from refms.cli.options import Commands, add_command, add_options, dtypes_of

if TYPE_CHECKING:
    from refms.certify import Comparison
    from refms.io import Artifact

_WIDTH = 48


def register(commands: Commands) -> None:
    """Add ``certify`` to the command line."""
    command = add_command(commands, "certify", "refms certify --json certify.json", run)
    add_options(command, "--dtype")
    source = command.add_mutually_exclusive_group()
    source.add_argument(
        "--shipped",
        action="store_true",
        help="take the goldens that came with refms as they are, without python-flint",
    )
    source.add_argument("--write", metavar="FILE", help="write the goldens just computed to FILE (.h5)")
    command.add_argument("--force", action="store_true", help="replace FILE if it exists")


def run(options: argparse.Namespace) -> int:
    """Print the table; return 0 if all is proved right, 1 otherwise."""
    import dataclasses

    from refms.certify import certify, from_artifact

    artifact, summary, difference = _goldens(options)
    goldens = from_artifact(artifact)
    rows = {dtype: certify(goldens, dtype) for dtype in dtypes_of(options)}
    print(_table(rows))
    print("\n".join(["", *_failures(rows), summary]))
    worst = {dtype: max(found, key=lambda row: row.distance) for dtype, found in rows.items()}
    passed = not difference and all(row.verdict == "PASS" for found in rows.values() for row in found)
    largest = ", ".join(f"{dtype} {row.distance:.3g} eps ({row.quantity})" for dtype, row in worst.items())
    print(f"{'PASS' if passed else 'FAIL'}: worst distance from the enclosures: {largest}")
    write_json(
        options.json,
        {
            "passed": passed,
            "goldens": artifact.digest,
            "difference_from_shipped": difference,
            "summary": summary,
            "rows": [dataclasses.asdict(row) for found in rows.values() for row in found],
        },
    )
    return 0 if passed else 1


def _goldens(options: argparse.Namespace) -> tuple[Artifact, str, str]:
    """Return the goldens to believe, where they come from, and where they differ from the shipped ones."""
    from refms.certify import difference, prove_all, shipped, to_artifact
    from refms.errors import InputError
    from refms.io import write_artifact

    if options.shipped:
        artifact = shipped()
        return artifact, f"{_counted(artifact)}, as shipped; nothing was recomputed.", ""
    if options.write is not None:
        claim(options, options.write)
    try:
        goldens, bits = prove_all()
    except ArithmeticError as error:
        raise InputError(f"the goldens cannot be computed: {error}") from error
    artifact = to_artifact(goldens)
    if options.write is not None:
        write_artifact(options.write, artifact, overwrite=options.force)
    found = difference(shipped(), artifact)
    verdict = f"they DIFFER from the shipped ones: {found}" if found else "the shipped ones, bit for bit."
    return artifact, f"{_counted(artifact)}, computed with up to {bits} bits: {verdict}", found


def _counted(artifact: Artifact) -> str:
    quantities, digits = len(artifact.attributes["quantities"]), artifact.attributes["significant_digits"]
    numbers = artifact.arrays["nearest"].size
    return f"Goldens: {quantities} quantities, {numbers} numbers of {digits} proved digits"


def _table(rows: Mapping[str, Sequence[Comparison]]) -> str:
    """Return one line for each quantity, with the worst distance in every precision."""
    dtypes = list(rows)
    head = f"{'quantity':{_WIDTH}} {'numbers':>7} " + " ".join(f"{dtype:>9}" for dtype in dtypes)
    lines = [head + "  verdict   worst distance from the enclosure, in eps times", ""]
    for together in zip(*rows.values(), strict=True):
        first = together[0]
        distances = " ".join(f"{_short(row.distance):>9}" for row in together)
        verdict = max((row.verdict for row in together), key=("PASS", "MARGINAL", "FAIL").index)
        lines.append(f"{first.quantity:{_WIDTH}} {first.entries:7d} {distances}  {verdict:8}  {first.recipe}")
    return "\n".join(lines)


def _short(distance: float) -> str:
    return "0" if distance == 0 else "none" if math.isinf(distance) else f"{distance:.2g}"


def _failures(rows: Mapping[str, Sequence[Comparison]]) -> list[str]:
    """Return a sentence for each quantity that is not proved right."""
    return [
        f"{row.verdict} {row.quantity} in {row.dtype}: "
        + (row.error or f"{row.distance:.3g} eps times {row.scale:.3g} outside the enclosure")
        for found in rows.values()
        for row in found
        if row.verdict != "PASS"
    ]
