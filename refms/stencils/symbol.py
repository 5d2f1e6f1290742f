"""The symbol of a periodic convolution, its eigenvalues, and the norms of K(S), from the stencils alone.

Functions of frequencies refuse a zero boundary: K is then Toeplitz, the Fourier modes are not its
eigenvectors, and no statement about them would be true. Norms do not depend on the orientation.
"""

from __future__ import annotations

import math

import numpy as np

from refms.backend import backend_of
from refms.errors import Array, InputError, precision, require_array
from refms.grid import Grid, as_grid
from refms.stencils.convolution import Convolution
from refms.stencils.routes.assembly import fold
from refms.stencils.routes.neighbours import neighbours, offsets_of
from refms.stencils.routes.route import flip


def symbol(S: Array, grid: Grid, *, boundary: str = "periodic", orientation: str = "correlation") -> Array:
    """Return the symbol λ(ω)_{oc} = Σ_κ S_{o,c,κ} e^{iω·κ} of K(S) at all frequencies of the grid.

    Parameters
    ----------
    S : array
        Shape (c_out, c_in, *stencil), odd sizes, real or complex.
    grid : Grid
        The grid with n cells.
    boundary : str
        ``"periodic"``; ``"zero"`` is refused.
    orientation : str
        ``"correlation"`` or ``"convolution"``.

    Returns
    -------
    array
        Shape (*grid.shape, c_out, c_in), complex of the precision of S: one block for each frequency
        ω_j = 2π f_j / n_j, f_j = 0, …, n_j - 1 in the order of the FFT.

    Raises
    ------
    InputError
        If S does not fit the grid or the boundary is not periodic.

    Notes
    -----
    For every mode, K(S) (v e^{iω·x}) = (λ(ω) v) e^{iω·x} with x counted in cells; for one channel the λ(ω)
    are the eigenvalues of K(s). With the Fourier transform F over the grid axes, K(S) Y = F⁻¹ λ(ω) F Y.

    Examples
    --------
    >>> symbol(np.array([[[1.0, -2.0, 1.0]]]), Grid((4,))).real.ravel().round(12).tolist()
    [0.0, -2.0, -4.0, -2.0]
    """
    grid = _require_fit(S, grid, boundary, orientation)
    if boundary != "periodic":
        raise InputError(
            "a convolution with zero boundary has no symbol: the Fourier modes are not its eigenvectors. "
            'Use boundary="periodic", or the explicit matrix of Convolution.matrix.'
        )
    backend = backend_of(S)
    dtype = "complex64" if precision(S) == "single" else "complex128"
    blocks = (flip(S) if orientation == "convolution" else S).astype(dtype)
    for extent, size in zip(grid.shape, S.shape[2:], strict=True):
        turns = np.outer(np.arange(extent), offsets_of(size)) / extent
        wave = backend.from_host(np.exp(2j * np.pi * turns).astype(dtype))
        blocks = backend.xp.tensordot(blocks, wave, axes=([2], [1]))
    return blocks.transpose(*range(2, blocks.ndim), 0, 1).copy()


def eigenvalues(s: Array, grid: Grid, *, orientation: str = "correlation") -> Array:
    """Return the eigenvalues λ(ω) = Σ_κ s_κ e^{iω·κ} of the periodic K(s) of one stencil.

    Parameters
    ----------
    s : array
        The stencil, odd sizes, as many axes as the grid.
    grid, orientation
        As for :func:`symbol`.

    Returns
    -------
    array
        Shape grid.shape, complex, in the order of the FFT's frequencies.

    Raises
    ------
    InputError
        If the stencil does not fit the grid.

    Examples
    --------
    >>> (eigenvalues(np.array([-1.0, 0.0, 1.0]), Grid((4,))).imag.round(12) + 0.0).tolist()
    [0.0, 2.0, 0.0, -2.0]
    """
    require_array(s, "s")
    return symbol(s[None, None], grid, orientation=orientation)[..., 0, 0]


