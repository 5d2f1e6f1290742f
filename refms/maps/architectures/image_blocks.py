"""What the image networks of [MST] share: their convolutions, normalised layers, and how they begin."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Self

import numpy as np

from refms.errors import Array, InputError, require_choice
from refms.grid import Grid
from refms.maps.architectures.architecture import Arrays, Move, same_names
from refms.maps.branches import concatenate, identity
from refms.maps.chain import chain
from refms.maps.layers.channels import take_rows
from refms.maps.layers.convolution import convolution_map
from refms.maps.layers.linear import every_second_cell
from refms.maps.layers.mesh_free import mesh_free_map
from refms.maps.layout import Layout
from refms.maps.map import Map
from refms.maps.parameters import recomputed
from refms.stencils.convolution import Convolution
from refms.stencils.routes.table import ALLOWED
from refms.stencils.strided import StridedConvolution

CONVOLUTIONS = ("stencil", "winograd", "mesh-free")


def mixing(
    grid: Grid,
    c_in: int,
    c_out: int,
    size: int,
    boundary: str,
    kind: str = "stencil",
    *,
    bias: bool = True,
    strided: bool = False,
) -> Map:
    """Return K(S) y + b, perhaps by Winograd's tiles; or mesh-free, by a 1×1 and a mesh-free convolution.

    ``strided``: D (K(S) y + b), every second cell of it.
    """
    require_choice(kind, CONVOLUTIONS, "convolution")
    point = kind == "mesh-free" or size == 1
    shape = ((1 if point else size),) * grid.dimension
    route = ALLOWED if kind == "winograd" else "auto"
    K = Convolution(grid, c_in, c_out, shape, boundary=boundary, route=route)
    if kind != "mesh-free" or size == 1:
        return convolution_map(StridedConvolution(K) if strided else K, bias=bias)
    thinned = [("", every_second_cell(grid, c_out))] if strided else []
    return chain(("", convolution_map(K, bias=bias)), ("", mesh_free_map(grid, c_out)), *thinned)


def affine(rows_in: int, rows_out: int) -> Map:
    """Return e ↦ A e + b on one number per row and example: a convolution on one cell."""
    return mixing(Grid((1,)), rows_in, rows_out, 1, "periodic")


def segment(F: Map) -> Map:
    """Return F; where the memory budget is short it keeps its output alone and is run again backwards."""
    return replace(F, frugal=lambda: recomputed(F))


def on_a_copy(F: Map) -> Map:
    """Return F, whose points hold the few rows that they read, not the field of which these are a view."""
    stored, linearize = F.stored + F.rows_in, F.linearize
    return replace(
        F, linearize=lambda theta, Y: linearize(theta, Y.copy()), stored=stored, kept=None, reads=()
    )


def carrying(F: Map, carried: int) -> Map:
    """Return (y; e) ↦ (F(y; e); e): what follows sees the same time, too."""
    if carried == 0:
        return F
    return concatenate(("", F), ("", take_rows(F.rows_in, F.rows_in - carried, F.rows_in)))


def ignoring(F: Map, carried: int) -> Map:
    """Return (y; e) ↦ F(y)."""
    if carried == 0:
        return F
    return chain(("", take_rows(F.rows_in + carried, 0, F.rows_in)), ("", F))


def first_rows(rows: int, carried: int) -> Map:
    """Return (y; e) ↦ y."""
    return take_rows(rows + carried, 0, rows) if carried else identity(rows)


class ImageNetwork(ABC):
    """What an architecture from images to images of as many channels is besides its map."""

    grid: Grid
    image_channels: int
    held = ()

    @property
    @abstractmethod
    def map(self) -> Map:
        """From θ and inputs as columns to images."""

    @property
    def channels(self) -> int:
        """Channels of the output."""
        return self.image_channels

    @cached_property
    def arrays(self) -> Arrays:
        """The parameters under the names of the layout; the same on every grid."""
        return same_names(self.map.layout)

    @cached_property
    def moves(self) -> dict[str, Move]:
        """Stencils move by K_H = R K_h P, those of one cell not at all; the rest is kept."""
        return {
            name: Move(stencil=True, pointwise=True)
            for name, shape in self.map.layout.parts
            if name.endswith("stencil") and len(shape) == 2 + self.grid.dimension
        }

    def on(self, grid: Grid, stencils: Mapping[str, tuple[int, ...]] | None = None) -> Self:
        """Return the same network, with the same parameters, on another grid."""
        for name, size in (stencils or {}).items():
            own = self.arrays.shapes[name][2:]
            if name in self.moves and own != tuple(size):
                raise InputError(
                    f"{name} would become {tuple(size)}; expected {own}, for this network has stencils of no "
                    "other size: take a pair that maps them onto stencils of the same size."
                )
        return replace(self, grid=grid)  # type: ignore[type-var]  # every subclass is a frozen dataclass

    def initial(self, seed: int, dtype: str) -> dict[str, Array]:
        """Return initial arrays, drawn on the host."""
        return draw_initial(self.map.layout, seed, dtype)


def draw_initial(layout: Layout, seed: int, dtype: str) -> dict[str, Array]:
    """Return initial arrays: U(±1/√fan-in) for weights and biases, γ = 1, β = 0, and ξ as [MST] has it.

    ξ: a = 0.5, θ ~ 0.1 N(0, 1), g0 = 0.01, gx, gy ~ N(0, 1), θ_τ = log(0.5 U(0, 1)).
    """
    rng, arrays, bound = np.random.default_rng(seed), {}, 1.0
    for name, shape in layout.parts:
        kind = name.rsplit("/", 1)[-1]
        if kind in ("gamma", "beta"):
            arrays[name] = np.full(shape, 1.0 if kind == "gamma" else 0.0)
        elif kind == "xi":
            normal, uniform = rng.standard_normal((shape[0], 3)), rng.uniform(size=shape[0])
            c = np.ones(shape[0])
            angle, gx, gy = 0.1 * normal[:, 0], normal[:, 1], normal[:, 2]
            columns = (0.5 * c, 0.5 * c, angle, 0.01 * c, gx, gy, np.log(0.5 * uniform))
            arrays[name] = np.stack(columns, axis=1)
        else:
            if kind == "stencil":  # its bias comes next and has the same bound
                bound = 1 / math.sqrt(math.prod(shape[1:]))
            arrays[name] = rng.uniform(-bound, bound, shape)
    return {name: array.astype(dtype) for name, array in arrays.items()}
