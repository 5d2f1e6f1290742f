"""The theory of [MST], measured: Lemma 1, both bounds, variances, Theorem 1, Fig. 2, and what MGE gains.

    python validation/multiscale_training/theory.py CONFIG.toml --data-dir DIR -o OUT

Everything is made of explicit matrices, but for the last table, which trains two small nets that denoise and
measures how much the gradients of their meshes differ. Every number is written, whatever it says.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "learning_across_scales"))  # the package common

from common.plan import options_of, read_plan
from common.publishing import Publisher, ended
from mathematics import bounds, hot_start, lemma_1, sampling
from mathematics.efficiency import Protocol, efficiencies
from mathematics.pictures import picture
from mathematics.pixels import order, smooth_problem
from mathematics.real_images import fig_2, some_images

from refms.cli.streams import end_with
from refms.data.by_name import read_dataset, require_dataset
from refms.errors import Array, FileError, InputError
from refms.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator

MEAN, INJECTION, WEIGHTING = "averaging-constant", "injection-linear", "full-weighting-linear"


@dataclass(frozen=True)
class Settings:
    """The table [experiment].

    Parameters
    ----------
    line, square : int
        Cells along an axis of the finest mesh in one and in two dimensions, powers of two.
    noise : float
        σ of white noise on the finest mesh.
    draws : int
        Random stencils and fields of which differences of gradients are root mean squares.
    datasets : tuple of str
        Real images; those whose files are not there are left out.
    images : int
        How many of each for Fig. 2.
    sigmas : tuple of float
        Noise in Fig. 2.
    width, edge, levels, steps, batch, rate, examples, seed
        See :class:`~mathematics.efficiency.Protocol`.
    """

    line: int = 2048
    square: int = 256
    noise: float = 0.5
    draws: int = 4
    datasets: tuple[str, ...] = ("photographs",)
    images: int = 24
    sigmas: tuple[float, ...] = (0.0, 0.1, 0.5, 1.0)
    width: int = 16
    edge: int = 48
    levels: int = 3
    steps: int = 400
    batch: int = 8
    rate: float = 2e-3
    examples: int = 24
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("line", 256), ("square", 64)):
            cells = getattr(self, name)
            if cells < least or cells & (cells - 1):
                raise InputError(f"{name} is {cells}; expected a power of two, {least} or more.")
        for name in self.datasets:
            require_dataset(name)
        if min(self.draws, self.images) < 1 or min(self.noise, *self.sigmas) < 0:
            raise InputError("draws and images must be 1 or more, noise and sigmas 0 or more.")
        if self.examples < 8:
            raise InputError(f"examples is {self.examples}; expected 8 or more, which are drawn again.")

    @property
    def protocol(self) -> Protocol:
        """What is done with the net that denoises."""
        return Protocol(**{name: getattr(self, name) for name in Protocol.__dataclass_fields__})


def series(title: str, finest: int, values: Array, fitted: int = 3) -> dict[str, Any]:
    """Return differences on meshes of ``finest``, ``finest``/2, … cells, and the order of the first ones."""
    cells = [finest // 2**level for level in range(len(values))]
    exact = bool(max(values) < 1e-14)
    return {
        "title": title,
        "cells": cells,
        "values": values.tolist(),
        "order": None if exact else order(values[:fitted]),
    }


def lemmas(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Return ‖g_h − g_2h‖ in one and two dimensions, and of mesh-free convolutions."""
    seeds, sigma, found = range(settings.draws), settings.noise, {}
    for name, grid in (("line", Grid((settings.line,))), ("square", Grid((settings.square,) * 2))):
        levels, finest, rows = (7 if name == "line" else 4), grid.shape[0], []
        fitted = 3 if name == "line" else 2
        for net, layers in (("one convolution", 1), ("two layers", 2)):
            for rule in (None, MEAN, "averaging-bilinear"):
                values = lemma_1.lemma_1(grid, levels, kernels=rule, layers=layers, seeds=seeds)
                rows.append(series(f"{net}, {rule or 'kept'}", finest, values, fitted))
        for pair in (MEAN, INJECTION):
            for rule in (None, pair):
                values = lemma_1.lemma_1(grid, levels, pair=pair, kernels=rule, noise=sigma, seeds=seeds)
                rows.append(series(f"σ = {sigma:g}, {pair}, {rule or 'kept'}", finest, values, fitted))
        limit = lemma_1.noise_limit(grid, levels, sigma, seeds)
        rows.append(series(f"σ = {sigma:g}: the limit (1 − 2^-d) 2^-dl σ² ‖s‖", finest, limit, fitted))
        for rule in (MEAN, "averaging-bilinear"):
            values = lemma_1.lemma_1(grid, levels, kernels=rule, seeds=seeds, telescoped=True)
            rows.append(series(f"θ on the finest mesh, {rule}", finest, values, fitted))
        found[name] = rows
    found["mesh_free"] = [
        series(
            f"{pair}, σ = {noise:g}",
            settings.line,
            lemma_1.mesh_free(settings.line, 7, pair=pair, noise=noise, seeds=seeds),
            6,
        )
        for pair in (MEAN, WEIGHTING, INJECTION)
        for noise in (0.0, sigma)
    ]
    return found


