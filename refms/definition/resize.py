"""Resizing along each axis, y_I = Σ_j k((x_I − j)/a) y_j / Σ_j k((x_I − j)/a), x_I = (I + ½) n/n' − ½."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from refms.definition.arrays import Array, combine

HALF = Fraction(1, 2)


def kernel_at(x: Fraction, name: str, alpha: Fraction = -HALF) -> Fraction:
    """Return k(x): box 1 on (−½, ½], linear max(0, 1 − |x|), or the cubic with the parameter α."""
    if name == "box":
        return Fraction(-HALF < x <= HALF)
    x = abs(x)
    if name == "linear":
        return max(Fraction(0), 1 - x)
    if x <= 1:
        return (alpha + 2) * x**3 - (alpha + 3) * x**2 + 1
    return alpha * (x**3 - 5 * x**2 + 8 * x - 4) if x <= 2 else Fraction(0)


def cells(
    row: int, n: int, to: int, name: str, antialias: bool, corners: bool, alpha: Fraction
) -> dict[int, Fraction]:
    """Return the cells j that the new cell I is made of, with weights whose sum need not be 1.

    Nearest takes cell ⌊I n/n'⌋, nearest-exact ⌊(I + ½) n/n'⌋, area every cell by the part of it that lies in
    the new one, adaptive every cell that meets the new one. With aligned corners x_I = I (n − 1)/(n' − 1).
    """
    ratio = Fraction(n - 1, max(to - 1, 1)) if corners else Fraction(n, to)
    if name in ("nearest", "nearest-exact"):
        return {math.floor((row + (HALF if name == "nearest-exact" else 0)) * ratio): Fraction(1)}
    if name in ("area", "adaptive"):
        parts = {j: min((row + 1) * ratio, Fraction(j + 1)) - max(row * ratio, Fraction(j)) for j in range(n)}
        return {j: part if name == "area" else Fraction(1) for j, part in parts.items() if part > 0}
    x = row * ratio if corners else (row + HALF) * ratio - HALF
    a = max(Fraction(1), ratio) if antialias else Fraction(1)
    near = range(math.floor(x - 2 * a), math.ceil(x + 2 * a) + 1)
    return {j: kernel_at((x - j) / a, name, alpha) for j in near}


def inside(j: int, n: int, border: str) -> int:
    """Return the cell that counts for j: "reflect" mirrors in the outermost cell, "symmetric" in its edge.

    >>> [inside(-1, 3, border) for border in ("clamp", "periodic", "reflect", "symmetric")]
    [0, 2, 1, 0]
    """
    if border == "periodic" or n == 1:
        return j % n
    if border == "clamp":
        return min(max(j, 0), n - 1)
    edge = border == "symmetric"
    while not 0 <= j < n:
        j = -j - edge if j < 0 else 2 * (n - 1) - j + edge
    return j


def resize_rows(
    n: int, to: int, name: str, antialias: bool, border: str, corners: bool = False, alpha: Fraction = -HALF
) -> Array:
    """Return A_1 (n', n) in fractions; with the border "renormalize" nothing beyond counts."""
    A = np.full((to, n), Fraction(0))
    for row in range(to):
        weights: Mapping[int, Fraction] = cells(row, n, to, name, antialias, corners, alpha)
        if border == "renormalize":
            weights = {j: weight for j, weight in weights.items() if 0 <= j < n}
        for j, weight in weights.items():
            A[row, inside(j, n, border)] += weight / sum(weights.values())
    return A


def resize(
    Y: Array,
    to: Sequence[int],
    name: str,
    antialias: bool,
    border: str,
    corners: bool = False,
    alpha: Fraction = -HALF,
) -> Array:
    """Return A Y for images Y, A = A_1 ⊗ … ⊗ A_d on every channel.

    >>> resize(np.array([[[1.0, 3.0, 5.0, 7.0]]]), (2,), "linear", False, "clamp").tolist()
    [[[2.0, 6.0]]]
    """
    for axis, m in enumerate(to, 2):
        Y = combine(resize_rows(Y.shape[axis], m, name, antialias, border, corners, alpha), Y, axis)
    return Y
