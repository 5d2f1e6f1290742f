"""The matrices of a block of problem (6): Gauss–Newton, Hessian, and what one has and the other has not."""

from __future__ import annotations

from dataclasses import replace

from refms.errors import Array
from refms.objective.empirical_risk import EmpiricalRisk
from refms.optimize.objective import Product


def matrices_of(risk: EmpiricalRisk, x: Array) -> dict[str, Product]:
    """Return the products with the matrices of a block at a point, regulariser included.

    Parameters
    ----------
    risk : EmpiricalRisk
        The block.
    x : array
        Shape (map.layout.size,).

    Returns
    -------
    dict of str to callable
        ``"gauss_newton"``: JᵀHJ + Q; ``"hessian"``: ∇²f; ``"difference"``: ∇²f less the former, the sum over
        the examples of the residuals' ∇E times the second derivatives of the map.

    Raises
    ------
    InputError
        If the map has no second derivatives.
    """
    gauss_newton = replace(risk, second_order=False).curvature(x)
    hessian = replace(risk, second_order=True).curvature(x)
    return {
        "gauss_newton": gauss_newton,
        "hessian": hessian,
        "difference": lambda v: hessian(v) - gauss_newton(v),
    }
