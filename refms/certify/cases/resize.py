"""Images on another grid, by every kernel, as it is and widened; up along one axis, down along another."""

from __future__ import annotations

import math

from refms.certify.cases.case import Arrays, Case, Found, Given, Said
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.definition.arrays import columns, images
from refms.definition.norms import max_norm
from refms.definition.resize import resize
from refms.grid import Grid
from refms.stencils.resize import resize_matrix

_WAYS = {
    f"{kernel}{'-antialias' if antialias else ''}": (kernel, antialias)
    for kernel in ("nearest", "box", "linear", "cubic")
    for antialias in (False, True)
    if (kernel, antialias) != ("nearest", True)
}


def _case(
    name: str, seed: int, grid: tuple[int, ...], to: tuple[int, ...], border: str, channels: int, m: int
) -> Case:
    def formulas(x: Given) -> Said:
        Y = images(x["Y"], grid)
        size = 2 ** len(grid) * max_norm(Y)
        return {
            way: Quantity(columns(resize(Y, to, *kind, border)), size, "2^d ‖Y‖_∞")
            for way, kind in _WAYS.items()
        }

    def refms(x: Arrays) -> Found:
        given, dtype = (Grid(grid), Grid(to)), str(x["Y"].dtype)
        found: Found = {}
        for way, (kernel, antialias) in _WAYS.items():
            A = resize_matrix(
                *given, kernel, antialias=antialias, boundary=border, channels=channels, dtype=dtype
            )
            found[way] = A @ x["Y"]
        return found

    inputs = doubles(seed, {"Y": (channels * math.prod(grid), m)})
    return Case(f"resize/{name}", inputs, formulas, refms, {"grid": grid, "to": to, "border": border})


CASES = (
    _case("clamp", 111, grid=(7,), to=(3,), border="clamp", channels=2, m=3),
    _case("periodic", 112, grid=(5, 6), to=(8, 4), border="periodic", channels=2, m=1),
)
