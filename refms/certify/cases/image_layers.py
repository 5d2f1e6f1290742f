"""Layers of networks for images: SiLU, normalisation and the mesh-free convolution, with two derivatives."""

from __future__ import annotations

import math

import numpy as np

from refms.certify.balls import exact_pi
from refms.certify.cases.case import Arrays, Case, Found, Given, Said, Setting
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.definition.arrays import columns, images
from refms.definition.mesh_free import mesh_free, mesh_free_gradient, symbols
from refms.definition.mesh_free_second import mesh_free_adjoint, mesh_free_second, mesh_free_tangent
from refms.definition.normalization import (
    normalization_product,
    normalization_second,
    normalize,
    standardize,
)
from refms.definition.norms import euclidean, max_norm
from refms.definition.silu import silu, silu_curvature, silu_slope
from refms.grid import Grid
from refms.maps.activation import SILU
from refms.maps.chain import chain
from refms.maps.layers.channels import channel_scale
from refms.maps.layers.mesh_free import mesh_free_map
from refms.maps.layers.norms import normalization
from refms.maps.map import second_of


def _silu(name: str, seed: int, size: float) -> Case:
    def formulas(x: Given) -> Said:
        Z, recipe = x["Z"], "1 + ‖Z‖_∞"
        scale = 1 + max_norm(Z)
        return {
            "value": Quantity(silu(Z), scale, recipe),
            "slope": Quantity(silu_slope(Z), scale, recipe),
            "curvature": Quantity(silu_curvature(Z), scale, recipe),
        }

    def refms(x: Arrays) -> Found:
        Z = x["Z"]
        slope, curvature = SILU.derivative(Z), SILU.second_derivative(Z)
        return {"value": SILU.value(Z), "slope": slope, "curvature": curvature}

    return Case(f"silu/{name}", {"Z": size * doubles(seed, {"Z": (5, 7)})["Z"]}, formulas, refms)


def _normalization(name: str, seed: int, grid: tuple[int, ...], channels: int, groups: int, m: int) -> Case:
    field = (channels * math.prod(grid), m)
    shapes = {"Y": field, "V": field, "G": field, "gamma": (channels,), "beta": (channels,)}
    inputs = {**doubles(seed, shapes), "epsilon": np.array([2.0**-7])}

    def formulas(x: Given) -> Said:
        Y, V, G = (images(x[one], grid) for one in "YVG")
        gamma, beta, epsilon = x["gamma"], x["beta"], x["epsilon"][0]
        unit, rho = map(max_norm, standardize(Y, groups, epsilon))
        once = rho * (1 + unit * unit) * max_norm(V)
        shifted = rho * max_norm(Y) * max_norm(gamma) + max_norm(beta)
        output = columns(normalize(Y, groups, epsilon, gamma, beta))
        product = columns(normalization_product(Y, V, groups, epsilon))
        second = columns(normalization_second(Y, V, G, groups, epsilon))
        return {
            "output": Quantity(output, shifted, "‖ρ‖_∞ ‖Y‖_∞ ‖γ‖_∞ + ‖β‖_∞"),
            "product": Quantity(product, once, "‖ρ‖_∞ (1 + ‖x̂‖_∞²) ‖V‖_∞"),
            "second": Quantity(second, rho * once * max_norm(G), "‖ρ‖_∞² (1 + ‖x̂‖_∞²) ‖V‖_∞ ‖G‖_∞"),
        }

    def refms(x: Arrays) -> Found:
        unit = normalization(Grid(grid), channels, groups, float(x["epsilon"][0]))
        scale = channel_scale(Grid(grid), channels)
        weights = scale.layout.pack({"gamma": x["gamma"], "beta": x["beta"]})
        at = unit.at(weights[:0], x["Y"])
        along = second_of(at)(x["G"])[0](None, x["V"])
        return {
            "output": chain(("unit", unit), ("scale", scale)).apply(weights, x["Y"]),
            "product": at.jvp(None, x["V"]),
            "second": along.vjp(0 * x["G"], wrt_theta=False)[1],
        }

    setting: dict[str, Setting] = {"grid": grid, "channels": channels, "groups": groups}
    return Case(f"normalization/{name}", inputs, formulas, refms, setting)


def _mesh_free(name: str, seed: int, grid: tuple[int, int], channels: int, m: int) -> Case:
    fields, numbers = (channels * math.prod(grid), m), (channels, 7)
    drawn = doubles(seed, {"xi": numbers, "d_xi": numbers, "Y": fields, "d_Y": fields, "Z": fields})
    xi = drawn["xi"] - np.array([0, 0, 0, 0, 0, 0, 3.0])  # τ is about e⁻³
    inputs = {name: drawn[name] for name in ("Y", "d_Y", "Z", "d_xi")} | {"xi": xi}

    def formulas(x: Given) -> Said:
        xi, dxi, pi = x["xi"], x["d_xi"], exact_pi()
        Y, dY, Z = (images(x[one], grid) for one in ("Y", "d_Y", "Z"))
        y, dy, z = map(euclidean, (Y, dY, Z))
        steep = max(max_norm(part) for one in xi for pair in symbols(one, grid) for part in pair)
        along, (in_xi, in_Y) = max_norm(dxi) * y + dy, mesh_free_second(xi, dxi, Y, dY, Z, pi)
        tangent = columns(mesh_free_tangent(xi, dxi, Y, dY, pi))
        return {
            "product": Quantity(columns(mesh_free(xi, Y, pi)), steep * y, "M ‖Y‖₂"),
            "adjoint": Quantity(columns(mesh_free_adjoint(xi, Z, pi)), steep * z, "M ‖Z‖₂"),
            "gradient": Quantity(mesh_free_gradient(xi, Y, Z, pi), steep * y * z, "M ‖Y‖₂ ‖Z‖₂"),
            "tangent": Quantity(tangent, steep * along, f"M {_ALONG}"),
            "second_xi": Quantity(in_xi, steep * along * z, f"M {_ALONG} ‖Z‖₂"),
            "second_Y": Quantity(columns(in_Y), steep * max_norm(dxi) * z, "M ‖dξ‖_∞ ‖Z‖₂"),
        }

    def refms(x: Arrays) -> Found:
        at = mesh_free_map(Grid(grid), channels).at(x["xi"].reshape(-1), x["Y"])
        gradient, adjoint = at.vjp(x["Z"])
        along = second_of(at)(x["Z"])[0](x["d_xi"].reshape(-1), x["d_Y"])
        in_xi, in_Y = along.vjp(0 * x["Z"])
        assert gradient is not None  # for mypy, here and below: both were asked for
        assert in_xi is not None
        return {
            "product": at.output,
            "adjoint": adjoint,
            "gradient": gradient.reshape(numbers),
            "tangent": along.output,
            "second_xi": in_xi.reshape(numbers),
            "second_Y": in_Y,
        }

    return Case(f"mesh_free/{name}", inputs, formulas, refms, {"grid": grid})


_ALONG = "(‖dξ‖_∞ ‖Y‖₂ + ‖dY‖₂)"
"""M is the largest number in m and its derivatives."""

CASES = (
    _silu("tame", 113, 4.0),
    _silu("overflowing", 114, 1024.0),
    _normalization("layer", 115, grid=(5,), channels=2, groups=1, m=4),
    _normalization("groups", 116, grid=(3, 2), channels=4, groups=2, m=3),
    _mesh_free("even", 147, grid=(4, 6), channels=2, m=1),
    _mesh_free("odd", 118, grid=(3, 5), channels=1, m=2),
)
"""Even grids have Nyquist numbers, which count in k and not in k̃."""
