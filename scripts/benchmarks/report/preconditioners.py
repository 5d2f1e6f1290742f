"""The section on preconditioners."""

from typing import Any

from benchmarks.report.markdown import digits, table, words
from benchmarks.tables.preconditioners import FEW, MOST, TARGETS


def section(record: dict[str, Any]) -> str:
    """Return iterations to each residual, seconds to the middle one, and the fall of the model."""
    lines = []
    for row in record["rows"]:
        arguments = row["specification"]["arguments"]
        images = f"{arguments['examples']:,} images ({arguments['dataset']})"
        place = (
            f"{arguments['block']}, N = {arguments['layers']}, {images}, iteration {arguments['iterations']}"
        )
        for name, found in row["result"].items():
            counts = [f"> {MOST}" if count is None else str(count) for count in found["iterations"]]
            lines.append([place, name, *counts, digits(found["cpu"][1]), f"{100 * found['fall']:.0f} %"])
            place = ""
    targets = [f"to {target:.0e}" for target in TARGETS]
    head = ["block", "preconditioner", *targets, f"s to {TARGETS[1]:.0e}", f"fall after {FEW}"]
    return words("preconditioners", MOST=MOST, FEW=FEW) + table(head, lines)
