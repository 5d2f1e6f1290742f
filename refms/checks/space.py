"""The arrays that a map takes and returns, one or a tuple of several: how to draw and measure them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np

from refms.backend import Backend
from refms.checks.residual import (
    as_double,
    inner,
    is_number,
    machine_epsilon,
    norm_of,
    shape_of,
    unit_of,
)
from refms.errors import Array, InputError, require_array, require_whole
from refms.linear.vectors import norm

Shape = int | Sequence[Any]
"""An extent, a sequence of extents, or a sequence of such for a tuple of arrays."""


@dataclass(frozen=True, eq=False)
class Space:
    """A product of spaces of arrays, with the inner product Σ weight · u · conj(v) over all of them."""

    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    weights: tuple[Any, ...]
    one: bool  # whether its elements are arrays; tuples of arrays otherwise
    backend: Backend

    @property
    def eps(self) -> float:
        """The machine epsilon of the coarsest dtype."""
        return max(map(machine_epsilon, self.dtypes))

    @property
    def kinds(self) -> set[str]:
        """``"c"`` for complex arrays and ``"f"`` for real ones."""
        return {np.dtype(dtype).kind for dtype in self.dtypes}

    def draw(self, rng: np.random.Generator) -> Any:
        """Return standard normal numbers, drawn on the host."""
        drawn = []
        for shape, dtype in zip(self.shapes, self.dtypes, strict=True):
            values = np.asarray(rng.standard_normal(shape))
            if np.dtype(dtype).kind == "c":
                values = values + 1j * rng.standard_normal(shape)
            drawn.append(self.backend.from_host(values.astype(dtype)))
        return drawn[0] if self.one else tuple(drawn)

    def mismatch(self, got: Any, name: str) -> str | None:
        """Return a clause saying how a result's shape or dtype is wrong, or None if it is right."""
        if not self.one and (not isinstance(got, tuple) or len(got) != len(self.shapes)):
            found = f"{len(got)} arrays" if isinstance(got, tuple) else type(got).__name__
            return f"{name} returned {found} instead of a tuple of {len(self.shapes)} arrays"
        for part, shape, dtype in zip((got,) if self.one else got, self.shapes, self.dtypes, strict=True):
            if shape_of(part) != shape:
                return f"{name} returned shape {shape_of(part)} instead of {shape}"
            kind = str(getattr(part, "dtype", type(part).__name__))
            if kind != dtype:
                return f"{name} returned dtype {kind} instead of {dtype}: the precision must not change"
        return None

    def parts(self, u: Any, unit: float = 1.0) -> tuple[Array, ...]:
        """Return the arrays of an element divided by a power of two, in double precision."""
        return tuple(as_double(part, self.backend) * (1 / unit) for part in ((u,) if self.one else u))

    def scaled(self, *elements: Any) -> tuple[Array, ...]:
        """Return arrays divided by the power of two next to the largest entry of all, in double precision."""
        unit = unit_of(*(part for u in elements for part in self.parts(u)))
        return tuple(part for u in elements for part in self.parts(u, unit))

    def inner(self, u: Sequence[Array], v: Sequence[Array]) -> complex:
        """Return Σ weight · u · conj(v), of parts."""
        return sum((inner(*one) for one in zip(u, v, self.weights, strict=True)), start=0.0)

    def norm(self, u: Sequence[Array]) -> float:
        """Return the square root of Σ weight · |u|², of parts."""
        return norm(np.array([norm_of(*one) for one in zip(u, self.weights, strict=True)]))


def space_of(shape: Shape, dtype: Any, backend: Backend, weight: Any = 1.0) -> Space:
    """Return the space of a shape, or of a sequence of shapes; dtype and weight may then be tuples, too.

    >>> from refms.backend import NUMPY
    >>> space_of((2, 3), "float64", NUMPY).shapes, space_of(((2, 3), 4), "float64", NUMPY).shapes
    (((2, 3),), ((2, 3), (4,)))
    """
    one = isinstance(shape, Number) or all(isinstance(n, Number) for n in _sequence(shape))
    shapes = (_extents(shape),) if one else tuple(map(_extents, _sequence(shape)))
    dtypes, weights = (
        tuple(value) if isinstance(value, tuple | list) else (value,) * len(shapes)
        for value in (dtype, weight)
    )
    if not len(dtypes) == len(weights) == len(shapes):
        raise InputError(
            f"{len(dtypes)} dtypes and {len(weights)} weights for {len(shapes)} arrays; expected as many."
        )
    for value, extents in zip(weights, shapes, strict=True):
        _require_weight(value, extents)
    return Space(shapes, tuple(np.dtype(one).name for one in dtypes), weights, one, backend)


def _require_weight(value: Any, shape: tuple[int, ...]) -> None:
    """Refuse a weight that is no number or array of numbers >= 0 which broadcasts to the shape."""
    if not is_number(value):
        require_array(value, "a weight")
    ends = zip(reversed(shape_of(value)), reversed(shape), strict=False)
    if len(shape_of(value)) > len(shape) or any(m not in (1, n) for m, n in ends):
        raise InputError(f"a weight has shape {shape_of(value)}; expected one that broadcasts to {shape}.")
    sound = (value >= 0) & (value < math.inf)
    if not (sound if is_number(value) else bool(sound.all())):
        raise InputError("a weight of an inner product is negative or not finite; expected 0 or more.")


def _sequence(shape: Any) -> tuple[Any, ...]:
    if isinstance(shape, str) or not hasattr(shape, "__iter__"):
        raise InputError(f"{shape!r} is no shape; expected a whole number or a sequence of them.")
    return tuple(shape)


def _extents(shape: Any) -> tuple[int, ...]:
    given = (shape,) if isinstance(shape, Number) else _sequence(shape)
    return tuple(require_whole(n, "an extent of a shape") for n in given)
