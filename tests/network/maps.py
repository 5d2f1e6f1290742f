"""Every map of the package on tiny sizes: the table over which the contract is tested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refms.grid import Grid
from refms.network.activation import ACTIVATIONS, activation
from refms.network.architectures.residual import Residual, initial_parameters
from refms.network.checkpointing import checkpointed
from refms.network.composition import Frozen, Sequence
from refms.network.integrators.leapfrog import Leapfrog
from refms.network.integrators.runge_kutta import RungeKutta
from refms.network.integrators.tableau import EULER, MIDPOINT, RK4, Tableau
from refms.network.integrators.verlet import Verlet
from refms.network.layers.antisymmetric import AntisymmetricLayer
from refms.network.layers.convolution_layer import ConvolutionLayer
from refms.network.layers.opening import ConvolutionOpening, MatrixOpening
from refms.network.layers.pooling import AveragePooling
from refms.network.layers.transposed import TransposedLayer
from refms.network.propagation import ForwardEuler
from refms.objective.classifier import Classifier
from refms.stencils.convolution import Convolution

GRIDS = {1: Grid((5,)), 2: Grid((3, 4)), 3: Grid((2, 3, 2))}
EXAMPLES = 3


def _layer(d: int, name: str = "tanh", c_in: int = 2, c_out: int = 2, **options: Any) -> ConvolutionLayer:
    per_cell = options.pop("bias_per_cell", False)
    conv = Convolution(GRIDS[d], c_in, c_out, (3,) * d, **options)
    return ConvolutionLayer(conv, activation(name), per_cell)


def _learned(d: int) -> Any:
    net = Residual(
        GRIDS[d], 2, opening="learned", opening_shape=(3,) * d, stencil_shape=(3,) * d, final_time=1.5
    )
    return net.mapping(initial_parameters(net, 0)["opening"])


def _fixed(dtype: str) -> Any:
    net = Residual(GRIDS[2], 2, layers=3, final_time=0.7)
    return net.mapping(initial_parameters(net, 0, dtype=dtype)["opening"])


def _whole(dtype: str) -> Sequence:
    return Sequence((("network", _fixed(dtype)), ("classifier", Classifier(GRIDS[2], 2, 4))))


def _before_frozen(dtype: str) -> Sequence:
    classifier = Classifier(GRIDS[2], 2, 4)
    omega = np.random.default_rng(3).standard_normal(classifier.layout.size).astype(dtype)
    return Sequence((("network", _fixed(dtype)), ("classifier", Frozen(classifier, omega))))


def _frozen(dtype: str) -> Frozen:
    layer = _layer(2)
    return Frozen(layer, np.random.default_rng(7).standard_normal(layer.layout.size).astype(dtype))


def _matrix(dtype: str) -> MatrixOpening:
    return MatrixOpening(np.random.default_rng(4).standard_normal((8, 5)).astype(dtype))


def _square(dtype: str) -> MatrixOpening:
    """Return a layer that knows nothing of time steps."""
    return MatrixOpening(np.random.default_rng(5).standard_normal((6, 6)).astype(dtype))


def _chain(dtype: str) -> Sequence:
    """Return four maps of different sizes: one parameter, many, none and many again."""
    mixing = np.random.default_rng(6).standard_normal((24, 36)).astype(dtype)
    return Sequence(
        (
            ("scale", ConvolutionOpening(Convolution(GRIDS[2], stencil_shape=(1, 1)))),
            ("layer", _layer(2, c_in=1, c_out=3)),
            ("mixing", MatrixOpening(mixing)),
            ("classifier", Classifier(GRIDS[2], 2, 4)),
        )
    )


def _pooled(dtype: str) -> Sequence:
    """Return a layer, pooling and the classifier on blocks."""
    pool = AveragePooling(Grid((4, 6)), 2, 2)
    layer = ConvolutionLayer(Convolution(pool.grid, 2, 2), activation("tanh"))
    return Sequence((("layer", layer), ("pooling", pool), ("classifier", Classifier(pool.pooled, 2, 3))))


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
    "opening-learned": lambda dtype: ConvolutionOpening(Convolution(GRIDS[2], 2, 3, (3, 1))),
    "opening-matrix": _matrix,
    "classifier": lambda dtype: Classifier(GRIDS[2], 2, 4),
    "pooling": lambda dtype: AveragePooling(Grid((4, 6)), 2, 2),
    "pooling-3d": lambda dtype: AveragePooling(Grid((2, 4, 6)), 1, 2),
    "pooling-of-the-whole-mesh": lambda dtype: AveragePooling(GRIDS[2], 2, 0),
    "pooling-between": _pooled,
    "euler": lambda dtype: ForwardEuler(_layer(2), layers=3, final_time=1.2),
    "euler-of-any-map": lambda dtype: ForwardEuler(_square(dtype), layers=2, final_time=0.8),
    "euler-of-openings": lambda dtype: ForwardEuler(
        ConvolutionOpening(Convolution(GRIDS[2], 2, 2)), layers=2, final_time=0.8
    ),
    "euler-checkpointed": lambda dtype: checkpointed(ForwardEuler(_layer(2), layers=9, final_time=1.2)),
    "euler-bias-per-cell": lambda dtype: ForwardEuler(
        _layer(2, bias_per_cell=True), layers=2, final_time=0.9
    ),
    "euler-T0": lambda dtype: ForwardEuler(_layer(2), layers=2, final_time=0.0),
    "layer-transposed": lambda dtype: TransposedLayer(_layer(2)),
    "layer-transposed-zero-boundary": lambda dtype: TransposedLayer(_layer(2, boundary="zero")),
    "layer-antisymmetric": lambda dtype: AntisymmetricLayer(_layer(2)),
    "layer-antisymmetric-damped-3d": lambda dtype: AntisymmetricLayer(_layer(3), damping=0.3),
    "layer-antisymmetric-flipped": lambda dtype: AntisymmetricLayer(
        _layer(1, orientation="convolution"), 0.2
    ),
    "euler-antisymmetric": lambda dtype: ForwardEuler(AntisymmetricLayer(_layer(2), 0.1), 3, 1.2),
    "euler-by-its-table": lambda dtype: RungeKutta(_layer(2), 3, 1.2, EULER),
    "midpoint": lambda dtype: RungeKutta(_layer(2), 3, 1.2, MIDPOINT),
    "midpoint-constant": lambda dtype: RungeKutta(_layer(1), 2, 0.9, MIDPOINT, "constant"),
    "heun": lambda dtype: RungeKutta(_layer(2), 3, 1.2, HEUN),
    "rk4": lambda dtype: RungeKutta(_layer(2), 3, 1.2, RK4),
    "rk4-cubic": lambda dtype: RungeKutta(_layer(1), 5, 1.1, RK4, "cubic"),
    "rk4-antisymmetric": lambda dtype: RungeKutta(AntisymmetricLayer(_layer(2), 0.1), 2, 0.8, RK4),
    "rk4-of-any-map": lambda dtype: RungeKutta(_square(dtype), 2, 0.8, RK4),
    "rk4-T0": lambda dtype: RungeKutta(_layer(2), 2, 0.0, RK4),
    "verlet": lambda dtype: Verlet(_layer(2), 3, 1.2),
    "verlet-one-step": lambda dtype: Verlet(_layer(3), 1, 0.7),
    "verlet-reversible": lambda dtype: Verlet(_layer(2), 3, 1.2, reversible=True),
    "verlet-T0": lambda dtype: Verlet(_layer(2), 2, 0.0),
    "leapfrog": lambda dtype: Leapfrog(_layer(2), 3, 1.2),
    "leapfrog-of-any-map": lambda dtype: Leapfrog(_square(dtype), 2, 0.8),
    "leapfrog-reversible": lambda dtype: Leapfrog(_layer(2), 3, 1.2, reversible=True),
    "residual-fixed": _fixed,
    "residual-learned-1d": lambda dtype: _learned(1),
    "residual-learned-3d": lambda dtype: _learned(3),
    "network-and-classifier": _whole,
    "chain-of-four": _chain,
    "frozen-layer": _frozen,
    "network-and-frozen-classifier": _before_frozen,
}

KINKED = {"layer-relu", "layer-leaky_relu", "layer-smoothed_relu"}
"""Maps that are not analytic: no complex step, and Taylor steps must stay on one side of the kinks."""

ONCE: set[str] = set()
"""Maps that have no second derivatives."""


def point(name: str, seed: int = 0, dtype: str = "float64") -> tuple[Any, np.ndarray, np.ndarray]:
    """Return a map, parameters and an input."""
    map_ = MAPS[name](dtype)
    rng = np.random.default_rng(seed)
    theta = rng.standard_normal(map_.layout.size).astype(dtype)
    Y = rng.standard_normal((map_.rows_in, EXAMPLES)).astype(dtype)
    return map_, theta, Y
