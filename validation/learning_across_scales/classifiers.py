"""The classifiers of eq. (5) of [LAS], with and without average pooling, through the same training.

    python validation/learning_across_scales/classifiers.py CONFIG.toml -o OUT

The same net is trained from the same start with softmax, least squares, logistic regression and a support
vector machine (smooth hinge), each on all cells, on blocks of cells, and on the mean over the whole mesh.
Every training leaves its model and its curve in OUT; the same command goes on where an earlier one stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from common.plan import options_of, read_plan, require_seeds, seeded
from common.publishing import Publisher, ended
from common.summary import spread
from common.trainings import CURVE, Bench

from refms.cli.streams import end_with
from refms.errors import InputError, require_choice
from refms.model import score
from refms.names import LOSSES
from refms.run.config import Configuration
from refms.run.experiment import dataset_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Settings:
    """The table [experiment].

    Parameters
    ----------
    losses : tuple of str
        Classifiers by their losses.
    poolings : tuple of int
        Cells along each axis that are averaged before the classifier; 1 for none, 0 for the whole mesh.
    seeds : tuple of int
        One run each.
    """

    losses: tuple[str, ...] = LOSSES
    poolings: tuple[int, ...] = (1, 2, 0)
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        require_seeds(self.seeds)
        for loss in self.losses:
            require_choice(loss, LOSSES, "loss in losses")
        if min(self.poolings) < 0:
            raise InputError(f"poolings is {list(self.poolings)}; expected numbers of 0 or more.")


Run = dict[str, dict[int, dict[str, Any]]]
"""Loss -> pooling -> what :meth:`Bench.trained` returns, with the accuracy on the training images."""


def one_seed(bench: Bench, configuration: Configuration, settings: Settings) -> Run:
    """Train with every loss and pooling from the same opening and stencils."""
    found: Run = {loss: {} for loss in settings.losses}
    for loss in settings.losses:
        for pooling in settings.poolings:
            asked = replace(
                configuration, classifier=replace(configuration.classifier, loss=loss, pooling=pooling)
            )
            start = bench.start(asked, asked.data.size)
            model, unit = bench.trained(f"seed{asked.network.seed}_{loss}_{pooling}", asked, start)
            training, _ = bench.examples(asked, model)
            reached = score(model, training.inputs, training.targets, asked.optimization.memory)
            found[loss][pooling] = {
                **unit,
                "training": reached.accuracy,
                "parameters": model.arrays["W"].size + model.arrays["mu"].size,
            }
    return found


def compared(runs: list[Run], settings: Settings) -> list[dict[str, Any]]:
    """Return one row for each loss and pooling.

    ``loss``, ``pooling``, the number of ``parameters`` of the classifier, and numbers over the seeds
    (see :func:`~common.summary.spread`).
    """
    rows = []
    for loss in settings.losses:
        for pooling in settings.poolings:
            units = [run[loss][pooling] for run in runs]
            curves = [unit["curve"] for unit in units]
            rows.append(
                {
                    "loss": loss,
                    "pooling": pooling,
                    "parameters": units[0]["parameters"],
                    "training accuracy": spread([unit["training"] for unit in units]),
                    "accuracy": spread([curve["validation_accuracy"][-1] for curve in curves]),
                    "best accuracy": spread([max(curve["validation_accuracy"]) for curve in curves]),
                    "accuracy after one iteration": spread(
                        [curve["validation_accuracy"][1] for curve in curves]
                    ),
                    "processor seconds": spread([curve["cpu_seconds"][-1] for curve in curves]),
                    "steps refused": sum(len(unit["notes"]) for unit in units),
                }
            )
    return rows


def picture(figure: Figure, runs: list[Run], settings: Settings) -> None:
    """Draw the validation accuracy per iteration: a column a pooling, a colour a loss, a line a seed."""
    from refms.plots.style import COLOURS  # here, for it imports matplotlib

    axes = figure.subplots(1, len(settings.poolings), sharex=True, squeeze=False)[0]
    for axis, pooling in zip(axes, settings.poolings, strict=True):
        axis.set_title(pooling_in_words(pooling))
        axis.set_xlabel("iteration")
        for colour, loss in zip(COLOURS, settings.losses, strict=False):
            for place, run in enumerate(runs):
                curve = run[loss][pooling]["curve"]
                values = 100 * np.array(curve["validation_accuracy"][1:])
                label = loss if place == 0 else None
                axis.plot(curve["iteration"][1:], values, color=colour, linewidth=1, label=label)
    axes[0].set_ylabel("validation accuracy, %")
    axes[-1].legend(loc="lower right")


def pooling_in_words(pooling: int) -> str:
    """Return a title for a pooling."""
    return {0: "mean over the mesh", 1: "no pooling"}.get(pooling, f"blocks of {pooling} cells an axis")


def main(argv: Sequence[str] | None = None) -> int:
    """Train with every seed, compare and write."""
    options = options_of("The classifiers of eq. (5), with and without average pooling.", argv)
    plan = read_plan(options, Settings)
    publisher = Publisher("classifiers", options)
    settings: Settings = plan.settings
    bench = Bench(options.out, dataset_of(plan.configuration, options.data_dir), options.force)
    found = [one_seed(bench, seeded(plan.configuration, seed), settings) for seed in settings.seeds]
    result = {
        "configuration": plan.configuration.to_dict(),
        "settings": {
            "losses": settings.losses,
            "poolings": settings.poolings,
            "seeds": settings.seeds,
        },
        "grid": list(bench.start(plan.configuration, plan.configuration.data.size).grid.shape),
        "examples": found[0][settings.losses[0]][settings.poolings[0]]["examples"],
        "rows": compared(found, settings),
    }
    arrays = {
        f"seed{seed}/{loss}/{pooling}/{name}": np.array(unit["curve"][name], dtype="float64")
        for seed, run in zip(settings.seeds, found, strict=True)
        for loss, units in run.items()
        for pooling, unit in units.items()
        for name in CURVE
    }
    size = (1.0 + 2.4 * len(settings.poolings), 2.8)
    publisher.publish(result, arrays, lambda figure: picture(figure, found, settings), size)
    return 0


if __name__ == "__main__":
    end_with(lambda: ended("classifiers", main))
