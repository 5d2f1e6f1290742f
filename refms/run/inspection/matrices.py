"""The matrices of a block of problem (6): Gauss–Newton, Hessian, and what one has and the other has not."""

from __future__ import annotations

from dataclasses import replace

from refms.errors import Array
from refms.linear.product import Operator
from refms.objective.risk import EmpiricalRisk


def matrices_of(risk: EmpiricalRisk, x: Array) -> dict[str, Operator]:
    """Return the matrices of a block at a point, regulariser included.

    ``"gauss_newton"``: JᵀHJ + Q; ``"hessian"``: ∇²f; ``"difference"``: ∇²f less the former, the mean over the
    examples of ∇E times the second derivatives of the map.
    """
    gauss_newton = replace(risk, second_order=False).curvature(x)
    hessian = replace(risk, second_order=True).curvature(x)
    return {"gauss_newton": gauss_newton, "hessian": hessian, "difference": hessian - gauss_newton}
