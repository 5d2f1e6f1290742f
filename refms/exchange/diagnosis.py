"""What a wrong result looks like: the expectation in another order, a flipped kernel, a factor."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import partial

import numpy as np

from refms.certify.cases.case import Case
from refms.certify.golden import EPS, Golden
from refms.checks.report import PASS_LIMIT
from refms.errors import Array

Candidate = tuple[str, Callable[[], Array]]
"""A sentence, and the array that makes it true."""

_MOST_AXES = 5

_LARGEST_FRACTION = 1e6
"""Factors from here on are written as floating-point numbers."""


def diagnosis(case: Case, quantity: str, golden: Golden, got: Array, dtype: str) -> str:
    """Return what a wrong result is equal to, in a sentence; empty if nothing is known that it equals."""
    if got.size != golden.nearest.size or not np.isfinite(got).all():
        return ""
    room = PASS_LIMIT * float(EPS[dtype]) * golden.scale
    suspicions = itertools.chain(
        _by_axes(golden.nearest, got),
        _by_cells(case, quantity, golden.nearest),
        _by_flips(golden.nearest),
        _by_kernel(case, quantity),
    )
    with np.errstate(over="ignore"):  # differences from huge results
        for sentence, candidate in suspicions:
            if _close(got, candidate(), room):
                return sentence
        return _by_size(golden, got, dtype)


def _close(got: Array, candidate: Array, room: float) -> bool:
    return got.shape == candidate.shape and float(np.abs(got - candidate).max(initial=0.0)) <= room


def _by_axes(expected: Array, got: Array) -> Iterator[Candidate]:
    if expected.ndim > 1:
        matrix = " (a transposed matrix)" if expected.ndim == 2 else ""
        yield f"your array is the expected one with its axes reversed{matrix}", lambda: expected.T
        shape = expected.shape
        in_wrong_order = "your numbers are right, but run over the array in Fortran order instead of C order"
        yield in_wrong_order, lambda: expected.ravel(order="F").reshape(shape)
        yield in_wrong_order, lambda: expected.ravel().reshape(shape, order="F")
    if 2 < expected.ndim <= _MOST_AXES:
        for order in itertools.permutations(range(expected.ndim)):
            yield (
                f"your array is the expected one with its axes in the order {order}",
                partial(expected.transpose, order),
            )
    if got.shape != expected.shape:
        yield (
            f"your numbers are right, but their shape is not: expected {expected.shape}",
            lambda: expected.reshape(got.shape),
        )


def _by_cells(case: Case, quantity: str, expected: Array) -> Iterator[Candidate]:
    """Suspect rows that run over channels and cells in another order."""
    grid = _grid(case, quantity)
    if expected.ndim != 2 or grid is None or expected.shape[0] % math.prod(grid):
        return
    channels, m = expected.shape[0] // math.prod(grid), expected.shape[1]
    full = expected.reshape(channels, *grid, m)
    d = len(grid)
    orders = {
        "the channel fastest (as in NHWC) instead of slowest": (*range(1, d + 1), 0, d + 1),
        "the axes of the grid in Fortran order": (0, *range(d, 0, -1), d + 1),
        "the axes of the grid in Fortran order, and the channel fastest": (*range(d, 0, -1), 0, d + 1),
    }
    for words, order in orders.items():
        yield (
            f"your rows have {words}",
            partial(lambda order: full.transpose(order).reshape(-1, m), order),
        )


def _grid(case: Case, quantity: str) -> tuple[int, ...] | None:
    fine = case.setting.get("fine_grid", case.setting.get("grid"))
    if not isinstance(fine, tuple):
        return None
    return tuple(n // 2 for n in fine) if quantity.endswith("restriction") else fine


def _by_flips(expected: Array) -> Iterator[Candidate]:
    if not 0 < expected.ndim <= _MOST_AXES:
        return
    axes = range(expected.ndim)
    for count in range(1, expected.ndim + 1):
        for some in itertools.combinations([axis for axis in axes if expected.shape[axis] > 1], count):
            yield (
                f"your array is the expected one, flipped along the axes {some}",
                partial(np.flip, expected, some),
            )


def _by_kernel(case: Case, quantity: str) -> Iterator[Candidate]:
    """Suspect that stencils were flipped before they were used: convolution instead of correlation."""
    S = case.inputs.get("S")
    if S is None:
        return
    axes = range(2, S.ndim)
    for count in range(len(axes), 0, -1):
        for some in itertools.combinations(axes, count):
            yield (
                f"your output equals: kernel flipped on the grid's axes {tuple(axis - 2 for axis in some)}",
                partial(_with, case, quantity, {"S": np.flip(S, some).copy()}),
            )


def _with(case: Case, quantity: str, changed: Mapping[str, Array]) -> Array:
    return np.asarray(case.refms({**case.inputs, **changed})[quantity])


def _by_size(golden: Golden, got: Array, dtype: str) -> str:
    expected = golden.nearest
    if got.shape != expected.shape:
        return ""
    single = PASS_LIMIT * float(EPS["float32"]) * golden.scale
    if dtype == "float64" and _close(got, expected, single):
        return "your numbers are right in single precision only: something on the way is float32"
    norm = float(np.vdot(expected, expected))
    size = float(np.abs(got).max(initial=0.0))
    # got is divided by its size first, for the product may overflow; a factor that does is none
    factor = size * (float(np.vdot(expected, got / size)) / norm) if norm and size else 0.0
    if not math.isfinite(factor):
        return ""
    room = PASS_LIMIT * float(EPS[dtype]) * golden.scale * max(1.0, abs(factor))
    if expected.size > 1 and factor and _close(got, factor * expected, room):
        return f"your array is the expected one times {_number(factor)}"
    return ""


def _number(factor: float) -> str:
    simple = Fraction(factor).limit_denominator(1000)
    if abs(factor) < _LARGEST_FRACTION and abs(float(simple) - factor) <= 1e-6 * abs(factor):
        return str(simple)
    return f"{factor:.6g}"
