"""Stencils between resolutions: s_H of K_H = R K_h P by its sum, s_h by solving the n_K^d system."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

from refms.certify.formulas.linear_system import inverse
from refms.certify.formulas.tensor import Number, Tensor, filled
from refms.certify.formulas.transfer import Pair


def correlation(pair: Pair) -> dict[int, Fraction]:
    """Return the non-zero c_k = Σ_{b-a=k} r_a p_b.

    Parameters
    ----------
    pair : Pair
        R and P.

    Returns
    -------
    dict of int to Fraction
        Offset k -> c_k.

    Examples
    --------
    >>> from refms.certify.formulas.transfer import PAIRS
    >>> correlation(PAIRS["averaging-constant"]) == {-1: Fraction(1, 2), 0: 1, 1: Fraction(1, 2)}
    True
    """
    c: dict[int, Fraction] = {}
    divisor = pair.restriction.divisor * pair.prolongation.divisor
    for a, r in pair.restriction.over.items():
        for b, p in pair.prolongation.over.items():
            c[b - a] = c.get(b - a, Fraction(0)) + Fraction(r * p, divisor)
    return {k: weight for k, weight in c.items() if weight}


def down(pair: Pair, S: Tensor) -> Tensor:
    """Return the coarse stencils s_{H,Q} = Σ_q Π_axes c_{q-2Q} s_{h,q}.

    Fine row 2I + a and fine column 2J + b, Q = J - I, meet in the entry q = 2Q + b - a of the fine stencil.

    Parameters
    ----------
    pair : Pair
        R and P.
    S : numpy.ndarray
        Shape (c_out, c_in, *stencil).

    Returns
    -------
    numpy.ndarray
        Shape (c_out, c_in, *coarse stencil): the smallest centred box that holds every Q that is reached.
    """
    coarse = tuple(coarse_size(pair, size) for size in S.shape[2:])
    return _times(down_matrix(pair, S.shape[2:]), S, coarse)


def up(pair: Pair, S: Tensor) -> Tensor:
    """Return the fine stencils of the size of the coarse ones with R K(s_h) P = K(s_H).

    Parameters
    ----------
    pair : Pair
        R and P; they must map stencils of this size one to one.
    S : numpy.ndarray
        Shape (c_out, c_in, *stencil).

    Returns
    -------
    numpy.ndarray
        Shape of S.
    """
    return _times(up_matrix(pair, S.shape[2:]), S, S.shape[2:])


def down_matrix(pair: Pair, size: Sequence[int]) -> Tensor:
    """Return the exact matrix that takes fine stencils of that size to coarse ones.

    Parameters
    ----------
    pair : Pair
        R and P.
    size : sequence of int
        Odd extents of the fine stencils.

    Returns
    -------
    numpy.ndarray
        Of fractions, one row for each entry of the coarse stencil.
    """
    return _system(pair, tuple(coarse_size(pair, n) for n in size), size)


def up_matrix(pair: Pair, size: Sequence[int]) -> Tensor:
    """Return the exact inverse of the n_K^d × n_K^d system of stencils of that size.

    Parameters
    ----------
    pair : Pair
        R and P.
    size : sequence of int
        Odd extents.

    Returns
    -------
    numpy.ndarray
        Of fractions.
    """
    return inverse(_system(pair, size, size))


def coarse_size(pair: Pair, size: int) -> int:
    """Return the extent of the coarse stencils of fine ones with that extent.

    Parameters
    ----------
    pair : Pair
        R and P.
    size : int
        Odd extent.

    Returns
    -------
    int
        2r + 1 for the largest |Q| = r with c_{q-2Q} ≠ 0 for an entry q.
    """
    r = size // 2
    reached = [(q - k) // 2 for k in correlation(pair) for q in range(-r, r + 1) if (q - k) % 2 == 0]
    return 2 * max(map(abs, reached)) + 1


def _system(pair: Pair, coarse: Sequence[int], fine: Sequence[int]) -> Tensor:
    c = correlation(pair)
    rows, columns = _offsets(coarse), _offsets(fine)

    def entry(index: tuple[int, ...]) -> Fraction:
        axes = zip(rows[index[0]], columns[index[1]], strict=True)
        return math.prod((c.get(q - 2 * Q, Fraction(0)) for Q, q in axes), start=Fraction(1))

    return filled((len(rows), len(columns)), entry)


def _offsets(size: Sequence[int]) -> list[tuple[int, ...]]:
    return list(itertools.product(*(range(-(n // 2), n // 2 + 1) for n in size)))


def _times(matrix: Tensor, S: Tensor, size: Sequence[int]) -> Tensor:
    """Return every stencil multiplied by a matrix of fractions."""
    flat = S.reshape(S.shape[0], S.shape[1], -1)

    def entry(index: tuple[int, ...]) -> Number:
        o, c, row = index
        weights = enumerate(matrix[row])
        return sum(flat[o, c, k] * w.numerator / w.denominator for k, w in weights if w)

    return filled((*S.shape[:2], matrix.shape[0]), entry).reshape(*S.shape[:2], *size)
