"""An architecture that a user might write: a U-net of two levels, with a time for each example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from refms.grid import Grid
from refms.maps.activation import TANH
from refms.maps.architectures.architecture import Arrays, Move, same_names
from refms.maps.branches import add, beside, identity, skip
from refms.maps.chain import chain
from refms.maps.layers.convolution import convolution_layer, convolution_map
from refms.maps.layers.linear import operator_map
from refms.maps.map import Map
from refms.maps.step import step
from refms.stencils.convolution import Convolution
from refms.stencils.transfer import transfer_pair


@dataclass(frozen=True)
class TinyUNet:
    """Images (and, with ``time``, one more row t) to images of as many channels; residual, two meshes."""

    grid: Grid
    image_channels: int = 1
    width: int = 2
    stencil: int = 3
    time: bool = False
    boundary: str = "periodic"

    def on(self, grid: Grid, stencils: Mapping[str, tuple[int, ...]] | None = None) -> TinyUNet:
        size = (stencils or {}).get("body/fine/stencil", (self.stencil,))
        return replace(self, grid=grid, stencil=size[0])

    @property
    def channels(self) -> int:
        return self.image_channels

    @cached_property
    def map(self) -> Map:
        """x ↦ x + closing([y; P F(R y)]), y = σ(K x + b)."""
        c, w, n = self.image_channels, self.width, self.grid.cells
        pair, extra = transfer_pair("averaging-constant"), 1 if self.time else 0
        R, P = (f(self.grid, w) for f in (pair.restriction_matrix, pair.prolongation_matrix))
        below = chain(
            ("restrict", operator_map(R)),
            ("coarse", step(self._layer(self.grid.coarsen(), w, w), 0.5)),
            ("prolong", operator_map(P)),
        )
        parts = [
            ("fine", self._layer(self.grid, c + extra, w)),
            ("arm", skip("below", below)),
            ("closing", convolution_map(self._convolution(self.grid, 2 * w, c, 1))),
        ]
        if self.time:
            spread = operator_map(np.ones((n, 1)))
            parts.insert(0, ("time", beside(("image", identity(c * n)), ("spread", spread))))
        image = operator_map(np.eye(c * n, c * n + extra))
        return add(("image", image), ("body", chain(*parts)))

    def _convolution(self, grid: Grid, c_in: int, c_out: int, size: int) -> Convolution:
        return Convolution(grid, c_in, c_out, (size,) * grid.dimension, boundary=self.boundary)

    def _layer(self, grid: Grid, c_in: int, c_out: int) -> Map:
        return convolution_layer(self._convolution(grid, c_in, c_out, self.stencil), TANH)

    @cached_property
    def arrays(self) -> Arrays:
        return same_names(self.map.layout)

    held = ()

    @property
    def moves(self) -> dict[str, Move]:
        return {
            name: Move(stencil=True, pointwise=True) for name in self.map.layout.names if "stencil" in name
        }

    def initial(self, seed: int, dtype: str) -> dict[str, np.ndarray]:
        rng, shapes = np.random.default_rng(seed), self.arrays.shapes
        return {name: (0.3 * rng.standard_normal(shape)).astype(dtype) for name, shape in shapes.items()}
