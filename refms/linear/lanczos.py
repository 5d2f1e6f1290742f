"""The Lanczos process: a symmetric matrix seen from one vector, as a small tridiagonal one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from refms.backend import backend_of
from refms.errors import Array, InputError, require_whole
from refms.linear.product import Product
from refms.linear.vectors import guarded, in_units, inner, norm, power_of_two, require_real_vector


@dataclass(frozen=True, eq=False)
class GaussRule:
    """Ritz values θ_i, ascending, and weights w_i >= 0 that add up to one; both of shape (k,), float64."""

    nodes: Array
    weights: Array


@dataclass(frozen=True, eq=False)
class Tridiagonal:
    """T = Qᵀ A Q of a Lanczos process of k steps."""

    diagonal: Array  # α_1 … α_k, shape (k,), float64
    off_diagonal: Array  # β_1 … β_{k-1}, shape (k-1,), float64
    last: float  # β_k, the norm of what the next vector would be; 0.0 if the Krylov space is invariant

    def gauss_rule(self) -> GaussRule:
        """Return the Gauss rule of the measure Σ_j (q_1ᵀu_j)² δ(λ − λ_j), exact to the degree 2k − 1.

        With T = S Θ Sᵀ, q_1ᵀ f(A) q_1 ≈ e_1ᵀ f(T) e_1 = Σ_i s_{1i}² f(θ_i) (Golub and Welsch).
        """
        nodes, S = self._eigenvectors()
        return GaussRule(nodes, S[0] ** 2)

    def _eigenvectors(self) -> tuple[Array, Array]:
        """Return the eigenvalues and eigenvectors of T, of T over a power of two, which LAPACK can square."""
        unit = power_of_two(max(norm(self.diagonal), norm(self.off_diagonal)))
        nodes, S = scipy.linalg.eigh_tridiagonal(self.diagonal / unit, self.off_diagonal / unit)
        return unit * nodes, S

    def interval(self) -> tuple[float, float]:
        """Return the extreme Ritz values, moved outwards by the norms β_k |s_ki| of their residuals.

        Each has an eigenvalue of A that near. The interval holds all eigenvalues of a process that came to
        its end.
        """
        nodes, S = self._eigenvectors()
        residuals = self.last * np.abs(S[-1])
        return float(nodes[0] - residuals[0]), float(nodes[-1] + residuals[-1])


def lanczos(product: Product, start: Array, steps: int) -> Tridiagonal:
    """Run the Lanczos process of a symmetric A with full reorthogonalisation, from a start that is not zero.

    Parameters
    ----------
    product : callable
        v -> A v for a symmetric A, keeping shape and dtype.
    start : array
        A multiple of q_1, shape (size,), float32 or float64.
    steps : int
        Number k of steps, and so of products and vectors that are kept; at most size are made.

    Returns
    -------
    Tridiagonal
        T = Qᵀ A Q, shape (k, k), float64, on the host; smaller if the Krylov space is invariant before.

    Raises
    ------
    InputError
        If the start is zero or not finite, ``steps`` is below 1, or a product is not finite, or changes its
        argument, shape or dtype.

    Notes
    -----
    β_j q_{j+1} = A q_j − α_j q_j − β_{j-1} q_{j-1}. Every new vector is made orthogonal to all earlier ones,
    twice, so that no eigenvalue comes up a second time.

    Examples
    --------
    >>> T = lanczos(lambda v: np.array([1.0, 2.0, 4.0]) * v, np.ones(3), 3)
    >>> T.gauss_rule().nodes.round(12).tolist()
    [1.0, 2.0, 4.0]
    """
    require_real_vector(start, "start", finite=True)
    steps = require_whole(steps, "steps", 1)
    product, size = guarded(product, "product"), norm(start)
    if size == 0.0:
        raise InputError("the start of a Lanczos process is zero; expected any other vector.")
    xp = backend_of(start).xp
    steps = min(steps, int(start.shape[0]))
    Q = xp.empty((steps, start.shape[0]), dtype=start.dtype)
    w, _ = in_units(start, size)
    w = w / start.dtype.type(norm(w))
    alphas, betas = list[float](), list[float]()
    for j in range(steps):
        Q[j] = w
        w = product(w)
        alphas.append(float(inner(Q[j], w)))
        for _ in range(2):
            w = w - Q[: j + 1].T @ (Q[: j + 1] @ w)
        betas.append(norm(w))
        if not (math.isfinite(alphas[-1]) and math.isfinite(betas[-1])):
            raise InputError("a product with the matrix is NaN or infinite; expected a finite symmetric one.")
        largest = max(map(abs, (*alphas, *betas)))
        # what is left of A q is then rounding error: the space is invariant, and T knows all of it
        if betas[-1] <= 10 * float(xp.finfo(start.dtype).eps) * math.sqrt(start.shape[0]) * largest:
            betas[-1] = 0.0
            break
        w = w / start.dtype.type(betas[-1])
    last = 0.0 if len(alphas) == start.shape[0] else betas[-1]
    return Tridiagonal(np.array(alphas), np.array(betas[:-1]), last)
