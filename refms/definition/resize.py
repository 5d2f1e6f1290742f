"""Resizing along each axis, y_I = Σ_j k((x_I − j)/a) y_j / Σ_j k((x_I − j)/a), x_I = (I + ½) n/n' − ½."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from refms.definition.arrays import Array, combine


def kernel_at(x: Fraction, name: str) -> Fraction:
    """Return k(x): box 1 on (−½, ½], linear max(0, 1 − |x|), or the cubic of Keys with the parameter −½."""
    if name == "box":
        return Fraction(-1 < 2 * x <= 1)
    x = abs(x)
    if name == "linear":
        return max(Fraction(0), 1 - x)
    if x <= 1:
        return (3 * x - 5) * x * x / 2 + 1
    return ((5 - x) * x / 2 - 4) * x + 2 if x <= 2 else Fraction(0)


def resize_rows(n: int, to: int, name: str, antialias: bool, border: str) -> Array:
    """Return A_1 (n', n) in fractions; "nearest" takes cell ⌊I n/n'⌋; beyond "clamp" or "periodic" cells."""
    A, ratio = np.full((to, n), Fraction(0)), Fraction(n, to)
    a = max(Fraction(1), ratio) if antialias else Fraction(1)
    for row in range(to):
        if name == "nearest":
            A[row, math.floor(row * ratio)] = Fraction(1)
            continue
        x = (row + Fraction(1, 2)) * ratio - Fraction(1, 2)
        near = range(math.floor(x - 2 * a), math.ceil(x + 2 * a) + 1)
        total = sum(kernel_at((x - j) / a, name) for j in near)
        for j in near:
            cell = j % n if border == "periodic" else min(max(j, 0), n - 1)
            A[row, cell] += kernel_at((x - j) / a, name) / total
    return A


def resize(Y: Array, to: Sequence[int], name: str, antialias: bool, border: str) -> Array:
    """Return A Y for images Y, A = A_1 ⊗ … ⊗ A_d on every channel.

    >>> resize(np.array([[[1.0, 3.0, 5.0, 7.0]]]), (2,), "linear", False, "clamp").tolist()
    [[[2.0, 6.0]]]
    """
    for axis, cells in enumerate(to, 2):
        Y = combine(resize_rows(Y.shape[axis], cells, name, antialias, border), Y, axis)
    return Y
