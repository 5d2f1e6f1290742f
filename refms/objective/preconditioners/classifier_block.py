"""The last layer's block of the Gauss–Newton matrix, as a Kronecker product, as a preconditioner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from refms.backend import backend_of
from refms.display import short_repr
from refms.errors import Array, InputError
from refms.objective.classifier import Classifier
from refms.objective.preconditioners.features import sums_over_features

if TYPE_CHECKING:
    from refms.linear.product import Product
    from refms.objective.losses import LossEvaluation
    from refms.objective.risk import EmpiricalRisk

MATRICES = 6
"""Dense matrices of c·n rows and columns that are in memory at once."""


@dataclass(frozen=True)
class ClassifierBlock:
    """M = mean(ỹỹᵀ) ⊗ mean(∇²E) + Q, the means over features and over the loss's curvature taken apart.

    Parameters
    ----------
    classifier : Classifier
        Gives grid, channels and classes.

    Notes
    -----
    With ỹ = (h^d y, 1) the Hessian of the classifier block is 1/m Σ_k ỹ_k ỹ_kᵀ ⊗ ∇²E_k + Q. The mean of the
    products is replaced by the product of the means B̃ = 1/m Σ_k ỹ_kỹ_kᵀ and A = 1/m Σ_k ∇²E_k, which is
    exact where all examples have one ∇²E, such as at W = 0. With A = U diag(a) Uᵀ, one block Q_W of Q, and
    V with VᵀQ_W V = I and Vᵀ B V = diag(λ), every eigenvector u_j of A has a system of its own,

        (a_j B + Q_W) w + a_j ȳ μ = r_W,   a_j ȳᵀw + a_j μ = r_μ,
        (a_j B + Q_W)⁻¹ = V diag(1/(1 + a_j λ)) Vᵀ,

    solved by eliminating w; ȳ = 1/m Σ_k h^d y_k. Where a_j = 0 (logits that all grow alike), μ is left as it
    is. The matrices are dense: O((cn)³) operations once, O((cn)² ℓ) in each product.
    """

    classifier: Classifier

    __repr__ = short_repr

    def __call__(self, risk: EmpiricalRisk, x: Array, curvature: Product) -> Product | None:
        """Return r -> M⁻¹ r at x, or None where Q is singular, or the curvature is none or not finite."""
        rows, classes, xp = self.classifier.rows_in, self.classifier.classes, backend_of(x).xp
        need = MATRICES * rows**2 * x.dtype.itemsize
        if need > risk.memory:
            raise InputError(
                f"the preconditioner of the classifier's block needs {need} bytes for {rows} features but "
                f"the memory budget is {risk.memory}; take 'diagonal' or 'smoothness', or raise the budget."
            )
        B, mean, A = self._means(risk, x)
        Q = risk.regularizer.Q[: rows * classes : classes, : rows * classes : classes].toarray()
        try:
            inverse = xp.linalg.inv(xp.linalg.cholesky(Q))
            growth, E = xp.linalg.eigh(inverse @ B @ inverse.T)
            a, U = xp.linalg.eigh(A)
        except xp.linalg.LinAlgError:
            return None
        if not bool(xp.isfinite(a).all() & xp.isfinite(growth).all()) or not bool(a[-1] > 0):
            return None
        return _solver(inverse.T @ E, xp.maximum(growth, 0), mean, a, U)

    def _means(self, risk: EmpiricalRisk, x: Array) -> tuple[Array, Array, Array]:
        """Return B (c·n, c·n), ȳ (c·n,) and A (ℓ, ℓ)."""
        xp, classes = backend_of(x).xp, self.classifier.classes
        rows, volume = self.classifier.rows_in, self.classifier.grid.cell_volume
        unit = xp.eye(classes, dtype=x.dtype)

        def addends(Y: Array, loss: LossEvaluation) -> tuple[Array, Array, Array]:
            columns = [loss.hessian_product(e[:, None] + 0 * loss.gradient).sum(axis=1) for e in unit]
            return Y @ Y.T, Y.sum(axis=1), xp.stack(columns, axis=1)

        start = (xp.zeros((rows, rows), dtype=x.dtype), xp.zeros(rows, dtype=x.dtype), xp.zeros_like(unit))
        B, total, A = sums_over_features(risk, self.classifier, x, addends, start)
        m = risk.total
        return volume**2 / m * B, volume / m * total, (A + A.T) / (2 * m)


def _solver(V: Array, growth: Array, mean: Array, a: Array, U: Array) -> Callable[[Array], Array]:
    """Return r -> M⁻¹ r from the decompositions, see :class:`ClassifierBlock`."""
    xp = backend_of(V).xp
    curved = a > 100 * xp.finfo(a.dtype).eps * a[-1]
    a = xp.where(curved, a, 0)
    D = 1 / (1 + growth[:, None] * a)
    u = V.T @ mean
    eliminated = xp.where(curved, a - a**2 * ((u * u) @ D), 1)
    rows, classes = V.shape[0], a.shape[0]

    def product(r: Array) -> Array:
        X = D * (V.T @ r[:-classes].reshape(rows, classes) @ U)
        mu = (r[-classes:] @ U - a * (u @ X)) / eliminated
        X = X - D * (u[:, None] * (a * mu))
        return xp.concatenate([(V @ X @ U.T).reshape(-1), U @ mu])

    return product
