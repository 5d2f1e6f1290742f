"""Conjugate gradients of a fixed length, without any stopping test."""

from __future__ import annotations

from collections.abc import Callable

from refms.certify.formulas.tensor import Tensor, inner


def conjugate_gradients(product: Callable[[Tensor], Tensor], b: Tensor, steps: int) -> list[Tensor]:
    """Return the iterates x_1 … x_k of Hestenes and Stiefel from x_0 = 0.

    Parameters
    ----------
    product : callable
        v -> A v, symmetric positive definite.
    b : numpy.ndarray
        Shape (size,).
    steps : int
        k.

    Returns
    -------
    list of numpy.ndarray
        k vectors of shape (size,).

    Examples
    --------
    >>> from fractions import Fraction
    >>> from refms.certify.formulas.tensor import vector
    >>> b = vector([Fraction(1), Fraction(2)])
    >>> conjugate_gradients(lambda v: v * vector([1, 2]), b, 2)[-1] == vector([1, 1])
    array([ True,  True])
    """
    r = p = b
    rr = inner(r, r)
    iterates: list[Tensor] = []
    for _ in range(steps):
        Ap = product(p)
        alpha = rr / inner(p, Ap)
        iterates.append(alpha * p if not iterates else iterates[-1] + alpha * p)
        r = r - alpha * Ap
        previous, rr = rr, inner(r, r)
        p = r + (rr / previous) * p
    return iterates
