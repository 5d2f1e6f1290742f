"""The route for wide layers: patches as the columns of one matrix, piece by piece, each one GEMM.

P_{(κ,c),(i,e)} = Y_{c,i+κ,e} for the cells i of a piece and all examples e; then K(S) Y is W P with the
stencils as W_{o,(κ,c)} = S_{o,c,κ}, and the gradient Σ Z Pᵀ. Columns (c·n, m) in C order are a matrix
(c, n·m) whose rows hold whole lines of n_d·m numbers, so a piece is a range of its columns, a shift by κ_d is
one by κ_d·m in a line, and the product lands where it belongs: nothing is transposed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from refms.backend import Backend
from refms.elementwise import finish
from refms.errors import Array
from refms.stencils.routes.neighbours import neighbours, offsets_of
from refms.stencils.routes.route import ZERO, Geometry, Products, added, flip, of_one_dtype, summed

PIECE_BYTES = {"numpy": 768 * 1024, "cupy": 64 * 1024**2}
"""Size of P for one piece: on a CPU what a second-level cache holds beside W."""

LEAST_COLUMNS = 768
"""Columns of a piece at least, whatever its size: a GEMM reads all of W for each piece."""

PADDING = 16
"""Numbers between the rows of P: rows a power of two apart fall into the same few sets of a cache."""

Cut = tuple[slice, slice | None]
"""Columns of a line of P, and the columns of Y that they hold; None is beyond a zero boundary."""


@dataclass(frozen=True)
class _Piece:
    """Columns of (c, n·m); by leading κ the lines read and those beyond the grid; by κ_d the cuts."""

    columns: slice
    lines: list[tuple[slice | Array, Array | None]]
    cuts: list[list[Cut]]


def im2col_products(geometry: Geometry, examples: int, backend: Backend) -> Products:
    """Return the products by im2col in pieces; any dtype, NumPy or CuPy."""
    xp, cells, sizes = backend.xp, geometry.grid.cells, geometry.stencil_shape
    patches_in = _patches_of(geometry, examples, backend)

    def weights(S: Array, Y: Array) -> tuple[Array, Array]:
        """Return S as the matrix (rows, K·channels) and Y as (channels, n·m), in a common dtype."""
        W = xp.ascontiguousarray(S.transpose(0, *range(2, S.ndim), 1)).reshape(len(S), -1)
        return of_one_dtype(W, matrix(Y), xp)

    def matrix(Y: Array) -> Array:
        return xp.ascontiguousarray(Y).reshape(-1, cells * examples)

    def stencils(W: Array) -> Array:
        return W.reshape(len(W), *sizes, -1).transpose(0, -1, *range(1, 1 + len(sizes)))

    def correlate(S: Array, Y: Array) -> Array:
        W, Y = weights(S, Y)
        out = xp.empty((len(S), cells * examples), dtype=Y.dtype)
        for columns, patches in patches_in(Y):
            xp.matmul(W, patches, out=out[:, columns])
        return out.reshape(-1, examples)

    def gradient(Z: Array, Y: Array) -> Array:
        Z, total = matrix(Z), ZERO
        for columns, patches in patches_in(matrix(Y)):
            total = added(total, Z[:, columns] @ patches.T)
        return stencils(total)

    def adjoint_and_gradient(T: Array, Z: Array, Y: Array, add: Array | None) -> tuple[Array, Array]:
        # Σ_i Z_{o,i} Y_{c,i+κ} = Σ_j Z_{o,j-κ} Y_{c,j}: the patches of Z serve both.
        (W, Z), Y, total = weights(T, Z), matrix(Y), ZERO
        out = xp.empty((len(T), cells * examples), dtype=Z.dtype)
        for columns, patches in patches_in(Z):
            xp.matmul(W, patches, out=out[:, columns])
            total = added(total, Y[:, columns] @ patches.T)
        found = flip(stencils(total).swapaxes(0, 1))
        return finish(backend, out.reshape(-1, examples), None, None, add), found

    return Products(summed(correlate, backend), gradient, adjoint_and_gradient)


def _patches_of(
    geometry: Geometry, examples: int, backend: Backend, piece_bytes: int | None = None
) -> Callable[[Array], Iterator[tuple[slice, Array]]]:
    """Return the function Y (c, n·m) ↦ the columns of each piece and its P (K·c, columns), used anew."""
    xp, entries = backend.xp, math.prod(geometry.stencil_shape)
    if entries == 1:
        return lambda Y: iter([(slice(None), Y)])
    along = geometry.stencil_shape[-1]
    width = geometry.grid.shape[-1] * examples
    budget = piece_bytes or PIECE_BYTES[backend.name]
    plans: dict[int, list[_Piece]] = {}

    def patches(Y: Array) -> Iterator[tuple[slice, Array]]:
        channels = len(Y)
        room = max(LEAST_COLUMNS, budget // (entries * channels * Y.dtype.itemsize))
        if room not in plans:
            plans[room] = list(_pieces(geometry, examples, backend, room))
        fields = Y.reshape(channels, -1, width)
        buffer = xp.empty((entries * channels, min(Y.shape[1], room) + PADDING), dtype=Y.dtype)
        for piece in plans[room]:
            columns = piece.columns.stop - piece.columns.start
            P = buffer[:, :columns]
            _fill(P.reshape(entries // along, along, channels, -1, min(columns, width)), fields, piece)
            yield piece.columns, P

    return patches


def _fill(P: Array, fields: Array, piece: _Piece) -> None:
    """Copy P_{(κ,c),·} = Y_{c,·+κ}: P (leading κ, κ_d, c, lines, columns), Y (c, lines, columns)."""
    for target, (lines, beyond) in zip(P, piece.lines, strict=True):
        source = fields[:, lines]
        for shifted, cuts in zip(target, piece.cuts, strict=True):
            for to, by in cuts:
                shifted[:, :, to] = 0 if by is None else source[:, :, by]
        if beyond is not None:
            target[:, :, beyond] = 0


def _pieces(geometry: Geometry, examples: int, backend: Backend, room: int) -> Iterator[_Piece]:
    """Yield pieces of ``room`` columns at most: whole lines, or parts of one."""
    *leading, last = geometry.grid.shape
    *others, size = geometry.stencil_shape
    rows, inside = neighbours(leading, [offsets_of(k) for k in others], geometry.boundary)
    width, shifts = last * examples, [int(k) * examples for k in offsets_of(size)]
    height = max(1, room // width)
    for top in range(0, len(rows), height):
        here = slice(top, min(top + height, len(rows)))
        lines = [_lines(rows[here, q], inside[here, q], backend) for q in range(rows.shape[1])]
        for left in range(0, width, min(room, width)):
            right = min(left + room, width)
            columns = slice(here.start * width + left, (here.stop - 1) * width + right)
            yield _Piece(columns, lines, [_cuts(left, right, k, width, geometry.boundary) for k in shifts])


def _lines(rows: Array, inside: Array, backend: Backend) -> tuple[slice | Array, Array | None]:
    """Return numbers of lines, a slice where they follow each other, and which are beyond a zero boundary."""
    beyond = None if inside.all() else backend.from_host(~inside)
    if (rows[1:] - rows[:-1] == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1), beyond
    return backend.from_host(rows), beyond


def _cuts(left: int, right: int, shift: int, width: int, boundary: str) -> list[Cut]:
    """Return which columns j + shift of a line the columns j from left to right hold, as pairs of slices."""
    found: list[Cut] = []
    if boundary == "zero":
        begin = min(max(left, -shift), right)
        end = max(min(right, width - shift), begin)
        outside = (slice(0, begin - left), slice(end - left, right - left))
        found.extend((to, None) for to in outside if to.stop > to.start)
        if end > begin:
            found.append((slice(begin - left, end - left), slice(begin + shift, end + shift)))
        return found
    at = left
    while at < right:
        by = (at + shift) % width
        step = min(right - at, width - by)
        found.append((slice(at - left, at - left + step), slice(by, by + step)))
        at += step
    return found
