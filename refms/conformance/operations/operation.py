"""A row of the table: what an operation takes and gives, with the axes of every array, from a signature.

A signature such as ``restrict(Y[m c grid], grid, pair) -> field[m c grid/2]`` names the axes of every array:
``grid`` and ``stencil`` stand for one axis a dimension, ``grid/2`` for those of the coarse grid, ``grid/s``
for those of every s-th cell, s the stride. A small letter is an extent that can be cut, ``m`` that of
independent examples; a capital letter is one that other numbers hang on.
"""

from __future__ import annotations

import inspect
import math
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from refms.errors import Array

Parameters = Mapping[str, Array]
"""All numbers of a network under the names of ``PARAMETERS``."""

PARAMETER_AXES = {
    "opening": "O B stencil",
    "stencils": "l O O stencil",
    "biases": "l O",
    "W": "D y",
    "mu": "y",
}
"""Of each array of the parameters; rows of W channel slowest, D = c·n."""

PARAMETERS = tuple(PARAMETER_AXES)
"""Shapes (c, c_image, *stencil), (N, c, c, *stencil), (N, c), (c·n, ℓ), (ℓ,); rows of W channel slowest."""

MEASURES = ("objective", "gradient_norm", "step_length", "damping", "radius")
"""The arrays of a history that measure its steps, one number for each."""

SYMBOLS = {"O": "c", "B": "c_image", "l": "N", "D": "c·n", "y": "ℓ", "stencil": "*stencil"}
"""What formulas call the extents of these axes."""


