"""Algorithm 1 of [LAS]: training from coarse to fine meshes against training on the fine mesh alone.

Every method makes the same number of BCD iterations on each of its meshes. Work is counted in evaluations of
the finest network for one image: an evaluation on a mesh costs what its multiply-adds say, 4^-l on the l-th
coarser one in two dimensions.

    python validation/learning_across_scales/coarse_to_fine.py CONFIG.toml --data-dir DIR -o OUT

Every training leaves its model and its curve in OUT; the same command goes on where an earlier one stopped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from common.plan import options_of, read_plan, require_seeds, seeded
from common.publishing import Publisher, ended
from common.smoothing import matched_on
from common.summary import first_reaching, last_within, spread
from common.trainings import CURVE, Bench

from refms.cli.streams import end_with
from refms.data.dataset import Dataset
from refms.errors import Array, InputError, require_choice
from refms.model import Model
from refms.multiscale.resolution import coarse_to_fine
from refms.names import STENCIL_RULES, WEIGHT_RULES
from refms.run.config import Configuration
from refms.run.experiment import dataset_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FINE_ONLY = "fine-only"
SPENT = ("work_units", "cpu_seconds", "seconds")
"""Columns of a curve that add up over the meshes."""

BUDGETS = (0.25, 0.5, 0.75, 1.0)
"""Shares of the work of the training on the finest mesh alone, at which accuracies are compared."""


@dataclass(frozen=True)
class Settings:
    """The table [experiment].

    Parameters
    ----------
    sizes : tuple of int
        Cells along each axis of the meshes, each twice the one before.
    seeds : tuple of int
        One run each.
    rules : tuple of str
        How stencils go up: ``"galerkin"``, ``"keep"``, or both.
    weights : str
        How W goes up: ``"pair"`` as in [LAS], or ``"adjoint"``.
    matched : bool
        Smooth the images of each mesh to match those of the coarsest one, whose width the configuration
        gives (see :func:`~refms.multiscale.matched_smoothing.matched_smoothing`), instead of all alike.
    """

    sizes: tuple[int, ...] = (7, 14, 28)
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    rules: tuple[str, ...] = ("galerkin",)
    weights: str = "pair"
    matched: bool = False

    def __post_init__(self) -> None:
        require_seeds(self.seeds)
        for rule in self.rules:
            require_choice(rule, STENCIL_RULES, "rule in rules")
        require_choice(self.weights, WEIGHT_RULES, "rule in weights")
        if len(self.sizes) < 2 or any(2 * coarse != fine for coarse, fine in pairwise(self.sizes)):
            raise InputError(
                f"sizes is {list(self.sizes)}; expected at least two, each twice the one before."
            )


Run = dict[str, list[dict[str, Any]]]
"""Method -> what :meth:`Bench.trained` returns for each of its meshes, coarsest first."""


def on_mesh(configuration: Configuration, settings: Settings, size: int, images: Dataset) -> Configuration:
    """Return the configuration on one of the meshes: its size, its smoothing, where its stencils go.

    Those of the finest mesh go nowhere, and are not penalised for what a transfer would make of them.
    """
    data, weights = replace(configuration.data, size=size), configuration.regularization
    coarsest, finest = settings.sizes[0], settings.sizes[-1]
    if settings.matched:
        data = replace(data, smoothing=matched_on(size, coarsest, data.smoothing, data.pair, images))
    if size == finest:
        weights = replace(weights, theta_transfer=0.0)
    return replace(configuration, data=data, regularization=weights)


def one_seed(bench: Bench, configuration: Configuration, settings: Settings) -> Run:
    """Train by every method with one seed."""
    seed, finest = configuration.network.seed, settings.sizes[-1]
    found: Run = {}

    def trained(method: str, start: Model, after: Sequence[int]) -> Model:
        size = start.grid.shape[0]
        here = on_mesh(configuration, settings, size, bench.dataset)
        smoothed = replace(start.preprocessing, smoothing=here.data.smoothing)
        # the coarsest net is the same whatever happens to its stencils later
        name = f"seed{seed}_{method if after or method == FINE_ONLY else 'coarsest'}_{size}"
        model, unit = bench.trained(name, here, replace(start, preprocessing=smoothed), after)
        found.setdefault(method, []).append({"size": size, **unit})
        return model

    trained(FINE_ONLY, bench.start(configuration, finest), ())
    for rule in settings.rules:
        sizes = list(settings.sizes)

        def solve(start: Model, rule: str = rule, sizes: list[int] = sizes) -> Model:
            return trained(rule, start, sizes[: sizes.index(start.grid.shape[0])])

        start = bench.start(configuration, sizes[0])
        pair = configuration.data.pair
        for _ in coarse_to_fine(start, solve, len(sizes), pair, rule, weights=settings.weights):
            pass
    return found


def trajectory(units: list[dict[str, Any]], finest: int) -> dict[str, Array]:
    """Return the curve of a method over all its meshes.

    The columns of :data:`CURVE` and ``size``; work in evaluations of the finest network, which has ``finest``
    multiply-adds for one image, work and times summed over the meshes.
    """
    columns: dict[str, list[Array]] = {name: [] for name in (*CURVE, "size")}
    spent = dict.fromkeys(SPENT, 0.0)
    for unit in units:
        curve = {name: np.array(unit["curve"][name], dtype="float64") for name in CURVE}
        curve["work_units"] *= unit["multiply_adds"] / finest
        for name in SPENT:
            curve[name] = spent[name] + curve[name]
            spent[name] = curve[name][-1]
        curve["size"] = np.full(curve["iteration"].shape, float(unit["size"]))
        for name, values in curve.items():
            columns[name].append(values)
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def compared(runs: list[dict[str, dict[str, Array]]], finest: int) -> dict[str, Any]:
    """Return what each method reaches on the finest mesh, at equal work and at equal accuracy."""
    summary = {}
    for method in runs[0]:
        rows = [_numbers(run[method], run[FINE_ONLY], finest) for run in runs]
        summary[method] = {name: spread([row[name] for row in rows]) for name in rows[0]}
    return summary


def _numbers(curve: dict[str, Array], alone: dict[str, Array], finest: int) -> dict[str, float | None]:
    """Return what one training reaches, compared with the one on the finest mesh alone."""
    fine = {name: values[curve["size"] == finest].tolist() for name, values in curve.items()}
    accuracy, work, seconds = (fine[name] for name in ("validation_accuracy", "work_units", "cpu_seconds"))
    reached = first_reaching(accuracy, float(alone["validation_accuracy"].max()))
    at_budget = {}
    for share in BUDGETS:
        place = last_within(work, share * alone["work_units"][-1])
        at_budget[f"accuracy at {share:g} of the work"] = None if place is None else accuracy[place]
    return {
        "accuracy at the start": accuracy[0],
        **at_budget,
        "accuracy at the end": accuracy[-1],
        "best accuracy": max(accuracy),
        "work": work[-1],
        "processor seconds": seconds[-1],
        "work to the best of fine-only": None if reached is None else work[reached],
        "processor seconds to the best of fine-only": None if reached is None else seconds[reached],
    }


def picture(figure: Figure, runs: list[dict[str, dict[str, Array]]]) -> None:
    """Draw validation accuracy on each method's own mesh over work and over processor time."""
    from refms.plots.style import COLOURS  # here, for it imports matplotlib

    axes = figure.subplots(1, 2, sharey=True)
    labels = {
        "work_units": "work, 1,000 evaluations of the finest network",
        "cpu_seconds": "processor time, s",
    }
    lowest = 100.0
    for axis, (name, label) in zip(axes, labels.items(), strict=True):
        for colour, method in zip(COLOURS, runs[0], strict=False):
            for place, run in enumerate(runs):
                curve = run[method]
                for size in np.unique(curve["size"]):
                    finest = size == curve["size"].max()
                    # a random start guesses; what comes after it decides the range
                    here = (curve["size"] == size) & (curve["objective"] != curve["objective"][0])
                    y = 100 * curve["validation_accuracy"][here]
                    lowest = min(lowest, y.min()) if finest else lowest
                    axis.plot(
                        curve[name][here] / (1000 if name == "work_units" else 1),
                        y,
                        color=colour,
                        linestyle="-" if finest else ":",
                        marker="." if finest else None,
                        linewidth=1,
                        label=(method if finest else f"{method}, coarser meshes") if place == 0 else None,
                    )
        axis.set_xlabel(label)
    axes[0].set_ylim(lowest - 2, None)
    axes[0].set_ylabel("validation accuracy on its own mesh, %")
    lines, names = axes[1].get_legend_handles_labels()
    unique = dict(zip(names, lines, strict=True))  # the coarser meshes share a name
    axes[1].legend(unique.values(), unique.keys())


