"""Section of ``classifiers.py``: the classifiers of eq. (5), with and without pooling."""

from typing import Any

from writing import table

from results.wording import command, figure, filled, numbers, plural

COLUMNS = {
    "training accuracy": (".2f", 100.0),
    "accuracy": (".2f", 100.0),
    "best accuracy": (".2f", 100.0),
    "accuracy after one iteration": (".2f", 100.0),
    "processor seconds": (".1f", 1.0),
}


def section(result: dict[str, Any]) -> str:
    """Return the section of one run."""
    blocks = {0: "whole mesh", 1: "none"}
    rows = [
        [
            row["loss"],
            blocks.get(row["pooling"], str(row["pooling"])),
            f"{row['parameters']:,}",
            *numbers(row, COLUMNS),
            str(row["steps refused"]),
        ]
        for row in result["rows"]
    ]
    return filled(
        result,
        command=command(result),
        mesh="×".join(map(str, result["grid"])),
        seeds=plural(len(result["settings"]["seeds"]), "seed"),
        table=table(["classifier", "averaged", "numbers in W, μ", *COLUMNS, "steps refused or cut"], rows),
        figure=figure(
            result, "validation accuracy per iteration, one column a pooling, one colour a classifier"
        ),
    )
