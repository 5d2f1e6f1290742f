"""Stencils down and up, among them Example 1 of [LAS]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from refms.certify.balls import Balls
from refms.certify.cases.case import Arrays, Case, Found, Given, Said
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.definition.arrays import Number
from refms.definition.galerkin import down, stencil_map, up
from refms.definition.linear_system import exact, inverse
from refms.definition.norms import max_norm, row_sum_norm
from refms.definition.transfer import PAIRS
from refms.errors import Array
from refms.stencils.galerkin import prolong_stencil, restrict_stencil
from refms.stencils.transfer import transfer_pair

_EXAMPLE_1 = np.array([[-0.89, -2.03, 4.30], [-2.07, 0.00, -2.07], [4.39, -2.03, 1.28]])


def _case(name: str, pair: str, S: Array, *, upward: bool = True) -> Case:
    r, p = PAIRS[pair].r, PAIRS[pair].p

    def amplify(norm_of: Callable[[Balls], Number], S: Balls) -> Number:
        """Return ‖S‖_∞ ∏ ‖A‖_∞, a factor for each axis."""
        scale = max_norm(S)
        for size in S.shape[2:]:
            factor = norm_of(exact(stencil_map(r, p, size)))
            scale = scale * factor.numerator / factor.denominator
        return scale

    def formulas(x: Given) -> Said:
        S = x["S"]
        found = {"down": Quantity(down(S, r, p), amplify(row_sum_norm, S), "‖A⊗…⊗A‖_∞ ‖S‖_∞")}
        if upward:
            scale = amplify(lambda A: row_sum_norm(inverse(A)), S)
            found["up"] = Quantity(up(S, r, p), scale, "‖(A⊗…⊗A)⁻¹‖_∞ ‖S‖_∞")
        return found

    def refms(x: Arrays) -> Found:
        ways = {"down": restrict_stencil, "up": prolong_stencil} if upward else {"down": restrict_stencil}
        return {way: move(x["S"], transfer_pair(pair)) for way, move in ways.items()}

    return Case(f"stencils/{name}", {"S": S}, formulas, refms, {"pair": pair})


def _drawn(pair: str, seed: int, *shape: int, upward: bool = True) -> Case:
    S = doubles(seed, {"S": shape})["S"]
    return _case(f"{S.ndim - 2}d/{pair}", pair, S, upward=upward)


CASES = (
    _case("example1", "averaging-bilinear", _EXAMPLE_1[None, None]),
    _drawn("averaging-bilinear", 31, 4, 2, 5),
    _drawn("averaging-constant", 101, 4, 2, 3),
    _drawn("nearest", 32, 4, 2, 1),
    _drawn("averaging-bilinear", 33, 4, 2, 3, 5),
    _drawn("averaging-constant", 34, 4, 2, 3, 1),
    _drawn("summing-constant", 35, 4, 2, 3, 1),
    _drawn("full-weighting-linear", 36, 4, 2, 3, 5),
    _drawn("injection-linear", 37, 4, 2, 3, 1),
    _drawn("injection-cubic", 38, 3, 2, 5, 7),
    # no odd size but 1 stays closed under this pair: down only
    _drawn("nearest", 39, 4, 2, 3, 5, upward=False),
    _drawn("averaging-bilinear", 40, 2, 1, 3, 3, 3),
    _drawn("averaging-constant", 102, 4, 2, 3, 1, 3),
)
"""Every pair in two dimensions; sizes that the pair maps one to one wherever stencils go up."""
