"""K(s) y, its adjoint and its stencil gradient: periodic, several channels, one to three dimensions."""

from __future__ import annotations

import math

from refms.certify.cases.case import Arrays, Case, Found, Given, Said
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.definition.arrays import columns, images
from refms.definition.convolution import adjoint, convolve, stencil_gradient
from refms.definition.norms import max_norm, row_sum_norm
from refms.grid import Grid
from refms.stencils.convolution import Convolution


def _case(
    name: str, seed: int, grid: tuple[int, ...], stencil: tuple[int, ...], c_in: int, c_out: int, m: int
) -> Case:
    cells = math.prod(grid)
    inputs = doubles(seed, {"S": (c_out, c_in, *stencil), "Y": (c_in * cells, m), "Z": (c_out * cells, m)})

    def formulas(x: Given) -> Said:
        S, Y, Z = x["S"], images(x["Y"], grid), images(x["Z"], grid)
        y, z, back = max_norm(Y), max_norm(Z), row_sum_norm(S.swapaxes(0, 1))
        gradient, size = stencil_gradient(Z, Y, stencil), cells * m * z * y
        return {
            "product": Quantity(columns(convolve(S, Y)), row_sum_norm(S) * y, "‖S‖₁ ‖Y‖_∞"),
            "adjoint": Quantity(columns(adjoint(S, Z)), back * z, "‖Sᵀ‖₁ ‖Z‖_∞"),
            "stencil_gradient": Quantity(gradient, size, "n m ‖Z‖_∞ ‖Y‖_∞"),
        }

    def refms(x: Arrays) -> Found:
        K, S, Y, Z = Convolution(Grid(grid), c_in, c_out, stencil), x["S"], x["Y"], x["Z"]
        return {
            "product": K.apply(S, Y),
            "adjoint": K.adjoint(S, Z),
            "stencil_gradient": K.stencil_gradient(Z, Y),
        }

    return Case(f"convolution/{name}", inputs, formulas, refms, {"grid": grid})


CASES = (
    _case("1d", 11, grid=(7,), stencil=(5,), c_in=2, c_out=3, m=4),
    _case("2d", 12, grid=(7, 6), stencil=(3, 5), c_in=2, c_out=4, m=1),
    _case("3d", 13, grid=(3, 4, 5), stencil=(1, 3, 5), c_in=2, c_out=6, m=1),
    # a grid smaller than the stencil: entries that meet after wrapping around add up
    _case("wrapped", 14, grid=(2, 3), stencil=(5, 3), c_in=4, c_out=1, m=7),
)
"""Of pairwise different extents, so that no reversed or exchanged axis goes unseen."""
