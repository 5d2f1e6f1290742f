"""R y and P y for every named pair, in one to three dimensions."""

from __future__ import annotations

import math
from collections.abc import Mapping

from refms.certify.balls import Balls
from refms.certify.cases.case import Case
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.definition.arrays import Number, columns, images
from refms.definition.norms import max_norm
from refms.definition.transfer import PAIRS, Weights, coarsen, prolong, restrict
from refms.errors import Array
from refms.grid import Grid
from refms.stencils.transfer import transfer_pair


def _case(name: str, seed: int, fine: tuple[int, ...], channels: int, m: int) -> Case:
    sizes = {"fine": fine, "coarse": coarsen(fine)}
    inputs = doubles(seed, {key: (channels * math.prod(grid), m) for key, grid in sizes.items()})

    def formulas(x: Mapping[str, Balls]) -> dict[str, Quantity]:
        Y, W = images(x["fine"], fine), images(x["coarse"], coarsen(fine))
        found: dict[str, Quantity] = {}
        for name, pair in PAIRS.items():
            down, up = columns(restrict(Y, pair.r)), columns(prolong(W, pair.p))
            found[f"{name}/restriction"] = Quantity(down, _size(pair.r, Y), "Σ|r| ‖y‖_∞")
            found[f"{name}/prolongation"] = Quantity(up, _size(pair.p, W), "Σ|p| ‖y‖_∞")
        return found

    def refms(x: Mapping[str, Array]) -> dict[str, Array]:
        grid, dtype = Grid(fine), str(x["fine"].dtype)
        found: dict[str, Array] = {}
        for name in PAIRS:
            pair = transfer_pair(name)
            found[f"{name}/restriction"] = pair.restriction_matrix(grid, channels, dtype) @ x["fine"]
            found[f"{name}/prolongation"] = pair.prolongation_matrix(grid, channels, dtype) @ x["coarse"]
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
