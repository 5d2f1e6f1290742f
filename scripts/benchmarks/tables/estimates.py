"""A multiscale gradient beside the single-scale one of as many images, on one thread and on two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.tables import process
from benchmarks.timing import Limits, interleaved
from refms.data.corruption import Denoise
from refms.grid import Grid
from refms.maps.architectures.residual_image import ResidualImage
from refms.multiscale.estimation import Batches, estimate_objective
from refms.multiscale.image_problem import ImageProblem
from refms.objective.workers import Workers

BATCHES = {"single scale": (48,), "MGE, 2 meshes": (16, 32), "MGE, 3 meshes": (8, 16, 24)}
"""Images of each difference, from the finest on; 48 in all."""


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: one and two threads."""
    found = [process(threads, allocator="tuned", cells=16 if quick else 64) for threads in (1, 2)]
    for row in found:
        row["arguments"]["threads"] = row["threads"]
    return found


def measure(cells: int, threads: int, seconds: float = 30.0, least: int = 2) -> dict[str, Any]:
    """Time gradients of the residual network of [MST] in single precision; threads change no bit."""
    net = ResidualImage(Grid((cells, cells)))
    images = np.random.default_rng(0).uniform(-1, 1, (3 * cells**2, 48))
    theta = net.map.layout.pack(net.initial(0, "float32"))

    def gradient(name: str, threads: int) -> Callable[[], Any]:
        problem = ImageProblem(
            net, images, Denoise(), levels=3, dtype="float32", workers=Workers(threads=threads)
        )
        f = estimate_objective(problem, Batches(BATCHES[name]))
        return lambda: f.value_and_gradient(theta)[1]

    def check(name: str, found: Any) -> float:
        if threads > 1 and not np.array_equal(found, gradient(name, 1)()):
            raise AssertionError(f"{name}: two threads give another gradient than one")
        return 0.0

    ways = {name: gradient(name, threads) for name in BATCHES}
    work = {name: Batches(sizes).work() for name, sizes in BATCHES.items()}
    return {"ways": interleaved(ways, Limits(seconds, least, 15), check), "work": work}
