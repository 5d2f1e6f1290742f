"""The diagonal of the classifier's Hessian as a preconditioner, exact by its structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from refms.backend import backend_of
from refms.display import short_repr
from refms.errors import Array
from refms.objective.classifier import Classifier
from refms.objective.preconditioners.features import sums_over_features

if TYPE_CHECKING:
    from refms.linear.product import Product
    from refms.objective.losses import LossEvaluation
    from refms.objective.risk import EmpiricalRisk


@dataclass(frozen=True)
class ClassifierDiagonal:
    """M = the diagonal of the Hessian of the classifier block, regulariser included.

    Parameters
    ----------
    classifier : Classifier
        Gives grid, channels and classes.

    Notes
    -----
    With logits z = h^d Wᵀy + μ and e_jk = ∂²E_k/∂z_j², the entry for W_{ij} is h^{2d}/m Σ_k y_ik² e_jk plus
    that of Q, and the one for μ_j is 1/m Σ_k e_jk: one matrix product of squared features with e, which is
    p (1 − p) for softmax and logistic regression, 1 for least squares.
    """

    classifier: Classifier

    __repr__ = short_repr

    def __call__(self, risk: EmpiricalRisk, x: Array, curvature: Product) -> Product | None:
        """Return r -> M⁻¹ r at x, or None where an entry is not positive, or not finite."""
        xp, classes = backend_of(x).xp, self.classifier.classes

        def addends(Y: Array, loss: LossEvaluation) -> tuple[Array]:
            curved = loss.hessian_diagonal
            return (xp.concatenate([((Y * Y) @ curved.T).reshape(-1), curved.sum(axis=1)]),)

        (found,) = sums_over_features(risk, self.classifier, x, addends, (xp.zeros_like(x),))
        found[:-classes] *= self.classifier.grid.cell_volume**2
        diagonal = found / risk.total + risk.regularizer.Q.diagonal()
        if not bool((xp.isfinite(diagonal) & (diagonal > 0)).all()):
            return None
        return lambda r: r / diagonal