def measured_bounds(settings: Settings) -> list[dict[str, Any]]:
    """Return difference, bound and constant of B.1 and B.2 for one convolution on smooth and noisy fields."""
    rows = []
    for grid in _bound_grids(settings):
        for noise in (0.0, settings.noise):
            rng = np.random.default_rng([settings.seed, grid.dimension])
            stencils = rng.standard_normal((1, *[3] * grid.dimension)) / np.sqrt(3**grid.dimension)
            fields = smooth_problem(rng, grid, noise=noise)
            for name, bound in (("B.1", bounds.coarsening_bound), ("B.2", bounds.cropping_bound)):
                found = asdict(bound(stencils, fields))
                rows.append({"bound_of": name, "cells": list(grid.shape), "noise": noise, **found})
    return rows


def _bound_grids(settings: Settings) -> Iterator[Grid]:
    yield from (Grid((settings.line // 4**k,)) for k in (0, 1, 2))
    yield from (Grid((settings.square // 2**k,) * 2) for k in (0, 1, 2))


def variances(settings: Settings) -> dict[str, Any]:
    """Return the variance of means of N gradients, and that of MGE measured and by Σ V_l/N_l."""
    rng, grid = np.random.default_rng(settings.seed), Grid((32,))
    stencils, batches = rng.standard_normal((1, 3)) / np.sqrt(3), (2, 4, 8)
    samples = sampling.sample_gradients(rng, stencils, grid, len(batches), 2**15, MEAN)
    sizes = [2**k for k in range(7)]
    single = [sampling.total_variance(sampling.means(samples[0], N)) for N in sizes]
    estimates = sampling.multiscale_estimates(rng, stencils, grid, batches, 4000, MEAN)
    terms = sampling.level_variances(samples)
    return {
        "sizes": sizes,
        "single": single,
        "order": order(np.array(single)),
        "batches": list(batches),
        "terms": terms,
        "predicted": sum(V / N for V, N in zip(terms, batches, strict=True)),
        "measured": sampling.total_variance(estimates),
    }


def theorem_1(settings: Settings, accuracy: float = 1e-3) -> dict[str, Any]:
    """Return distances of minimisers and steps of hot and random starts, on three kinds of data."""
    grid, levels = Grid((settings.line // 2,)), 6
    rng = np.random.default_rng(settings.seed)
    random, smooth = rng.standard_normal(3), hot_start.sampled_covariances(smooth_problem(rng, grid, 8))
    white = hot_start.white_covariances(grid, 0.05)
    kinds = {"white noise": (white, 0.0), "smooth, α = 0.1": (smooth, 0.1), "smooth, α = 0": (smooth, 0.0)}
    found = {}
    for name, (covariances, alpha) in kinds.items():
        rows = hot_start.starts(covariances, MEAN, levels, alpha, accuracy, random)
        found[name] = {
            "condition": float(np.linalg.cond(covariances.normal_equations(alpha)[0])),
            "order": order(np.array([row.distance for row in rows[:3]])),
            "meshes": [asdict(row) for row in rows],
        }
    return {"accuracy": accuracy, "data": found, "sampled": sampled_starts(random)}


def sampled_starts(random: Array, steps: int = 1000, replicas: int = 32) -> dict[str, Any]:
    """Return √E ‖θ_k − θ*‖² with the gradient of one example each, from θ*_2h, a random θ, and θ*."""
    fine = hot_start.white_covariances(Grid((256,)), 0.05)
    minimum, hot = (np.linalg.solve(*one.normal_equations(0.0)) for one in (fine, fine.coarsened(MEAN)))
    shown, found = [0, 10, 30, 100, 300, steps], {}
    for name, start in (("hot start", hot), ("random start", random), ("start in the minimum", minimum)):
        errors = hot_start.sampled_errors(np.random.default_rng(1), fine, start, steps, replicas)
        found[name] = errors[shown].tolist()
    return {"steps": shown, "errors": found}


def on_real_images(settings: Settings, name: str, folder: str | None) -> dict[str, Any]:
    """Return Fig. 2 and the table of efficiencies for a data set."""
    dataset = read_dataset(name, folder)
    images, grid = some_images(dataset, settings.images)
    result: dict[str, Any] = {
        "cells": list(grid.shape),
        "fig_2": fig_2(images, grid, settings.sigmas, settings.seed),
        "efficiency": [],
    }
    columns, _ = some_images(dataset, 200, settings.edge)
    for row in efficiencies(columns, settings.protocol):
        print(f"{name}, {row['case']}: V_l/v = {' '.join(f'{V:.3f}' for V in row['terms'])}", flush=True)
        result["efficiency"].append(row)
    return result


def of_all_datasets(settings: Settings, names: Sequence[str], folder: str | None) -> dict[str, Any]:
    """Return those of the data sets whose files are there."""
    found = {}
    for name in names:
        try:
            found[name] = on_real_images(settings, name, folder)
        except FileError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, draw and write."""
    options: argparse.Namespace = options_of(
        "The theory of multiscale training, measured by explicit matrices.", argv, trains=False
    )
    settings: Settings = read_plan(options, Settings).settings
    publisher = Publisher("theory", options)
    start = time.perf_counter()
    names = (options.dataset,) if options.dataset else settings.datasets
    result = {
        "configuration": {"experiment": asdict(settings)},
        "lemma_1": lemmas(settings),
        "bounds": measured_bounds(settings),
        "variances": variances(settings),
        "theorem_1": theorem_1(settings),
        "datasets": of_all_datasets(settings, names, options.data_dir),
    }
    result["seconds"] = time.perf_counter() - start
    arrays = {
        f"{kind}/{place}": np.array(row["values"])
        for kind, rows in result["lemma_1"].items()
        for place, row in enumerate(rows)
    }
    publisher.publish(result, arrays, lambda figure: picture(figure, result), (9.0, 6.0))
    return 0


if __name__ == "__main__":
    end_with(lambda: ended("theory", main))
