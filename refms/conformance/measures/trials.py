"""One call of every operation on arguments drawn from an instance: its scale, and where the examples are."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from refms.conformance.adapters.adapter import PARAMETERS, provides
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.profile import Profile
from refms.conformance.instances.drawn import Instance
from refms.conformance.oracles import network as oracle
from refms.definition.arrays import as_double
from refms.definition.convolution import transpose
from refms.definition.galerkin import closed, stencil_map
from refms.definition.norms import max_norm, row_sum_norm
from refms.definition.transfer import PAIRS, Pair
from refms.errors import Array

Numbers = tuple[Array, ...]
"""A result as arrays: one, or one for each parameter."""

STEEPEST = 5.0
"""Largest slope of the slopes of the kit's activations, 1/(2η) of the smoothed ReLU."""


@dataclass(frozen=True)
class Trial:
    """One call of an operation of a gate.

    Parameters
    ----------
    operation : str
        Its name.
    arguments : tuple
        As the gate takes them, fields as images.
    bound, relative : float
        Errors count against ``bound`` plus ``relative`` times the norm of the result.
    examples : mapping of int to int
        Argument -> axis along which the examples lie; empty if there are none.
    joined : int or None
        Axis of the result along which the examples lie; None where it is reduced over them.
    mean : bool
        Whether parts of the examples count by their share, as in a mean; otherwise they add up.
    units : tuple of float
        Factors by which errors in the arrays of the result count; empty for 1.
    """

    operation: str
    arguments: tuple[Any, ...]
    bound: float
    relative: float = 0.0
    examples: Mapping[int, int] = field(default_factory=dict)
    joined: int | None = None
    mean: bool = False
    units: tuple[float, ...] = ()

    def called(self, gate: Gate) -> Numbers:
        """Return copies of what comes back."""
        return numbers(getattr(gate, self.operation)(*self.arguments))

    def part(self, start: int, stop: int) -> Trial:
        """Return the same call for some of the examples."""
        cut = tuple(
            np.ascontiguousarray(np.take(one, range(start, stop), self.examples[k]))
            if k in self.examples
            else one
            for k, one in enumerate(self.arguments)
        )
        return dataclasses.replace(self, arguments=cut)

    def scale(self, *results: Numbers) -> float:
        """Return against what errors of the result count; several results give the largest scale."""
        sizes = [np.sqrt(sum((one**2).sum() for one in self.in_units(found))) for found in results]
        return self.bound + self.relative * float(max(sizes))

    def in_units(self, result: Numbers) -> Numbers:
        """Return a result in double precision, each array times its unit."""
        units = self.units or (1.0,) * len(result)
        return tuple(unit * as_double(one) for unit, one in zip(units, result, strict=True))


def trials(gate: Gate, x: Instance, name: str, examples: int = 3) -> tuple[Trial, ...]:
    """Return one call of every operation that an adapter provides, apart from the optimisers.

    Parameters
    ----------
    gate : Gate
        The implementation.
    x : Instance
        Draws all arguments.
    name : str
        Another name gives other numbers of the same shapes.
    examples : int
        m.

    Returns
    -------
    tuple of Trial
        In the order of ``TRIED``; what the profile excludes is left out.
    """
    asked = _Asked(x, gate.profile, name, examples)
    provided = (made for operation, made in _TRIALS.items() if provides(gate.adapter, operation))
    return tuple(trial for trial in (made(asked) for made in provided) if trial is not None)


def numbers(result: Any) -> Numbers:
    """Return copies of all numbers in the result of a gate or of an adapter."""
    if isinstance(result, Mapping):
        return tuple(one for key in PARAMETERS for one in numbers(result[key]))
    if isinstance(result, tuple):  # a matrix, and how many values it stores
        return numbers(result[0])
    if hasattr(result, "toarray"):
        return (np.array(result.toarray()),)
    if hasattr(result, "__dlpack__") and not isinstance(result, np.ndarray):
        return (np.array(np.from_dlpack(result)),)
    return (np.array(result),)


