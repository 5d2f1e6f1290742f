"""What a training on images costs before it is run: #WU of [MST] and network evaluations, stage by stage."""

from __future__ import annotations

import math
from typing import Any

from refms.multiscale.full_multiscale import Stage
from refms.multiscale.work import UNITS, level_cost, loss_evaluations
from refms.run.config.reconstruction import Reconstruction
from refms.run.results import text_table


def plan_work(configuration: Reconstruction, dimension: int = 2) -> dict[str, Any]:
    """Return the work of each stage and of all.

    Parameters
    ----------
    configuration : Reconstruction
        Its plan.
    dimension : int
        d of the meshes.

    Returns
    -------
    dict
        ``stages``, each with ``level``, ``iterations``, ``batches``, ``images`` and ``loss_evaluations`` of
        one iteration whatever the mesh, ``paper_units`` of one iteration and ``paper_units_in_all``;
        ``paper_units`` and ``work_units``, three times as many; ``pilot_paper_units`` of allocations and
        measurements, which are counted apart: a gradient of each example of a pilot on each level.

    Examples
    --------
    >>> asked = {"levels": 4, "batch": 16, "iterations": [2000]}
    >>> found = plan_work(Reconstruction.from_dict({"multiscale": asked}))
    >>> [stage["paper_units"] for stage in found["stages"]], found["paper_units"]
    ([2.0, 7.0, 17.0, 37.0], 28750.0)
    """
    plan = configuration.plan
    stages = [_stage_work(stage, dimension) for stage in plan.stages]
    total = plan.work(dimension)
    return {
        "estimator": configuration.multiscale.estimator,
        "stages": stages,
        "iterations": plan.total,
        "paper_units": total,
        "work_units": UNITS * total,
        "pilot_paper_units": _pilot_work(configuration, dimension),
    }


def _stage_work(stage: Stage, dimension: int) -> dict[str, Any]:
    sizes, each = stage.batches.sizes, stage.batches.work(stage.level, dimension)
    return {
        "level": stage.level,
        "iterations": stage.iterations,
        "batches": list(sizes),
        "images": sum(sizes),
        "loss_evaluations": loss_evaluations(sizes),
        "paper_units": each,
        "paper_units_in_all": stage.iterations * each,
    }


def _pilot_work(configuration: Reconstruction, dimension: int) -> float:
    """Return #WU of the pilots that choose batches and of those that measure η, M Σ_l c_l each."""
    rule, measure = configuration.plan.allocation, configuration.optimization.measure
    total, done = 0.0, 0
    for stage in configuration.plan.stages:
        before, done = done, done + stage.iterations
        pilots = math.ceil(stage.iterations / rule.renew) if rule else 0
        pilots += done // measure - before // measure if measure else 0
        costs = [level_cost(stage.level + place, dimension) for place in range(len(stage.batches.sizes))]
        total += pilots * configuration.multiscale.pilot * sum(costs)
    return total


def work_table(work: dict[str, Any]) -> str:
    """Return the work of a plan as a table with the sum below."""
    head = ["level", "iterations", "batches", "#WU each", "#WU", "evaluations"]
    rows = [
        [
            str(stage["level"]),
            str(stage["iterations"]),
            ",".join(map(str, stage["batches"])),
            f"{stage['paper_units']:.10g}",
            f"{stage['paper_units_in_all']:.10g}",
            f"{UNITS * stage['paper_units_in_all']:.10g}",
        ]
        for stage in work["stages"]
    ]
    end = [str(work["iterations"]), "", "", f"{work['paper_units']:.10g}", f"{work['work_units']:.10g}"]
    return text_table(head, [*rows, ["all", *end]])
