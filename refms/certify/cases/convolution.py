"""K(s) y, its adjoint and its stencil gradient: periodic, several channels, one to three dimensions."""

from __future__ import annotations

import math
from collections.abc import Mapping

from refms.certify.cases.case import Case
from refms.certify.formulas.convolution import adjoint, convolve, stencil_gradient
from refms.certify.formulas.norms import maximum, rows
from refms.certify.formulas.tensor import Tensor
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.errors import Array
from refms.grid import Grid
from refms.stencils.convolution import Convolution


def _case(
    name: str, seed: int, grid: tuple[int, ...], stencil: tuple[int, ...], c_in: int, c_out: int, m: int
) -> Case:
    cells = math.prod(grid)
    inputs = doubles(seed, {"S": (c_out, c_in, *stencil), "Y": (c_in * cells, m), "Z": (c_out * cells, m)})

    def formulas(x: Mapping[str, Tensor]) -> dict[str, Quantity]:
        S, Y, Z = x["S"], x["Y"].reshape(c_in, *grid, m), x["Z"].reshape(c_out, *grid, m)
        back = adjoint(S, Z).reshape(-1, m)
        gradient = stencil_gradient(Z, Y, stencil)
        return {
            "product": Quantity(convolve(S, Y).reshape(-1, m), rows(S) * maximum(Y), "‖S‖₁ ‖Y‖_∞"),
            "adjoint": Quantity(back, rows(S.swapaxes(0, 1)) * maximum(Z), "‖Sᵀ‖₁ ‖Z‖_∞"),
            "stencil_gradient": Quantity(gradient, cells * m * maximum(Z) * maximum(Y), "n m ‖Z‖_∞ ‖Y‖_∞"),
        }

    def refms(x: Mapping[str, Array]) -> dict[str, Array]:
        K = Convolution(Grid(grid), c_in=c_in, c_out=c_out, stencil_shape=stencil)
        return {
            "product": K.apply(x["S"], x["Y"]),
            "adjoint": K.adjoint(x["S"], x["Z"]),
            "stencil_gradient": K.stencil_gradient(x["Z"], x["Y"]),
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
