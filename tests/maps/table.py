"""Every map of the package on tiny sizes: the table over which the contract is tested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refms.grid import Grid
from refms.maps.activation import ACTIVATIONS, SILU, activation
from refms.maps.architectures.architecture import free_map
from refms.maps.architectures.espcn import ESPCN
from refms.maps.architectures.residual import Residual
from refms.maps.architectures.residual_image import ResidualImage
from refms.maps.architectures.resnet import ResNet
from refms.maps.architectures.unet import UNet
from refms.maps.branches import add, beside, concatenate, identity, skip
from refms.maps.chain import chain, frugal
from refms.maps.layers.channels import channel_gate, channel_scale, channel_shift, take_rows
from refms.maps.layers.convolution import convolution_layer, convolution_map
from refms.maps.layers.entrywise import entrywise, multiple, time_features
from refms.maps.layers.linear import average_pooling, every_second_cell, matrix_map, pooled_grid
from refms.maps.layers.mesh_free import mesh_free_map
from refms.maps.layers.normalized import normalized
from refms.maps.layers.norms import normalization
from refms.maps.layers.tied import antisymmetric_layer, symmetric_layer, transposed_layer
from refms.maps.map import Map
from refms.maps.parameters import frozen
from refms.maps.step import step
from refms.maps.time.coupling import leapfrog, verlet
from refms.maps.time.euler import forward_euler
from refms.maps.time.runge_kutta import runge_kutta
from refms.maps.time.tableau import EULER, MIDPOINT, RK4, Tableau
from refms.objective.classifier import Classifier
from refms.stencils.convolution import Convolution
from refms.stencils.transfer import transfer_pair

GRIDS = {1: Grid((5,)), 2: Grid((3, 4)), 3: Grid((2, 3, 2))}
EXAMPLES = 3
TANH = activation("tanh")


def _conv(d: int, c_in: int = 2, c_out: int = 2, **options: Any) -> Convolution:
    return Convolution(GRIDS[d], c_in, c_out, (3,) * d, **options)


def _layer(d: int, name: str = "tanh", c_in: int = 2, c_out: int = 2, **options: Any) -> Map:
    per_cell = options.pop("bias_per_cell", False)
    return convolution_layer(_conv(d, c_in, c_out, **options), activation(name), bias_per_cell=per_cell)


def _learned(d: int) -> Map:
    return Residual(
        GRIDS[d], 2, opening="learned", opening_shape=(3,) * d, stencil_shape=(3,) * d, final_time=1.5
    ).map


def _fixed(dtype: str) -> Map:
    net = Residual(GRIDS[2], 2, layers=3, final_time=0.7)
    return free_map(net, net.initial(0, dtype))


def _head() -> Map:
    return Classifier(GRIDS[2], 2, 4).map


def _random(seed: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def _matrix(dtype: str, rows_out: int, rows_in: int) -> Map:
    return matrix_map(_random(4, (rows_out, rows_in), dtype))


def _square(dtype: str) -> Map:
    """Return a layer that knows nothing of time steps."""
    return _matrix(dtype, 6, 6)


def _before_frozen(dtype: str) -> Map:
    head = frozen(_head(), _random(3, (_head().layout.size,), dtype))
    return chain(("network", _fixed(dtype)), ("classifier", head))


def _chain(dtype: str) -> Map:
    """Return four maps of different sizes: one parameter, many, none and many again."""
    return chain(
        ("scale", convolution_map(Convolution(GRIDS[2], stencil_shape=(1, 1)))),
        ("layer", _layer(2, c_in=1, c_out=3)),
        ("mixing", _matrix(dtype, 24, 36)),
        ("classifier", _head()),
    )


def _pooled(dtype: str) -> Map:
    """Return a layer, pooling and the classifier on blocks."""
    grid = Grid((4, 6))
    layer = convolution_layer(Convolution(grid, 2, 2), TANH)
    head = Classifier(pooled_grid(grid, 2), 2, 3).map
    return chain(("layer", layer), ("pooling", average_pooling(grid, 2, 2)), ("classifier", head))


def unet(dtype: str = "float64") -> Map:
    """Return a U-net of two levels with a time per example: fan-out, concatenation, other meshes, a sum.

    Rows: two channels on 4×4 cells, and one more row, the time t. The time is scaled, spread over the cells
    of a third channel, mixed in; one arm goes down to 2×2 cells and up again, the other stays; a 1×1 closing
    adds to the image.
    """
    fine, coarse = Grid((4, 4)), Grid((2, 2))
    pair = transfer_pair("averaging-bilinear")
    R, P = (f(fine, channels=3, dtype=dtype) for f in (pair.restriction_matrix, pair.prolongation_matrix))

    def layer(grid: Grid, c_in: int, c_out: int) -> Map:
        return convolution_layer(Convolution(grid, c_in, c_out), TANH)

    time = chain(
        ("scale", convolution_map(Convolution(Grid((1, 1)), stencil_shape=(1, 1)))),
        ("spread", matrix_map(np.ones((16, 1), dtype))),
    )
    down_and_up = chain(
        ("restrict", matrix_map(R)),
        ("coarse", step(layer(coarse, 3, 3), 0.5)),
        ("prolong", matrix_map(P)),
    )
    body = chain(
        ("opening", beside(("image", identity(32)), ("time", time))),
        ("fine", layer(fine, 3, 3)),
        ("arm", skip("below", down_and_up)),
        ("join", layer(fine, 6, 2)),
    )
    image = matrix_map(np.eye(32, 33, dtype=dtype))
    return add(("image", image), ("body", body))


PERIODIC_FREE = {"boundary": "periodic", "convolution": "mesh-free"}

HEUN = Tableau("heun", ((), (1.0,)), (0.5, 0.5), 2)
"""A method whose last stage lies at the end of the step, where the next one begins."""


MAPS: dict[str, Callable[[str], Any]] = {
    **{f"layer-{a.name}": lambda dtype, a=a: _layer(2, a.name) for a in ACTIVATIONS},
    "layer-1d": lambda dtype: _layer(1),
    "layer-3d": lambda dtype: _layer(3),
    "layer-zero-boundary": lambda dtype: _layer(2, boundary="zero"),
    "layer-convolution": lambda dtype: _layer(2, orientation="convolution"),
    "layer-bias-per-cell": lambda dtype: _layer(2, bias_per_cell=True),
    "layer-more-channels": lambda dtype: _layer(2, c_in=1, c_out=3),
    "opening-learned": lambda dtype: convolution_map(Convolution(GRIDS[2], 2, 3, (3, 1))),
    "opening-matrix": lambda dtype: _matrix(dtype, 8, 5),
    "change-of-channels": lambda dtype: convolution_map(_conv(2, 2, 3), bias=True),
    "rows": lambda dtype: take_rows(6, 1, 4),
    "shift": lambda dtype: channel_shift(GRIDS[2], 2),
    "gate": lambda dtype: channel_gate(GRIDS[2], 2),
    "scale": lambda dtype: channel_scale(GRIDS[3], 2),
    "entrywise": lambda dtype: entrywise(6, SILU),
    "multiple": lambda dtype: multiple(6, 1e-3),
    "time-features": lambda dtype: time_features(3),
    "group-norm": lambda dtype: normalization(GRIDS[2], 4, 2),
    "layer-norm": lambda dtype: normalization(GRIDS[1], 2, epsilon=0.1),
    "normalized": lambda dtype: normalized(GRIDS[2], 4, SILU, 2, weights=True),
    "mesh-free": lambda dtype: mesh_free_map(Grid((4, 6)), 2),
    "mesh-free-1d": lambda dtype: mesh_free_map(Grid((1, 5)), 3),
    "classifier": lambda dtype: _head(),
    "pooling": lambda dtype: average_pooling(Grid((4, 6)), 2, 2),
    "pooling-3d": lambda dtype: average_pooling(Grid((2, 4, 6)), 1, 2),
    "pooling-of-the-whole-mesh": lambda dtype: average_pooling(GRIDS[2], 2, 0),
    "pooling-between": _pooled,
    "every-second-cell": lambda dtype: every_second_cell(GRIDS[2], 2),
    "every-second-cell-3d": lambda dtype: every_second_cell(GRIDS[3], 1),
    "euler": lambda dtype: forward_euler(_layer(2), layers=3, final_time=1.2),
    "euler-of-any-map": lambda dtype: forward_euler(_square(dtype), layers=2, final_time=0.8),
    "euler-of-openings": lambda dtype: forward_euler(
        convolution_map(Convolution(GRIDS[2], 2, 2)), layers=2, final_time=0.8
    ),
    "euler-frugal": lambda dtype: frugal(forward_euler(_layer(2), layers=9, final_time=1.2)),
    "euler-bias-per-cell": lambda dtype: forward_euler(
        _layer(2, bias_per_cell=True), layers=2, final_time=0.9
    ),
    "euler-T0": lambda dtype: forward_euler(_layer(2), layers=2, final_time=0.0),
    "layer-transposed": lambda dtype: transposed_layer(_conv(2), TANH),
    "layer-transposed-zero-boundary": lambda dtype: transposed_layer(_conv(2, boundary="zero"), TANH),
    "layer-antisymmetric": lambda dtype: antisymmetric_layer(_conv(2), TANH),
    "layer-antisymmetric-damped-3d": lambda dtype: antisymmetric_layer(_conv(3), TANH, damping=0.3),
    "layer-antisymmetric-flipped": lambda dtype: antisymmetric_layer(
        _conv(1, orientation="convolution"), TANH, 0.2
    ),
    "euler-antisymmetric": lambda dtype: forward_euler(antisymmetric_layer(_conv(2), TANH, 0.1), 3, 1.2),
    "euler-by-its-table": lambda dtype: runge_kutta(_layer(2), 3, 1.2, EULER),
    "midpoint": lambda dtype: runge_kutta(_layer(2), 3, 1.2, MIDPOINT),
    "midpoint-constant": lambda dtype: runge_kutta(_layer(1), 2, 0.9, MIDPOINT, "constant"),
    "heun": lambda dtype: runge_kutta(_layer(2), 3, 1.2, HEUN),
    "rk4": lambda dtype: runge_kutta(_layer(2), 3, 1.2, RK4),
    "rk4-cubic": lambda dtype: runge_kutta(_layer(1), 5, 1.1, RK4, "cubic"),
    "rk4-antisymmetric": lambda dtype: runge_kutta(antisymmetric_layer(_conv(2), TANH, 0.1), 2, 0.8, RK4),
    "rk4-of-any-map": lambda dtype: runge_kutta(_square(dtype), 2, 0.8, RK4),
    "rk4-T0": lambda dtype: runge_kutta(_layer(2), 2, 0.0, RK4),
    "verlet": lambda dtype: verlet(_conv(2), TANH, 3, 1.2),
    "verlet-one-step": lambda dtype: verlet(_conv(3), TANH, 1, 0.7),
    "verlet-reversible": lambda dtype: verlet(_conv(2), TANH, 3, 1.2, reversible=True),
    "verlet-T0": lambda dtype: verlet(_conv(2), TANH, 2, 0.0),
    "leapfrog": lambda dtype: leapfrog(_layer(2), 3, 1.2),
    "leapfrog-of-any-map": lambda dtype: leapfrog(_square(dtype), 2, 0.8),
    "leapfrog-reversible": lambda dtype: leapfrog(_layer(2), 3, 1.2, reversible=True),
    "residual-fixed": _fixed,
    "residual-learned-1d": lambda dtype: _learned(1),
    "residual-learned-3d": lambda dtype: _learned(3),
    "network-and-classifier": lambda dtype: chain(("network", _fixed(dtype)), ("classifier", _head())),
    "layer-symmetric": lambda dtype: symmetric_layer(_conv(2), TANH),
    "euler-symmetric": lambda dtype: forward_euler(symmetric_layer(_conv(1), TANH), 2, 0.9),
    "leapfrog-symmetric": lambda dtype: leapfrog(symmetric_layer(_conv(2), TANH), 2, 0.9),
    "identity": lambda dtype: identity(5),
    "concatenated": lambda dtype: concatenate(
        ("a", _layer(2)), ("b", _matrix(dtype, 7, 24)), ("c", _layer(2))
    ),
    "added": lambda dtype: add(("a", _layer(2)), ("b", identity(24))),
    "beside": lambda dtype: beside(("a", _layer(2)), ("b", _matrix(dtype, 8, 5))),
    "unet": unet,
    "image-unet": lambda dtype: UNet(Grid((4, 4)), 1, 2, (1, 2), groups=2).map,
    "image-unet-dropout": lambda dtype: UNet(Grid((4, 3)), 1, 2, (1,), groups=1, dropout=0.5).map,
    "image-unet-mesh-free": lambda dtype: UNet(Grid((4, 4)), 1, 2, (1,), groups=1, **PERIODIC_FREE).map,
    "image-residual": lambda dtype: ResidualImage(Grid((3, 4)), 2, 4, 1, closing_scale=0.5).map,
    "image-bottleneck": lambda dtype: (
        ResidualImage(Grid((3, 4)), 1, 4, 1, "bottleneck", time=False, add_input=True).map
    ),
    "image-espcn": lambda dtype: ESPCN(Grid((5, 6)), 2, (3, 2)).map,
    "resnet": lambda dtype: ResNet(Grid((3, 4)), 2, 2, (1, 1), 1).map,
    "resnet-smooth": lambda dtype: ResNet(Grid((4, 3)), 1, 2, (1, 2), 2, activation="silu").map,
    "resnet-of-means": lambda dtype: (
        ResNet(Grid((4, 4)), 1, 2, (1, 1), 1, "mean", "tanh", boundary="periodic").map
    ),
    "chain-of-four": _chain,
    "frozen-layer": lambda dtype: frozen(_layer(2), _random(7, (_layer(2).layout.size,), dtype)),
    "network-and-frozen-classifier": _before_frozen,
}

KINKED = {"layer-relu", "layer-leaky_relu", "layer-smoothed_relu"}
KINKED |= {"image-residual", "image-bottleneck", "image-espcn", "resnet"}
"""Maps that are not analytic: no complex step, and Taylor steps must stay on one side of the kinks."""


def point(name: str, seed: int = 0, dtype: str = "float64") -> tuple[Any, np.ndarray, np.ndarray]:
    """Return a map, parameters and an input."""
    map_ = MAPS[name](dtype)
    rng = np.random.default_rng(seed)
    theta = rng.standard_normal(map_.layout.size).astype(dtype)
    Y = rng.standard_normal((map_.rows_in, EXAMPLES)).astype(dtype)
    return map_, theta, Y


def products(map_: Any, theta: np.ndarray, Y: np.ndarray, seed: int = 9) -> dict[str, np.ndarray]:
    """Return output and products of a map at a point, along directions of its dtype that a seed draws."""
    rng, shapes = np.random.default_rng(seed), (theta.shape, Y.shape, (map_.rows_out, Y.shape[1]))
    dtheta, dY, G = (rng.standard_normal(shape).astype(theta.dtype) for shape in shapes)
    F = map_.at(theta, Y)
    gtheta, gY = F.vjp(G)
    return {
        "output": F.output,
        "tangent": F.jvp(dtheta, dY),
        "tangent in theta": F.jvp(dtheta),
        "gradient in theta": gtheta,
        "gradient in Y": gY,
        "gradient in theta alone": F.vjp(G, wrt_input=False)[0],
        "gradient in Y alone": F.vjp(G, wrt_theta=False)[1],
    }


def join(*arrays: np.ndarray) -> np.ndarray:
    """Return arrays as one vector."""
    return np.concatenate([array.reshape(-1) for array in arrays])


def assert_close(found: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    """Assert |found − expected| <= tolerance max(1, |expected|), in the largest entries."""
    assert found.shape == expected.shape
    scale = max(1.0, np.abs(expected).max(initial=0.0))
    assert np.abs(found - expected).max(initial=0.0) <= tolerance * scale