@dataclass(frozen=True)
class _Asked:
    """What the arguments are drawn from."""

    x: Instance
    profile: Profile
    name: str
    m: int

    def draw(self, what: str, *shape: int) -> Array:
        return self.x.draw(self.name + what, *shape)

    def image(self, what: str, channels: int, grid: tuple[int, ...] | None = None) -> Array:
        return self.x.image(self.name + what, channels, grid, self.m)

    @property
    def stencils(self) -> Array:
        return self.x.stencils(self.name + "S")

    @property
    def labels(self) -> Array:
        return self.x.one_hot(self.name + "labels", self.m)

    @property
    def network(self) -> tuple[dict[str, Array], dict[str, Array], Array, float]:
        """Parameters, a direction, images, and by how much errors grow on the way to the logits."""
        X = self.image("X", self.x.c_in)
        p = oracle.temper(self.x.parameters(self.name), X, self.x.problem, self.profile)
        return p, self.x.parameters(self.name + "v"), X, oracle.growth(p, self.x.problem)

    @property
    def seed(self) -> int:
        """A seed for the implementation."""
        return int(np.random.default_rng([self.x.seed, zlib.crc32(self.name.encode())]).integers(2**31))

    @property
    def units(self) -> tuple[float, ...]:
        """Those of the gradient with respect to all parameters."""
        return tuple(self.x.units[key] for key in PARAMETERS)

    @property
    def mean(self) -> bool:
        return self.profile.reduction == "mean"

    @property
    def pair(self) -> tuple[str, Pair]:
        name = self.profile.pairs[self.x.seed % len(self.profile.pairs)]
        return name, PAIRS[name]

    @property
    def activation(self) -> str | None:
        """One with a slope that varies, if there is any."""
        known = [name for name in self.profile.activations if name != "identity"]
        return known[self.x.seed % len(known)] if known else None


def _convolution(a: _Asked) -> Trial:
    S, Y = a.stencils, a.image("Y", a.x.c_in)
    given = S, Y, a.x.boundary
    return Trial("convolution", given, row_sum_norm(S) * max_norm(Y), examples={1: 0}, joined=0)


def _convolution_adjoint(a: _Asked) -> Trial:
    S, Z = a.stencils, a.image("Z", a.x.c_out)
    bound = row_sum_norm(transpose(S)) * max_norm(Z)
    return Trial("convolution_adjoint", (S, Z, a.x.boundary), bound, examples={1: 0}, joined=0)


def _stencil_gradient(a: _Asked) -> Trial:
    Z, Y = a.image("Z", a.x.c_out), a.image("Y", a.x.c_in)
    bound = float(np.linalg.norm(as_double(Z)) * np.linalg.norm(as_double(Y)))
    return Trial("stencil_gradient", (Z, Y, a.x.stencil, a.x.boundary), bound, examples={0: 0, 1: 0})


def _convolution_matrix(a: _Asked) -> Trial:
    S = a.stencils
    return Trial("convolution_matrix", (S, a.x.grid, a.x.boundary), row_sum_norm(S))


def _restrict(a: _Asked) -> Trial:
    name, pair = a.pair
    Y = a.image("Y", a.x.c_in, tuple(2 * n for n in a.x.grid))
    bound = sum(map(abs, pair.r.values())) ** a.x.d * max_norm(Y)
    return Trial("restrict", (Y, name), bound, examples={0: 0}, joined=0)


def _prolong(a: _Asked) -> Trial:
    name, pair = a.pair
    Y = a.image("Y", a.x.c_in)
    bound = sum(map(abs, pair.p.values())) ** a.x.d * max_norm(Y)
    return Trial("prolong", (Y, name), bound, examples={0: 0}, joined=0)


