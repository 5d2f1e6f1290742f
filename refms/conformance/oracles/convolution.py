"""The convolution by its definition: shifted copies of the image, added up."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from refms.errors import Array


def offsets(stencil: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield (index in the stencil, offset κ) for every entry of a centred stencil of odd sizes."""
    for index in itertools.product(*map(range, stencil)):
        yield index, tuple(i - size // 2 for i, size in zip(index, stencil, strict=True))


def shifted(Y: Array, offset: tuple[int, ...], boundary: str = "periodic") -> Array:
    """Return Π_κ Y, the image whose cell i holds y_{i+κ}; the last axes of Y are the grid.

    Parameters
    ----------
    Y : array
        Shape (…, *grid).
    offset : tuple of int
        κ.
    boundary : str
        ``"periodic"``: cells wrap; ``"zero"``: cells beyond the grid are 0.

    Returns
    -------
    array
        Shape of Y.

    Examples
    --------
    >>> Y = np.array([1.0, 2.0, 3.0])
    >>> shifted(Y, (1,)).tolist(), shifted(Y, (1,), "zero").tolist()
    ([2.0, 3.0, 1.0], [2.0, 3.0, 0.0])
    """
    d = len(offset)
    axes = tuple(range(Y.ndim - d, Y.ndim))
    moved = np.roll(Y, tuple(-k for k in offset), axes)
    if boundary == "zero":
        for axis, k in zip(axes, offset, strict=True):
            cells = np.arange(Y.shape[axis]) + k
            outside = (cells < 0) | (cells >= Y.shape[axis])
            moved[(slice(None),) * axis + (outside,)] = 0
    return moved


def convolve(S: Array, Y: Array, boundary: str = "periodic", orientation: str = "correlation") -> Array:
    """Return K(S) Y by looping over channels and offsets, in double precision.

    Parameters
    ----------
    S : array
        Shape (c_out, c_in, *stencil).
    Y : array
        Shape (m, c_in, *grid); real or complex.
    boundary, orientation : str
        As in the profile.

    Returns
    -------
    array
        Shape (m, c_out, *grid), float64 or complex128.

    Notes
    -----
    (K(S) y)_{o,i} = Σ_c Σ_κ S_{o,c,κ} y_{c,i+κ}, with i-κ for the orientation "convolution".

    Examples
    --------
    >>> convolve(np.array([[[0.0, 0.0, 1.0]]]), np.array([[[1.0, 2.0, 3.0]]])).tolist()
    [[[2.0, 3.0, 1.0]]]
    """
    Y = doubled(Y)
    sign = 1 if orientation == "correlation" else -1
    result = np.zeros((Y.shape[0], S.shape[0], *Y.shape[2:]), dtype=np.result_type(Y, doubled(S)))
    for index, offset in offsets(S.shape[2:]):
        moved = shifted(Y, tuple(sign * k for k in offset), boundary)
        for o in range(S.shape[0]):
            for c in range(S.shape[1]):
                result[:, o] += S[(o, c, *index)] * moved[:, c]
    return result


def transposed(S: Array) -> Array:
    """Return the stencils of K(S)ᵀ: reversed along all stencil axes, channels exchanged."""
    return S[(slice(None), slice(None)) + (slice(None, None, -1),) * (S.ndim - 2)].swapaxes(0, 1)


def largest(Y: Array) -> float:
    """Return ‖Y‖_∞, the largest absolute value."""
    return float(np.abs(Y).max())


def one_norm(S: Array) -> float:
    """Return max_o Σ_c Σ_κ |S_{o,c,κ}|, a bound on ‖K(S)‖_∞, written ‖s‖₁."""
    return float(np.abs(doubled(S)).reshape(S.shape[0], -1).sum(axis=1).max())


def frequencies(grid: tuple[int, ...]) -> Array:
    """Return the grid's frequencies ω = 2πk/n as rows, shape (n, d), in C order of k."""
    axes = np.meshgrid(*(2 * np.pi * np.arange(n) / n for n in grid), indexing="ij")
    return np.stack([axis.ravel() for axis in axes], axis=1)


def symbol(S: Array, omega: Array, orientation: str = "correlation") -> Array:
    """Return λ(ω) = Σ_κ s_κ e^{iω·κ}, the matrix that K(S) multiplies the mode e^{iω·j} with.

    Parameters
    ----------
    S : array
        Shape (c_out, c_in, *stencil).
    omega : array
        Frequencies as rows, shape (k, d).
    orientation : str
        With ``"convolution"``, e^{-iω·κ}.

    Returns
    -------
    array
        Shape (k, c_out, c_in), complex128.

    Examples
    --------
    >>> symbol(np.array([[[1.0, -2.0, 1.0]]]), np.array([[np.pi]])).real.round(9).tolist()
    [[[-4.0]]]
    """
    sign = 1 if orientation == "correlation" else -1
    values = np.zeros((len(omega), *S.shape[:2]), dtype="complex128")
    for index, offset in offsets(S.shape[2:]):
        wave = np.exp(1j * sign * (omega @ np.asarray(offset, dtype="float64")))
        values += wave[:, None, None] * S[(slice(None), slice(None), *index)]
    return values


def doubled(array: Array) -> Array:
    """Return an array in double precision, real or complex."""
    return np.asarray(array).astype("complex128" if np.iscomplexobj(array) else "float64")
