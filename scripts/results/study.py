"""Section of ``refms study``: one key of a configuration varied, several seeds each."""

import statistics
from collections.abc import Sequence
from typing import Any

from results.wording import FOLDER, number, origin, over_runs

NEAR = 0.005
"""How near to the best mean accuracy a run has to come for its work to be compared."""


def section(result: dict[str, Any]) -> str:
    """Return the section of one study."""
    data, study = result["configuration"]["data"], result["configuration"]["study"]
    runs: dict[str, list[dict[str, Any]]] = {}
    for run in result["runs"].values():
        runs.setdefault(str(run["value"]), []).append(run)
    best = max(statistics.fmean(one["validation"]["accuracy"] for one in found) for found in runs.values())
    first = next(iter(result["runs"].values()))
    counts = f"{first['train']['examples']:,} / {first['validation']['examples']:,}"
    name, budget = result["name"], study["work_units"]
    ends = f"until {budget:,.0f} work units are spent" if budget else _iterations(result)
    what = result["parameter"].removeprefix("study.")
    mesh = f" on {data['size']}×{data['size']} cells" if data["size"] else ""
    reach = f"{100 * (best - NEAR):.2f} %"
    rows = "\n".join(_row(value, found, best - NEAR) for value, found in runs.items())
    return f"""## Laboratory, {what.split(".")[-1].replace("_", " ")}: `{name}.toml`

`refms study {FOLDER}/{name}.toml -o OUT --json {FOLDER}/results/{name}.json`,
{origin(result)}.

{data["dataset"]}, {counts} images for training / validation{mesh},
{len(study["seeds"])} seeds, {ends}. One work unit is a forward pass of one image; mean ± standard
deviation over the seeds; seconds are wall time on a machine that had other work. The last column is the
median work after which an accuracy of {reach} is reached, {100 * NEAR:g} points below the best mean of this
table, and by how many of the seeds.

| {what} | iterations | work units | seconds | objective | training, % | accuracy, % | work to {reach} |
|---|---|---|---|---|---|---|---|
{rows}
"""


def _row(value: str, runs: Sequence[dict[str, Any]], target: float) -> str:
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
    return f"| {value} | {' | '.join(cells)} |"


def _work_to(run: dict[str, Any], target: float) -> float | None:
    """Return the work after which the validation accuracy is first not below a target."""
    columns = run["columns"]
    pairs = zip(columns["work_units"], columns["validation_accuracy"], strict=True)
    return next((work for work, accuracy in pairs if accuracy is not None and accuracy >= target), None)


def _iterations(result: dict[str, Any]) -> str:
    study, optimization = result["configuration"]["study"], result["configuration"]["optimization"]
    return f"{study['iterations'] or optimization['iterations']} iterations of {study['method']} each"
