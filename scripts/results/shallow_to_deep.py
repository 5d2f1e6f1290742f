"""Section of ``shallow_to_deep.py``: Fig. 2, random against prolonged starts."""

from typing import Any

from writing import table

from results.wording import command, figure, filled, numbers, plural

COLUMNS = {
    "objective at the start": (".4g", 1.0),
    "objective": (".4g", 1.0),
    "accuracy at the start": (".2f", 100.0),
    "accuracy": (".2f", 100.0),
    "best accuracy": (".2f", 100.0),
    "iterations to the accuracy of the random start": (".0f", 1.0),
    "processor seconds": (".0f", 1.0),
}

WAYS = {
    "accuracy": (".2f", 100.0),
    "processor seconds": (".0f", 1.0),
    "processor seconds to the accuracy of the deepest random start": (".0f", 1.0),
    "layers by then": (".0f", 1.0),
}


def section(result: dict[str, Any]) -> str:
    """Return the section of one run."""
    settings, size = result["settings"], result["configuration"]["data"]["size"]
    depths = [
        [depth, start, *numbers(found, COLUMNS)]
        for depth, starts in result["depths"].items()
        for start, found in starts.items()
    ]
    ways = [[start, *numbers(found, WAYS)] for start, found in result["ways"].items()]
    return filled(
        result,
        command=command(result),
        cells=f" on {size}×{size} cells" if size else "",
        seeds=plural(len(settings["seeds"]), "seed"),
        depths=table(["layers", "start", *COLUMNS], depths),
        deepest=settings["depths"][-1],
        ways=table(["way", *WAYS], ways),
        figure=figure(result, "objective and validation accuracy per iteration, one column a depth"),
    )