def _stencil_down(a: _Asked) -> Trial:
    name, pair = a.pair
    S = a.stencils
    return Trial(
        "stencil_down", (S, name), sum(map(abs, pair.correlation.values())) ** a.x.d * row_sum_norm(S)
    )


def _stencil_up(a: _Asked) -> Trial | None:
    sizes = [
        (name, size)
        for name in a.profile.pairs
        for size in a.profile.stencil_sizes
        if 1 < size <= 5 and closed(PAIRS[name], size)
    ]
    if not sizes:
        return None
    name, size = sizes[a.x.seed % len(sizes)]
    S = a.draw("S", a.x.c_out, a.x.c_in, *(size,) * a.x.d)
    A = stencil_map(PAIRS[name].r, PAIRS[name].p, size)
    enlarged = float(np.linalg.cond(A)) ** a.x.d
    return Trial("stencil_up", (S, name), enlarged * float(np.linalg.norm(as_double(S))))


def _activation(a: _Asked) -> Trial | None:
    Z = a.draw("Z", 6, a.m)
    if a.activation is None:
        return None
    return Trial("activation", (Z, a.activation), max(max_norm(Z), 1.0), examples={0: 1}, joined=1)


def _activation_derivative(a: _Asked) -> Trial | None:
    Z = a.draw("Z", 6, a.m)
    if a.activation is None:
        return None
    bound = STEEPEST * max(max_norm(Z), 1.0)
    return Trial("activation_derivative", (Z, a.activation), bound, examples={0: 1}, joined=1)


def _forward(a: _Asked) -> Trial:
    p, _, X, _ = a.network
    bound = oracle.reach(p, X, a.x.problem)
    return Trial("forward", (p, X, a.x.problem), bound, examples={1: 0}, joined=0)


def _logits(a: _Asked) -> Trial:
    # Features are about one, whatever the size of the images is.
    p, Y = a.x.parameters(a.name), a.draw("Y", a.m, a.x.c_out, *a.x.grid)
    size = float(np.linalg.norm(as_double(p["W"])) * np.linalg.norm(as_double(Y)))
    bound = a.x.volume * size + max_norm(p["mu"])
    return Trial("logits", (p["W"], p["mu"], Y), bound, examples={2: 0}, joined=1)


def _jacobian_product(a: _Asked) -> Trial:
    p, v, X, growth = a.network
    bound = growth * oracle.size(a.x.in_units(v))
    return Trial("jacobian_product", (p, v, X, a.x.problem), bound, growth, examples={2: 0}, joined=1)


def _jacobian_transpose(a: _Asked) -> Trial:
    p, _, X, growth = a.network
    U = a.draw("U", a.x.classes, a.m)
    bound = growth * float(np.linalg.norm(as_double(U)))
    given, examples = (p, U, X, a.x.problem), {1: 1, 2: 0}
    return Trial("jacobian_transpose", given, bound, growth, examples, units=a.units)


def _depth_prolong(a: _Asked) -> Trial:
    Theta = a.draw("Theta", 3, 4)
    return Trial("depth_prolong", (Theta, 6), max_norm(Theta))


def _cross_entropy(a: _Asked) -> Trial:
    Z, C = a.draw("Z", a.x.classes, a.m), a.labels
    bound = 2 * a.m * max(max_norm(Z), 1.0)
    return Trial("cross_entropy", (Z, C), bound, examples={0: 1, 1: 1}, mean=a.mean)


def _cross_entropy_gradient(a: _Asked) -> Trial:
    Z, C = a.draw("Z", a.x.classes, a.m), a.labels
    bound = max(max_norm(Z), 1.0)
    return Trial("cross_entropy_gradient", (Z, C), bound, examples={0: 1, 1: 1}, joined=1, mean=a.mean)


