"""The inverse of the classifier's regulariser as a preconditioner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from refms.backend import backend_of
from refms.display import short_repr
from refms.errors import Array
from refms.objective.classifier import Classifier
from refms.objective.preconditioners.features import sums_over_features
from refms.objective.preconditioners.smoothness import smoothness_inverse

if TYPE_CHECKING:
    from refms.linear.product import Product
    from refms.objective.losses import LossEvaluation
    from refms.objective.risk import EmpiricalRisk


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

        σ_W = h^{2d} / (c n ℓ m) Σ_k ‖y_k‖² Σ_j e_jk,   σ_μ = 1 / (ℓ m) Σ_k Σ_j e_jk,   e_jk = ∂²E_k/∂z_j².

    Cosine transforms diagonalise ∇_hᵀ∇_h (Neumann), so M is inverted by one multiplication with the DCT
    matrix per axis, a division, and one multiplication back.
    """

    classifier: Classifier
    smoothness: float
    tikhonov: float

    __repr__ = short_repr

    def __call__(self, risk: EmpiricalRisk, x: Array, curvature: Product) -> Product | None:
        """Return r -> M⁻¹ r at x, or None where the loss has no curvature left, or is not finite."""

        def addends(Y: Array, loss: LossEvaluation) -> tuple[float, float]:
            each = loss.hessian_diagonal.sum(axis=0)
            return float(each @ (Y * Y).sum(axis=0)), float(each.sum())

        on_W, on_mu = sums_over_features(risk, self.classifier, x, addends, (0.0, 0.0))
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
