"""R y and P y for every named pair, in one to three dimensions."""

from __future__ import annotations

import math
from collections.abc import Mapping

from refms.certify.cases.case import Case
from refms.certify.formulas.norms import maximum
from refms.certify.formulas.tensor import Number, Tensor
from refms.certify.formulas.transfer import PAIRS, Weights, prolong, restrict
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.errors import Array
from refms.grid import Grid
from refms.stencils.transfer import transfer_pair


def _case(name: str, seed: int, fine: tuple[int, ...], channels: int, m: int) -> Case:
    coarse = tuple(n // 2 for n in fine)
    inputs = doubles(
        seed, {"fine": (channels * math.prod(fine), m), "coarse": (channels * math.prod(coarse), m)}
    )

    def formulas(x: Mapping[str, Tensor]) -> dict[str, Quantity]:
        Y, W = x["fine"].reshape(channels, *fine, m), x["coarse"].reshape(channels, *coarse, m)
        found: dict[str, Quantity] = {}
        for pair in PAIRS:
            R, P = PAIRS[pair].restriction, PAIRS[pair].prolongation
            down, up = restrict(R, Y).reshape(-1, m), prolong(P, W).reshape(-1, m)
            found[f"{pair}/restriction"] = Quantity(down, _size(R, len(fine), Y), "Σ|r| ‖y‖_∞")
            found[f"{pair}/prolongation"] = Quantity(up, _size(P, len(fine), W), "Σ|p| ‖y‖_∞")
        return found

    def refms(x: Mapping[str, Array]) -> dict[str, Array]:
        grid, dtype = Grid(fine), str(x["fine"].dtype)
        found: dict[str, Array] = {}
        for pair in PAIRS:
            both = transfer_pair(pair)
            found[f"{pair}/restriction"] = both.restriction_matrix(grid, channels, dtype) @ x["fine"]
            found[f"{pair}/prolongation"] = both.prolongation_matrix(grid, channels, dtype) @ x["coarse"]
        return found

    return Case(f"transfer/{name}", inputs, formulas, refms, {"fine_grid": fine, "channels": channels})


def _size(weights: Weights, dimension: int, Y: Tensor) -> Number:
    total = sum(map(abs, weights.over.values())) ** dimension
    return total * maximum(Y) / weights.divisor**dimension


CASES = (
    _case("1d", 21, fine=(10,), channels=2, m=3),
    _case("2d", 22, fine=(8, 6), channels=2, m=1),
    _case("3d", 23, fine=(4, 2, 6), channels=1, m=1),
)
"""Coarse extents down to one cell: weights that meet after wrapping around add up."""
