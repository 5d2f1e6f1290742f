"""K(s) y, its adjoint and its stencil gradient: three readings of Σ s_κ z_i y_{i+κ}."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from refms.certify.formulas.tensor import Number, Tensor, filled


def sources(stencil: Sequence[int], grid: Sequence[int]) -> list[list[int]]:
    """Return which cell every stencil entry reads, periodically.

    Parameters
    ----------
    stencil : sequence of int
        Odd extents 2r + 1; the entries belong to the offsets κ ∈ {-r, …, r}^d in C order.
    grid : sequence of int
        Cells along each axis.

    Returns
    -------
    list of list of int
        ``sources[i][k]``: the number of cell i + κ, where κ is the k-th offset; numbers count in C order.

    Examples
    --------
    >>> sources((3,), (4,))
    [[3, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 0]]
    """
    offsets = list(itertools.product(*(range(-(size // 2), size // 2 + 1) for size in stencil)))
    cells = list(itertools.product(*map(range, grid)))
    number = {cell: position for position, cell in enumerate(cells)}

    def source(cell: Sequence[int], kappa: Sequence[int]) -> int:
        return number[tuple((i + k) % n for i, k, n in zip(cell, kappa, grid, strict=True))]

    return [[source(cell, kappa) for kappa in offsets] for cell in cells]


def convolve(S: Tensor, Y: Tensor) -> Tensor:
    """Return K(S) Y: (K y)_{o,i} = Σ_c Σ_κ s_{oc,κ} y_{c,i+κ}.

    Parameters
    ----------
    S : numpy.ndarray
        Shape (c_out, c_in, *stencil).
    Y : numpy.ndarray
        Shape (c_in, *grid, m).

    Returns
    -------
    numpy.ndarray
        Shape (c_out, *grid, m).
    """
    stencils, features = _flat_stencils(S), _flat_features(Y)
    table = sources(S.shape[2:], Y.shape[1:-1])

    def entry(o: int, i: int, j: int) -> Number:
        return sum(
            weight * features[c][source][j]
            for c, weights in enumerate(stencils[o])
            for weight, source in zip(weights, table[i], strict=True)
        )

    return _features((S.shape[0], *Y.shape[1:]), entry)


def adjoint(S: Tensor, Z: Tensor) -> Tensor:
    """Return K(S)ᵀ Z: what cell i reads from cell i + κ goes back there, (Kᵀz)_{c,l} = Σ s_{oc,κ} z_{o,i}.

    Parameters
    ----------
    S : numpy.ndarray
        Shape (c_out, c_in, *stencil).
    Z : numpy.ndarray
        Shape (c_out, *grid, m).

    Returns
    -------
    numpy.ndarray
        Shape (c_in, *grid, m); the sum runs over all o, i, κ with i + κ = l.
    """
    stencils, features = _flat_stencils(S), _flat_features(Z)
    table = sources(S.shape[2:], Z.shape[1:-1])
    arrivals: list[list[tuple[int, int]]] = [[] for _ in table]
    for i, row in enumerate(table):
        for k, source in enumerate(row):
            arrivals[source].append((i, k))

    def entry(c: int, cell: int, j: int) -> Number:
        return sum(
            stencils[o][c][k] * features[o][i][j] for o in range(S.shape[0]) for i, k in arrivals[cell]
        )

    return _features((S.shape[1], *Z.shape[1:]), entry)


def stencil_gradient(Z: Tensor, Y: Tensor, stencil: Sequence[int]) -> Tensor:
    """Return ∂⟨Z, K(S)Y⟩/∂S, summed over the examples: g_{oc,κ} = Σ_i Σ_j z_{o,i,j} y_{c,i+κ,j}.

    Parameters
    ----------
    Z : numpy.ndarray
        Shape (c_out, *grid, m).
    Y : numpy.ndarray
        Shape (c_in, *grid, m).
    stencil : sequence of int
        Odd extents.

    Returns
    -------
    numpy.ndarray
        Shape (c_out, c_in, *stencil).
    """
    left, right = _flat_features(Z), _flat_features(Y)
    table = sources(stencil, Y.shape[1:-1])
    size = math.prod(stencil)

    def entry(index: tuple[int, ...]) -> Number:
        o, c, k = index
        return sum(
            z * y for i, row in enumerate(left[o]) for z, y in zip(row, right[c][table[i][k]], strict=True)
        )

    return filled((Z.shape[0], Y.shape[0], size), entry).reshape(Z.shape[0], Y.shape[0], *stencil)


def _flat_stencils(S: Tensor) -> list[list[list[Number]]]:
    flat: list[list[list[Number]]] = S.reshape(S.shape[0], S.shape[1], -1).tolist()
    return flat


def _flat_features(Y: Tensor) -> list[list[list[Number]]]:
    flat: list[list[list[Number]]] = Y.reshape(Y.shape[0], -1, Y.shape[-1]).tolist()
    return flat


def _features(shape: tuple[int, ...], entry: Callable[[int, int, int], Number]) -> Tensor:
    cells = math.prod(shape[1:-1])
    return filled((shape[0], cells, shape[-1]), lambda index: entry(*index)).reshape(shape)
