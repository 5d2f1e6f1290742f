"""A hierarchy of meshes with what lives on them, and how it shows itself: one row a level."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from refms.backend import backend_of
from refms.display import short_repr, table_as_html
from refms.errors import Array, InputError, require_whole
from refms.grid import Grid, as_grid
from refms.model import Model
from refms.stencils.convolution import Convolution
from refms.stencils.galerkin import restrict_stencil
from refms.stencils.transfer import TransferPair, transfer_pair

HEAD = ("level", "mesh", "cells", "multiply-adds", "share", "stencils", "largest ‖s‖")


@dataclass(frozen=True, eq=False)
class MeshLevel:
    """One mesh of a hierarchy.

    Parameters
    ----------
    grid : Grid
        The mesh.
    multiply_adds : int
        Of the operator or the network for one example: for K(S) the entries of the explicit matrix.
    stencils : mapping of str to array
        The stencils (c_out, c_in, *stencil) by name, where they are known.
    """

    grid: Grid
    multiply_adds: int
    stencils: Mapping[str, Array] = field(default_factory=dict)

    __repr__ = short_repr

    @property
    def norm(self) -> float:
        """The largest Frobenius norm of a layer's stencils, NaN without any."""
        squares = [float((abs(S) ** 2).sum()) for S in self.stencils.values()]
        return float(np.sqrt(max(squares))) if squares else float("nan")


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Meshes from the finest down, what is computed on each of them, and what goes from one to the next how.

    Parameters
    ----------
    levels : tuple of MeshLevel
        Finest first.
    moved : mapping of str to str
        What is transferred -> how, in words.

    Examples
    --------
    >>> print(stencil_hierarchy(np.array([[1.0, 2.0, 1.0]] * 3), Grid((8, 8)), "averaging-bilinear", 3))
    3 levels, operator complexity 1.3125, grid complexity 1.3125
    level  mesh  cells  multiply-adds  share  stencils  largest ‖s‖
        0   8×8     64            576   76 %   1 (3×3)        4.243
        1   4×4     16            144   19 %   1 (3×3)        5.324
        2   2×2      4             36    5 %   1 (3×3)        5.817
    stencils: K_H = R K_h P, averaging-bilinear
    """

    levels: tuple[MeshLevel, ...]
    moved: Mapping[str, str] = field(default_factory=dict)

    __repr__ = short_repr

    @property
    def operator_complexity(self) -> float:
        """Multiply-adds of all levels over those of the finest."""
        return sum(level.multiply_adds for level in self.levels) / self.levels[0].multiply_adds

    @property
    def grid_complexity(self) -> float:
        """Cells of all levels over those of the finest."""
        return sum(level.grid.cells for level in self.levels) / self.levels[0].grid.cells

    @property
    def headline(self) -> str:
        """How many levels, and the complexities."""
        return (
            f"{len(self.levels)} level{'s' * (len(self.levels) > 1)}, operator complexity "
            f"{self.operator_complexity:.5g}, grid complexity {self.grid_complexity:.5g}"
        )

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """One row a level, below :data:`HEAD`."""
        total = sum(level.multiply_adds for level in self.levels)
        return [
            (
                str(k),
                _times(level.grid.shape),
                str(level.grid.cells),
                str(level.multiply_adds),
                f"{100 * level.multiply_adds / total:.0f} %",
                _sizes(list(level.stencils.values()), level.grid.dimension),
                f"{level.norm:.4g}" if level.stencils else "",
            )
            for k, level in enumerate(self.levels)
        ]

    def __str__(self) -> str:
        rows = [HEAD, *self.rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.rjust, row, widths)).rstrip() for row in rows]
        return "\n".join([self.headline, *lines, *(f"{what}: {how}" for what, how in self.moved.items())])

    def _repr_html_(self) -> str:
        moved = table_as_html("from level to level", self.moved.items()) if self.moved else ""
        return table_as_html(self.headline, self.rows, HEAD) + moved


def stencil_hierarchy(
    S: Array, grid: Grid | tuple[int, ...], pair: str | TransferPair, levels: int = 2
) -> Hierarchy:
    """Return K(S) on a mesh and on coarser ones, K_H = R K_h P.

    Parameters
    ----------
    S : array
        The stencils on the finest mesh, shape (c_out, c_in, *stencil), or one stencil.
    grid : Grid or tuple of int
        The finest mesh.
    pair : str or TransferPair
        The pair (R, P).
    levels : int
        How many meshes.

    Returns
    -------
    Hierarchy
        Each level with its stencils, of their natural size, under the name ``"K"``.

    Raises
    ------
    InputError
        If the stencils do not fit the mesh, or it cannot be halved so often.

    Examples
    --------
    >>> [level.grid.shape for level in stencil_hierarchy(np.ones((3, 3)), (8, 8), "nearest", 3).levels]
    [(8, 8), (4, 4), (2, 2)]
    """
    grid, pair = as_grid(grid), transfer_pair(pair)
    backend_of(S)
    S = S[None, None] if S.ndim == grid.dimension else S
    grid.coarsen(require_whole(levels, "levels", 1) - 1)
    found = []
    for level in range(levels):
        if level:
            S = restrict_stencil(S, pair)
        mesh = grid.coarsen(level)
        K = Convolution(mesh, S.shape[1], S.shape[0], tuple(S.shape[2:]))
        found.append(MeshLevel(mesh, K.multiply_adds, {"K": S}))
    return Hierarchy(tuple(found), {"stencils": f"K_H = R K_h P, {pair.name}"})


def model_hierarchy(models: Sequence[Model]) -> Hierarchy:
    """Return the hierarchy of models of one network on several meshes, as ``transfer`` makes them.

    Parameters
    ----------
    models : sequence of Model
        Such as those of :func:`~refms.multiscale.resolution.coarse_to_fine`, in any order.

    Returns
    -------
    Hierarchy
        Finest first; how they were transferred is read from their records.

    Raises
    ------
    InputError
        If there are none, or their meshes are not related by halving or are not different.

    Examples
    --------
    >>> from refms import Classes, Residual, initial_model, transfer
    >>> fine = initial_model(Residual(Grid((8, 8)), channels=2), Classes(10))
    >>> print(model_hierarchy([transfer(fine, Grid((4, 4)), "averaging-bilinear"), fine]).headline)
    2 levels, operator complexity 1.25, grid complexity 1.25
    """
    if not models:
        raise InputError("there are no models; expected at least one.")
    ordered = sorted(models, key=lambda model: -model.grid.cells)
    for fine, coarse in itertools.pairwise(ordered):
        if coarse.grid.levels_to(fine.grid) < 1:
            raise InputError(f"two models are on the mesh {fine.grid.shape}; expected one on each.")
    levels = tuple(
        MeshLevel(model.grid, model.map.multiply_adds, {layer.name: layer.stencil for layer in model.layers})
        for model in ordered
    )
    notes = [note for model in ordered for note in model.record.get("transfers", [])]
    return Hierarchy(levels, _in_words(notes[-1]) if notes else {})


def _in_words(note: Mapping[str, str]) -> dict[str, str]:
    """Return what a record of a transfer says."""
    kept = note["stencils"] == "keep"
    weights = "as values, by R and P" if note["weights"] == "pair" else "so that h^d⟨w, y⟩ is kept"
    return {
        "stencils": "unchanged" if kept else f"K_H = R K_h P, {note['pair']}",
        "W": f"{weights}, {note['pair']}",
        "biases, μ, T": "unchanged",
    }


def _times(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _sizes(stencils: Sequence[Array], d: int) -> str:
    """Return how many layers there are and the sizes of their stencils."""
    sizes = dict.fromkeys(_times(S.shape[-d:]) for S in stencils)
    return f"{len(stencils)} ({', '.join(sizes)})" if stencils else ""
