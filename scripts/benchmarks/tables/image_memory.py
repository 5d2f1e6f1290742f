"""Memory of a gradient of the networks for images, with and without checkpoints, and of PyTorch's."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks import memory
from benchmarks.tables import process
from benchmarks.tables.image_networks import NETWORKS, Setting, cells_of, in_torch, mean_squares
from refms.maps.chain import frugal

WAYS = ("torch", "winograd", "winograd, checkpoints")
"""PyTorch; refms; refms where every block keeps its input alone."""
IMAGES = 4


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to weigh: each network on its finest mesh, each way in a process of its own."""
    return [
        process(network=name, cells=32 if quick else cells_of(name)[0], way=way)
        for name in (list(NETWORKS)[:1] if quick else NETWORKS)
        for way in WAYS
    ]


def measure(
    network: str, cells: int, way: str, dtype: str = "float32", images: int = IMAGES
) -> dict[str, Any]:
    """Return the bytes that value and gradient of some images need at their peak, beyond what there was.

    The libraries are loaded, and have done the same with two small images, before the count starts. The
    processor time is that of a second gradient.
    """
    _gradient(Setting.drawn(network, 16, dtype, 2), way)()
    call = _gradient(Setting.drawn(network, cells, dtype, images), way)
    before = memory.resident()
    memory.forget_peak()
    call()
    peak, start = memory.peak(), time.process_time()
    call()
    return {"peak": peak, "before": before, "cpu": float(f"{time.process_time() - start:.4g}")}


def _gradient(own: Setting, way: str) -> Callable[[], Any]:
    """Return the gradient, to be called; all images in one batch."""
    if way == "torch":
        return in_torch(own, "cpu")
    kind, _, sparing = way.partition(", ")
    f = mean_squares(own.nets[kind].map, own.X, own.Y, own.theta)
    risk = replace(f, map=frugal(f.map)) if sparing else f
    return lambda: risk.value_and_gradient(own.theta)
