"""Delta images and unit stencils put to an adapter, and which conventions explain what comes back."""

from __future__ import annotations

import copy
import functools
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from refms.conformance.adapters.adapter import provides
from refms.conformance.adapters.gate import as_numpy
from refms.conformance.adapters.layouts import shape_in, to_images, to_layout
from refms.conformance.adapters.misbehaviour import in_words
from refms.conformance.adapters.position import Position
from refms.conformance.adapters.profile import (
    ACTIVATIONS,
    BOUNDARIES,
    LAYOUTS,
    ORIENTATIONS,
    Problem,
    Profile,
)
from refms.conformance.operations import parameter_shapes
from refms.definition.activation import activate
from refms.definition.convolution import convolve
from refms.definition.transfer import PAIRS, coarsen, prolong, restrict
from refms.errors import Array

CLOSE = 1e-4
"""Relative difference up to which a response counts as explained; conventions differ by far more."""


@dataclass(frozen=True)
class Answer:
    """Which conventions explain a response."""

    matches: tuple[Any, ...] = ()  # the conventions; empty if there is none
    layout: str | None = None  # the layout in which the response was understood
    reason: str = ""  # why nothing can be told; empty if there are matches
    value: float = math.nan  # the response where it is one number


@dataclass
class Responses:
    """The responses of an adapter, and the precisions of what it has returned.

    Each experiment asks every layout that there is, and believes values, not shapes alone.
    """

    adapter: Any  # the implementation
    profile: Profile  # within which it is asked
    where: Position = field(default_factory=Position)  # told every call
    dtypes: dict[str, str] = field(default_factory=dict)

    @property
    def layouts(self) -> tuple[str, ...]:
        """All layouts, the declared one first."""
        return tuple(sorted(LAYOUTS, key=lambda layout: layout != self.profile.layout))

    def call(self, operation: str, *arguments: Any, part: str | None = None) -> Any:
        """Return the array that an operation returns (or a part of a mapping), or an exception instead."""
        if not provides(self.adapter, operation):
            return NotImplementedError("it is not implemented")
        copies = copy.deepcopy(arguments)
        self.where.enter(operation)
        try:
            with np.errstate(all="ignore"):
                found = getattr(self.adapter, operation)(*copies)
                found = found if part is None else found[part]
                return as_numpy(found.toarray() if hasattr(found, "toarray") else found)
        except (Exception, SystemExit) as error:
            return error

    def array(
        self, operation: str, shape: tuple[int, ...], *arguments: Any, part: str | None = None
    ) -> Array | str:
        """Return an operation's array in double precision, or why there is none."""
        found = self.call(operation, *arguments, part=part)
        if not provides(self.adapter, operation):
            return f"{operation} is not implemented"
        if isinstance(found, BaseException):
            return f"{operation} raises {in_words(found, 100)}"
        if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu":
            return f"{operation} returns no real array"
        if found.shape != shape:
            return f"{operation} returns shape {found.shape} instead of {shape}"
        if shape:
            self.dtypes[operation] = str(found.dtype)
        return found.astype("float64")

    def field(
        self, operation: str, Y: Array, shape: tuple[int, ...], call: Callable[[Array], tuple[Any, ...]]
    ) -> Iterator[tuple[str, Array | str]]:
        """Yield for every layout the field that an operation returns as images, or why there is none."""
        for layout in self.layouts:
            given = to_layout(Y.astype(self.profile.dtype), layout)
            found = self.array(operation, shape_in(layout, shape), *call(given))
            yield layout, found if isinstance(found, str) else to_images(found, layout, shape)

    def convolution(self, boundary: str, stencil: tuple[int, ...] = (), grid: tuple[int, ...] = ()) -> Answer:
        """Return the (orientation, boundary) that explain K(s) on delta images, at best one.

        Without an operation for K(s) it is the opening of a network whose layers are zero: y_N = L x.
        """
        operations = "convolution", "convolution_matrix", "forward"
        operation = next((one for one in operations if provides(self.adapter, one)), operations[0])
        if not stencil and max(self.profile.stencil_sizes) == 1:
            return Answer(reason="stencils with one entry tell no orientation and no boundary")
        stencil = stencil or self.stencil
        grid = grid or tuple(2 * size + self._longer(axis) for axis, size in enumerate(stencil))
        S, Y, wanted = _delta_images(stencil, grid)
        found = self._convolved(operation, S.astype(self.profile.dtype), Y, boundary)
        return _explained(found, wanted, operation, scaled=operation == "forward")

    def _convolved(
        self, operation: str, S: Array, Y: Array, boundary: str
    ) -> Iterator[tuple[str, Array | str]]:
        """Yield for every layout what an operation makes of images, or why there is nothing."""
        m, _, *extents = Y.shape
        grid, shape = tuple(extents), (m, len(S), *extents)
        if operation == "convolution":
            yield from self.field(operation, Y, shape, lambda given: (S, given, grid, boundary))
        elif operation == "convolution_matrix":
            n = math.prod(grid)
            K = self.array(operation, (len(S) * n, S.shape[1] * n), S, grid, boundary)
            yield "", K if isinstance(K, str) else (K @ Y.reshape(m, -1).T).T.reshape(shape)
        else:
            problem = Problem(grid, 1.0, boundary, self._odd_activation)
            p = {**self._zero(len(S), S.shape[1], S.shape[2:], grid, 2), "opening": S}
            yield from self.field(operation, Y, shape, lambda given: (p, given, problem))

    @property
    def stencil(self) -> tuple[int, ...]:
        """The smallest stencil that tells something, in two dimensions if there are."""
        profile, size = self.profile, min(size for size in self.profile.stencil_sizes if size > 1)
        return (size,) * (2 if 2 in profile.dimensions else profile.dimensions[0])

    @property
    def _odd_activation(self) -> str:
        """An activation with σ(0) = 0."""
        return next((one for one in self.profile.activations if one != "smoothed_relu"), "tanh")

    def _longer(self, axis: int) -> int:
        """Return by how many cells an axis is longer than the first one."""
        return axis if self.profile.rectangular else 0

    def _zero(
        self, c: int, c_image: int, stencil: tuple[int, ...], grid: tuple[int, ...], classes: int
    ) -> dict[str, Array]:
        """Return the parameters of a network of one layer, all zero."""
        shapes = parameter_shapes(stencil, O=c, B=c_image, l=1, D=c * math.prod(grid), y=classes)
        return {name: np.zeros(shape, self.profile.dtype) for name, shape in shapes.items()}

    def activation(self, name: str) -> Answer:
        """Return the activations that explain σ, or one step from y_0 = 0 with it: y_1 = σ(b)."""
        z = np.array([-1.5, -0.06, 0.04, 0.7], self.profile.dtype)
        d = self.profile.dimensions[0]
        grid, stencil = (3,) * d, (min(self.profile.stencil_sizes),) * d
        wanted = {one: activate(z.astype("float64"), one) for one in ACTIVATIONS}
        if provides(self.adapter, "activation"):
            found = self.array("activation", (4, 1), z[:, None], name)
            return _explained([("", found if isinstance(found, str) else found[:, 0])], wanted, "activation")
        problem = Problem(grid, 1.0, self.profile.boundaries[0], name)
        p = {**self._zero(4, 1, stencil, grid, 2), "biases": z[None]}
        given = self.field("forward", np.zeros((1, 1, *grid)), (1, 4, *grid), lambda X: (p, X, problem))
        cells = ((at, one if isinstance(one, str) else one.reshape(4, -1)[:, 0]) for at, one in given)
        return _explained(cells, wanted, "forward", scaled=True)

    def transfer(self, operation: str, pair: str) -> Answer:
        """Return the pairs, or multiples of them, whose R or P explains what becomes of delta images."""
        d = min(self.profile.dimensions)
        fine = tuple(8 + 2 * self._longer(axis) for axis in range(d))
        given, back = (fine, coarsen(fine)) if operation == "restrict" else (coarsen(fine), fine)
        # R and P are periodic: deltas of all parities tell all weights. Two channels tell the layout.
        places = [tuple(p) for p in itertools.product((2, 3), repeat=d)] + [(0,) * d]
        Y = np.zeros((len(places), 2, *given))
        for example, place in enumerate(places):
            Y[(example, 0, *place)] = 1.0
            Y[(example, 1, *(1 - p for p in place))] = 3.0
        wanted = {
            name: restrict(Y, pair.r) if operation == "restrict" else prolong(Y, pair.p)
            for name, pair in PAIRS.items()
        }
        shape = (len(places), 2, *back)
        found = list(self.field(operation, Y, shape, lambda field: (field, fine, pair)))
        answer = _explained(found, wanted, operation)
        return answer if answer.matches else _multiple(found, wanted) or answer

    def logits(self) -> Answer:
        """Return whether a unit weight on a delta image gives h^d or 1.

        Without an operation for logits it is the derivative along W and μ of those of a network that passes
        images on.
        """
        profile = self.profile
        operation = "logits" if provides(self.adapter, "logits") else "jacobian_product"
        grid = tuple(3 + self._longer(axis) for axis in range(profile.dimensions[0]))
        n = math.prod(grid)
        W, mu = np.zeros((2 * n, 3), profile.dtype), np.array([0.25, 0.5, 0.75], profile.dtype)
        W[n + 1, 1], Y = 1.0, np.zeros((2, 2, *grid))
        Y.reshape(2, -1)[1, n + 1] = 1.0
        weights = {"with h^d": 1.0 / n, "without h^d": 1.0}
        base = np.repeat(mu[:, None], 2, axis=1).astype("float64")
        unit = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
        zero = self._zero(2, 2, (size := min(profile.stencil_sizes),) * len(grid), grid, 3)
        delta = zero["opening"].copy()
        delta[(range(2), range(2), *(size // 2,) * len(grid))] = 1.0
        problem = Problem(grid, 1.0, profile.boundaries[0], self._odd_activation)
        reason = ""
        for layout in self.layouts:
            field = to_layout(Y.astype(profile.dtype), layout)
            through = {**zero, "opening": delta}, {**zero, "W": W, "mu": mu}, field, problem
            arguments = (W, mu, field, grid) if operation == "logits" else through
            found = self.array(operation, (3, 2), *arguments)
            if isinstance(found, str):
                reason = reason or found
                continue
            value = float(found[1, 1] - mu[1])
            for name, weight in weights.items():
                if _close(found, base + weight * unit):
                    return Answer((name,), layout, value=value)
            if value != 0.0 and _close(found, base + value * unit):
                return Answer((f"with the weight {value:.6g}",), layout, value=value)
            reason = reason or "logits of a unit weight on a delta image are no multiple of it, plus μ"
        return Answer(reason=reason)

    def reductions(self) -> Iterator[tuple[str, Answer]]:
        """Yield for every reduced operation whether equal logits of three examples give a mean or a sum."""
        dtype, m = self.profile.dtype, 3
        Z, C, V = np.zeros((2, m), dtype), np.zeros((2, m), dtype), np.zeros((2, m), dtype)
        C[0], V[0] = 1.0, 1.0
        whole = {
            "cross_entropy": ((), m * math.log(2.0), (Z, C)),
            "cross_entropy_gradient": ((2, m), 0.5 - C, (Z, C)),
            "cross_entropy_hessian": ((2, m), 0.5 * (V - 0.5), (Z, C, V)),
        }
        for operation, (shape, total, arguments) in whole.items():
            found = self.array(operation, shape, *arguments)
            wanted = {"mean": np.asarray(total) / m, "sum": np.asarray(total)}
            yield operation, _explained([("", found)], wanted, operation)
        for operation in ("loss", "gradient"):
            yield operation, self._reduction_of_network(operation, C)

    def _reduction_of_network(self, operation: str, C: Array) -> Answer:
        """Return whether a network that is zero has the mean or the sum as its loss, or as ∂/∂μ of it."""
        profile, m = self.profile, C.shape[1]
        d, size = profile.dimensions[0], min(profile.stencil_sizes)
        grid = (4,) * d
        zero = self._zero(2, 1, (size,) * d, grid, 2)
        problem = Problem(grid, 1.0, profile.boundaries[0], profile.activations[0])
        total = np.asarray(m * math.log(2.0)) if operation == "loss" else (0.5 - C).sum(axis=1)
        found = []
        for layout in self.layouts:
            X = to_layout(np.zeros((m, 1, *grid), profile.dtype), layout)
            given = operation, total.shape, zero, X, C, problem
            found.append((layout, self.array(*given, part=None if operation == "loss" else "mu")))
        return _explained(found, {"mean": total / m, "sum": total}, operation)

    def layout(self) -> tuple[str | None, str]:
        """Return the layout in which fields are understood, and why none can be told."""
        reasons = []
        for answer in self._on_fields():
            if answer.matches and answer.layout:
                return answer.layout, ""
            reasons.append(answer.reason or "a matrix has no layout")
        return None, "; ".join(dict.fromkeys(reasons))

    def _on_fields(self) -> Iterator[Answer]:
        """Yield the answers of operations on fields, each asked only if it is needed."""
        yield self.convolution(self.profile.boundaries[0])
        for operation in ("restrict", "prolong"):
            for pair in self.profile.pairs[:1]:
                yield self.transfer(operation, pair)
        yield self.logits()


@functools.cache
def _delta_images(
    stencil: tuple[int, ...], grid: tuple[int, ...]
) -> tuple[Array, Array, dict[tuple[str, str], Array]]:
    """Return a stencil, delta images, and what becomes of them by (orientation, boundary)."""
    S = 1.0 + np.arange(6 * math.prod(stencil)).reshape(3, 2, *stencil) / 8
    Y = np.zeros((4, 2, *grid))
    for example, channel in itertools.product(range(2), range(2)):
        Y[(2 * example + channel, channel, *(example * size for size in stencil))] = 1.0 + example
    known = itertools.product(ORIENTATIONS, BOUNDARIES)
    return S, Y, {(orientation, b): convolve(S, Y, b, orientation) for orientation, b in known}


def _explained(found: Any, wanted: dict[Any, Array], operation: str, *, scaled: bool = False) -> Answer:
    """Return what explains the first response that something explains, perhaps up to a positive factor.

    Features that are read off logits have one where h^d is not as declared.
    """
    reason = ""
    for layout, response in found:
        if isinstance(response, str):
            reason = reason or response
            continue
        factors = {name: _factor(response, one) if scaled else 1.0 for name, one in wanted.items()}
        matches = tuple(
            name
            for name, one in wanted.items()
            if factors[name] > 0 and _close(response, factors[name] * one)
        )
        if matches:
            return Answer(matches, layout)
        reason = reason or f"the response of {operation} is none of the known ones"
    return Answer(reason=reason)


def _multiple(found: Any, wanted: dict[str, Array]) -> Answer | None:
    """Return the pairs of which a response is a multiple."""
    for layout, response in found:
        if isinstance(response, str):
            continue
        for name, expected in wanted.items():
            factor = _factor(response, expected)
            if factor != 0.0 and np.isfinite(factor) and _close(response, factor * expected):
                return Answer((f"{factor:.4g} times that of {name}",), layout)
    return None


def _factor(got: Array, expected: Array) -> float:
    """Return the f with the least ‖got − f · expected‖."""
    return float((got * expected).sum() / (expected * expected).sum())


def _close(got: Array, expected: Array) -> bool:
    if not np.isfinite(got).all():
        return False
    return bool(np.abs(got - expected).max() <= CLOSE * np.abs(expected).max())
