"""R y and P y for every named pair, in one to three dimensions."""

from __future__ import annotations

import math

from refms.certify.balls import Balls
from refms.certify.cases.case import Arrays, Case, Found, Given, Said
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.definition.arrays import Number, columns, images
from refms.definition.norms import max_norm
from refms.definition.transfer import PAIRS, Weights, coarsen, prolong, restrict
from refms.grid import Grid
from refms.stencils.transfer import transfer_pair


def _case(name: str, seed: int, fine: tuple[int, ...], channels: int, m: int) -> Case:
    sizes = {"fine": fine, "coarse": coarsen(fine)}
    inputs = doubles(seed, {key: (channels * math.prod(grid), m) for key, grid in sizes.items()})

    def formulas(x: Given) -> Said:
        Y, W = (images(x[key], grid) for key, grid in sizes.items())
        found: Said = {}
        for pair, of in PAIRS.items():
            down, up = columns(restrict(Y, of.r)), columns(prolong(W, of.p))
            found[f"{pair}/restriction"] = Quantity(down, _size(of.r, Y), "Σ|r| ‖y‖_∞")
            found[f"{pair}/prolongation"] = Quantity(up, _size(of.p, W), "Σ|p| ‖y‖_∞")
        return found

    def refms(x: Arrays) -> Found:
        found: Found = {}
        for pair in PAIRS:
            of, given = transfer_pair(pair), (Grid(fine), channels, str(x["fine"].dtype))
            found[f"{pair}/restriction"] = of.restriction_matrix(*given) @ x["fine"]
            found[f"{pair}/prolongation"] = of.prolongation_matrix(*given) @ x["coarse"]
        return found

    return Case(f"transfer/{name}", inputs, formulas, refms, {"fine_grid": fine, "channels": channels})


def _size(weights: Weights, Y: Balls) -> Number:
    return max_norm(Y) * sum(map(abs, weights.values())) ** (Y.ndim - 2)


CASES = (
    _case("1d", 21, fine=(10,), channels=2, m=3),
    _case("2d", 22, fine=(8, 6), channels=2, m=1),
    _case("3d", 23, fine=(4, 2, 6), channels=1, m=1),
)
"""Coarse extents down to one cell: weights that meet after wrapping around add up."""
