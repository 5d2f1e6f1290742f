"""All blocks as one vector, for the methods that step all parameters at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from refms.backend import backend_of
from refms.errors import Array
from refms.objective.preconditioners import BlockDiagonal
from refms.objective.problem import TrainingProblem
from refms.objective.risk import EmpiricalRisk

JOINT = "joint"


def joined(blocks: Mapping[str, Array]) -> Array:
    """Return θ followed by (W, μ) as one vector.

    Parameters
    ----------
    blocks : mapping of str to array
        ``propagation`` and ``classifier``, flat vectors of one dtype.

    Returns
    -------
    array
        Shape (sum of both sizes,).
    """
    parts = [blocks["propagation"], blocks["classifier"]]
    return backend_of(*parts).xp.concatenate(parts)


def parted(problem: TrainingProblem, x: Array) -> dict[str, Array]:
    """Return the two blocks of one vector, the inverse of :func:`joined`.

    Parameters
    ----------
    problem : TrainingProblem
        Gives their sizes.
    x : array
        Shape (sum of both sizes,).

    Returns
    -------
    dict of str to array
        ``propagation`` and ``classifier``, views of x.
    """
    first = problem.layouts["propagation"].size
    return {"propagation": x[:first], "classifier": x[first:]}


@dataclass(frozen=True, eq=False)
class JointProblem:
    """Problem (6) with all its unknowns in the single block ``joint``.

    Parameters
    ----------
    problem : TrainingProblem
        The problem; with ``second_order`` curvature is the full Hessian. Its two preconditioners, where it
        has any, are those of the diagonal blocks, see
        :class:`~refms.objective.preconditioners.block_diagonal.BlockDiagonal`.
    """

    problem: TrainingProblem

    def block(self, name: str, blocks: Mapping[str, Array], iteration: int) -> EmpiricalRisk:
        """Return the objective in all unknowns; parameters as for a ``BlockProblem``."""
        whole = self.problem.block(JOINT, parted(self.problem, blocks[JOINT]), iteration)
        return replace(whole, preconditioning=BlockDiagonal(self.problem, iteration))
