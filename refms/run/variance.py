"""Whether several meshes pay: V_l, ρ_l, β_l, the best batches and η, with intervals, and in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from refms.errors import Array
from refms.multiscale.estimation import Batches
from refms.multiscale.variance import GradientVariance, bootstrap_variance, measure_variance
from refms.run.config.reconstruction import Reconstruction
from refms.run.image_experiment import ImageExperiment, require_pilot_images
from refms.run.results import text_table

Figure = Callable[[GradientVariance], float]


def on_all_levels(configuration: Reconstruction) -> Reconstruction:
    """Return the configuration as one of Algorithm 1 on all of its levels, whatever its estimator."""
    section = configuration.multiscale
    batches = section.batches if len(section.batches) == section.levels else ()
    asked = replace(section, estimator="mge", iterations=(1,), batches=batches, allocation="regressed")
    return replace(configuration, multiscale=asked)


def variance_report(experiment: ImageExperiment, theta: Array, stage: int = 0) -> dict[str, Any]:
    """Return what the variances of the gradients say of the estimates at θ.

    Parameters
    ----------
    experiment : ImageExperiment
        Problem and configuration, see :func:`on_all_levels`.
    theta : array
        Parameters on level ``stage``.
    stage : int
        The finest level.

    Returns
    -------
    dict
        ``levels``: of each level V_l/v, ρ_l, β_l (the last has no difference) and the best batch;
        ``efficiency``: η of the ``given`` batches, and at their work of the ``optimal`` ones and those with
        ``regressed`` coefficients, one a layer where the section says so; each figure as [value, low, high]
        with the central 95 % of a bootstrap over examples; ``paying_levels``, ``sentence``.

    Raises
    ------
    InputError
        If the pilot is larger than the data.
    """
    require_pilot_images(experiment.configuration, experiment.problem.images.shape[1])
    section, apart = experiment.configuration.multiscale, experiment.problem.apart()
    layers = section.coefficients == "layers"
    variance, products = measure_variance(apart, theta, section.pilot, stage=stage, layers=layers)
    again = bootstrap_variance(variance, products, seed=experiment.configuration.optimization.seed)
    L = variance.levels
    sizes = section.batches[stage:] or section.sizes(L)
    given = Batches(sizes, shared=section.one_batch)
    work = given.work(stage, variance.dimension)

    def figure(of: Figure) -> list[float]:
        low, high = np.percentile([of(one) for one in again], (2.5, 97.5))
        return [of(variance), float(low), float(high)]

    best = variance.best_batches(work, L)
    levels = []
    for place in range(L):
        row: dict[str, Any] = {
            "level": stage + place,
            "V": figure(lambda one, k=place: one.terms(L)[k] / one.single),  # type: ignore[misc]
            "batch": best.sizes[place],
        }
        if place < L - 1:
            row["rho"] = figure(lambda one, k=place: one.correlations()[k])  # type: ignore[misc]
            row["beta"] = figure(lambda one, k=place: one.whole.betas(L)[k])  # type: ignore[misc]
        levels.append(row)
    efficiency = {
        "given": figure(lambda one: one.efficiency(given)),
        "optimal": figure(lambda one: one.best_efficiency(L)),
        "regressed": figure(lambda one: one.best_efficiency(L, regressed=True)),
    }
    return {
        "examples": section.pilot,
        "v": variance.single,
        "levels": levels,
        "batches": list(given.sizes),
        "best_batches": list(best.sizes),
        "efficiency": efficiency,
        "paying_levels": variance.paying_levels(),
        "paying_levels_regressed": variance.paying_levels(regressed=True),
        "work_units": apart.work.units,
        "sentence": sentence(variance),
    }


def sentence(variance: GradientVariance) -> str:
    """Return how many levels pay, and by how much at most, in words."""
    paying, regressed = variance.paying_levels(), variance.paying_levels(regressed=True)
    if paying == 1 == regressed:
        return (
            "No coarser mesh pays: at equal work single scale has the smaller variance, whatever the batches."
        )
    parts = []
    for levels, with_betas in ((paying, False), (regressed, True)):
        how = "with the regressed coefficients" if with_betas else "with the best batches"
        if levels == 1:
            parts.append(f"{how} no coarser mesh pays")
        else:
            eta = variance.best_efficiency(levels, regressed=with_betas)
            parts.append(f"{how} {levels} levels pay, η* = {eta:.2f}")
    told = "; ".join(parts)
    return f"{told[0].upper()}{told[1:]}. Single scale needs η* times the work for the same variance."


def variance_table(report: dict[str, Any]) -> str:
    """Return the figures of all levels, and below them the efficiencies."""
    head = ["level", "V/v", "rho", "beta", "best batch"]
    rows = [
        [
            str(row["level"]),
            _interval(row["V"]),
            *(_interval(row[name]) if name in row else "" for name in ("rho", "beta")),
            str(row["batch"]),
        ]
        for row in report["levels"]
    ]
    told = {
        "given": f"the batches {','.join(map(str, report['batches']))}",
        "optimal": f"the best ones {','.join(map(str, report['best_batches']))}",
        "regressed": "the best ones and regressed coefficients",
    }
    etas = [[text, _interval(report["efficiency"][name])] for name, text in told.items()]
    return f"{text_table(head, rows)}\n\n{text_table(['efficiency of', 'eta'], etas)}"


def _interval(figure: list[float]) -> str:
    value, low, high = figure
    return f"{value:.3g} ({low:.3g} to {high:.3g})"