def spectral_norm(S: Array, grid: Grid, *, boundary: str = "periodic") -> float:
    """Return ‖K(S)‖₂ = max_ω σ_max(λ(ω)), for one channel max |λ|.

    Parameters
    ----------
    S, grid, boundary
        As for :func:`symbol`.

    Returns
    -------
    float
        The largest singular value of K(S).

    Raises
    ------
    InputError
        If S does not fit the grid or is not finite, or the boundary is not periodic.

    Examples
    --------
    >>> spectral_norm(np.array([[[1.0, -2.0, 1.0]]]), Grid((4,)))
    4.0
    """
    blocks = symbol(S, grid, boundary=boundary)
    xp = backend_of(S).xp
    if not bool(xp.isfinite(blocks).all()):
        raise InputError("S holds NaN or infinity; the singular values need finite stencils.")
    if S.shape[0] == S.shape[1] == 1:
        return float(xp.abs(blocks).max())
    return float(xp.linalg.svd(blocks, compute_uv=False).max())


def frobenius_norm(S: Array, grid: Grid, *, boundary: str = "periodic") -> float:
    """Return ‖K(S)‖_F, exact up to rounding: ‖K‖_F² = Σ n |S_{o,c,κ}|² over the folded stencils.

    With a zero boundary the entry κ occurs in only Π max(n_j - |κ_j|, 0) rows instead of n.

    >>> frobenius_norm(np.array([[[0.0, 3.0, 4.0]]]), Grid((4,)))
    10.0
    """
    grid = _require_fit(S, grid, boundary)
    sizes = abs(fold(S, grid, boundary)).astype("float64")
    largest = float(sizes.max())
    if not 0.0 < largest < math.inf:
        return largest
    unit = 2.0 ** max(math.frexp(largest)[1] - 1, -1022)  # so that no square overflows or underflows
    squares = (sizes * (1.0 / unit)) ** 2
    if boundary == "periodic":
        return unit * math.sqrt(float((grid.cells * squares).sum()))
    _, inside = neighbours(grid.shape, [offsets_of(size) for size in S.shape[2:]], boundary)
    rows = inside.sum(axis=0).reshape(S.shape[2:]).astype(squares.dtype)
    return unit * math.sqrt(float((backend_of(S).from_host(rows) * squares).sum()))


def one_norm(S: Array, grid: Grid, *, boundary: str = "periodic") -> float:
    """Return ‖K(S)‖₁, the largest sum of absolute values in a column: max_c Σ_o Σ_κ |S_{o,c,κ}|, folded.

    >>> one_norm(np.array([[[1.0, -2.0, 3.0]]]), Grid((4,)))
    6.0
    """
    grid = _require_fit(S, grid, boundary)
    return infinity_norm(S.swapaxes(0, 1), grid, boundary=boundary)


def infinity_norm(S: Array, grid: Grid, *, boundary: str = "periodic") -> float:
    """Return ‖K(S)‖_∞, the largest sum of absolute values in a row: max_o Σ_c Σ_κ |S_{o,c,κ}|, folded.

    With a zero boundary the entries that one cell cannot reach are left out, exactly.

    >>> infinity_norm(np.array([[[1.0, -2.0, 3.0]]]), Grid((1,)))
    2.0
    """
    grid = _require_fit(S, grid, boundary)
    sums = abs(fold(S, grid, boundary)).sum(axis=1).reshape(S.shape[0], -1)
    if boundary == "periodic":
        return float(sums.sum(axis=1).max())
    # A row far from the edges sees every entry; two cells beyond the reach of n_K see nothing new.
    shape = tuple(min(n, size) for n, size in zip(grid.shape, S.shape[2:], strict=True))
    _, inside = neighbours(shape, [offsets_of(size) for size in S.shape[2:]], boundary)
    return float((sums @ backend_of(S).from_host(inside.T.astype(sums.dtype))).max())


def _require_fit(S: Array, grid: Grid, boundary: str, orientation: str = "correlation") -> Grid:
    """Return the grid, which may be given by its shape, if the stencils fit it."""
    precision(S, "S")
    grid = as_grid(grid)
    if len(S.shape) != grid.dimension + 2:
        raise InputError(
            f"S has shape {tuple(S.shape)}; expected (c_out, c_in, *stencil) with {grid.dimension} stencil "
            f"axes for grid {grid.shape}. For a bare stencil s pass s[None, None]."
        )
    return Convolution(grid, S.shape[1], S.shape[0], tuple(S.shape[2:]), boundary, orientation).grid
