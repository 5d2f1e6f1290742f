"""From shallow to deep networks (Fig. 2 of [LAS]): random against prolonged starts, T fixed.

    python validation/learning_across_scales/shallow_to_deep.py CONFIG.toml --data-dir DIR -o OUT

Every depth is trained from a random start, and from the parameters of the depth before, interpolated in time.
Every training leaves its model and its curve in OUT; the same command goes on where an earlier one stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from common.plan import options_of, read_plan, require_seeds, seeded
from common.publishing import Publisher, ended
from common.summary import first_reaching, spread
from common.trainings import CURVE, Bench

from refms.cli.streams import end_with
from refms.errors import InputError, require_choice
from refms.model import Model
from refms.multiscale.depth import KINDS, to_depth
from refms.run.config import Configuration
from refms.run.experiment import dataset_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RANDOM = "random"


@dataclass(frozen=True)
class Settings:
    """The table [experiment].

    Parameters
    ----------
    depths : tuple of int
        Numbers of layers, growing.
    starts : tuple of str
        Prolonged starts beside the random one: ``"linear"`` and ``"cubic"`` interpolation in time.
    seeds : tuple of int
        One run each.
    """

    depths: tuple[int, ...] = (2, 4, 8, 16, 32, 64)
    starts: tuple[str, ...] = ("linear", "cubic")
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        require_seeds(self.seeds)
        for kind in self.starts:
            require_choice(kind, KINDS, "interpolation in starts")
        if self.depths[0] < 1 or any(shallow >= deep for shallow, deep in pairwise(self.depths)):
            raise InputError(f"depths is {list(self.depths)}; expected growing numbers of layers.")


Run = dict[str, dict[int, dict[str, Any]]]
"""Start -> depth -> what :meth:`Bench.trained` returns; the shallowest net has the random start alone."""


def one_seed(bench: Bench, configuration: Configuration, settings: Settings) -> Run:
    """Train every depth from every start with one seed."""
    seed = configuration.network.seed
    found: Run = {start: {} for start in (RANDOM, *settings.starts)}

    def trained(kind: str, place: int, start: Model) -> Model:
        depth = settings.depths[place]
        after = () if kind == RANDOM else settings.depths[:place]
        deep = replace(configuration, network=replace(configuration.network, layers=depth))
        model, found[kind][depth] = bench.trained(f"seed{seed}_{kind}_{depth}", deep, start, after)
        return model

    def random(place: int) -> Model:
        network = replace(configuration.network, layers=settings.depths[place])
        return bench.start(replace(configuration, network=network), configuration.data.size)

    nets = [trained(RANDOM, place, random(place)) for place in range(len(settings.depths))]
    for kind in settings.starts:
        net = nets[0]
        for place in range(1, len(settings.depths)):
            net = trained(kind, place, to_depth(net, settings.depths[place], kind))
    return found


def compared(runs: list[Run], depths: Sequence[int]) -> dict[str, Any]:
    """Return, for every depth and start, where the training began and ended.

    Objective (6) and accuracy on the validation images before and after, the iterations after which the final
    accuracy of the random start is reached, and processor seconds; over the seeds.
    """
    summary: dict[str, Any] = {}
    for depth in depths:
        summary[str(depth)] = {}
        for start in (one for one in runs[0] if depth in runs[0][one]):
            rows = []
            for run in runs:
                curve, random = run[start][depth]["curve"], run[RANDOM][depth]["curve"]
                accuracy = curve["validation_accuracy"]
                rows.append(
                    {
                        "objective at the start": curve["objective"][0],
                        "objective": curve["objective"][-1],
                        "accuracy at the start": accuracy[0],
                        "accuracy": accuracy[-1],
                        "best accuracy": max(accuracy),
                        "iterations to the accuracy of the random start": first_reaching(
                            accuracy, random["validation_accuracy"][-1]
                        ),
                        "processor seconds": curve["cpu_seconds"][-1],
                    }
                )
            summary[str(depth)][start] = {name: spread([row[name] for row in rows]) for name in rows[0]}
    return summary


def ways(runs: list[Run], depths: Sequence[int]) -> dict[str, Any]:
    """Return what whole ways cost: the deepest net from its random start, or all depths one by one.

    By start: accuracy of the deepest net, processor seconds of the whole way, and seconds and number of
    layers where the accuracy that the random start of the deepest net ends with is first reached, by
    whatever net is being trained then; over the seeds.
    """
    found = {}
    for start in runs[0]:
        rows = []
        for run in runs:
            target = run[RANDOM][depths[-1]]["curve"]["validation_accuracy"][-1]
            on_the_way = [run[start][depths[-1]]]
            if start != RANDOM:
                on_the_way = [run[RANDOM][depths[0]], *run[start].values()]
            accuracy, seconds, layers = list[float](), list[float](), list[int]()
            for depth, unit in zip(reversed(depths), reversed(on_the_way), strict=False):
                curve = unit["curve"]
                accuracy = curve["validation_accuracy"] + accuracy
                seconds = curve["cpu_seconds"] + [curve["cpu_seconds"][-1] + later for later in seconds]
                layers = [depth] * len(curve["iteration"]) + layers
            place = first_reaching(accuracy, target)
            rows.append(
                {
                    "accuracy": accuracy[-1],
                    "processor seconds": seconds[-1],
                    "processor seconds to the accuracy of the deepest random start": (
                        None if place is None else seconds[place]
                    ),
                    "layers by then": None if place is None else layers[place],
                }
            )
        found[start] = {name: spread([row[name] for row in rows]) for name in rows[0]}
    return found


def picture(figure: Figure, runs: list[Run], depths: Sequence[int]) -> None:
    """Draw Fig. 2: objective and validation accuracy per iteration, one column a depth, one line a seed."""
    from refms.plots.style import COLOURS  # here, for it imports matplotlib

    axes = figure.subplots(2, len(depths), sharex=True, sharey="row", squeeze=False)
    names = ("objective", "validation_accuracy")
    for column, depth in enumerate(depths):
        axes[0, column].set_title(f"{depth} layers")
        axes[1, column].set_xlabel("iteration")
        for colour, (start, found) in zip(COLOURS, runs[0].items(), strict=False):
            if depth not in found:
                continue
            style = "--" if start == "cubic" else "-"  # linear and cubic lie close together
            for run in runs:
                curve = run[start][depth]["curve"]
                for axis, name, factor in zip(axes[:, column], names, (1.0, 100.0), strict=True):
                    values = factor * np.array(curve[name])
                    axis.plot(curve["iteration"], values, style, color=colour, linewidth=1)
    # what comes after the first iteration decides the range: a random start guesses
    after = [one["curve"] for run in runs for found in run.values() for one in found.values()]
    axes[0, 0].set_yscale("log")
    axes[1, 0].set_ylim(100 * min(curve["validation_accuracy"][1] for curve in after) - 1, 100)
    axes[0, 0].set_ylabel("objective (6)")
    axes[1, 0].set_ylabel("validation accuracy, %")
    lines = axes[1, -1].get_lines()[:: len(runs)]
    axes[0, 0].legend(lines, [*runs[0]], loc="upper right")


def main(argv: Sequence[str] | None = None) -> int:
    """Train with every seed, compare and write."""
    options = options_of("Shallow to deep (Fig. 2): random against prolonged starts.", argv)
    plan = read_plan(options, Settings)
    publisher = Publisher("shallow_to_deep", options)
    settings: Settings = plan.settings
    dataset = dataset_of(plan.configuration, options.data_dir)
    bench = Bench(options.out, dataset, options.force, options.threads)
    found = [one_seed(bench, seeded(plan.configuration, seed), settings) for seed in settings.seeds]
    result = {
        "configuration": plan.configuration.to_dict(),
        "settings": {"depths": settings.depths, "starts": settings.starts, "seeds": settings.seeds},
        "examples": found[0][RANDOM][settings.depths[0]]["examples"],
        "depths": compared(found, settings.depths),
        "ways": ways(found, settings.depths),
    }
    arrays = {
        f"seed{seed}/{start}/{depth}/{name}": np.array(unit["curve"][name], dtype="float64")
        for seed, run in zip(settings.seeds, found, strict=True)
        for start, units in run.items()
        for depth, unit in units.items()
        for name in CURVE
    }
    size = (0.8 + 1.3 * len(settings.depths), 3.6)
    publisher.publish(result, arrays, lambda figure: picture(figure, found, settings.depths), size)
    return 0


if __name__ == "__main__":
    end_with(lambda: ended("shallow_to_deep", main))
