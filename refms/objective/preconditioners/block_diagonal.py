"""The preconditioners of both blocks side by side, for all parameters at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from refms.backend import backend_of
from refms.errors import Array
from refms.objective.preconditioners.probing import probed_diagonal

if TYPE_CHECKING:
    from refms.objective.curvature import Product
    from refms.objective.empirical_risk import EmpiricalRisk, Preconditioning
    from refms.objective.optimal_control import OptimalControl


@dataclass(frozen=True, eq=False)
class BlockDiagonal:
    """M = diag(M_θ, M_ω) for the joint block, of the preconditioners that the problem has for its two blocks.

    Parameters
    ----------
    problem : OptimalControl
        Gives both; where one is None, its block is σ I, with σ the mean of the diagonal of the curvature
        there, from one product with random signs.
    iteration : int
        Counted from 1.
    seed : int
        Of the signs.

    Notes
    -----
    Without it the entries of W, whose curvature has the factor h^{2d}, and those of the stencils share one
    Krylov space: conjugate gradients then spend most of their iterations on the difference in scale.
    """

    problem: OptimalControl
    iteration: int
    seed: int = 0

    def __call__(self, risk: EmpiricalRisk, x: Array, curvature: Product) -> Product | None:
        """Return r -> M⁻¹ r at x, or None where a block of it would not be positive.

        Parameters
        ----------
        risk : EmpiricalRisk
            The joint block.
        x : array
            Shape (layout.size,): θ, W and μ.
        curvature : callable
            The product at x.

        Returns
        -------
        callable or None
            Shape and dtype of r are kept; None, too, where the problem has no preconditioner at all.
        """
        given = self.problem.propagation_preconditioning, self.problem.classifier_preconditioning
        if given == (None, None):
            return None
        xp, p = backend_of(x).xp, self.problem.layouts["propagation"].size
        none = xp.zeros_like(x)

        def of_theta(v: Array) -> Array:
            return curvature(xp.concatenate([v, none[p:]]))[:p]

        def of_omega(v: Array) -> Array:
            return curvature(xp.concatenate([none[:p], v]))[p:]

        first = self._of_block("propagation", given[0], x[:p], x, of_theta)
        second = None if first is None else self._of_block("classifier", given[1], x[p:], x, of_omega)
        if first is None or second is None:
            return None
        on_theta, on_omega = first, second
        return lambda r: xp.concatenate([on_theta(r[:p]), on_omega(r[p:])])

    def _of_block(
        self, name: str, build: Preconditioning | None, part: Array, x: Array, product: Product
    ) -> Product | None:
        if build is not None:
            p = self.problem.layouts["propagation"].size
            blocks = {"propagation": x[:p], "classifier": x[p:]}
            return build(self.problem.block(name, blocks, self.iteration), part, product)
        sigma = probed_diagonal(product, part, 1, self.seed).mean()
        return (lambda r: r / sigma) if bool(sigma > 0) else None
