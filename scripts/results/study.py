"""Section of ``refms study``: one key of a configuration varied, several seeds each."""

import statistics
from collections.abc import Sequence
from typing import Any

from writing import table

from results.wording import filled, number, over_runs

NEAR = 0.005
"""How near to the best mean accuracy a run has to come for its work to be compared."""


def section(result: dict[str, Any]) -> str:
    """Return the section of one study."""
    data, study = result["configuration"]["data"], result["configuration"]["study"]
    runs: dict[str, list[dict[str, Any]]] = {}
    for run in result["runs"].values():
        runs.setdefault(str(run["value"]), []).append(run)
    best = max(statistics.fmean(one["validation"]["accuracy"] for one in found) for found in runs.values())
    what, budget, reach = result["parameter"].removeprefix("study."), study["work_units"], best - NEAR
    shown = f"{100 * reach:.2f} %"
    head = [
        what,
        *("iterations", "work units", "seconds", "objective", "training, %", "accuracy, %"),
        f"work to {shown}",
    ]
    return filled(
        result,
        title=what.split(".")[-1].replace("_", " "),
        data=data,
        first=next(iter(result["runs"].values())),
        mesh=f" on {data['size']}×{data['size']} cells" if data["size"] else "",
        seeds=len(study["seeds"]),
        ends=f"until {budget:,.0f} work units are spent" if budget else _iterations(result),
        reach=shown,
        near=100 * NEAR,
        table=table(head, [_row(value, found, reach) for value, found in runs.items()]),
    )


def _row(value: str, runs: Sequence[dict[str, Any]], target: float) -> list[str]:
    ends = [{key: column[-1] for key, column in run["columns"].items()} for run in runs]
    reached = [work for work in (_work_to(run, target) for run in runs) if work is not None]
    some = f" ({len(reached)} of {len(runs)})" if len(reached) < len(runs) else ""
    work = number(statistics.median(reached) if reached else None, ",.0f") + some
    cells = [
        f"{statistics.fmean(end['iteration'] for end in ends):.0f}",
        f"{statistics.fmean(end['work_units'] for end in ends):,.0f}",
        over_runs([end["seconds"] for end in ends], ".1f", 1.0),
        over_runs([end["objective"] for end in ends], ".4f", 1.0),
        over_runs([run["train"]["accuracy"] for run in runs]),
        over_runs([run["validation"]["accuracy"] for run in runs]),
        work,
    ]
    return [value, *cells]


def _work_to(run: dict[str, Any], target: float) -> float | None:
    """Return the work after which the validation accuracy is first not below a target."""
    columns = run["columns"]
    pairs = zip(columns["work_units"], columns["validation_accuracy"], strict=True)
    return next((work for work, accuracy in pairs if accuracy is not None and accuracy >= target), None)


def _iterations(result: dict[str, Any]) -> str:
    study, optimization = result["configuration"]["study"], result["configuration"]["optimization"]
    return f"{study['iterations'] or optimization['iterations']} iterations of {study['method']} each"
