"""From the finest mesh of images to coarser ones: Q_l = R^l of a named pair, windows, or half of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from refms.errors import Array, InputError, require_choice
from refms.grid import Grid, channels_of
from refms.stencils.kronecker import identity
from refms.stencils.transfer import transfer_pair

KINDS = ("coarsen", "crop", "both")
NOISE_RULES = ("carried", "kept", "stage")


@dataclass(frozen=True)
class Subsampling:
    """How images of n/2^l cells along each axis come from those of n cells.

    Parameters
    ----------
    kind : str
        ``"coarsen"``: Q_l = R^l. ``"crop"``: a window of as many cells, h stays. ``"both"``: the first half
        of a batch by one, the second by the other; batches are even then.
    pair : str
        Name of the pair with R, such as ``"averaging-constant"`` (means of 2^d cells) or ``"nearest"``.
    noise : str
        ``"carried"``: Q_l of signal and noise together, as [MST] says; means of 2^d cells make the noise
        weaker than the time t tells the network. ``"kept"``: noise times κ_l = (Σ r_a²)^{−dl/2}, which keeps
        its variance on every mesh. ``"stage"``: kept on the finest mesh of a stage of Full-Multiscale, and
        carried from there down.

    Raises
    ------
    InputError
        If a name is unknown.

    Examples
    --------
    >>> Subsampling().noise_factor(1, stage=0, dimension=2), Subsampling(noise="kept").noise_factor(1, 0, 2)
    (1.0, 2.0)
    """

    kind: str = "coarsen"
    pair: str = "averaging-constant"
    noise: str = "carried"

    def __post_init__(self) -> None:
        require_choice(self.kind, KINDS, "subsampling")
        require_choice(self.noise, NOISE_RULES, "noise rule")
        transfer_pair(self.pair)

    def noise_factor(self, level: int, stage: int, dimension: int) -> float:
        """Return κ, by which noise is multiplied on a level of the stage with this finest level."""
        if self.kind == "crop" or self.noise == "carried":
            return 1.0
        strength = sum(weight**2 for _, weight in transfer_pair(self.pair).restriction)
        kept = level if self.noise == "kept" else stage
        return float(strength ** (-0.5 * dimension * kept))

    def take(self, images: Array, grid: Grid, level: int, windows: Array, factor: float = 1.0) -> Array:
        """Return Q_l of images (c·n, m), times κ where they are coarsened; a window (m, d) of each."""
        half = self.coarsened(images.shape[1])
        parts = []
        if half:
            Q = coarsening_matrix(self.pair, grid, level, channels_of(images, grid))
            parts.append(factor * (Q @ images[:, :half]))
        if half < images.shape[1]:
            parts.append(crop(images[:, half:], grid, level, windows[half:]))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def coarsened(self, count: int) -> int:
        """Return how many examples of a batch, the first ones, are coarsened; the others are cropped."""
        if self.kind == "both" and count % 2:
            raise InputError(f"a batch of {count} examples; subsampling 'both' takes even ones.")
        return {"coarsen": count, "crop": 0, "both": count // 2}[self.kind]


@lru_cache(maxsize=64)
def coarsening_matrix(pair: str, grid: Grid, level: int, channels: int = 1) -> Any:
    """Return Q_l = R^l as an explicit sparse matrix, float64; the identity on level 0.

    >>> coarsening_matrix("averaging-constant", Grid((4,)), 2).toarray().tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    if level == 0:
        return identity(channels * grid.cells)
    return transfer_pair(pair).restriction_matrix(grid, channels, levels=level)


def draw_windows(rng: np.random.Generator, grid: Grid, levels: int, count: int) -> Array:
    """Return the first cells of windows, shape (levels, count, d): a chain w_0 ⊃ w_1 ⊃ … for each example.

    w_0 is the whole image, and w_{l+1} uniform inside of w_l. The law of w_l is the same whatever the number
    of levels, which the telescope of the multiscale estimator needs; a w_1 that is uniform inside a uniform
    w_0 would not be uniform in the image.
    """
    starts = np.zeros((levels, count, grid.dimension), dtype=int)
    for level in range(1, levels):
        room = [outer - inner + 1 for outer, inner in _extents(grid, level)]
        starts[level] = starts[level - 1] + rng.integers(0, room, size=(count, grid.dimension))
    return starts


def _extents(grid: Grid, level: int) -> list[tuple[int, int]]:
    """Return the cells of a window and of the next smaller one, along each axis."""
    outer, inner = grid.coarsen(level - 1), grid.coarsen(level)
    return list(zip(outer.shape, inner.shape, strict=True))


def crop(images: Array, grid: Grid, level: int, starts: Array) -> Array:
    """Return the window of n/2^l cells of each example that begins at ``starts`` (m, d)."""
    shape = grid.coarsen(level).shape
    fields = images.reshape(-1, *grid.shape, images.shape[1])
    found = np.empty((fields.shape[0], *shape, images.shape[1]), dtype=images.dtype)
    for j, start in enumerate(starts.tolist()):
        window = tuple(slice(first, first + n) for first, n in zip(start, shape, strict=True))
        found[..., j] = fields[(slice(None), *window, j)]
    return found.reshape(-1, images.shape[1])