def _cross_entropy_hessian(a: _Asked) -> Trial:
    Z, C, V = a.draw("Z", a.x.classes, a.m), a.labels, a.draw("V", a.x.classes, a.m)
    bound, examples = max(max_norm(Z), 1.0) * max_norm(V), {0: 1, 1: 1, 2: 1}
    return Trial("cross_entropy_hessian", (Z, C, V), bound, examples=examples, joined=1, mean=a.mean)


def _loss(a: _Asked) -> Trial:
    p, _, X, _ = a.network
    columns = float(np.abs(as_double(p["W"])).sum(axis=0).max())
    bound = a.m * columns * a.x.volume * oracle.reach(p, X, a.x.problem)
    return Trial("loss", (p, X, a.labels, a.x.problem), bound, 1.0, examples={1: 0, 2: 1}, mean=a.mean)


def _gradient(a: _Asked) -> Trial:
    p, _, X, growth = a.network
    given = p, X, a.labels, a.x.problem
    return Trial("gradient", given, growth, growth, {1: 0, 2: 1}, mean=a.mean, units=a.units)


def _gauss_newton(a: _Asked) -> Trial:
    p, v, X, growth = a.network
    given = p, v, X, a.labels, a.x.problem
    return Trial("gauss_newton", given, growth, growth, {2: 0, 3: 1}, mean=a.mean, units=a.units)


def _subsampled_gauss_newton(a: _Asked) -> Trial:
    p, v, X, growth = a.network
    given = p, v, X, a.labels, a.x.problem, 2, a.seed
    return Trial("subsampled_gauss_newton", given, growth, growth, units=a.units)


def _subsample(a: _Asked) -> Trial:
    return Trial("subsample", (40, 11, a.seed), 1.0)


def _weight_smoothness(a: _Asked) -> Trial:
    return Trial("weight_smoothness", (a.x.parameters(a.name)["W"], a.x.grid), 0.0, 1.0)


def _weight_smoothness_gradient(a: _Asked) -> Trial:
    W = a.x.parameters(a.name)["W"]
    bound = 4 * sum(n * n for n in a.x.grid) / a.x.cells * max_norm(W)
    return Trial("weight_smoothness_gradient", (W, a.x.grid), bound)


def _time_smoothness(a: _Asked) -> Trial:
    return Trial("time_smoothness", (a.draw("Theta", 4, 3), a.x.final_time), 0.0, 1.0)


def _time_smoothness_gradient(a: _Asked) -> Trial:
    Theta = a.draw("Theta", 4, 3)
    bound = 4 * len(Theta) / a.x.final_time * max_norm(Theta)
    return Trial("time_smoothness_gradient", (Theta, a.x.final_time), bound)


_TRIALS: dict[str, Callable[[_Asked], Trial | None]] = {
    made.__name__.removeprefix("_"): made
    for made in (
        _convolution,
        _convolution_adjoint,
        _stencil_gradient,
        _convolution_matrix,
        _restrict,
        _prolong,
        _stencil_down,
        _stencil_up,
        _activation,
        _activation_derivative,
        _forward,
        _logits,
        _jacobian_product,
        _jacobian_transpose,
        _depth_prolong,
        _cross_entropy,
        _cross_entropy_gradient,
        _cross_entropy_hessian,
        _loss,
        _gradient,
        _gauss_newton,
        _subsampled_gauss_newton,
        _subsample,
        _weight_smoothness,
        _weight_smoothness_gradient,
        _time_smoothness,
        _time_smoothness_gradient,
    )
}

TRIED = tuple(_TRIALS)
"""Operations that are tried: all but the optimisers, which call functions of the kit's own."""

SPLIT = (
    "convolution",
    "convolution_adjoint",
    "stencil_gradient",
    "restrict",
    "prolong",
    "activation",
    "activation_derivative",
    "forward",
    "logits",
    "jacobian_product",
    "jacobian_transpose",
    "cross_entropy",
    "cross_entropy_gradient",
    "cross_entropy_hessian",
    "loss",
    "gradient",
    "gauss_newton",
)
"""Those of them that have examples."""
