"""Preconditioners for conjugate gradients on problem (6), from the structure of its regularisers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from refms.backend import backend_of
from refms.errors import Array, InputError
from refms.network.composition import Sequence
from refms.objective.classifier import Classifier
from refms.objective.losses import softmax

if TYPE_CHECKING:
    from refms.objective.batches import LabelledColumns
    from refms.objective.empirical_risk import EmpiricalRisk, Product


@dataclass(frozen=True)
class ClassifierSmoothness:
    """M = Q + diag(mean curvature) for the classifier block: the regulariser is inverted exactly.

    Parameters
    ----------
    classifier : Classifier
        Gives grid, channels and classes.
    smoothness, tikhonov : float
        α_W and τ_W of :func:`~refms.objective.regularizers.classifier_regularizer`.

    Notes
    -----
    The Hessian of the block is JᵀHJ + Q with Q = h^d (α_W ∇_hᵀ∇_h + τ_W) ⊗ I on W and 0 on μ. Of JᵀHJ only
    the mean of its diagonal is taken, one number σ_W for W and one, σ_μ, for μ:

        σ_W = h^{2d} / (c n ℓ m) Σ_k ‖y_k‖² Σ_j p_jk (1 − p_jk),   σ_μ = 1 / (ℓ m) Σ_k Σ_j p_jk (1 − p_jk).

    Cosine transforms diagonalise ∇_hᵀ∇_h (Neumann), so M is inverted by one multiplication with the DCT
    matrix per axis, a division, and one multiplication back.
    """

    classifier: Classifier
    smoothness: float
    tikhonov: float

    def __call__(self, risk: EmpiricalRisk, x: Array) -> Product | None:
        """Return r -> M⁻¹ r at x, or None where the loss has no curvature left, or is not finite.

        Parameters
        ----------
        risk : EmpiricalRisk
            The classifier block: its map is the classifier, or a fixed network and the classifier.
        x : array
            Shape (layout.size,): W and μ.

        Returns
        -------
        callable or None
            Shape and dtype of r are kept.
        """
        before = risk.map.maps[:-1] if isinstance(risk.map, Sequence) else ()

        def addends(batch: LabelledColumns) -> tuple[float, float]:
            Y = batch.X
            for _, fixed in before:
                Y = fixed.apply(x[:0], Y)
            P = softmax(self.classifier.apply(x, Y))
            curvature = (P * (1 - P)).sum(axis=0)
            return float(curvature @ (Y * Y).sum(axis=0)), float(curvature.sum())

        on_W, on_mu = np.array(risk.summed(addends, (0.0, 0.0)), dtype=np.float64)
        volume, classes, m = self.classifier.grid.cell_volume, self.classifier.classes, risk.total
        sigma_W = volume**2 * float(on_W) / (self.classifier.rows_in * classes * m)
        sigma_mu = float(on_mu) / (classes * m)
        if not (0 < sigma_W < np.inf and 0 < sigma_mu < np.inf):
            return None
        grid = self.classifier.grid
        stiffness = tuple(volume * self.smoothness / h**2 for h in grid.spacing)
        solve = smoothness_inverse(
            grid.shape, self.classifier.channels, classes, stiffness, volume * self.tikhonov + sigma_W, x
        )

        def product(r: Array) -> Array:
            xp = backend_of(r).xp
            return xp.concatenate([solve(r[:-classes]), r[-classes:] / r.dtype.type(sigma_mu)])

        return product


def smoothness_inverse(
    extents: tuple[int, ...], outer: int, inner: int, stiffness: tuple[float, ...], shift: float, like: Array
) -> Product:
    """Return the inverse of I ⊗ (Σ_a stiffness_a D_aᵀD_a + shift) ⊗ I by cosine transforms.

    Parameters
    ----------
    extents : tuple of int
        Numbers along the axes, with unscaled differences D_a across their interior faces.
    outer, inner : int
        Sizes of the identities on both sides.
    stiffness : tuple of float
        One weight per axis, at least 0.
    shift : float
        Above 0.
    like : array
        Gives dtype and backend.

    Returns
    -------
    callable
        r (outer·Π extents·inner,) -> the solution, of the same shape and dtype.

    Raises
    ------
    InputError
        If the shift is not positive.

    Notes
    -----
    The cosine vectors of the DCT-II diagonalise DᵀD of Neumann differences on N cells, with the eigenvalues
    2 − 2 cos(πk/N).

    Examples
    --------
    >>> D = np.diff(np.eye(3), axis=0)
    >>> solve = smoothness_inverse((3,), 1, 1, (2.0,), 0.5, np.zeros(1))
    >>> bool(np.allclose((2 * D.T @ D + 0.5 * np.eye(3)) @ solve(np.array([1.0, 2.0, 4.0])), [1, 2, 4]))
    True
    """
    if not shift > 0:
        raise InputError(f"the shift of a preconditioner is {shift}; expected a positive number.")
    backend = backend_of(like)
    eigenvalues, transforms = np.full(extents, float(shift)), []
    for axis, (extent, weight) in enumerate(zip(extents, stiffness, strict=True)):
        along = weight * (2 - 2 * np.cos(np.pi * np.arange(extent) / extent))
        eigenvalues += along.reshape([extent if a == axis else 1 for a in range(len(extents))])
        matrix = scipy.fft.dct(np.eye(extent), axis=0, norm="ortho")
        transforms.append(backend.from_host(matrix.astype(like.dtype)))
    factor = backend.from_host((1 / eigenvalues)[None, ..., None].astype(like.dtype))

    def product(r: Array) -> Array:
        field = r.reshape(outer, *extents, inner)
        for axis, matrix in enumerate(transforms, start=1):
            field = _along(matrix, field, axis)
        field = field * factor
        for axis, matrix in enumerate(transforms, start=1):
            field = _along(matrix.T, field, axis)
        return field.reshape(-1)

    return product


def _along(matrix: Array, field: Array, axis: int) -> Array:
    """Return a matrix times a field along one axis."""
    xp = backend_of(field).xp
    shape = field.shape
    lead, rest = int(np.prod(shape[:axis])), int(np.prod(shape[axis + 1 :]))
    return xp.matmul(matrix, field.reshape(lead, shape[axis], rest)).reshape(shape)
