"""ImageNet-10 of [LAS], Table 1 and Figure 3: ResNet-34 from coarse to fine against the fine mesh alone.

A method is a list of stages (cells along an axis, epochs). How a net goes to the next mesh its name says:
by ``galerkin`` its 3×3 stencils become those with K_H = R K_h P; by ``galerkin-rescaled`` these, times a
number for each layer that gives it its norm back; by any other they stay. The baselines that users have are
``keep``, the same stages without a change of stencils, and ``progressive``, which enlarges the images in
small steps, as fast.ai and Composer do. Work is counted in evaluations of the finest network.

    python validation/learning_across_scales/imagenet10.py CONFIG.toml --data-dir DIR -o OUT

Every training leaves its model and its curve in OUT; the same command goes on where an earlier one stopped.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import coarse_to_fine
import numpy as np
from coarse_to_fine import FINE_ONLY, Run, compared, trajectory
from common.plan import options_of, read_plan, require_seeds, seeded
from common.publishing import Publisher, ended
from common.summary import spread
from common.trainings import Bench

from refms.cli.streams import end_with
from refms.data.dataset import Dataset
from refms.errors import Array, InputError, require_choice, require_whole
from refms.grid import Grid
from refms.model import Model
from refms.multiscale.resolution import transfer
from refms.run.config import Configuration
from refms.run.experiment import dataset_of

METHODS = (FINE_ONLY, "galerkin", "galerkin-rescaled", "keep", "progressive")

Stages = tuple[tuple[int, int], ...]
"""Cells along an axis and epochs, coarsest first."""

PARTS = ("images", "labels")
"""What the parts of a data set have of their own."""

PAIRED = ("accuracy at the end", "best accuracy", "accuracy at the start")
"""Numbers whose differences to the training on the finest mesh alone are told split by split."""


@dataclass(frozen=True)
class Settings:
    """The table [experiment].

    Parameters
    ----------
    seeds : tuple of int
        One split each, with a start of its own.
    methods : mapping of str to list
        Name to stages, ``"fine-only"`` among them.
    falling : bool
        Whether the learning rate falls by a cosine on the finest mesh, and is constant before; otherwise all
        stages have the schedule of the configuration.
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    methods: Mapping[str, Any] = field(default_factory=lambda: {FINE_ONLY: ((56, 1),)})
    falling: bool = False

    def __post_init__(self) -> None:
        require_seeds(self.seeds)
        for name in self.methods:
            require_choice(name, METHODS, "method")
            sizes = [size for size, _ in self.stages(name)]
            if sizes[-1] != self.finest or sizes != sorted(set(sizes)):
                raise InputError(
                    f"stages of {name!r} have {sizes} cells; expected growing ones to {self.finest}."
                )
        if self.finest < 2 or len(self.stages(FINE_ONLY)) != 1:
            raise InputError(f"{FINE_ONLY!r} has {self.stages(FINE_ONLY)}; expected one stage.")

    def stages(self, method: str) -> Stages:
        """Return the stages of a method."""
        try:
            return tuple(
                (require_whole(size, "size", 2), require_whole(epochs, "epochs", 1))
                for size, epochs in self.methods[method]
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"methods is {dict(self.methods)}; expected lists such as {FINE_ONLY} = [[56, 10]]."
            ) from error

    @property
    def finest(self) -> int:
        """Cells of the finest mesh along an axis."""
        return self.stages(FINE_ONLY)[-1][0]


def pooled(configuration: Configuration, folder: str | None) -> Dataset:
    """Return the images of both parts of a data set, which are divided anew for each split."""
    whole = dataset_of(configuration, folder)
    try:
        more = dataset_of(configuration, folder, part="test")
    except InputError:  # there is one part
        return whole
    images, labels = (np.concatenate([getattr(one, name) for one in (whole, more)]) for name in PARTS)
    return replace(whole, images=images, labels=labels, name=f"{whole.name} and {more.name}")


def on_stage(configuration: Configuration, settings: Settings, size: int, epochs: int) -> Configuration:
    """Return the configuration of one stage: so many epochs on a mesh, and how the learning rate falls."""
    schedule = configuration.stochastic.schedule
    if settings.falling:
        schedule = "cosine" if size == settings.finest else "constant"
    return replace(
        configuration,
        data=replace(configuration.data, size=size),
        optimization=replace(configuration.optimization, iterations=epochs),
        stochastic=replace(configuration.stochastic, schedule=schedule),
    )


