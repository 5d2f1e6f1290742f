"""The preconditioners of both blocks side by side, for all parameters at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from refms.backend import backend_of
from refms.display import short_repr
from refms.errors import Array
from refms.linear.probing import probed_diagonal

if TYPE_CHECKING:
    from refms.linear.product import Product
    from refms.objective.problem import TrainingProblem
    from refms.objective.risk import EmpiricalRisk


@dataclass(frozen=True, eq=False)
class BlockDiagonal:
    """M = diag(M_θ, M_ω) for the joint block, of the preconditioners that the problem has for its two blocks.

    Parameters
    ----------
    problem : TrainingProblem
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

    problem: TrainingProblem
    iteration: int
    seed: int = 0

    __repr__ = short_repr

    def __call__(self, risk: EmpiricalRisk, x: Array, curvature: Product) -> Product | None:
        """Return r -> M⁻¹ r at x, or None where a block of it would not be positive."""
        blocks = self.problem.blocks
        if all(block.preconditioning is None for block in blocks.values()):
            return None
        xp, values = backend_of(x).xp, self.problem.split(x)
        solvers: list[tuple[slice, Product]] = []
        for name, block in blocks.items():
            start = solvers[-1][0].stop if solvers else 0
            place = slice(start, start + block.map.layout.size)
            product = _part_of(curvature, place, x)
            if block.preconditioning is None:
                sigma = probed_diagonal(product, values[name], 1, self.seed).mean()
                solve = _division(sigma) if bool(sigma > 0) else None
            else:
                risk_of_block = self.problem.block(name, values, self.iteration)
                solve = block.preconditioning(risk_of_block, values[name], product)
            if solve is None:
                return None
            solvers.append((place, solve))
        return lambda r: xp.concatenate([solve(r[place]) for place, solve in solvers])


def _part_of(curvature: Product, place: slice, like: Array) -> Product:
    """Return the product with the diagonal block of a matrix at a place."""

    def product(v: Array) -> Array:
        whole = backend_of(like).xp.zeros_like(like)
        whole[place] = v
        return curvature(whole)[place]

    return product


def _division(sigma: Array) -> Product:
    return lambda r: r / sigma
