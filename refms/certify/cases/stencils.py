"""Stencils down and up, among them Example 1 of [LAS]."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from refms.certify.cases.case import Case
from refms.certify.formulas.norms import maximum, rows
from refms.certify.formulas.stencils import down, down_matrix, up, up_matrix
from refms.certify.formulas.tensor import Number, Tensor
from refms.certify.formulas.transfer import PAIRS
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.errors import Array
from refms.stencils.galerkin import prolong_stencil, restrict_stencil
from refms.stencils.transfer import transfer_pair

_EXAMPLE_1 = np.array([[-0.89, -2.03, 4.30], [-2.07, 0.00, -2.07], [4.39, -2.03, 1.28]])


def _case(name: str, pair: str, S: Array, *, upward: bool = True) -> Case:
    def formulas(x: Mapping[str, Tensor]) -> dict[str, Quantity]:
        known, size = PAIRS[pair], S.shape[2:]
        scale = _amplified(down_matrix(known, size), x["S"])
        found = {"down": Quantity(down(known, x["S"]), scale, "‖A⊗…⊗A‖_∞ ‖S‖_∞")}
        if upward:
            scale = _amplified(up_matrix(known, size), x["S"])
            found["up"] = Quantity(up(known, x["S"]), scale, "‖(A⊗…⊗A)⁻¹‖_∞ ‖S‖_∞")
        return found

    def refms(x: Mapping[str, Array]) -> dict[str, Array]:
        found = {"down": restrict_stencil(x["S"], transfer_pair(pair))}
        if upward:
            found["up"] = prolong_stencil(x["S"], transfer_pair(pair))
        return found

    return Case(f"stencils/{name}", {"S": S}, formulas, refms, {"pair": pair})


def _amplified(matrix: Tensor, S: Tensor) -> Number:
    factor = rows(matrix)
    return maximum(S) * factor.numerator / factor.denominator


def _drawn(seed: int, *shape: int) -> Array:
    return doubles(seed, {"S": shape})["S"]


CASES = (
    _case("example1", "averaging-bilinear", _EXAMPLE_1[None, None]),
    _case("1d/averaging-bilinear", "averaging-bilinear", _drawn(31, 4, 2, 5)),
    _case("1d/averaging-constant", "averaging-constant", _drawn(101, 4, 2, 3)),
    _case("1d/nearest", "nearest", _drawn(32, 4, 2, 1)),
    _case("2d/averaging-bilinear", "averaging-bilinear", _drawn(33, 4, 2, 3, 5)),
    _case("2d/averaging-constant", "averaging-constant", _drawn(34, 4, 2, 3, 1)),
    _case("2d/summing-constant", "summing-constant", _drawn(35, 4, 2, 3, 1)),
    _case("2d/full-weighting-linear", "full-weighting-linear", _drawn(36, 4, 2, 3, 5)),
    _case("2d/injection-linear", "injection-linear", _drawn(37, 4, 2, 3, 1)),
    _case("2d/injection-cubic", "injection-cubic", _drawn(38, 3, 2, 5, 7)),
    # no odd size but 1 stays closed under this pair: down only
    _case("2d/nearest", "nearest", _drawn(39, 4, 2, 3, 5), upward=False),
    _case("3d/averaging-bilinear", "averaging-bilinear", _drawn(40, 2, 1, 3, 3, 3)),
    _case("3d/averaging-constant", "averaging-constant", _drawn(102, 4, 2, 3, 1, 3)),
)
"""Every pair in two dimensions; sizes that the pair maps one to one wherever stencils go up."""
