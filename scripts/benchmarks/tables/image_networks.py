"""The networks of [MST], mean squares and its gradient: refms against PyTorch's autograd, mesh by mesh."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.agreement import require, rho
from benchmarks.record import ROOT
from benchmarks.tables import DTYPES, process
from benchmarks.timing import Limits, interleaved, until_done
from refms.backend import backend_named
from refms.grid import Grid, columns_from_nchw
from refms.maps.architectures.espcn import ESPCN
from refms.maps.architectures.residual_image import ResidualImage
from refms.maps.architectures.unet import UNet
from refms.objective.examples import Examples
from refms.objective.losses.mean_squares import MeanSquares
from refms.objective.regularizers import tikhonov_regularizer
from refms.objective.risk import EmpiricalRisk

NETWORKS = {
    "residual": lambda grid, **options: ResidualImage(grid, **options),
    "super-resolution": lambda grid, **options: ResidualImage(
        grid, width=100, blocks=9, time=False, add_input=True, **options
    ),
    "U-net": lambda grid, **options: UNet(grid, **options),
    "ESPCN": lambda grid, **options: ESPCN(grid, **options),
}
CELLS = (128, 64, 32, 16)
CELLS_TOGETHER, MOST_IMAGES = 2**15, 4
"""Cells of the images of one call, and their number on coarser meshes."""

BOUND = 1000.0
"""Largest ρ of a gradient: where an entry lies within round-off of a kink of the ReLU, its slope jumps."""


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: each network on each mesh in both precisions, on one thread."""
    seconds, least = (1.0, 2) if quick else (6.0, 2)
    return [
        process(allocator="tuned", network=name, cells=n, dtype=dtype, seconds=seconds, least=least)
        for dtype in reversed(DTYPES)
        for name in (list(NETWORKS)[:1] if quick else NETWORKS)
        for n in (CELLS[2:] if quick else CELLS)
    ]


def measure(
    network: str,
    cells: int,
    dtype: str,
    seconds: float = 10.0,
    least: int = 3,
    card: str = "cpu",
    images: int | None = None,
) -> dict[str, Any]:
    """Time value and gradient of two images on the finest mesh, four on the others; times are an image's.

    With ``card="cuda"`` both run on the GPU, CuPy and PyTorch, TF32 off, and a call ends when the card has.
    """
    backend = backend_named("cupy" if card == "cuda" else "numpy")
    wait = backend.xp.cuda.Device().synchronize if card == "cuda" else lambda: None
    grid, rng = Grid((cells, cells)), np.random.default_rng(0)
    nets = {kind: NETWORKS[network](grid, convolution=kind) for kind in ("stencil", "winograd")}
    net = nets["stencil"]
    theta = net.map.layout.pack(net.initial(1, dtype))
    count = images or min(MOST_IMAGES, CELLS_TOGETHER // cells**2)
    x, y = rng.uniform(-1, 1, (2, count, 3, cells, cells)).astype(dtype)
    t = rng.uniform(size=count).astype(dtype) if net.map.rows_in > 3 * grid.cells else None
    X, Y = columns_from_nchw(x), columns_from_nchw(y)
    X = X if t is None else np.concatenate([X, t[None]])

    def gradient(one: Any, *arrays: Any) -> Callable[[], Any]:
        return in_refms(one.map, Examples(*arrays[:2]), arrays[2])

    here = [backend.from_host(array) for array in (X, Y, theta)]
    ways = {kind: gradient(one, *here) for kind, one in nets.items()}
    expected = gradient(net, *(array.astype("float64") for array in (X, Y, theta)))()
    missing = {}
    try:
        ways["torch"] = in_torch(net, theta, x, y, t, card)
    except ImportError as error:
        missing = {"torch": str(error)}
    terms = 9 * 128 * net.map.rows_in

    def check(name: str, found: Any) -> float:
        found = net.map.layout.pack(found) if name == "torch" else backend.to_host(found)
        return require(name, rho(found, expected, dtype, terms), BOUND)

    calls = {name: until_done(call, wait) for name, call in ways.items()}
    times_of = interleaved(calls, Limits(seconds, least, 15), check)
    for found in times_of.values():
        found |= {clock: [one / count for one in found[clock]] for clock in ("wall", "cpu")}
    return {"ways": times_of, "missing": missing}


def in_refms(F: Any, examples: Examples, theta: Any) -> Callable[[], Any]:
    """Return the gradient, to be called."""
    nothing = tikhonov_regularizer(theta.size, 0.0, dtype=str(theta.dtype))
    f = EmpiricalRisk(F, examples, nothing, loss=MeanSquares(), memory=2**33)
    return lambda: f.value_and_gradient(theta)[1]


def in_torch(net: Any, theta: Any, images: Any, targets: Any, times: Any, card: str) -> Callable[[], Any]:
    """Return the same by the network as validation/peers/image_networks.py has it, and autograd."""
    import torch

    place = ROOT / "validation" / "peers" / "image_networks.py"
    specification = importlib.util.spec_from_file_location("image_networks", place)
    assert specification is not None
    assert specification.loader is not None
    peer = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(peer)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    operations, forward = peer.OPERATIONS["torch"](), peer.NETWORKS[type(net).__name__]
    p = {
        name: torch.from_numpy(part.copy()).to(card).requires_grad_()
        for name, part in net.map.layout.unpack(theta).items()
    }
    x, y, t = (
        None if array is None else torch.from_numpy(array).to(card) for array in (images, targets, times)
    )

    def call() -> Any:
        loss = peer.mean_squares(operations, forward(operations, net, p, x, t), y)
        found = torch.autograd.grad(loss, list(p.values()))
        return {name: part.cpu().numpy() for name, part in zip(p, found, strict=True)}

    return call
