"""The eigenvalues at both ends of a spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from refms.errors import Array, InputError, require_whole
from refms.linear.lanczos import lanczos
from refms.linear.product import Operator, Product
from refms.linear.vectors import guarded, norm, power_of_two

DENSE = 64
"""Matrices of up to so many rows are formed, column by column."""

STEPS = 20
"""Lanczos steps that tell where the spectrum is."""

RESTARTS = 50
"""Restarts of ARPACK after which what has not converged is left out."""


@dataclass(frozen=True, eq=False)
class Extremes:
    """Eigenvalues at both ends of a spectrum, float64; fewer than were asked for where they did not converge.

    Errors are ‖A v − λ v‖₂ for unit vectors v: there is an eigenvalue within that distance of each.
    """

    smallest: Array  # from the end of the spectrum inwards, as are all
    largest: Array
    smallest_error: Array
    largest_error: Array


def extreme_eigenvalues(
    product: Product, like: Array, count: int = 4, *, tolerance: float = 1e-5, seed: int = 0
) -> Extremes:
    """Return ``count`` eigenvalues at each end, to a tolerance in units of the width of the spectrum.

    Parameters
    ----------
    product : callable
        v -> A v for a symmetric A, keeping shape and dtype.
    like : array
        Gives size, dtype and backend of v, shape (size,), float32 or float64.
    count : int
        Eigenvalues at each end, 1 to size.
    tolerance : float
        Error of an eigenvalue, relative to the width of the spectrum; small matrices are formed and solved
        densely.
    seed : int
        Of the random start.

    Returns
    -------
    Extremes
        ``smallest`` and ``largest``, shape (count,), float64, on the host, from the ends of the spectrum
        inwards, with error bounds; fewer where they did not converge.

    Raises
    ------
    InputError
        If ``count`` is out of range, or a product is not finite.

    Notes
    -----
    ARPACK's implicitly restarted Lanczos process (``scipy.sparse.linalg.eigsh``) on A − a and b − A, with
    [a, b] about the spectrum, so that accuracy is relative to its width at both ends: the smallest
    eigenvalues of a Gauss–Newton matrix are nearly zero, and their own size would be no measure. A Krylov
    space of one vector holds one vector of each eigenspace: of an eigenvalue of higher multiplicity, such as
    that of the Tikhonov term alone, there may be fewer copies than there are.

    Examples
    --------
    >>> found = extreme_eigenvalues(lambda v: np.arange(100.0) * v, np.zeros(100), count=2)
    >>> found.smallest.round(4).tolist(), found.largest.round(4).tolist()
    ([0.0, 1.0], [99.0, 98.0])
    """
    n = int(like.shape[0])
    count = require_whole(count, "count", 1)
    if count > n:
        raise InputError(f"count is {count}, more than the {n} eigenvalues there are.")
    A = Operator.symmetric(guarded(product, "product"), like)
    if n <= max(DENSE, 2 * count):
        return _of_dense(A.to_dense(), count)
    v0 = np.random.default_rng(require_whole(seed, "seed")).standard_normal(n)
    on_host = A.to_scipy()
    low, high = lanczos(on_host.matvec, v0, min(STEPS, n)).interval()
    if not high > low:  # a multiple of the identity
        same, exact = np.full(count, low), np.zeros(count)
        return Extremes(same, same, exact, exact)
    unit = power_of_two(max(abs(low), abs(high)))  # ARPACK squares what it is given
    smallest, smallest_error = _top(on_host, count, high, -unit, tolerance, v0)
    largest, largest_error = _top(on_host, count, low, unit, tolerance, v0)
    return Extremes(smallest, largest, smallest_error, largest_error)


def _top(
    A: LinearOperator, count: int, shift: float, unit: float, tolerance: float, v0: Array
) -> tuple[Array, Array]:
    """Return the eigenvalues of A with the largest (λ − shift) / unit, and the norms of their residuals."""
    n = len(v0)

    def shift_product(v: Array) -> Array:
        return (A.matvec(v.reshape(-1)) - shift * v.reshape(-1)) / unit

    values: Array
    vectors: Array
    try:
        values, vectors = eigsh(
            LinearOperator((n, n), matvec=shift_product, dtype="float64"),
            count,
            which="LA",
            tol=tolerance,
            v0=v0,
            ncv=min(n, max(4 * count, 40)),
            maxiter=RESTARTS,
        )
    except ArpackNoConvergence as stopped:
        values, vectors = stopped.eigenvalues, stopped.eigenvectors
    order = np.argsort(-values)
    found, V = unit * values[order] + shift, vectors[:, order]
    errors = [norm(A.matvec(v) - one * v) for one, v in zip(found, V.T, strict=True)]
    return found, np.array(errors)


def _of_dense(A: Array, count: int) -> Extremes:
    if not np.isfinite(A).all():
        raise InputError("a product with the matrix is NaN or infinite; expected a finite symmetric one.")
    values, vectors = np.linalg.eigh(A / 2 + A.T / 2)
    errors = np.array([norm(column) for column in (A @ vectors - vectors * values).T])
    return Extremes(values[:count], values[::-1][:count], errors[:count], errors[::-1][:count])