def parameter_shapes(stencil: tuple[int, ...], **extents: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of the parameters from the extents of their axes.

    >>> parameter_shapes((3,), O=2, B=1, l=4, D=10, y=5)["stencils"]
    (4, 2, 2, 3)
    """
    known = {axis: (n,) for axis, n in extents.items()} | {"stencil": stencil}
    return {
        key: tuple(n for axis in axes.split() for n in known[axis]) for key, axes in PARAMETER_AXES.items()
    }


_SHOWN = {"grid": 1, "grid/2": 2}
"""The grids on which images show the fine one, and by how much that is finer."""

_GRIDS = (*_SHOWN, "grid/s")
"""Grids of images that are arguments: the fine one, half of it, that of every s-th cell."""

Scale = Callable[[Any], "float | tuple[float, float]"]
"""(arguments and the instance x) -> against which bound errors count, and against how much of ‖result‖."""


@dataclass(frozen=True)
class Argument:
    """A name and the axes of the array; no axes for what is no array."""

    name: str
    axes: tuple[str, ...] = ()

    @property
    def is_field(self) -> bool:
        """Whether it is images, which come in the layout of the profile."""
        return len(self.axes) == 3 and self.axes[-1] in _GRIDS

    @property
    def is_mapping(self) -> bool:
        """Whether it is one array for each of ``PARAMETERS``."""
        return self.name in ("parameters", "direction")


@dataclass(frozen=True)
class Operation:
    """One row: what an adapter gets, returns and promises, and the scale of its errors.

    ``kind`` of the result: field, array, number, parameters, matrix, stencils (of any odd size), indices, or
    history (named arrays, ``results``, with the steps along their first axis); ``reduced``: whether it is the
    mean or the sum over the examples, as the profile says; ``halvings``: how often it halves the grid of its
    images when it is tried; ``splits``: whether the results for parts of the examples make the one for all.
    """

    name: str
    arguments: tuple[Argument, ...]
    kind: str
    axes: tuple[str, ...]
    promise: str
    scale: Scale | None
    reduced: bool
    halvings: int
    splits: bool
    results: tuple[Argument, ...] = ()

    @cached_property
    def given(self) -> tuple[Argument, ...]:
        """What the gate takes: the arguments, but no grid where images show it."""
        shown = any(one.is_field and one.axes[-1] in _SHOWN for one in self.arguments)
        return tuple(one for one in self.arguments if not (shown and one.name == "grid"))

    @cached_property
    def signature(self) -> inspect.Signature:
        """Of the gate; a boundary is periodic unless it is given."""
        return _signature(self.given, boundary="periodic")

    def bind(self, *values: Any, **named: Any) -> dict[str, Any]:
        """Return what the gate was given, by name, and the grid of the images."""
        bound = self.signature.bind(*values, **named)
        bound.apply_defaults()
        found: dict[str, Any] = dict(bound.arguments)
        for one in self.given:
            if one.is_field and one.axes[-1] in _SHOWN and "grid" not in found:
                finer = _SHOWN[one.axes[-1]]
                found["grid"] = tuple(finer * n for n in found[one.name].shape[2:])
        return found

    def shape(self, by_name: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the shape of the result; fields as images (m, c, *grid)."""
        if self.axes[0] == "like":
            return tuple(by_name[self.axes[1]].shape)
        return _extent_of(self.axes, self._known(by_name))

    def shapes(self, by_name: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        """Return the shape of each array of a history, in its order."""
        known = self._known(by_name)
        return {one.name: _extent_of(one.axes, known) for one in self.results}

    def _known(self, by_name: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        """Return the extents of all axes that the arguments show."""
        extents = {name: value for name, value in by_name.items() if isinstance(value, tuple)}
        extents |= {name: (int(n),) for name, n in by_name.items() if isinstance(n, int | np.integer)}
        for one in self.arguments:
            if one.axes:
                extents |= _extents(one.axes, by_name[one.name].shape)
            for key, axes in PARAMETER_AXES.items() if one.is_mapping else ():
                extents |= _extents(tuple(axes.split()), by_name[one.name][key].shape)
        if "problem" in by_name:
            extents["grid"] = by_name["problem"].grid
        extents["grid/2"] = tuple(n // 2 for n in extents.get("grid", ()))
        extents["grid/s"] = _every(extents.get("grid", ()), by_name.get("stride", ()))
        extents["grid/2^l"] = tuple(n >> by_name.get("level", 0) for n in extents.get("grid", ()))
        extents["d"] = (len(extents.get("grid", ())),)
        return extents

    def parameter_shapes(self, by_name: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        """Return the shapes of a result of parameters: those that were given, W on the mesh that is named."""
        shapes = {key: tuple(array.shape) for key, array in by_name["parameters"].items()}
        rows, classes = shapes["W"]
        cells = 2 ** len(by_name.get("grid", ()))
        named = {(): rows, ("finer",): rows * cells, ("coarser",): rows // cells}
        return shapes | {"W": (named[self.axes], classes)}

    @property
    def needs_grid(self) -> bool:
        """Whether it knows a dimension: that of a grid or of stencils."""
        axes = {axis for one in self.arguments for axis in (one.name, *one.axes)}
        return bool(axes & {"grid", "grid/2", "stencil", "problem"})

    @cached_property
    def examples(self) -> dict[int, int]:
        """Which argument of the gate has independent examples, along which axis."""
        return {k: one.axes.index("m") for k, one in enumerate(self.given) if "m" in one.axes}

    @property
    def joined(self) -> int | None:
        """Axis of the result along which the examples lie; None where it is reduced over them."""
        axes = self.axes
        if axes[:1] == ("like",):
            axes = next(one.axes for one in self.arguments if one.name == self.axes[1])
        return axes.index("m") if self.examples and "m" in axes else None

    def placeholder(self) -> Callable[..., Any]:
        """Return the method of an adapter that lacks the operation."""

        def missing(self: Any, *values: Any, **named: Any) -> Any:
            raise NotImplementedError("this operation is not implemented")

        missing.__name__ = missing.__qualname__ = self.name
        missing.__doc__ = self.promise
        missing.__signature__ = _signature((Argument("self"), *self.arguments))  # type: ignore[attr-defined]  # for inspect
        return missing


def _signature(arguments: tuple[Argument, ...], **defaults: Any) -> inspect.Signature:
    kind, none = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
    return inspect.Signature(
        [inspect.Parameter(one.name, kind, default=defaults.get(one.name, none)) for one in arguments]
    )


def _every(grid: tuple[int, ...], stride: tuple[int, ...]) -> tuple[int, ...]:
    """Return how many cells s i a grid has along every axis, ⌈n/s⌉."""
    return tuple(-(-n // s) for n, s in zip(grid, stride, strict=False))


def _extent_of(axes: tuple[str, ...], extents: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape of an array with these axes; a product of axes, such as ``o*grid``, is one."""
    found: list[int] = []
    for axis in axes:
        if axis.endswith("/groups"):
            found.append(extents[axis.removesuffix("/groups")][0] // extents["groups"][0])
            continue
        factors = [(int(one),) if one.isdigit() else extents[one] for one in axis.split("*")]
        found += factors[0] if len(factors) == 1 else [math.prod(map(math.prod, factors))]
    return tuple(found)


def _extents(axes: tuple[str, ...], shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Return the extent of every axis; the last name may stand for several of them."""
    several = axes[-1] in (*_GRIDS, "stencil")
    found: dict[str, tuple[int, ...]] = {axis: (n,) for axis, n in zip(axes, shape, strict=False)}
    return found | {axes[-1]: tuple(shape[len(axes) - 1 :])} if several else found


def paragraphs(*texts: str) -> str:
    """Return several texts, each with line breaks and indents of its own, as one promise."""
    return "\n\n".join(map(inspect.cleandoc, texts))


def row(
    text: str,
    promise: str,
    scale: Scale | None = None,
    *,
    reduced: bool = False,
    halvings: int = 0,
    splits: bool = True,
) -> Operation:
    """Return the row that a signature describes."""
    parsed = re.fullmatch(r"(\w+)\((.*)\) -> (\w+)(?: (like \w+)|\[(.*)\]|\((.*)\))?", text)
    assert parsed is not None, text
    name, arguments, kind, like, axes, arrays = parsed.groups()
    results = [each for one in _arguments(arrays or "") for each in _of_steps(one)]
    result = tuple((like or axes or "").split())
    given = tuple(_arguments(arguments))
    promise = (
        f"Return {promise}" if not results else paragraphs(f"Return {promise}", _in_words(results, given))
    )
    return Operation(name, given, kind, result, promise, scale, reduced, halvings, splits, tuple(results))


def _arguments(text: str) -> list[Argument]:
    """Return names with their axes, such as ``b, Y[m c grid]``."""
    return [Argument(one, tuple(axes.split())) for one, axes in re.findall(r"(\w+)(?:\[([^\]]*)\])?", text)]


def _in_words(results: list[Argument], given: tuple[Argument, ...]) -> str:
    """Return which arrays make a history, as its docstring says it."""
    arrays = [f"``{one.name}`` ({', '.join(SYMBOLS.get(a, a) for a in one.axes)})" for one in results]
    size = "".join(f", K the size of ``{one.name}``" for one in given if one.axes == ("K",))
    measures = ", ".join(f"``{one.name}``" for one in results if one.name in MEASURES)
    return textwrap.fill(
        f"The history is a mapping of these arrays and no others: {', '.join(arrays)}{size}. "
        f"May be in double precision: {measures}.",
        width=100,
    )


def _of_steps(one: Argument) -> list[Argument]:
    """Return an array of a history; of ``parameters`` those of all of them, with the steps in front."""
    if not one.is_mapping:
        return [one]
    return [Argument(key, (*one.axes, *axes.split())) for key, axes in PARAMETER_AXES.items()]
