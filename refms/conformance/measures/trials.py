"""One call of every operation on arguments drawn from an instance, with the scale of its row."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from refms.conformance.adapters.adapter import provides
from refms.conformance.adapters.gate import Gate, as_numpy
from refms.conformance.adapters.profile import Profile
from refms.conformance.instances.domain import Instance
from refms.conformance.operations import OPERATIONS, PARAMETERS, TRIED, Argument, Operation
from refms.conformance.oracles import network as oracle
from refms.conformance.oracles.functions import SIZE, log_cosh, parabola, symmetric
from refms.definition.arrays import as_double, norm
from refms.definition.galerkin import closed
from refms.definition.transfer import PAIRS
from refms.errors import Array

Numbers = tuple[Array, ...]
"""A result as arrays: one, or one for each parameter."""


_ITERATIONS: Mapping[str, Any] = {
    "full_multiscale": (2, 1),
    "train_classifier": 3,
    "block_coordinate_descent": 3,
}
"""How many are made, where that is not enough for exact directions."""


@dataclass(frozen=True)
class Trial:
    """One call of an operation, with arguments as the gate takes them.

    Errors count against ``bound`` + ``relative`` · ‖result‖, in the arrays of the result times ``units``;
    ``mean`` says that parts of the examples count by their share.
    """

    operation: str
    arguments: tuple[Any, ...]
    bound: float
    relative: float = 0.0
    mean: bool = False
    units: tuple[float, ...] = ()

    @property
    def examples(self) -> Mapping[int, int]:
        """Argument -> axis along which the examples lie; empty if there are none."""
        return OPERATIONS[self.operation].examples

    @property
    def joined(self) -> int | None:
        """Axis of the result along which the examples lie; None where it is reduced over them."""
        return OPERATIONS[self.operation].joined

    @property
    def given(self) -> dict[str, Any]:
        """The arguments by name."""
        return {
            one.name: value
            for one, value in zip(OPERATIONS[self.operation].given, self.arguments, strict=True)
        }

    def call(self, gate: Gate) -> Numbers:
        """Return copies of what comes back."""
        return numbers(getattr(gate, self.operation)(*self.arguments))

    def part(self, start: int, stop: int) -> Trial:
        """Return the same call for some of the examples."""
        return self.of(range(start, stop))

    def of(self, examples: Sequence[int]) -> Trial:
        """Return the same call for these examples, in this order."""
        cut = tuple(
            np.ascontiguousarray(np.take(one, examples, self.examples[k])) if k in self.examples else one
            for k, one in enumerate(self.arguments)
        )
        return dataclasses.replace(self, arguments=cut)

    def scale(self, *results: Numbers) -> float:
        """Return against what errors of the result count; several results give the largest scale."""
        sizes = [norm(np.array([norm(one) for one in self.in_units(found)])) for found in results]
        return self.bound + self.relative * max(sizes)

    def in_units(self, result: Numbers) -> Numbers:
        """Return a result in double precision, each array times its unit."""
        units = self.units or (1.0,) * len(result)
        return tuple(unit * as_double(one) for unit, one in zip(units, result, strict=True))


def trials(
    gate: Gate, x: Instance, name: str, examples: int = 3, operations: Sequence[str] = TRIED
) -> tuple[Trial, ...]:
    """Return one call of each operation that an adapter provides and its profile includes.

    Another name gives other numbers of the same shapes.
    """
    draw = _Draw(x, gate.profile, name, examples)
    made = (draw.trial(OPERATIONS[one]) for one in operations if provides(gate.adapter, one))
    return tuple(trial for trial in made if trial is not None)


def scaled(trial: Trial, given: Mapping[str, Any], x: Instance) -> Trial:
    """Return a trial with these arguments and the scale that they have."""
    scale = OPERATIONS[trial.operation].scale
    assert scale is not None  # for mypy: it is one of TRIED
    found = scale(SimpleNamespace(**{**given, "x": x}))
    bound, relative = found if isinstance(found, tuple) else (found, 0.0)
    return dataclasses.replace(trial, arguments=tuple(given.values()), bound=bound, relative=relative)


def parts(result: Any) -> tuple[Any, ...]:
    """Return the parts of a result: one for each key of a mapping, the array of a matrix, or the only one."""
    if isinstance(result, Mapping):
        keys = PARAMETERS if set(result) == {*PARAMETERS} else sorted(result)
        return tuple(result[key] for key in keys)
    return result[:1] if isinstance(result, tuple) else (result,)


def numbers(result: Any) -> Numbers:
    """Return copies of all numbers in the result of a gate or of an adapter."""
    return tuple(
        np.array(as_numpy(one.toarray() if hasattr(one, "toarray") else one)) for one in parts(result)
    )


@dataclass(frozen=True)
class _Draw:
    """Arguments of operations for m examples, drawn from an instance under a name."""

    x: Instance
    profile: Profile
    name: str
    m: int

    def trial(self, row: Operation) -> Trial | None:
        """Return one call, None where the profile excludes all."""
        if not row.splits:
            self = dataclasses.replace(self, m=2 * self.x.classes)
        if row.name == "block_coordinate_descent":  # of whose steps few iterations of CG decide
            usual = dataclasses.replace(self.x, image_scale=1.0, stencil_scale=1.0, within=0.0)
            self = dataclasses.replace(self, x=usual)
        given = {one.name: self.value(row, one) for one in row.given}
        if any(value is None for value in given.values()):
            return None
        if "parameters" in given and "X" in given:
            given["parameters"] = oracle.temper(given["parameters"], given["X"], self.x)
        units = tuple(self.x.units[key] for key in PARAMETERS) if row.kind == "parameters" else ()
        mean = row.reduced and self.profile.reduction == "mean"
        return scaled(Trial(row.name, (), 0.0, 0.0, mean, units), given, self.x)

    def value(self, row: Operation, one: Argument) -> Any:
        """Return an argument of an operation."""
        x = self.x
        if row.name == "full_multiscale" and one.name in ("S", "gradients", "pair"):
            if self.closed is None:
                return None
            S, pair = self.closed
            if one.name == "pair":
                return pair
            return x.draw(
                self.name + one.name, *(3,) * (one.name == "gradients"), x.c_in, x.c_in, *S.shape[2:]
            )
        if row.name in ("refine_network", "coarsen_network") and one.name != "weights":
            return self.network(row.name == "refine_network", one.name)
        if row.name == "stencil_up":
            return self.closed[0 if one.name == "S" else 1] if self.closed else None
        if one.axes:
            return self.array(row, one)
        rng, by_rule = x.rng(self.name), row.name.endswith("_network")
        named: dict[str, Callable[[], Any]] = {
            "parameters": lambda: x.parameters(self.name),
            "direction": lambda: x.parameters(self.name + "v"),
            "pair": lambda: self.profile.pairs[x.seed % len(self.profile.pairs)],
            "name": lambda: self.activation,
            "layers": lambda: 8 if row.name == "depth_prolong" else x.layers + 2,
            "m": lambda: 40,
            "size": lambda: 11 if row.name == "subsample" else 2,
            "seed": lambda: int(rng.integers(2**31)),
            "to": lambda: tuple(n // 2 + 1 for n in x.grid),
            "kernel": lambda: "cubic",
            "antialias": lambda: True,
            "border": lambda: "clamp",
            "sigma": lambda: 0.8,
            "groups": lambda: 2 if row.name.startswith("strided") else 1,
            "stride": lambda: (2,) * x.d,
            "dilation": lambda: (2,) * x.d,
            "pool": lambda: (3,) * x.d,
            "epsilon": lambda: 0.1 * x.image_scale**2,
            "batches": lambda: tuple(int(N) for N in rng.integers(1, 2**31, 3)),
            "finest": lambda: 1,
            "dimension": lambda: x.d,
            "k": lambda: 3,
            "total": lambda: 8,
            "rate": lambda: float(rng.uniform(0.1, 1.0)),
            "floor": lambda: 0.01,
            "count": lambda: 3,
            "level": lambda: 1,
            "levels": lambda: 3,
            "examples": lambda: 11,
            "coefficients": lambda: (0.75,) * (self.m > 1),
            "iterations": lambda: _ITERATIONS.get(row.name, 4 * SIZE),
            "rule": lambda: "galerkin",
            "damping": lambda: 0.25,
            "low": lambda: -1.0,
            "high": lambda: 2.0,
            **self.functions(),
            "width": lambda: 2.7,
            "activation": lambda: self.smooth,
            "weights": lambda: ("pair", "adjoint")[x.seed % 2] if by_rule else (0.1, 0.02, 0.03, 0.04),
        }
        if row.name == "mge" and one.name == "batches":
            return (1, self.m - 1) if self.m > 1 else (1,)
        if row.name == "draw_windows" and one.name == "grid":
            return (16,) * x.d
        return named[one.name]() if one.name in named else getattr(x, one.name)

    def functions(self) -> dict[str, Callable[[], Any]]:
        """Return what optimisers take: functions of the kit's own, and numbers that go with them."""
        x = dataclasses.replace(self.x, stencil_scale=1.0, image_scale=1.0)
        start, length = x.draw(self.name + "x", SIZE), norm(x.draw(self.name + "p", SIZE))
        # Armijo's rule holds up to this step: twice what is accepted but for a factor between 1/2 and 1.
        limit = 0.7 * 0.5 ** (sum(self.name.encode()) % 5)

        def product() -> Callable[[Array], Array]:
            A = symmetric(x, np.geomspace(1.0, 10.0, SIZE), self.name + "A")
            return lambda v: A @ v

        def along(y: Array) -> float:
            return parabola(2 * (1 - 1e-4) / limit, norm(as_double(y) - as_double(start)) / length)

        M = np.linalg.inv(as_double(symmetric(x, np.geomspace(1.0, 5.0, SIZE), self.name + "M")))

        def gradient(y: Array, k: int) -> Array:
            return y.dtype.type(0.1) * product()(y - y.dtype.type(k))

        return {
            "preconditioner": lambda: lambda r: M.astype(r.dtype) @ r,
            "gradient": lambda: gradient,
            "radius": lambda: 1.0,
            "alpha": lambda: 0.1 * x.volume**2,
            "tau": lambda: 0.5 * x.volume**2 * x.cells,
            "inner": lambda: 2,
            "inner_iterations": lambda: 2,
            "momentum": lambda: 0.9,
            "steps": lambda: 2,
            "product": product,
            "objective": lambda: log_cosh(x, self.name),
            "value": lambda: along,
            "f": lambda: along(start),
            "slope": lambda: -1.0,
            "decrease": lambda: 1e-4,
            "block": lambda: ("propagation", "classifier")[x.seed % 2],
        }

    def array(self, row: Operation, one: Argument) -> Array:
        """Return an array with the axes of an argument; features are about one, whatever images are."""
        x, name = self.x, self.name + one.name
        if any(other.name == "activation" for other in row.arguments):  # far out σ′ is 0
            x = dataclasses.replace(x, stencil_scale=1.0, image_scale=1.0, within=0.0)
        extents = {"o": x.c_out, "c": x.c_in, "O": x.c_out, "B": x.c_in, "m": self.m, "M": self.m}
        extents |= {
            "G": x.c_in + row.name.startswith("antisymmetric"),  # K = Kᵀ where K is one number
            "P": 7,
            "K": SIZE,
            "H": x.c_in,
            "J": 2 * x.c_in,
            "A": 2 * x.c_out,
            "F": 2 * x.c_in,
            "N": 2,
        }
        if one.is_field and row.name.startswith("ssim"):
            return x.picture(name, self.m, x.c_in, *(max(11, n) for n in x.grid))
        if not row.splits and one.name in ("X", "C"):
            return self.undecided(one)
        if one.name in ("B", "labels") or row.name == "accuracy":
            return self.data(row, one)
        if one.is_field and one.axes[1] != "O":
            return x.image(name, extents[one.axes[1]], self.grid(row, one), self.m)
        if one.name == "windows":
            return x.rng(name).integers(0, [n // 2 + 1 for n in self.grid(row, one)], (self.m, x.d))
        if one.name in ("times", "rates"):
            return x.picture(name, self.m if one.name == "times" else 4)
        if one.name == "S" and one.axes[0] == "N":  # in time, where large stencils make large numbers
            return 0.5 * x.draw(name, 2, x.c_in, x.c_in, *x.stencil) / (x.c_in * x.stencil[0] ** x.d)
        if one.name == "samples":
            return x.rng(name).integers(0, self.m, (2, self.m))
        if one.name == "S" and one.axes[0] in "GA":
            return x.draw(name, *(extents[axis] for axis in one.axes[:2]), *x.stencil, scale=x.stencil_scale)
        if one.name in ("W", "mu"):
            return x.parameters(self.name)[one.name]
        if one.name == "C":
            return x.one_hot(self.name + "labels", self.m)
        if one.name == "S":
            return x.stencils(name)
        extents |= {"y": x.classes, "z": 6, "p": 3, "E": x.c_out * x.cells + 1}
        shape = [n for axis in one.axes for n in (x.grid if axis == "grid" else (extents[axis],))]
        drawn = x.draw(name, *shape)
        return drawn**2 if one.name == "v" else drawn  # Adam's mean of squares

    def data(self, row: Operation, one: Argument) -> Array:
        """Return bytes, labels, or logits of which as many are right as the name says, but not none."""
        x, some = self.x, sum(self.name.encode())
        if one.name == "B":
            return x.rng(self.name).integers(256, size=(self.m, x.c_in, *x.grid)).astype("uint8")
        labels = (np.arange(self.m) + some) % x.classes
        if one.name == "labels":
            return labels
        C = np.eye(x.classes, dtype=x.dtype)[labels].T
        if one.name == "C":
            return C
        right = np.arange(self.m) <= some % self.m
        return x.draw(self.name + "Z", x.classes, self.m) + 10 * np.where(right, C, np.roll(C, 1, axis=0))

    def network(self, finer: bool, name: str) -> Any:
        """Return what is needed to move a network: a pair, parameters with stencils that it keeps, a grid."""
        if self.closed is None:
            return None
        grid = tuple(n if finer else 2 * n for n in self.x.grid)
        if name == "parameters":
            x = dataclasses.replace(self.x, grid=grid, stencil=self.closed[0].shape[2:])
            return x.parameters(self.name)
        return grid if name == "grid" else self.closed[1]

    def undecided(self, one: Argument) -> Array:
        """Return two images, each under every label: the minimum of their loss is finite."""
        x = self.x
        if one.name == "C":
            return np.tile(np.eye(x.classes, dtype=x.dtype), 2)
        return np.repeat(x.image(self.name + "X", x.c_in, x.grid, 2), x.classes, axis=0)

    def grid(self, row: Operation, one: Argument) -> tuple[int, ...]:
        """Return a grid that an operation takes: it can be halved, has two axes, or every second cell."""
        if one.axes[-1] == "grid/s":
            return tuple(-(-n // 2) for n in self.x.grid)
        if row.name.startswith("mesh_free"):
            return (*self.x.grid, 4)[:2]
        return tuple(n << row.halvings for n in self.x.grid)

    @property
    def closed(self) -> tuple[Array, str] | None:
        """Stencils of a size that a pair maps one to one onto itself, and the pair."""
        x = self.x
        sizes = [
            (pair, size)
            for pair in self.profile.pairs
            for size in self.profile.stencil_sizes
            if 1 < size <= 5 and closed(PAIRS[pair], size)
        ]
        if not sizes:
            return None
        pair, size = sizes[x.seed % len(sizes)]
        return x.draw(self.name + "S", x.c_out, x.c_in, *(size,) * x.d), pair

    @property
    def smooth(self) -> str:
        """An activation with a slope that is not 0, if there is any."""
        known = self.profile.activations
        return next(
            (one for one in ("tanh", "identity", "smoothed_relu", "leaky_relu") if one in known), known[0]
        )

    @property
    def activation(self) -> str | None:
        """An activation with a slope that varies, if there is any."""
        known = [name for name in self.profile.activations if name != "identity"]
        return known[self.x.seed % len(known)] if known else None
