"""The U-net of [MST]: its own coarser meshes inside, a time per example, group norm, no attention."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from refms.errors import InputError, require_whole, require_whole_fields
from refms.grid import Grid
from refms.maps.activation import SILU
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
from refms.maps.layers.channels import channel_gate, channel_shift, take_rows
from refms.maps.layers.entrywise import entrywise, time_features
from refms.maps.layers.linear import operator_map
from refms.maps.layers.normalized import normalized
from refms.maps.map import Map
from refms.stencils.resize import resize_matrix


@dataclass(frozen=True)
class UNet(ImageNetwork):
    """Residual blocks on the image's mesh and coarser ones, joined by arms; images to images.

    Parameters
    ----------
    grid : Grid
        Mesh of the images; every extent a multiple of 2^(levels − 1).
    image_channels : int
        Channels of the images.
    base : int
        Channels on the finest mesh, a multiple of 2.
    multipliers : tuple of int
        Channels of each of its meshes in units of ``base``, finest first.
    blocks : int
        Residual blocks on each mesh on the way down; one more on the way up.
    groups : int
        Groups of the normalisation.
    dropout : float
        Probability p that a channel is dropped in a block. With p > 0 the input has ``dropout_rows`` more
        rows, masks/(1 − p) of 0 and 1/(1 − p), which the meshes of a difference share.
    stencil : int
        Odd extent of the convolutions.
    boundary : str
        ``"zero"``, as frameworks pad, or ``"periodic"``.
    convolution : str
        ``"stencil"``; ``"winograd"``: the same, wide 3×3 ones by Winograd's tiles, faster and with more
        round-off; or ``"mesh-free"`` for mesh-free convolutions in the blocks.

    Raises
    ------
    InputError
        If the grid cannot be halved as often as there are meshes, or channels do not fit the groups.

    Notes
    -----
    Inputs are (image; t) and perhaps masks. A block is y ↦ y' + C₂ σ(GN(C₁ σ(GN y) + A σ(e))) with σ = SiLU,
    e = A σ(A (cos ω t, sin ω t)) of 4·base numbers, and y' = y or a 1×1 convolution of it. Down: a
    convolution, of which every second cell is kept; up: piecewise constant prolongation and a convolution.
    With the default sizes it has 2,470,883 parameters. The released network has one attention block besides,
    2,537,187 together; attention is outside the theory of [MST], and left out.

    Examples
    --------
    >>> from refms.maps.architectures.architecture import count_parameters
    >>> count_parameters(UNet(Grid((8, 8))))
    2470883
    """

    grid: Grid
    image_channels: int = 3
    base: int = 32
    multipliers: tuple[int, ...] = (1, 2, 4)
    blocks: int = 1
    groups: int = 16
    dropout: float = 0.0
    stencil: int = 3
    boundary: str = "zero"
    convolution: str = "stencil"

    def __post_init__(self) -> None:
        require_whole_fields(self, image_channels=1, base=2, blocks=1, groups=1, stencil=1)
        levels = tuple(require_whole(one, "multiplier", 1) for one in self.multipliers)
        object.__setattr__(self, "multipliers", levels)
        if not levels or not 0 <= self.dropout < 1 or self.base % 2:
            raise InputError(
                f"base {self.base}, multipliers {levels} and dropout {self.dropout}; expected an even base, "
                "at least one multiplier and a probability below 1."
            )
        self.grid.coarsen(len(levels) - 1)  # refuses a grid that cannot be halved so often
        _ = self.map

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels on each of its meshes, finest first."""
        return tuple(self.base * one for one in self.multipliers)

    @property
    def _outputs(self) -> list[int]:
        """Channels of the blocks in the order of the masks: down, middle, up."""
        down = [w for w in self.widths for _ in range(self.blocks)]
        up = [w for w in reversed(self.widths) for _ in range(self.blocks + 1)]
        return [*down, self.widths[-1], self.widths[-1], *up]

    @property
    def dropout_rows(self) -> int:
        """Rows of masks at the end of the inputs, one number for each channel of each block."""
        return sum(self._outputs) if self.dropout else 0

    @cached_property
    def map(self) -> Map:
        """From θ and (image; t; masks) to images: ``head`` and ``time``, arms within arms, ``tail``."""
        c, features, H = self.image_channels, 4 * self.base, self.base // 2
        embedding = chain(
            ("", time_features(H)),
            ("0", affine(2 * H, features)),
            ("", entrywise(features, SILU)),
            ("1", affine(features, features)),
        )
        masks = [("", identity(self.dropout_rows))] if self.dropout else []
        head = beside(("head", self._mix(self.grid, c, self.base, self._outer)), ("time", embedding), *masks)
        tail = chain(
            ("norm", normalized(self.grid, self.base, SILU, self.groups, weights=True)),
            ("conv", self._mix(self.grid, self.base, c, self._outer)),
        )
        return chain(("", head), ("", self._arms()), ("tail", tail))

    @property
    def _carried(self) -> int:
        """Rows of e and of the masks, which every block sees below its features."""
        return 4 * self.base + self.dropout_rows

    @property
    def _outer(self) -> str:
        """How features begin, end and change their mesh: never mesh-free."""
        return "stencil" if self.convolution == "mesh-free" else self.convolution

    def _arms(self) -> Map:
        """Return the arms, from the innermost: (y; e) ↦ up(rest(down(y; e); e); y; e)."""
        downs = self._downs()
        rows = [self.base * self.grid.cells, *[down.rows_out for _, down in downs]]
        deepest, w = self.grid.coarsen(len(self.widths) - 1), self.widths[-1]
        first = self.blocks * len(self.widths)  # blocks before these, for their masks
        inner = chain(
            ("middle0", carrying(self._block(deepest, w, w, first), self._carried)),
            ("middle1", self._block(deepest, w, w, first + 1)),
        )
        for j, arm in enumerate(reversed(range(len(rows)))):
            level = len(self.widths) - 1 - j // (self.blocks + 1)
            grid, c_out, k = self.grid.coarsen(level), self.widths[level], j % (self.blocks + 1)
            c_in = (inner.rows_out + rows[arm]) // grid.cells
            up = self._block(grid, c_in, c_out, first + 2 + j)
            if level and k == self.blocks:
                up = chain(("block", up), ("up", self._up(grid, c_out)))
            kept = concatenate(("", inner), ("", identity(rows[arm] + self._carried)))
            inner = chain(("", kept), (f"up{level}.{k}", up))
            if arm:
                name, down = downs[arm - 1]
                inner = chain((name, carrying(down, self._carried)), ("", inner))
        return inner

    def _downs(self) -> list[tuple[str, Map]]:
        """Return what leads from one kept field to the next, each (y; e) ↦ y'."""
        downs, c, grid = [], self.base, self.grid
        for level, w in enumerate(self.widths):
            for k in range(self.blocks):
                downs.append((f"down{level}.{k}", self._block(grid, c, w, level * self.blocks + k)))
                c = w
            if level < len(self.widths) - 1:
                down = mixing(grid, c, c, self.stencil, self.boundary, self._outer, strided=True)
                downs.append((f"down{level}", ignoring(down, self._carried)))
                grid = grid.coarsen()
        return downs

    def _up(self, grid: Grid, c: int) -> Map:
        """Return a convolution of the field on a mesh twice as fine, piecewise constant."""
        fine = grid.refine()
        constant = operator_map(resize_matrix(grid, fine, "nearest", channels=c))
        return chain(("", constant), ("", self._mix(fine, c, c, self._outer)))

    def _block(self, grid: Grid, c_in: int, c_out: int, index: int) -> Map:
        """Return (y; e; masks) ↦ y' + C₂ σ(GN(C₁ σ(GN y) + A σ(e)))."""
        rows, features = c_in * grid.cells, 4 * self.base
        first = chain(
            ("norm1", normalized(grid, c_in, SILU, self.groups, weights=True)),
            ("conv1", self._mix(grid, c_in, c_out)),
        )
        time = on_a_copy(chain(("", entrywise(features, SILU)), ("time", affine(features, c_out))))
        shift = chain(
            ("", beside(("", first), ("", ignoring(time, self.dropout_rows)))),
            ("", channel_shift(grid, c_out)),
            ("norm2", normalized(grid, c_out, SILU, self.groups, weights=True)),
        )
        if self.dropout:
            start = rows + features + sum(self._outputs[:index])
            mask = take_rows(rows + self._carried, start, start + c_out)
            shift = chain(("", concatenate(("", shift), ("", mask))), ("", channel_gate(grid, c_out)))
        same = first_rows(rows, self._carried)
        if c_in != c_out:
            shortcut = mixing(grid, c_in, c_out, 1, self.boundary)
            same = chain(("", same), ("shortcut", shortcut))
        return segment(add(("", same), ("", chain(("", shift), ("conv2", self._mix(grid, c_out, c_out))))))

    def _mix(self, grid: Grid, c_in: int, c_out: int, kind: str | None = None) -> Map:
        return mixing(grid, c_in, c_out, self.stencil, self.boundary, kind or self.convolution)


register_architecture("unet", UNet)
