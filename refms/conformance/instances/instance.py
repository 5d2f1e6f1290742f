"""One case on which properties are checked: few small integers, scales, and a seed that draws every array."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from refms.conformance.adapters.profile import Problem
from refms.conformance.measures.precision import EPS, rounded
from refms.conformance.operations import parameter_shapes
from refms.definition.transfer import PAIRS, Pair
from refms.errors import Array
from refms.names import HALVES


@dataclass(frozen=True)
class Instance:
    """One case: sizes, names and a seed; smaller numbers are simpler cases.

    >>> x = Instance((4,), (3,), 1, 1, 1, 2, 1, "periodic", "nearest", "tanh", 1.0, "float32", 0)
    >>> x.draw("Y", 2, 3).shape, x.draw("Y", 2, 3).dtype.name
    ((2, 3), 'float32')
    """

    grid: tuple[int, ...]  # cells along each axis (of the fine grid)
    stencil: tuple[int, ...]  # odd sizes
    c_in: int
    c_out: int
    examples: int  # m
    classes: int  # ℓ
    layers: int  # N
    boundary: str
    pair: str
    activation: str
    final_time: float  # T
    dtype: str  # precision of all arrays
    seed: int  # seed of every draw
    # whether logits are weighted with h^d; W is drawn so that they are about one in both cases
    volume_weighted: bool = True
    stencil_scale: float = 1.0  # size of stencils, and of whatever else a statement is linear in
    image_scale: float = 1.0  # size of images, likewise
    within: float = 0.0  # entries of stencils and images are spread over so many decades below that size
    orientation: str = "correlation"  # what the implementation calls a convolution
    reduction: str = "mean"  # over the examples, or `"sum"`
    draws: int = 1  # how many times as much is drawn where a property is tested by sampling
    half: str = ""  # `"bfloat16"` where arrays hold only such numbers

    @property
    def eps(self) -> float:
        """Distance from 1 to the next number in the precision of the arrays."""
        return EPS[self.precision]

    @property
    def precision(self) -> str:
        """Precision of the numbers in all arrays."""
        return self.half or self.dtype

    def of_states(self, bound: float, layers: int, *states: Array) -> float:
        """Return against what errors of states count: a bound, in half precision N max(‖y‖_∞, 1).

        In half precision a bound on how much layers may amplify hides what they do.
        """
        if self.precision not in HALVES:
            return bound
        return layers * max(1.0, *(float(np.abs(one).max()) for one in states))

    def share(self, m: int) -> float:
        """Return by how much one of m examples counts: 1/m for the mean, 1 for the sum."""
        return 1.0 / m if self.reduction == "mean" else 1.0

    @property
    def d(self) -> int:
        """Dimension."""
        return len(self.grid)

    @property
    def cells(self) -> int:
        """Number of cells n."""
        return math.prod(self.grid)

    @property
    def volume(self) -> float:
        """The factor of Wᵀy in the logits: h^d, or 1 where they are not weighted."""
        return 1.0 / self.cells if self.volume_weighted else 1.0

    @property
    def weights(self) -> Pair:
        """The numbers and facts of the transfer pair."""
        return PAIRS[self.pair]

    @property
    def problem(self) -> Problem:
        """Grid, T, boundary and activation."""
        return Problem(self.grid, self.final_time, self.boundary, self.activation)

    def rng(self, name: str) -> np.random.Generator:
        """Return the generator of one array."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def seeds(self, count: int, name: str = "seeds") -> list[int]:
        """Return random seeds for an implementation."""
        return [int(seed) for seed in self.rng(name).integers(2**31, size=count)]

    def draw(self, name: str, *shape: int, scale: float = 1.0) -> Array:
        """Return standard normal numbers that depend on the seed, the name and the shape alone."""
        return rounded(scale * self.rng(name).standard_normal(shape), self.precision)

    def stencils(self, name: str = "S") -> Array:
        """Return random stencils (c_out, c_in, *stencil) of the instance's size."""
        return self._spread(name, self.stencil_scale, self.c_out, self.c_in, *self.stencil)

    def single(self, name: str = "s") -> Array:
        """Return one random stencil as (1, 1, *stencil)."""
        return self._spread(name, self.stencil_scale, 1, 1, *self.stencil)

    def image(
        self,
        name: str = "Y",
        channels: int | None = None,
        grid: tuple[int, ...] | None = None,
        examples: int | None = None,
    ) -> Array:
        """Return random images (m, c, *grid), by default with c_in channels on the grid."""
        shape = examples or self.examples, channels or self.c_in, *(grid or self.grid)
        return self._spread(name, self.image_scale, *shape)

    def picture(self, name: str, *shape: int) -> Array:
        """Return images with values in [0, 1], for SSIM."""
        return rounded(0.5 + 0.5 * np.sin(3 * self.draw(name, *shape)), self.precision)

    def one_hot(self, name: str = "labels", examples: int | None = None) -> Array:
        """Return random one-hot labels (ℓ, m)."""
        m = examples or self.examples
        chosen = self.rng(name).integers(self.classes, size=m)
        return (np.arange(self.classes)[:, None] == chosen).astype(self.dtype)

    def parameters(self, name: str = "", layers: int | None = None) -> dict[str, Array]:
        """Return random parameters of a network with c_in image channels and c_out feature channels.

        They are scaled so that ‖K(s)‖, the features and the logits are about one, which keeps round-off
        small: the opening undoes the size of the images.
        """
        c, N = self.c_out, layers or self.layers
        shapes = parameter_shapes(self.stencil, O=c, B=self.c_in, l=N, D=c * self.cells, y=self.classes)
        units = self.units
        drawn = {key: self.draw(name + key, *shape) * units[key] for key, shape in shapes.items()}
        return {key: rounded(array, self.precision) for key, array in drawn.items()}

    @property
    def units(self) -> dict[str, float]:
        """Standard deviations of the random parameters, the units in which they and their changes count."""
        c, entries = self.c_out, math.prod(self.stencil)
        return {
            "opening": 1 / (self.image_scale * math.sqrt(self.c_in * entries)),
            "stencils": 1 / (c * math.sqrt(entries)),
            "biases": 0.5,
            "W": 1 / (self.volume * math.sqrt(self.cells * c)),
            "mu": 0.5,
        }

    def in_units(self, parameters: Mapping[str, Array]) -> dict[str, Array]:
        """Return parameters, or a change of them, divided by their units."""
        return {key: np.asarray(array, "float64") / self.units[key] for key, array in parameters.items()}

    def per_unit(self, gradient: Mapping[str, Array]) -> dict[str, Array]:
        """Return a gradient with respect to parameters in their units; ⟨gradient, v⟩ stays what it is."""
        return {key: np.asarray(array, "float64") * self.units[key] for key, array in gradient.items()}

    def describe(self) -> str:
        """Return the case in one line."""
        sizes = [
            text
            for text, usual in (
                (f"stencils × {self.stencil_scale:.3g}", self.stencil_scale == 1.0),
                (f"images × {self.image_scale:.3g}", self.image_scale == 1.0),
                (f"entries over {self.within:g} decades", self.within == 0.0),
            )
            if not usual
        ]
        return (
            f"grid {self.grid}, stencil {self.stencil}, channels {self.c_in}->{self.c_out}, "
            f"{self.examples} example(s), {self.classes} classes, {self.layers} layer(s), "
            f"T={self.final_time:g}, {self.boundary}, {self.pair}, {self.activation}, {self.precision}, "
            f"{''.join(text + ', ' for text in sizes)}seed {self.seed}"
        )

    def _spread(self, name: str, scale: float, *shape: int) -> Array:
        """Return normal numbers of a size, spread over decades where the instance says so."""
        if self.within == 0.0:
            return self.draw(name, *shape, scale=scale)
        sizes = 10.0 ** -self.rng(f"{name} within").uniform(0, self.within, shape)
        return rounded(scale * sizes * self.rng(name).standard_normal(shape), self.precision)
