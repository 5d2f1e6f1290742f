"""The networks of [MST], mean squares and its gradient: refms against PyTorch's autograd, mesh by mesh."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.agreement import require, rho
from benchmarks.record import ROOT
from benchmarks.tables import DTYPES, process
from benchmarks.timing import Limits, interleaved, until_done
from refms.backend import NUMPY, Backend, backend_named
from refms.errors import Array
from refms.grid import Grid, columns_from_nchw
from refms.maps.architectures.espcn import ESPCN
from refms.maps.architectures.residual_image import ResidualImage
from refms.maps.architectures.resnet import ResNet
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
    "ResNet-34, 16 channels": lambda grid, **options: ResNet(grid, width=16, groups=8, **options),
    "ResNet-34, 64 channels": lambda grid, **options: ResNet(grid, **options),
}
CELLS = (128, 64, 32, 16)
IN_DOUBLE = {"residual": (64,), "U-net": (64,), "ESPCN": (64,)}
"""Networks and meshes that are measured in double precision, too."""

CELLS_TOGETHER, MOST_IMAGES = 2**15, 64
"""Cells of the images of one call, and their number at most: 2, 8, 32 and 64."""

BOUND = 1000.0
"""Largest ρ of a gradient: where an entry lies within round-off of a kink of the ReLU, its slope jumps."""


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: each network on each mesh in single precision, some in double; one thread."""
    seconds, least = (1.0, 2) if quick else (6.0, 2)
    return [
        process(allocator="tuned", network=name, cells=n, dtype=dtype, seconds=seconds, least=least)
        for dtype in reversed(DTYPES)
        for name in (list(NETWORKS)[:1] if quick else NETWORKS)
        for n in (CELLS[2:] if quick else cells_of(name))
        if quick or dtype == "float32" or n in IN_DOUBLE.get(name, ())
    ]


def cells_of(network: str) -> tuple[int, ...]:
    """Return the meshes of a network; the classifier's images are small."""
    return CELLS[1:] if network.startswith("ResNet") else CELLS


@dataclass(frozen=True)
class Setting:
    """A network by each kind of convolution, θ, images, targets and times; X and Y as refms takes them."""

    nets: dict[str, Any]
    theta: Array
    images: Array
    targets: Array
    times: Array | None
    X: Array
    Y: Array

    @classmethod
    def drawn(cls, network: str, cells: int, dtype: str, images: int | None = None) -> Setting:
        """Return one with random numbers."""
        grid, rng = Grid((cells, cells)), np.random.default_rng(0)
        nets = {kind: NETWORKS[network](grid, convolution=kind) for kind in ("stencil", "winograd")}
        net = nets["stencil"]
        theta = net.map.layout.pack(net.initial(1, dtype))
        count = images or min(MOST_IMAGES, CELLS_TOGETHER // cells**2)
        targets = getattr(net, "output_grid", grid)
        x = rng.uniform(-1, 1, (count, 3, cells, cells)).astype(dtype)
        y = rng.uniform(-1, 1, (count, net.channels, *targets.shape)).astype(dtype)
        t = rng.uniform(size=count).astype(dtype) if net.map.rows_in > 3 * grid.cells else None
        X, Y = columns_from_nchw(x), columns_from_nchw(y)
        return cls(nets, theta, x, y, t, X if t is None else np.concatenate([X, t[None]]), Y)

    @property
    def net(self) -> Any:
        """The network by its stencils."""
        return self.nets["stencil"]

    def against_torch(
        self,
        ways: dict[str, Callable[[], Any]],
        in_torch: Callable[[], Callable[[], Any]],
        expected: Array,
        limits: Limits,
        backend: Backend = NUMPY,
    ) -> dict[str, Any]:
        """Time ways to a vector like θ, and PyTorch's if it is there, each judged by the expected one."""
        missing = {}
        try:
            ways = {**ways, "torch": in_torch()}
        except ImportError as error:
            missing = {"torch": str(error)}
        layout, terms = self.net.map.layout, 9 * 128 * self.net.map.rows_in

        def check(name: str, found: Any) -> float:
            found = layout.pack(found) if name == "torch" else backend.to_host(found)
            return require(name, rho(found, expected, str(self.theta.dtype), terms), BOUND)

        times_of = interleaved(ways, limits, check)
        for found in times_of.values():
            found |= {clock: [one / len(self.images) for one in found[clock]] for clock in ("wall", "cpu")}
        return {"ways": times_of, "missing": missing}


def measure(
    network: str,
    cells: int,
    dtype: str,
    seconds: float = 10.0,
    least: int = 3,
    card: str = "cpu",
    images: int | None = None,
) -> dict[str, Any]:
    """Time value and gradient of some images together; times are an image's.

    With ``card="cuda"`` both run on the GPU, CuPy and PyTorch, TF32 off, and a call ends when the card has.
    """
    backend = backend_named("cupy" if card == "cuda" else "numpy")
    wait = backend.xp.cuda.Device().synchronize if card == "cuda" else lambda: None
    own = Setting.drawn(network, cells, dtype, images)

    def gradient(one: Any, *arrays: Any) -> Callable[[], Any]:
        f = mean_squares(one.map, *arrays[:2], arrays[2])
        return lambda: f.value_and_gradient(arrays[2])[1]

    def done(call: Callable[[], Any]) -> Callable[[], Any]:
        return until_done(call, wait)

    arrays = own.X, own.Y, own.theta
    here = [backend.from_host(array) for array in arrays]
    ways = {kind: done(gradient(one, *here)) for kind, one in own.nets.items()}
    expected = gradient(own.net, *(array.astype("float64") for array in arrays))()
    limits = Limits(seconds, least, 15)
    return own.against_torch(ways, lambda: done(in_torch(own, card)), expected, limits, backend)


def mean_squares(F: Any, X: Any, Y: Any, theta: Any) -> EmpiricalRisk:
    """Return the mean of squares as a function of θ."""
    nothing = tikhonov_regularizer(theta.size, 0.0, dtype=str(theta.dtype))
    return EmpiricalRisk(F, Examples(X, Y), nothing, loss=MeanSquares(), memory=2**33)


def in_torch(own: Setting, card: str) -> Callable[[], Any]:
    """Return the gradient by autograd, to be called."""
    import torch

    network, loss, p = torch_network(own, card)
    leaves = {name: part.requires_grad_() for name, part in p.items()}

    def call() -> Any:
        found = torch.autograd.grad(loss(network(leaves)), list(leaves.values()))
        return {name: part.cpu().numpy() for name, part in zip(leaves, found, strict=True)}

    return call


def torch_network(
    own: Setting, card: str
) -> tuple[Callable[[Any], Any], Callable[[Any], Any], dict[str, Any]]:
    """Return the network as validation/peers/image_networks.py has it, its loss, and its parameters."""
    import torch

    place = ROOT / "validation" / "peers" / "image_networks.py"
    specification = importlib.util.spec_from_file_location("image_networks", place)
    assert specification is not None
    assert specification.loader is not None
    peer = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(peer)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    operations, forward = peer.OPERATIONS["torch"](), peer.NETWORKS[type(own.net).__name__]
    p = {
        name: torch.from_numpy(part.copy()).to(card)
        for name, part in own.net.map.layout.unpack(own.theta).items()
    }
    x, y, t = (
        None if array is None else torch.from_numpy(array).to(card)
        for array in (own.images, own.targets, own.times)
    )
    return (
        lambda parameters: forward(operations, own.net, parameters, x, t),
        lambda z: peer.mean_squares(operations, z, y),
        p,
    )
