"""1 − SSIM of images with values in [−1, 1]: value, gradient, Hessian product and its convex form."""

from __future__ import annotations

import math

from refms.certify.balls import Balls
from refms.certify.cases.case import Arrays, Case, Found, Given, Said
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.definition.arrays import columns, images
from refms.definition.norms import max_norm
from refms.definition.similarity import quotients, ssim, ssim_gauss_newton, ssim_gradient, ssim_hessian
from refms.grid import Grid
from refms.objective.losses import StructuralSimilarity


def _case(name: str, seed: int, grid: tuple[int, ...], channels: int, m: int) -> Case:
    field = (channels * math.prod(grid), m)

    def formulas(x: Given) -> Said:
        X, Y, V = (images(x[one], grid) for one in ("Z", "C", "V"))
        X, Y = (X + 1) / 2, (Y + 1) / 2
        *_, c, d = quotients(X, Y)
        sharp = max_norm(1 / c) + max_norm(1 / d)

        def mean(factor: int, one: Balls) -> Quantity:
            found = columns(one) / (factor * m)
            return Quantity(found, sharp * max_norm(found), "(‖1/c‖_∞ + ‖1/d‖_∞) ‖result‖_∞")

        return {
            "value": Quantity(1 - ssim(X, Y).sum() / m, sharp, "‖1/c‖_∞ + ‖1/d‖_∞"),
            "gradient": mean(-2, ssim_gradient(X, Y)),
            "hessian_product": mean(-4, ssim_hessian(X, Y, V)),
            "gauss_newton_product": mean(4, ssim_gauss_newton(X, Y, V)),
        }

    def refms(x: Arrays) -> Found:
        E = StructuralSimilarity(Grid(grid)).evaluate(x["Z"], x["C"])
        return {
            "value": E.value,
            "gradient": E.gradient,
            "hessian_product": E.hessian_product(x["V"]),
            "gauss_newton_product": E.positive_product(x["V"]),
        }

    inputs = doubles(seed, {"Z": field, "C": field, "V": field})
    return Case(f"similarity/{name}", inputs, formulas, refms, {"grid": grid})


CASES = (
    _case("1d", 121, grid=(13,), channels=2, m=3),
    _case("2d", 122, grid=(11, 12), channels=1, m=1),
)
"""Grids hardly larger than the window, so that its border counts everywhere."""
