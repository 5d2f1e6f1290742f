"""K(S), its transpose, gradient and matrix for images (m, c, *grid): patches and one matrix product."""

from functools import lru_cache

import numpy as np

from unseen.storage import chunks, workspace

FOURIER_FROM = 25  # entries of a stencil from which periodic convolutions go by FFT


def along_axis(n, size, boundary):
    """Return (size, n): the cells i + κ that cell i reads along one axis; −1 stands for a zero."""
    offsets = np.arange(size) - size // 2
    reads = np.arange(n) + offsets[:, None]
    if boundary == "zero":
        return np.where((reads < 0) | (reads >= n), -1, reads)
    if n & (n - 1) == 0:
        return reads & (n - 1)
    return reads % n


@lru_cache(maxsize=64)
def reads_of(grid, stencil, boundary):
    """Return (entries, cells): the number of the cell that is read; one beyond the last stands for a zero."""
    found = np.zeros((1, 1), int)
    outside = np.zeros((1, 1), bool)
    for n, size in zip(grid, stencil, strict=True):
        one = along_axis(n, size, boundary)
        shape = (len(found) * size, found.shape[1] * n)
        beyond = outside[:, None, :, None] | (one < 0)[None, :, None, :]
        found = (found[:, None, :, None] * n + one[None, :, None, :]).reshape(shape)
        outside = beyond.reshape(shape)
    found = np.where(outside, found.shape[1], found)
    found.setflags(write=False)
    return found


def patches(Y, grid, stencil, boundary):
    """Return (m, c·entries, cells), what every cell reads; it lies in the workspace."""
    table = reads_of(tuple(grid), tuple(stencil), boundary)
    m, c = Y.shape[:2]
    flat = np.ascontiguousarray(Y).reshape(m, c, -1)
    if boundary == "zero":
        flat = np.concatenate([flat, np.zeros((m, c, 1), Y.dtype)], axis=2)
    found = workspace((m, c, *table.shape), Y.dtype)
    np.take(flat, table, axis=2, out=found, mode="clip")
    return found.reshape(m, -1, table.shape[1])


def by_fourier(S, Y):
    """Return the periodic K(S) Y by the convolution theorem: correlation is a product with the conjugate."""
    grid, axes = Y.shape[2:], tuple(range(2, Y.ndim))
    kernel = np.zeros((*S.shape[:2], *grid), S.dtype)
    centre = tuple(slice(size) for size in S.shape[2:])
    kernel[(..., *centre)] = S
    kernel = np.roll(kernel, [-(size // 2) for size in S.shape[2:]], axes)
    symbol, image = np.fft.rfftn(kernel, axes=axes), np.fft.rfftn(Y, axes=axes)
    product = np.einsum("oc...,mc...->mo...", symbol.conj(), image)
    return np.fft.irfftn(product, s=grid, axes=axes).astype(Y.dtype)


def pointwise(S, Y):
    """Return K(S) Y for stencils of one entry: a product of matrices."""
    m, c = Y.shape[:2]
    found = S.reshape(len(S), c) @ Y.reshape(m, c, -1)
    return found.reshape(m, len(S), *Y.shape[2:])


def convolve(S, Y, boundary):
    """Return K(S) Y."""
    m, grid, stencil = len(Y), Y.shape[2:], S.shape[2:]
    entries = int(np.prod(stencil))
    if entries == 1:
        return pointwise(S, Y)
    fits = all(n >= k for n, k in zip(grid, stencil, strict=True))
    if boundary == "periodic" and entries >= FOURIER_FROM and fits:
        return by_fourier(S, Y)
    rows = S.reshape(len(S), -1)
    found = np.empty((m, len(S), int(np.prod(grid))), Y.dtype)
    if m == 1:
        found[0] = rows @ patches(Y, grid, stencil, boundary)[0]
    else:
        for part in chunks(m):
            found[part] = rows @ patches(Y[part], grid, stencil, boundary)
    return found.reshape(m, len(S), *grid)


def transposed(S):
    """Return the stencils of K(S)ᵀ: channels exchanged, all axes of the stencil turned round."""
    return np.flip(S.swapaxes(0, 1), tuple(range(2, S.ndim)))


def convolve_transposed(S, Z, boundary):
    """Return K(S)ᵀ Z."""
    return convolve(np.ascontiguousarray(transposed(S)), Z, boundary)


def stencil_gradient(Z, Y, stencil, boundary):
    """Return ∂⟨Z, K(S)Y⟩/∂S, summed over the examples."""
    m, o, c = len(Y), Z.shape[1], Y.shape[1]
    z = Z.reshape(m, o, -1)
    found = np.zeros((o, c * int(np.prod(stencil))), Y.dtype)
    if int(np.prod(stencil)) == 1:
        found += np.einsum("mon,mcn->oc", z, Y.reshape(m, c, -1))
    elif m == 1:
        found += z[0] @ patches(Y, Y.shape[2:], stencil, boundary)[0].T
    else:
        for part in chunks(m):
            read = patches(Y[part], Y.shape[2:], stencil, boundary)
            found += np.tensordot(z[part], read, axes=([0, 2], [0, 2]))
    return found.reshape(o, c, *stencil)


def matrix(S, grid, boundary):
    """Return K(S) as a dense matrix; on small grids several entries of the stencil meet in one cell."""
    o, c, stencil = len(S), S.shape[1], S.shape[2:]
    table = reads_of(tuple(grid), tuple(stencil), boundary)
    cells = table.shape[1]
    found = np.zeros((o, cells, c, cells + 1), S.dtype)
    rows = np.arange(cells)
    for entry, reads in enumerate(table):
        value = S.reshape(o, c, -1)[:, :, entry]
        found[:, rows, :, reads] += value
    return found[..., :cells].reshape(o * cells, c * cells)
