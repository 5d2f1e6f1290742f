"""What crossing resolutions costs, by data set and by the rule for W: a table over all results."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping
from typing import Any

from writing import table

from results.wording import over_runs

PAIR = "averaging-bilinear"
"""The pair by which the two rules differ, on images smoothed so that logits agree."""


COLUMNS = (
    *(
        "result",
        "data",
        "training images",
        "from, to",
        "native, %",
        "lost by the pair",
        "lost by the adjoint",
    ),
    *("fewer", "distance, pair", "distance, adjoint"),
)


def section(results: Mapping[str, dict[str, Any]]) -> str:
    """Return the table of the results in which nets cross between two meshes, one twice as fine."""
    rows = [
        row
        for name, result in results.items()
        if result["experiment"] == "across_resolutions"
        for way in itertools.permutations(result["sizes"], 2)
        if max(way) == 2 * min(way) >= 28
        if (row := _row(name, result, *way))
    ]
    if not rows:
        return ""
    return f"""## What crossing costs, by data set and by the rule for W

Points of validation accuracy that a net loses on the other mesh against its own, without any training, by
`{PAIR}`, K_H = R K_h P and the smoothing at which the logits of 500 training images agree best; W moved as
values by the pair, or so that h^d⟨w, y⟩ is kept, by the adjoint. "Fewer" is what the adjoint loses less, on
the same nets and images; the distance is ‖Z(σ) − Z‖ / ‖Z‖ of the logits, in %, where it was recorded. A mean
± standard deviation over splits of the data.

{table(COLUMNS, rows)}

On the way up the logits of every net agree better by the adjoint, on the way down by the pair, but where both
fail; why is derived in `refms/multiscale/weights.py`, and `refms transfer` takes the better one where none is
named. The distance predicts the loss, but not alike for all data: `refms transfer` warns from 10 % on. Where
nothing is lost, on colour photographs, the rule whose logits agree better is the less accurate one.
"""


def _row(name: str, result: dict[str, Any], here: int, there: int) -> list[str]:
    """Return the row of one way, empty where no net goes it."""
    found: dict[str, list[dict[str, Any]]] = {"pair": [], "adjoint": []}
    native = []
    for split in result["splits"]:
        chosen = {row["weights"]: row for row in split["transfers"] if _is_meant(row, here, there)}
        if {*chosen} != {*found}:
            return []
        native.append(split["native"][str(here)]["validation"]["accuracy"])
        for rule, row in chosen.items():
            found[rule].append(row)
    accuracies = {rule: [row["accuracy"] for row in rows] for rule, rows in found.items()}
    lost = [_differences(native, accuracies[rule]) for rule in found]
    data = result["configuration"]["data"]
    cells = [f"`{name}`", data["dataset"], f"{data['train']:,}", f"{here} → {there}", over_runs(native)]
    cells += [*map(over_runs, lost), over_runs(_differences(accuracies["adjoint"], accuracies["pair"]))]
    return [*cells, *map(_distance, found.values())]


def _is_meant(row: dict[str, Any], here: int, there: int) -> bool:
    way = (row["from"], row["to"], row["pair"], row["stencils"], row["images"])
    return way == (here, there, PAIR, "galerkin", "agreeing")


def _differences(first: list[float], second: list[float]) -> list[float]:
    return [a - b for a, b in zip(first, second, strict=True)]


def _distance(rows: list[dict[str, Any]]) -> str:
    known = [row["distance"] for row in rows if "distance" in row]
    return f"{100 * statistics.fmean(known):.1f}" if known else "–"
