"""Quadratic regularisers with weights that do not depend on the mesh or on the depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from refms.backend import NUMPY, Backend, backend_of
from refms.display import short_repr
from refms.errors import Array, require_choice, require_nonnegative, require_shape
from refms.maps.time.steps import TimeSteps
from refms.objective.classifier import Classifier
from refms.stencils.differences import gradient_matrix
from refms.stencils.kronecker import identity, kronecker


@dataclass(frozen=True, eq=False)
class Quadratic:
    """The regulariser R(x) = ½ xᵀ Q x with an explicit sparse, symmetric, positive semi-definite Q.

    Parameters
    ----------
    Q : csr_array
        Shape (p, p), in the precision and on the backend of x.

    Examples
    --------
    >>> R = Quadratic(sp.csr_array(np.diag([1.0, 3.0])))
    >>> R.value(np.array([2.0, 1.0])), R.gradient(np.array([2.0, 1.0])).tolist()
    (3.5, [2.0, 3.0])
    """

    Q: Any

    __repr__ = short_repr

    def value(self, x: Array) -> float | complex:
        """Return ½ xᵀ Q x.

        Parameters
        ----------
        x : array
            Shape (p,).

        Returns
        -------
        float or complex
            A host number; complex for complex x (no conjugation).
        """
        if self.Q.nnz == 0:
            return 0.0
        value = (x * self.gradient(x)).sum() / 2
        return complex(value) if x.dtype.kind == "c" else float(value)

    def gradient(self, x: Array) -> Array:
        """Return Q x, which is also the Hessian applied to x.

        Parameters
        ----------
        x : array
            Shape (p,).

        Returns
        -------
        array
            Shape (p,).
        """
        require_shape(x, (self.Q.shape[0],), "x", "one number per parameter")
        if self.Q.nnz == 0:  # most networks for images: reading all rows of Q would take as long as a pass
            return backend_of(x).xp.zeros(x.shape, dtype=np.result_type(self.Q.dtype, x.dtype))
        return self.Q @ x


def classifier_regularizer(
    classifier: Classifier,
    smoothness: float,
    tikhonov: float = 0.0,
    dtype: str = "float64",
    backend: Backend = NUMPY,
) -> Quadratic:
    """Return the spatial smoothness of the classification weights W, with a small Tikhonov term.

    Parameters
    ----------
    classifier : Classifier
        Gives the grid, the channels and the classes.
    smoothness : float
        α_W ≥ 0.
    tikhonov : float
        τ_W ≥ 0.
    dtype : str
        ``"float64"`` or ``"float32"``.
    backend : Backend
        Where Q lives.

    Returns
    -------
    Quadratic
        A form in (W, μ) as one vector; μ is free.

    Raises
    ------
    InputError
        If a weight is negative or not finite, or the dtype is another one.

    Notes
    -----
    R = α_W/2 · h^d Σ_j ‖∇_h w_j‖² + τ_W/2 · h^d Σ_j ‖w_j‖², the midpoint rule for the integrals of |∇w_j|²
    and w_j² over Ω (conventions; [LAS] Sec. 4 asks for spatial smoothness). ∇_h takes differences across
    interior faces only, so constants are free.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> R = classifier_regularizer(Classifier(Grid((4,)), 1, 2), smoothness=1.0)
    >>> R.value(np.ones(10))
    0.0
    """
    require_nonnegative(smoothness, "smoothness")
    require_nonnegative(tikhonov, "tikhonov")
    grid = classifier.grid
    D = gradient_matrix(grid, boundary="neumann")
    per_channel = grid.cell_volume * (smoothness * (D.T @ D) + tikhonov * identity(grid.cells))
    on_W = kronecker(identity(classifier.channels), per_channel, identity(classifier.classes))
    on_mu = sp.csr_array((classifier.classes, classifier.classes))
    return _quadratic(sp.block_diag([on_W, on_mu]), dtype, backend)


def time_regularizer(
    propagation: TimeSteps,
    smoothness: float,
    tikhonov: float = 0.0,
    leading: int = 0,
    dtype: str = "float64",
    backend: Backend = NUMPY,
) -> Quadratic:
    """Return the smoothness in time of the propagation parameters, with a small Tikhonov term.

    Parameters
    ----------
    propagation : TimeSteps
        Gives N, δt and the number of parameters of a layer.
    smoothness : float
        α_θ ≥ 0.
    tikhonov : float
        τ_θ ≥ 0.
    leading : int
        Number of parameters that stand before the layers' (a learned opening); they get the Tikhonov term
        of a unit time, τ_θ/2 ‖·‖².
    dtype : str
        ``"float64"`` or ``"float32"``.
    backend : Backend
        Where Q lives.

    Returns
    -------
    Quadratic
        A form in θ.

    Raises
    ------
    InputError
        If a weight is negative or not finite, or the dtype is another one.

    Notes
    -----
    R = α_θ/2 · Σ_{k<N-1} δt ‖(θ_{k+1} − θ_k)/δt‖² + τ_θ/2 · Σ_k δt ‖θ_k‖² (conventions; [LAS] Sec. 4). With
    T = 0 there is no time to be smooth in, and only the leading parameters are penalised.

    Examples
    --------
    >>> from refms.maps.layers.linear import matrix_map
    >>> steps = TimeSteps(matrix_map(np.eye(2)), layers=2, final_time=1.0)
    >>> time_regularizer(steps, smoothness=1.0).Q.shape
    (0, 0)
    """
    require_nonnegative(smoothness, "smoothness")
    require_nonnegative(tikhonov, "tikhonov")
    N, dt, size = propagation.layers, propagation.time_step, propagation.layer.layout.size
    D = np.diff(np.eye(N), axis=0)  # (N-1, N): θ_{k+1} − θ_k
    in_time = tikhonov * dt * np.eye(N)
    if dt > 0:
        in_time += smoothness / dt * (D.T @ D)
    on_layers = kronecker(sp.csr_array(in_time), identity(size))
    return _quadratic(sp.block_diag([tikhonov * identity(leading), on_layers]), dtype, backend)


def tikhonov_regularizer(
    size: int, weight: float, dtype: str = "float64", backend: Backend = NUMPY
) -> Quadratic:
    """Return R = τ/2 ‖x‖², for networks without a time.

    Parameters
    ----------
    size : int
        Number of parameters.
    weight : float
        τ ≥ 0.
    dtype : str
        ``"float64"`` or ``"float32"``.
    backend : Backend
        Where Q lives.

    Returns
    -------
    Quadratic
        Q = τI, shape (size, size).

    Raises
    ------
    InputError
        If the weight is negative or not finite, or the dtype is another one.

    Examples
    --------
    >>> tikhonov_regularizer(3, 2.0).value(np.ones(3))
    3.0
    """
    require_nonnegative(weight, "tikhonov")
    return _quadratic(weight * identity(size), dtype, backend)


def join_quadratics(parts: Sequence[Quadratic]) -> Quadratic:
    """Return the sum of quadratic forms in parts of x, which follow each other: a block-diagonal Q."""
    Qs = [part.Q for part in parts]
    if len(Qs) == 1:
        return parts[0]
    rows = [[Q if i == j else None for j in range(len(Qs))] for i, Q in enumerate(Qs)]
    return Quadratic(backend_of(*Qs).sparse.block_array(rows, format="csr"))


def _quadratic(Q: Any, dtype: str, backend: Backend) -> Quadratic:
    require_choice(dtype, ("float64", "float32"), "dtype")
    Q = sp.csr_array(Q).astype(dtype)
    Q.eliminate_zeros()
    return Quadratic(backend.csr_from_host(Q))