def moved(model: Model, size: int, method: str, pair: str) -> Model:
    """Return a trained net on a finer mesh, as its method has it."""
    grid = Grid((size,) * model.grid.dimension)
    if method == "galerkin":
        return transfer(model, grid, pair)
    if method == "galerkin-rescaled":
        return rescaled(transfer(model, grid, pair), model)
    return replace(model, architecture=model.architecture.on(grid))


def rescaled(model: Model, before: Model) -> Model:
    """Return a net with each array of stencils as long as it was before.

    The norm after a convolution divides by that length, so that the net is the same but for its ε. A step of
    Adam, whose length is given, turns a long array by less, and a penalty on the lengths pulls at it more.
    """
    longer = {name: array for name, array in model.arrays.items() if (array != before.arrays[name]).any()}
    factors = {name: np.linalg.norm(before.arrays[name]) / np.linalg.norm(S) for name, S in longer.items()}
    return model.with_arrays(**{name: S * S.dtype.type(factors[name]) for name, S in longer.items()})


def one_split(bench: Bench, configuration: Configuration, settings: Settings) -> Run:
    """Train by every method with one seed; stages that two methods share are trained once."""
    seed, found = configuration.network.seed, Run()
    for method in settings.methods:
        stages, name, after = settings.stages(method), f"seed{seed}", list[int]()
        model = bench.start(configuration, settings.finest)
        model = moved(model, stages[0][0], "keep", configuration.data.pair)
        for number, (size, epochs) in enumerate(stages):
            if number:
                model = moved(model, size, method, configuration.data.pair)
            name += f"_{method}" if number == 1 else ""
            name += f"_{size}x{epochs}"
            model, unit = bench.trained(name, on_stage(configuration, settings, size, epochs), model, after)
            found.setdefault(method, []).append({"size": size, **unit})
            after.append(size)
    return found


def paired(runs: list[dict[str, dict[str, Array]]], methods: Mapping[str, Any]) -> dict[str, Any]:
    """Return, for each method, its accuracy less that of fine-only, split by split."""
    ends = {method: {name: numbers[name]["values"] for name in PAIRED} for method, numbers in methods.items()}
    return {
        method: {
            name: spread([a - b for a, b in zip(values[name], ends[FINE_ONLY][name], strict=True)])
            for name in PAIRED[:2]
        }
        for method, values in ends.items()
        if method != FINE_ONLY
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Train with every split, compare and write."""
    options = options_of("ImageNet-10: ResNet from coarse to fine against the fine mesh alone.", argv)
    plan = read_plan(options, Settings)
    publisher = Publisher("imagenet10", options)
    settings: Settings = plan.settings
    configuration = plan.configuration
    bench = Bench(options.out, pooled(configuration, options.data_dir), options.force, options.threads)
    found = [one_split(bench, seeded(configuration, seed), settings) for seed in settings.seeds]
    finest = found[0][FINE_ONLY][0]["multiply_adds"]
    runs = [{method: trajectory(units, finest) for method, units in run.items()} for run in found]
    methods = compared(runs, settings.finest)
    costs = {
        unit["size"]: unit["multiply_adds"] / finest
        for run in found
        for unit in itertools.chain(*run.values())
    }
    result = {
        "configuration": configuration.to_dict(),
        "settings": dataclasses.asdict(settings),
        "examples": found[0][FINE_ONLY][0]["examples"],
        "cost": {str(size): cost for size, cost in sorted(costs.items())},
        "methods": methods,
        "differences": paired(runs, methods),
    }
    arrays = {
        f"seed{seed}/{method}/{name}": values
        for seed, run in zip(settings.seeds, runs, strict=True)
        for method, curve in run.items()
        for name, values in curve.items()
    }
    publisher.publish(result, arrays, lambda figure: coarse_to_fine.picture(figure, runs), (8.0, 3.6))
    return 0


if __name__ == "__main__":
    end_with(lambda: ended("imagenet10", main))
