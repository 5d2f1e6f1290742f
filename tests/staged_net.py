"""An architecture of two stages of different width and depth, between a held opening and a closing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from refms.grid import Grid
from refms.maps.activation import TANH
from refms.maps.architectures.architecture import Arrays, Move, register_architecture
from refms.maps.chain import chain
from refms.maps.layers.convolution import convolution_layer, convolution_map
from refms.maps.map import Map
from refms.maps.time.euler import forward_euler
from refms.stencils.convolution import Convolution


@dataclass(frozen=True)
class StagedNet:
    """1×1 opening, N layers of the first width, a change of channels, 2N layers of the second, a closing."""

    grid: Grid
    widths: tuple[int, int] = (2, 3)
    layers: int = 2

    held = ("open",)

    def on(self, grid: Grid, stencils: Mapping[str, tuple[int, ...]] | None = None) -> StagedNet:
        return replace(self, grid=grid)

    def with_layers(self, layers: int) -> StagedNet:
        return replace(self, layers=layers)

    @property
    def channels(self) -> int:
        return self.widths[1]

    @property
    def depths(self) -> dict[str, int]:
        return {"one": self.layers, "two": 2 * self.layers}

    @property
    def map(self) -> Map:
        (a, b), N = self.widths, self.depths
        return chain(
            ("open", convolution_map(self._convolution(1, a, 1))),
            ("one", forward_euler(convolution_layer(self._convolution(a, a, 3), TANH), N["one"], 1.0)),
            ("change", convolution_map(self._convolution(a, b, 1))),
            ("two", forward_euler(convolution_layer(self._convolution(b, b, 3), TANH), N["two"], 2.0)),
            ("close", convolution_map(self._convolution(b, b, 1))),
        )

    def _convolution(self, c_in: int, c_out: int, size: int) -> Convolution:
        return Convolution(self.grid, c_in, c_out, (size, size))

    @property
    def arrays(self) -> Arrays:
        stacked = {
            f"{stage}_{part}": tuple(f"{stage}/layer{k}/{part}" for k in range(N))
            for stage, N in self.depths.items()
            for part in ("stencil", "bias")
        }
        return Arrays(self.map.layout, {n: f"{n}/stencil" for n in ("open", "change", "close")} | stacked)

    @property
    def moves(self) -> dict[str, Move]:
        return {
            name: Move(stencil="bias" not in name, pointwise=True, time="_" in name)
            for name in self.arrays.names
        }

    def initial(self, seed: int, dtype: str) -> dict[str, np.ndarray]:
        rng, shapes = np.random.default_rng(seed), self.arrays.shapes
        return {name: (0.3 * rng.standard_normal(shape)).astype(dtype) for name, shape in shapes.items()}


register_architecture("staged-net", StagedNet)
