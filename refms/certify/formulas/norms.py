"""Norms, from which the scales of the tolerance recipe are made."""

from __future__ import annotations

from collections.abc import Iterable

from refms.certify.formulas.tensor import Number, Tensor, inner


def largest(numbers: Iterable[Number]) -> Number:
    """Return the largest of some numbers; of balls that overlap, the one that comes first.

    Parameters
    ----------
    numbers : iterable
        At least one.

    Returns
    -------
    number
        One of them.

    Examples
    --------
    >>> largest([1, 3, 2])
    3
    """
    found: Number = None
    for number in numbers:
        if found is None or number > found:
            found = number
    return found


def maximum(a: Tensor) -> Number:
    """Return ‖a‖_∞.

    Parameters
    ----------
    a : numpy.ndarray
        Any shape.

    Returns
    -------
    number
        The largest |a_i|.
    """
    return largest(abs(number) for number in a.reshape(-1).tolist())


def euclidean(a: Tensor) -> Number:
    """Return ‖a‖₂ of a tensor of balls.

    Parameters
    ----------
    a : numpy.ndarray
        Any shape.

    Returns
    -------
    ball
        The root of Σ a².
    """
    return inner(a, a).sqrt()


def rows(A: Tensor) -> Number:
    """Return the largest sum of |A_ij| along a row, which is ‖A‖_∞.

    Parameters
    ----------
    A : numpy.ndarray
        The first axis counts the rows; there may be several others, as in stencils (c_out, c_in, *stencil).

    Returns
    -------
    number
        The norm.
    """
    return largest(sum(abs(number) for number in row.reshape(-1).tolist()) for row in A)