def main(argv: Sequence[str] | None = None) -> int:
    """Train with every seed, compare and write."""
    options = options_of("Algorithm 1: training from coarse to fine against the fine mesh alone.", argv)
    plan = read_plan(options, Settings)
    publisher = Publisher("coarse_to_fine", options)
    settings: Settings = plan.settings
    dataset = dataset_of(plan.configuration, options.data_dir)
    configuration = replace(
        plan.configuration, data=replace(plan.configuration.data, size=settings.sizes[-1])
    )
    bench = Bench(options.out, dataset, options.force, options.threads)
    print(f"{len(settings.seeds)} seeds, meshes {', '.join(map(str, settings.sizes))}", flush=True)
    found = [one_seed(bench, seeded(configuration, seed), settings) for seed in settings.seeds]
    finest = found[0][FINE_ONLY][0]["multiply_adds"]
    runs = [{method: trajectory(units, finest) for method, units in run.items()} for run in found]
    result = {
        "configuration": configuration.to_dict(),
        "settings": dataclasses.asdict(settings),
        "examples": found[0][FINE_ONLY][0]["examples"],
        "cost": {str(unit["size"]): unit["multiply_adds"] / finest for unit in found[0][settings.rules[0]]},
        "methods": compared(runs, settings.sizes[-1]),
    }
    arrays = {
        f"seed{seed}/{method}/{name}": values
        for seed, run in zip(settings.seeds, runs, strict=True)
        for method, curve in run.items()
        for name, values in curve.items()
    }
    publisher.publish(result, arrays, lambda figure: picture(figure, runs), (8.0, 3.6))
    return 0


if __name__ == "__main__":
    end_with(lambda: ended("coarse_to_fine", main))
