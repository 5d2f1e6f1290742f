"""Gauss-Newton products of the networks of [MST]: refms against PyTorch's forward and reverse modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.tables import DTYPES, process
from benchmarks.tables.image_networks import Setting, mean_squares, torch_network
from benchmarks.timing import Limits

NETWORKS, CELLS = ("residual", "U-net"), (64, 32)


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: both networks on both meshes in both precisions, on one thread."""
    seconds, least = (1.0, 2) if quick else (6.0, 2)
    return [
        process(allocator="tuned", network=name, cells=n, dtype=dtype, seconds=seconds, least=least)
        for dtype in reversed(DTYPES)
        for name in NETWORKS
        for n in (CELLS[1:] if quick else CELLS)
    ]


def measure(network: str, cells: int, dtype: str, seconds: float = 10.0, least: int = 3) -> dict[str, Any]:
    """Time JᵀHJ v, the network linearised beforehand; times are an image's."""
    own = Setting.drawn(network, cells, dtype)
    v = np.random.default_rng(1).standard_normal(own.theta.size).astype(dtype)

    def product(net: Any, X: Any, Y: Any, theta: Any, v: Any) -> Callable[[], Any]:
        G = mean_squares(net.map, X, Y, theta).curvature(theta)
        return lambda: G(v)

    arrays = own.X, own.Y, own.theta, v
    ways = {kind: product(net, *arrays) for kind, net in own.nets.items()}
    expected = product(own.net, *(array.astype("float64") for array in arrays))()
    return own.against_torch(ways, lambda: in_torch(own, v), expected, Limits(seconds, least, 15))


def in_torch(own: Setting, v: Any) -> Callable[[], Any]:
    """Return the product by torch.func, whose reverse pass is kept from product to product."""
    import torch

    network, loss, p = torch_network(own, "cpu")
    direction = {name: torch.from_numpy(part.copy()) for name, part in own.net.map.layout.unpack(v).items()}
    z, pull = torch.func.vjp(network, p)

    def call() -> Any:
        Jv = torch.func.jvp(network, (p,), (direction,))[1]
        HJv = torch.func.jvp(torch.func.grad(loss), (z,), (Jv,))[1]
        return {name: part.detach().numpy() for name, part in pull(HJv)[0].items()}

    return call
