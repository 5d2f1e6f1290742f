"""The residual networks of [MST] for images: with a time for denoising, without one for super-resolution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from refms.display import short_repr
from refms.errors import InputError, require_choice, require_whole_fields
from refms.grid import Grid
from refms.maps.activation import RELU, leaky_relu
from refms.maps.architectures.architecture import register_architecture
from refms.maps.architectures.image_blocks import (
    ImageNetwork,
    affine,
    carrying,
    first_rows,
    ignoring,
    mixing,
    on_a_copy,
    segment,
)
from refms.maps.branches import add, beside, concatenate, identity
from refms.maps.chain import chain
from refms.maps.layers.channels import channel_shift
from refms.maps.layers.entrywise import entrywise, multiple, time_features
from refms.maps.layers.normalized import normalized
from refms.maps.map import Map

BLOCKS = ("basic", "bottleneck")


@dataclass(frozen=True)
class ResidualImage(ImageNetwork):
    """1×1 opening, residual blocks, 1×1 closing, from images to images of as many channels.

    Parameters
    ----------
    grid : Grid
        Mesh of the images.
    image_channels : int
        Channels of the images.
    width : int
        Channels c of the features; a multiple of 4 with a time, and of 4 times that with bottlenecks.
    blocks : int
        Number of blocks.
    block : str
        ``"basic"``: x + C₂(σ(LN(C₁ x + te(t)))); ``"bottleneck"``: a 3×3 convolution on c/4 channels between
        two 1×1 ones, each after a normalisation.
    time : bool
        Whether the input has one more row, the time t of each example.
    add_input : bool
        Whether the input image is added to the output.
    closing_scale : float
        Factor of the closing.
    slope : float
        Slope of the leaky ReLU σ for negative numbers.
    stencil : int
        Odd extent of the convolutions in the blocks.
    boundary : str
        ``"zero"``, as frameworks pad, or ``"periodic"``.
    convolution : str
        ``"stencil"``; ``"winograd"``: the same, wide 3×3 ones by Winograd's tiles, faster and with more
        round-off; or ``"mesh-free"`` for mesh-free convolutions instead.

    Raises
    ------
    InputError
        If a name is unknown, or the width does not fit the time features or the bottleneck.

    Notes
    -----
    LN is layer norm over channels and cells, without weights. te(t) are (sin ω t, cos ω t, MLP(t)) with c/4
    frequencies and the layers 1 → 32 → 32 → c/2, ReLU between them. With the default sizes it has the 597,699
    parameters of [MST]'s ResNet; ``width=100, blocks=9, time=False, add_input=True`` the 1,622,503 of its
    network for super-resolution. ``blocks=8`` and ``blocks=16, block="bottleneck"`` have the depths of
    ResNet-18 and ResNet-50: reconstructions, for [MST] prints no more of them than their names.

    Examples
    --------
    >>> from refms.maps.architectures.architecture import count_parameters
    >>> count_parameters(ResidualImage(Grid((8, 8))))
    597699
    """

    grid: Grid
    image_channels: int = 3
    width: int = 128
    blocks: int = 2
    block: str = "basic"
    time: bool = True
    add_input: bool = False
    closing_scale: float = 1e-3
    slope: float = 0.2
    stencil: int = 3
    boundary: str = "zero"
    convolution: str = "stencil"

    __repr__ = short_repr

    def __post_init__(self) -> None:
        require_whole_fields(self, image_channels=1, width=1, blocks=1, stencil=1)
        require_choice(self.block, BLOCKS, "block")
        divisor = (4 if self.time else 1) * (4 if self.block == "bottleneck" else 1)
        if self.width % divisor:
            raise InputError(f"width is {self.width}; expected a multiple of {divisor}.")
        _ = self.map

    @cached_property
    def map(self) -> Map:
        """From θ and images (and their times) to images: a chain of ``open``, the blocks and ``close``."""
        c, w, n, t = self.image_channels, self.width, self.grid.cells, int(self.time)
        opening = self._mix(c, w, 1)
        parts = [("open", beside(("", opening), ("", identity(1))) if t else opening)]
        parts += [(f"block{i}", carrying(self._block(), t)) for i in range(self.blocks)]
        closing = chain(("", self._mix(w, c, 1)), ("", multiple(c * n, self.closing_scale)))
        net = chain(*parts, ("close", ignoring(closing, t)))
        return add(("", first_rows(c * n, t)), ("", net)) if self.add_input else net

    def _mix(self, c_in: int, c_out: int, size: int) -> Map:
        return mixing(self.grid, c_in, c_out, size, self.boundary, self.convolution)

    def _block(self) -> Map:
        """(x; t) ↦ x + body(x; t)."""
        c, t = self.width, int(self.time)
        sigma = leaky_relu(self.slope)
        inner = c if self.block == "basic" else c // 4
        sizes = (self.stencil, self.stencil) if self.block == "basic" else (1, self.stencil, 1)
        first = self._mix(c, inner, sizes[0])
        body = [("", first)]
        if t:
            both = beside(("conv1", first), ("time", _time_embedding(inner)))
            body = [("", chain(("", both), ("", channel_shift(self.grid, inner))))]
        for i, size in enumerate(sizes[1:], start=2):
            c_out = c if i == len(sizes) else inner
            body += [("", normalized(self.grid, inner, sigma)), (f"conv{i}", self._mix(inner, c_out, size))]
        if not t:
            body[0] = ("conv1", first)
        return segment(add(("", first_rows(c * self.grid.cells, t)), ("", chain(*body))))


def _time_embedding(channels: int) -> Map:
    """Return t ↦ (sin ω t; cos ω t; MLP(t)), c rows."""
    hidden = 32
    mlp = chain(
        ("0", affine(1, hidden)),
        ("", entrywise(hidden, RELU)),
        ("1", affine(hidden, hidden)),
        ("", entrywise(hidden, RELU)),
        ("2", affine(hidden, channels // 2)),
    )
    return on_a_copy(concatenate(("", time_features(channels // 4, "sin-cos")), ("", mlp)))


register_architecture("residual-image", ResidualImage)
