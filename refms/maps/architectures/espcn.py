"""The small network of [MST] for super-resolution, after ESPCN."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from refms.errors import InputError, require_whole_fields
from refms.grid import Grid
from refms.maps.activation import leaky_relu
from refms.maps.architectures.architecture import register_architecture
from refms.maps.architectures.image_blocks import (
    ImageNetwork,
    mixing,
    segment,
)
from refms.maps.branches import add, identity
from refms.maps.chain import chain
from refms.maps.layers.normalized import normalized
from refms.maps.map import Map


@dataclass(frozen=True)
class ESPCN(ImageNetwork):
    """Convolutions 5×5, 3×3, 3×3, 3×3, each normalised, and 1×1; the input image is added.

    Parameters
    ----------
    grid : Grid
        Mesh of the images, low resolution made fine by U.
    image_channels : int
        Channels of the images.
    widths : tuple of int
        Channels after each convolution but the last.
    slope : float
        Slope of the leaky ReLU for negative numbers.
    boundary : str
        ``"zero"``, as frameworks pad, or ``"periodic"``.
    convolution : str
        ``"stencil"``; ``"winograd"``: the same, wide 3×3 ones by Winograd's tiles, faster and with more
        round-off; or ``"mesh-free"`` for mesh-free convolutions instead.

    Raises
    ------
    InputError
        If there is no width, or one is not positive.

    Examples
    --------
    >>> from refms.maps.architectures.architecture import count_parameters
    >>> count_parameters(ESPCN(Grid((8, 8))))
    69603
    """

    grid: Grid
    image_channels: int = 3
    widths: tuple[int, ...] = (64, 64, 32, 32)
    slope: float = 0.2
    boundary: str = "zero"
    convolution: str = "stencil"

    def __post_init__(self) -> None:
        require_whole_fields(self, image_channels=1)
        object.__setattr__(self, "widths", tuple(self.widths))
        if not self.widths:
            raise InputError("widths are empty; expected the channels after each convolution but the last.")
        _ = self.map

    @cached_property
    def map(self) -> Map:
        """From θ and images to images: x ↦ x + N(x)."""
        c_in, sigma, parts = self.image_channels, leaky_relu(self.slope), []
        for i, c_out in enumerate(self.widths):
            layer = self._mix(c_in, c_out, 3 if i else 5)
            parts.append(("", segment(chain((f"conv{i}", layer), ("", normalized(self.grid, c_out, sigma))))))
            c_in = c_out
        net = chain(*parts, ("close", self._mix(c_in, self.image_channels, 1)))
        return add(("", identity(self.image_channels * self.grid.cells)), ("", net))

    def _mix(self, c_in: int, c_out: int, size: int) -> Map:
        return mixing(self.grid, c_in, c_out, size, self.boundary, self.convolution)


register_architecture("espcn", ESPCN)
