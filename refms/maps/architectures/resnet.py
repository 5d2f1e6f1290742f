"""ResNet-34 as [LAS] has it for ImageNet-10: a 3×3 opening, group norm, a mean over the mesh at the end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from refms.errors import InputError, require_choice, require_whole, require_whole_fields
from refms.grid import Grid
from refms.maps.activation import Activation, activation
from refms.maps.architectures.architecture import register_architecture
from refms.maps.architectures.image_blocks import ImageNetwork, mixing, segment
from refms.maps.branches import add, identity
from refms.maps.chain import chain
from refms.maps.layers.entrywise import entrywise
from refms.maps.layers.linear import average_pooling, every_second_cell
from refms.maps.layers.normalized import normalized
from refms.maps.map import Map

DOWNSAMPLINGS = ("stride", "mean")


@dataclass(frozen=True)
class ResNet(ImageNetwork):
    """Stages of residual blocks, each but the first on a mesh half as fine with twice the channels.

    Parameters
    ----------
    grid : Grid
        Mesh of the images.
    image_channels : int
        Channels of the images.
    width : int
        Channels of the first stage; 64 is the paper's.
    blocks : tuple of int
        Blocks of each stage; (3, 4, 6, 3) is ResNet-34, (2, 2, 2, 2) ResNet-18.
    groups : int
        Groups of the normalisation, a divisor of the width.
    downsampling : str
        How a stage goes to the coarser mesh: ``"stride"`` keeps every second cell of the convolution, as
        frameworks do; ``"mean"`` takes means of 2^d cells.
    activation : str
        Name of σ.
    boundary : str
        ``"zero"``, as frameworks pad, or ``"periodic"``.
    convolution : str
        ``"stencil"``, or ``"winograd"``: the same, wide 3×3 ones by Winograd's tiles.

    Raises
    ------
    InputError
        If groups do not fit the width, a name is unknown, or means are to be taken over an odd mesh.

    Notes
    -----
    A block is y ↦ σ(N K₂ σ(N D K₁ y) + N L D y) with N = group norm with learned weights, and 3×3
    convolutions K₁, K₂ without bias. In the first block of each stage but the first D goes to the coarser
    mesh and L is a 1×1 convolution to the new channels; elsewhere the second term is y. The opening is σ N K.
    The output, 2^{stages−1} · width channels, lives on ``output_grid``; a reading of classes with
    ``pooling=0`` takes its mean to the classifier, which is then the same on every mesh. [LAS] has batch norm
    for N: it couples the examples, so that the loss would be no mean over them. Group norm has as many
    parameters. With the default sizes there are 21,276,992, and with 10 classes 21,282,122.

    On another mesh 3×3 stencils become K_H = R K_h P; the 1×1 ones, which mix channels cell by cell, weights
    of the norm and the classifier stay. With ``"mean"`` this moves D K and L D as a whole, exactly, where R
    takes means as D does; R, P and D are those of the mesh they act on:

        R (D K_h) P = D (R K_h P) = D K_H,   R (L D) = (L D) R.

    With ``"stride"`` D does not commute with R: it takes cell 2i, whose centre is off by h/2 on the fine and
    by h on the coarse mesh, so that R (D K_h) P has stencils of four cells, and D K_H differs from it by O(h)
    on smooth fields. K_H is taken there, too.

    Examples
    --------
    >>> from refms.maps.architectures.architecture import count_parameters
    >>> net = ResNet(Grid((56, 56)))
    >>> count_parameters(net), net.channels, net.output_grid.shape
    (21276992, 512, (7, 7))
    """

    grid: Grid
    image_channels: int = 3
    width: int = 64
    blocks: tuple[int, ...] = (3, 4, 6, 3)
    groups: int = 32
    downsampling: str = "stride"
    activation: str = "relu"
    boundary: str = "zero"
    convolution: str = "stencil"

    def __post_init__(self) -> None:
        require_whole_fields(self, image_channels=1, width=1, groups=1)
        object.__setattr__(self, "blocks", tuple(require_whole(one, "blocks", 1) for one in self.blocks))
        require_choice(self.downsampling, DOWNSAMPLINGS, "downsampling")
        if not self.blocks:
            raise InputError("blocks are empty; expected the number of blocks of each stage.")
        _ = self.map

    @property
    def channels(self) -> int:
        """Channels of the output."""
        return self.width << (len(self.blocks) - 1)

    @property
    def output_grid(self) -> Grid:
        """Mesh of the output."""
        return self._meshes[-1]

    @property
    def _meshes(self) -> list[Grid]:
        """The mesh of each stage; an odd number of cells leaves the larger half."""
        found = [self.grid]
        for _ in self.blocks[1:]:
            found.append(Grid(tuple((n + 1) // 2 for n in found[-1].shape)))
        return found

    @cached_property
    def map(self) -> Map:
        """From θ and images to features: ``open`` and the blocks of all stages."""
        opening = [("open", self._mix(self.grid, self.image_channels, self.width, 3))]
        parts = [*opening, ("norm", self._normalized(self.grid, self.width, self._sigma))]
        before, c_in = self.grid, self.width
        for stage, (count, grid) in enumerate(zip(self.blocks, self._meshes, strict=True)):
            c = self.width * 2**stage
            for i in range(count):
                parts.append((f"stage{stage}.{i}", self._block(before, grid, c_in, c)))
                before, c_in = grid, c
        return chain(*parts)

    def _block(self, fine: Grid, grid: Grid, c_in: int, c: int) -> Map:
        """Return y ↦ σ(N K₂ σ(N D K₁ y) + N L D y), or + y where mesh and channels stay."""
        first = self._mix(fine, c_in, c, 3, strided=c_in != c and self.downsampling == "stride")
        shortcut = identity(c * grid.cells)
        if c_in != c:
            if self.downsampling == "mean":
                first = chain(("", first), ("", average_pooling(fine, c, 2)))
            shortcut = chain(
                ("", self._coarsened(fine, c_in)),
                ("project", self._mix(grid, c_in, c, 1)),
                ("norm", self._normalized(grid, c)),
            )
        body = chain(
            ("conv1", first),
            ("norm1", self._normalized(grid, c, self._sigma)),
            ("conv2", self._mix(grid, c, c, 3)),
            ("norm2", self._normalized(grid, c)),
        )
        added = add(("", body), ("shortcut", shortcut))
        return segment(chain(("", added), ("", entrywise(c * grid.cells, self._sigma))))

    @property
    def _sigma(self) -> Activation:
        return activation(self.activation)

    def _coarsened(self, grid: Grid, c: int) -> Map:
        return average_pooling(grid, c, 2) if self.downsampling == "mean" else every_second_cell(grid, c)

    def _normalized(self, grid: Grid, c: int, sigma: Activation | None = None) -> Map:
        return normalized(grid, c, sigma, self.groups, weights=True)

    def _mix(self, grid: Grid, c_in: int, c_out: int, size: int, *, strided: bool = False) -> Map:
        return mixing(grid, c_in, c_out, size, self.boundary, self.convolution, bias=False, strided=strided)


register_architecture("resnet", ResNet)
