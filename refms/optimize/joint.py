"""All blocks of a problem as one vector, for the methods that step all parameters at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from refms.errors import Array
from refms.objective.preconditioners import BlockDiagonal
from refms.objective.problem import JOINT, TrainingProblem
from refms.objective.risk import EmpiricalRisk


@dataclass(frozen=True, eq=False)
class JointProblem:
    """Problem (6) with all its unknowns in the single block ``joint``.

    With ``second_order`` in the problem curvature is the full Hessian. The preconditioners of its blocks,
    where it has any, are those of the diagonal blocks, see
    :class:`~refms.objective.preconditioners.block_diagonal.BlockDiagonal`.
    """

    problem: TrainingProblem

    def block(self, name: str, blocks: Mapping[str, Array], iteration: int) -> EmpiricalRisk:
        """Return the objective in all unknowns."""
        whole = self.problem.block(JOINT, self.problem.split(blocks[JOINT]), iteration)
        return replace(whole, preconditioning=BlockDiagonal(self.problem, iteration))
