"""K(s) as an explicit sparse matrix: the pattern is computed once, a new s only fills in its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.backend import NUMPY, Backend, backend_of
from refms.errors import Array, InputError, precision, require_shape
from refms.grid import Grid
from refms.stencils.routes.neighbours import neighbours, offsets_of
from refms.stencils.routes.repeats import Repeats, repeats_of
from refms.stencils.routes.route import flip


@dataclass(frozen=True, eq=False)
class ConvolutionAssembly:
    """The sparsity pattern of K(S), and for each stored value the entry of S that it is.

    Parameters
    ----------
    grid, stencils_shape, boundary, flipped
        n cells; shape (c_out, c_in, *stencil) of S; ``"periodic"`` or ``"zero"``; whether S is flipped first.
    precision : str
        ``"single"`` or ``"double"``: what S has to be.
    backend : Backend
        Where the arrays live.
    gather : array
        Integers (c_out, gathered values): their positions in the folded, flattened S.
    repeats : Repeats
        How the stored values of one output channel follow from the gathered ones.
    indices, indptr : array
        The index arrays of the CSR format, sorted and without duplicates; int32 where that suffices.
        NumPy's are locked against writing, because all matrices of this assembly share them.
    """

    grid: Grid
    stencils_shape: tuple[int, ...]
    boundary: str
    flipped: bool
    precision: str
    backend: Backend
    gather: Array
    repeats: Repeats
    indices: Array
    indptr: Array

    @property
    def shape(self) -> tuple[int, int]:
        """(c_out·n, c_in·n)."""
        return self.stencils_shape[0] * self.grid.cells, self.stencils_shape[1] * self.grid.cells

    @property
    def nnz(self) -> int:
        """Number of stored values; values of S that are zero are stored too."""
        return int(self.indices.shape[0])

    def matrix(self, S: Array) -> Any:
        """Return K(S), eq. (2) of [LAS]; one small gather and copies of it, no symbolic work.

        Parameters
        ----------
        S : array
            Shape (c_out, c_in, *stencil), real or complex, of this assembly's precision and backend.

        Returns
        -------
        csr_array
            Shape (c_out·n, c_in·n), dtype of S. Its index arrays are shared: copy the matrix before changing
            its pattern.

        Raises
        ------
        InputError
            If S has another shape, precision or backend.
        """
        require_shape(S, self.stencils_shape, "S", "(c_out, c_in, *stencil)")
        if precision(S, "S") != self.precision:
            raise InputError(
                f"S has dtype {S.dtype}, this assembly was made for {self.precision} precision. "
                "Convert S, or make an assembly for its dtype."
            )
        if backend_of(S).name != self.backend.name:
            raise InputError(
                f"S lives on the {backend_of(S).name} backend, this assembly on {self.backend.name}. "
                "Move S, or make an assembly for its backend."
            )
        folded = fold(flip(S) if self.flipped else S, self.grid, self.boundary)
        data = self.repeats.spread(folded.reshape(-1)[self.gather], self.backend)
        return self.backend.csr(data, self.indices, self.indptr, self.shape)


def assemble(
    grid: Grid,
    stencils_shape: tuple[int, ...],
    boundary: str,
    flipped: bool,
    dtype: str = "float64",
    backend: Backend = NUMPY,
) -> ConvolutionAssembly:
    """Return the assembly of K(S) on a grid; the pattern is built on the host and moved to the backend.

    >>> pattern = assemble(Grid((4,)), (1, 1, 3), "periodic", flipped=False)
    >>> pattern.matrix(np.array([[[1.0, 2.0, 3.0]]])).toarray().tolist()[0]
    [2.0, 3.0, 0.0, 1.0]
    """
    c_out, c_in, *sizes = stencils_shape
    cells, inside, entries = _single_pattern(grid, tuple(sizes), boundary)
    offsets, n = cells.shape[1], grid.cells
    nnz = c_out * c_in * int(inside.sum())
    integer = index_dtype(nnz, c_out * n, c_in * n)

    # One row of K per (o, i); its entries run over (c, κ) with c slowest, which keeps the columns sorted.
    channel = np.arange(c_in, dtype=np.int64)[:, None]
    acts = np.broadcast_to(inside[:, None, :], (n, c_in, offsets))
    columns = (channel * n + cells[:, None, :])[acts].astype(integer)
    gather = (channel * offsets + entries[:, None, :])[acts]
    filters = np.arange(c_out, dtype=np.int64)[:, None] * (c_in * offsets)
    counts = np.tile(c_in * inside.sum(axis=1), c_out)

    by_position = inside.reshape(grid.shape[0], -1).sum(axis=1) * c_in
    repeats = repeats_of(by_position, reach=min(sizes[0] // 2, grid.shape[0]))
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(integer)
    parts = (filters + gather[repeats.gathered], np.tile(columns, c_out), indptr)
    moved = [backend.from_host(part) for part in parts]
    if backend.name == "numpy":
        for part in moved:
            part.flags.writeable = False
    kind = precision(np.empty(0, dtype=dtype), "dtype")
    return ConvolutionAssembly(
        grid, tuple(stencils_shape), boundary, flipped, kind, backend, moved[0], repeats, *moved[1:]
    )


def index_dtype(nnz: int, rows: int, columns: int) -> str:
    """Return the dtype of CSR index arrays: int32, or int64 where a count does not fit into it.

    >>> index_dtype(2**31, 10, 10)
    'int64'
    """
    return "int32" if max(nnz, rows, columns) <= np.iinfo(np.int32).max else "int64"


def fold(S: Array, grid: Grid, boundary: str) -> Array:
    """Return S with entries that meet in the same cell added up: K(fold S) = K(S) without collisions.

    With a periodic boundary and n < n_K cells along an axis, the entries κ and κ + n act on the same cell.
    The folded stencil has n entries along such an axis, entry p for all κ ≡ p (mod n). Other axes stay as
    they are, and a zero boundary folds nothing.

    >>> fold(np.array([[[1.0, 2.0, 4.0]]]), Grid((2,)), "periodic").tolist()
    [[[2.0, 5.0]]]
    """
    if boundary == "zero":
        return S
    xp = backend_of(S).xp
    for axis, extent in enumerate(grid.shape, start=2):
        size = S.shape[axis]
        if extent < size:
            parts = xp.moveaxis(S, axis, 0)
            folded = xp.zeros((extent, *parts.shape[1:]), dtype=S.dtype)
            for position in range(size):
                folded[(position - size // 2) % extent] += parts[position]
            S = xp.moveaxis(folded, 0, axis)
    return S


def _single_pattern(grid: Grid, sizes: tuple[int, ...], boundary: str) -> tuple[Array, Array, Array]:
    """Columns in ascending order, whether they act, and their stencil entries; each (n, Π folded sizes)."""
    offsets = [
        np.arange(n) if boundary == "periodic" and n < size else offsets_of(size)
        for n, size in zip(grid.shape, sizes, strict=True)
    ]
    cells, inside = neighbours(grid.shape, offsets, boundary)
    # Cells beyond a zero boundary carry the numbers of other cells; they sort anywhere and are dropped later.
    order = np.argsort(cells, axis=1, kind="stable")
    return np.take_along_axis(cells, order, 1), np.take_along_axis(inside, order, 1), order
