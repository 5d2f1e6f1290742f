"""The convolution K(s) of eq. (2) of [LAS]: explicit matrix, fast action, adjoint and stencil gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.backend import NUMPY, Backend, backend_of
from refms.errors import Array, InputError, require_choice, require_same_precision, require_shape
from refms.grid import Grid
from refms.operators.assembly import ConvolutionAssembly, assemble, flip
from refms.operators.patches import lines_of, patch_slabs

BOUNDARIES = ("periodic", "zero")
ORIENTATIONS = ("correlation", "convolution")


@dataclass(frozen=True)
class Convolution:
    """The map (S, Y) -> K(S) Y on a grid, linear in the stencils S and in the features Y.

    Parameters
    ----------
    grid : Grid
        The grid with n cells, d = 1, 2 or 3.
    c_in, c_out : int
        Numbers of channels of input and output.
    stencil_shape : tuple of int
        Odd sizes n_K = 2r + 1, one per grid axis; they may differ.
    boundary : str
        ``"periodic"``: cells wrap around, K is block-circulant. ``"zero"``: y is 0 beyond the grid, as in the
        padding of deep-learning frameworks; K is then Toeplitz and has no symbol.
    orientation : str
        ``"correlation"``: the multigrid stencil notation below, which frameworks call convolution.
        ``"convolution"``: the stencil flipped, y_{i-κ}.

    Raises
    ------
    InputError
        If a size is not positive and odd, their number is not d, or a name is unknown.

    Notes
    -----
    (K(S) y)_{o,i} = Σ_c Σ_κ S_{o,c,κ} y_{c,i+κ}, eq. (2) of [LAS]: block (o, c) of K is Σ_κ S_{o,c,κ} Π_κ
    with shift matrices Π_κ. Entries that wrap around to the same cell add up. All adjoints belong to the
    Euclidean inner product Σ z y *without* conjugation: they are transposes, also for complex arrays. NaN and
    infinity pass through as they do in NumPy's matrix product.

    Examples
    --------
    >>> K = Convolution(Grid((4,)), stencil_shape=(3,))
    >>> s = np.array([[[-1.0, 0.0, 2.0]]])
    >>> K.apply(s, np.array([[1.0], [2.0], [3.0], [4.0]])).ravel().tolist()
    [0.0, 5.0, 6.0, -1.0]
    """

    grid: Grid
    c_in: int = 1
    c_out: int = 1
    stencil_shape: tuple[int, ...] = (3, 3)
    boundary: str = "periodic"
    orientation: str = "correlation"

    def __post_init__(self) -> None:
        if not isinstance(self.grid, Grid):
            raise InputError(f"grid is {self.grid!r}; expected a Grid, such as Grid((28, 28)).")
        for name, count in (("c_in", self.c_in), ("c_out", self.c_out)):
            if not _is_count(count):
                raise InputError(f"{name} is {count!r}; expected a positive integer number of channels.")
        sizes = self.stencil_shape
        if not isinstance(sizes, tuple | list) or len(sizes) != self.grid.dimension:
            raise InputError(
                f"stencil_shape {sizes!r} does not fit grid {self.grid.shape}; "
                f"expected a tuple of {self.grid.dimension} odd size(s), one per grid axis."
            )
        if not all(_is_count(size) and size % 2 for size in sizes):
            raise InputError(
                f"stencil_shape {tuple(sizes)} has a size that is not a positive odd integer; a stencil "
                "needs a centre, so embed an even one in the next odd size with zeros."
            )
        object.__setattr__(self, "stencil_shape", tuple(int(size) for size in sizes))
        require_choice(self.boundary, BOUNDARIES, "boundary")
        require_choice(self.orientation, ORIENTATIONS, "orientation")

    @property
    def stencils_shape(self) -> tuple[int, ...]:
        """Shape (c_out, c_in, *stencil) of S."""
        return (self.c_out, self.c_in, *self.stencil_shape)

    @property
    def rows_in(self) -> int:
        """Rows c_in·n of Y."""
        return self.c_in * self.grid.cells

    @property
    def rows_out(self) -> int:
        """Rows c_out·n of K(S) Y."""
        return self.c_out * self.grid.cells

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of ``apply`` per example, c_out·c_in·n·Π n_K; adjoint and gradient need as many."""
        return math.prod(self.stencils_shape) * self.grid.cells

    def assembly(self, dtype: str = "float64", backend: Backend = NUMPY) -> ConvolutionAssembly:
        """Return the pattern of K, from which matrices for many S are made without symbolic work.

        Parameters
        ----------
        dtype : str
            dtype of the S to come; a real one of the same precision covers the complex one.
        backend : Backend
            Where the matrices shall live.

        Returns
        -------
        ConvolutionAssembly
            The pattern; its ``matrix(S)`` is K(S).
        """
        return assemble(self.grid, self.stencils_shape, self.boundary, self._flipped, dtype, backend)

    def matrix(self, S: Array) -> Any:
        """Return K(S) as a sparse matrix: the definition against which every faster route is tested.

        Parameters
        ----------
        S : array
            Shape (c_out, c_in, *stencil); float32, float64, complex64 or complex128.

        Returns
        -------
        csr_array
            Shape (c_out·n, c_in·n), dtype of S, sorted columns, no duplicates; it owns all its arrays.

        Raises
        ------
        InputError
            If S has another shape or dtype.
        """
        self._require(S=S)
        return self.assembly(str(S.dtype), backend_of(S)).matrix(S).copy()

    def apply(self, S: Array, Y: Array) -> Array:
        """Return K(S) Y without forming K.

        Parameters
        ----------
        S : array
            Shape (c_out, c_in, *stencil).
        Y : array
            Shape (c_in·n, m), precision of S.

        Returns
        -------
        array
            Shape (c_out·n, m), C-contiguous, precision of S and Y; complex if one of them is.

        Raises
        ------
        InputError
            If a shape is wrong, or precisions or backends differ.
        """
        self._require(S=S, Y=Y)
        return self._correlate(self._oriented(S), Y)

    def adjoint(self, S: Array, Z: Array) -> Array:
        """Return K(S)ᵀ Z: the stencil flipped, its channels transposed.

        Parameters
        ----------
        S : array
            Shape (c_out, c_in, *stencil).
        Z : array
            Shape (c_out·n, m), precision of S.

        Returns
        -------
        array
            Shape (c_in·n, m), C-contiguous; the transpose without conjugation, also for complex S.

        Raises
        ------
        InputError
            If a shape is wrong, or precisions or backends differ.
        """
        self._require(S=S, Z=Z)
        return self._correlate(flip(self._oriented(S)).swapaxes(0, 1), Z)

    def stencil_gradient(self, Z: Array, Y: Array) -> Array:
        """Return the derivative of Σ Z ∘ (K(S) Y) with respect to S, summed over the examples.

        Parameters
        ----------
        Z : array
            Shape (c_out·n, m).
        Y : array
            Shape (c_in·n, m), precision of Z.

        Returns
        -------
        array
            Shape (c_out, c_in, *stencil): Σ_i Z_{o,i} Y_{c,i+κ}, without conjugation.

        Raises
        ------
        InputError
            If a shape is wrong, or precisions or backends differ.
        """
        self._require(Z=Z, Y=Y)
        xp, Y, Z = _contiguous(Y, Z)
        grid, Y, Z = self._regrouped(Y, Z)
        Z_lines = lines_of(Z, grid)
        total: Any = 0
        for lines, cells, patches in patch_slabs(Y, grid, self.stencil_shape, self.boundary):
            total = total + xp.matmul(patches, Z_lines[lines, cells].swapaxes(-1, -2)).sum(axis=(0, 1))
        return self._oriented(self._stencils(total.T, self.c_in)).copy()

    def adjoint_and_gradient(self, S: Array, Z: Array, Y: Array) -> tuple[Array, Array]:
        """Return ``adjoint(S, Z)`` and ``stencil_gradient(Z, Y)``; one gathering of Z serves both.

        Parameters
        ----------
        S : array
            Shape (c_out, c_in, *stencil).
        Z : array
            Shape (c_out·n, m), precision of S.
        Y : array
            Shape (c_in·n, m), precision of S.

        Returns
        -------
        adjoint : array
            Shape (c_in·n, m).
        gradient : array
            Shape (c_out, c_in, *stencil).

        Raises
        ------
        InputError
            If a shape is wrong, or precisions or backends differ.

        Notes
        -----
        Σ_i Z_{o,i} Y_{c,i+κ} = Σ_j Z_{o,j-κ} Y_{c,j}: the patches of Z hold both sums' first factor.
        """
        self._require(S=S, Z=Z, Y=Y)
        xp, Z, Y = _contiguous(Z, Y)
        weights, Z = _weights(flip(self._oriented(S)).swapaxes(0, 1), Z)
        adjoint = xp.empty((self.rows_in, Z.shape[1]), dtype=Z.dtype)
        grid, Z, Y, target = self._regrouped(Z, Y, adjoint)
        adjoint_lines, Y_lines = lines_of(target, grid), lines_of(Y, grid)
        total: Any = 0
        for lines, cells, patches in patch_slabs(Z, grid, self.stencil_shape, self.boundary):
            xp.matmul(weights, patches, out=adjoint_lines[lines, cells])
            total = total + xp.matmul(patches, Y_lines[lines, cells].swapaxes(-1, -2)).sum(axis=(0, 1))
        gradient = flip(self._stencils(total.T, self.c_out).swapaxes(0, 1))
        return adjoint, self._oriented(gradient).copy()

    @property
    def _flipped(self) -> bool:
        return self.orientation == "convolution"

    def _oriented(self, S: Array) -> Array:
        """Return the stencils in correlation orientation (its own inverse)."""
        return flip(S) if self._flipped else S

    def _correlate(self, S: Array, Y: Array) -> Array:
        """Σ_c Σ_κ S_{o,c,κ} Y_{c,i+κ}, with as many channels as S has."""
        xp, Y = _contiguous(Y)
        weights, Y = _weights(S, Y)
        out = xp.empty((S.shape[0] * self.grid.cells, Y.shape[1]), dtype=Y.dtype)
        grid, Y, target = self._regrouped(Y, out)
        out_lines = lines_of(target, grid)
        for lines, cells, patches in patch_slabs(Y, grid, self.stencil_shape, self.boundary):
            xp.matmul(weights, patches, out=out_lines[lines, cells])
        return out

    def _regrouped(self, *arrays: Array) -> tuple[Any, ...]:
        """Return grid and arrays; for a stencil of one entry, lines count as examples.

        Such a stencil only mixes channels. The views hold the same numbers; products get fewer and wider.
        """
        if math.prod(self.stencil_shape) > 1:
            return (self.grid, *arrays)
        *leading, last = self.grid.shape
        return (Grid(tuple(leading) or (1,)), *[X.reshape(-1, last * X.shape[1]) for X in arrays])

    def _stencils(self, weights: Array, channels: int) -> Array:
        """Undo the ordering of ``_weights``: (rows, K·channels) to (rows, channels, *stencil), a view."""
        *leading, last = self.stencil_shape
        ordered = weights.reshape(weights.shape[0], last, *leading, channels)
        return ordered.transpose(0, ordered.ndim - 1, *range(2, ordered.ndim - 1), 1)

    def _require(self, **arrays: Array) -> None:
        """Check shapes, precisions and backends; S, Y and Z are recognised by their names."""
        expected: dict[str, tuple[tuple[int | None, ...], str]] = {
            "S": (self.stencils_shape, "(c_out, c_in, *stencil)"),
            "Y": ((self.rows_in, None), "(c_in * cells, examples)"),
            "Z": ((self.rows_out, None), "(c_out * cells, examples)"),
        }
        for name, array in arrays.items():
            require_shape(array, *expected[name][:1], name, expected[name][1])
        require_same_precision(**arrays)
        backend_of(*arrays.values())
        if "Y" in arrays and "Z" in arrays and arrays["Y"].shape[1] != arrays["Z"].shape[1]:
            raise InputError(
                f"Y has {arrays['Y'].shape[1]} examples and Z has {arrays['Z'].shape[1]}; "
                "expected one column per example in both."
            )


def convolution_matrix(
    s: Array, grid: Grid, *, boundary: str = "periodic", orientation: str = "correlation"
) -> Any:
    """Return the matrix K(s) of one stencil.

    Parameters
    ----------
    s : array
        The stencil, odd sizes, as many axes as the grid; for example shape (3, 3).
    grid : Grid
        The grid with n cells.
    boundary : str
        ``"periodic"`` or ``"zero"``.
    orientation : str
        ``"correlation"`` or ``"convolution"``.

    Returns
    -------
    csr_array
        Shape (n, n), dtype of s.

    Raises
    ------
    InputError
        If the stencil does not fit the grid, or a name is unknown.

    Examples
    --------
    >>> convolution_matrix(np.array([-1.0, 0.0, 2.0]), Grid((4,))).toarray()
    array([[ 0.,  2.,  0., -1.],
           [-1.,  0.,  2.,  0.],
           [ 0., -1.,  0.,  2.],
           [ 2.,  0., -1.,  0.]])
    """
    backend_of(s)
    convolution = Convolution(grid, 1, 1, tuple(s.shape), boundary, orientation)
    return convolution.matrix(s[None, None])


def _is_count(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 1)


def _contiguous(*arrays: Array) -> tuple[Array, ...]:
    """Return the array module, and the arrays in C order (copied only if they are not)."""
    xp = backend_of(*arrays).xp
    return (xp, *[xp.ascontiguousarray(array) for array in arrays])


def _weights(S: Array, Y: Array) -> tuple[Array, Array]:
    """Return S as the matrix (rows, K·channels) that multiplies patches, and Y, both in a common dtype."""
    last_first = S.transpose(0, S.ndim - 1, *range(2, S.ndim - 1), 1)
    xp = backend_of(S, Y).xp
    dtype = xp.result_type(S.dtype, Y.dtype)
    # In C order whatever the order of S, so that the bits of the result depend on the values alone.
    return xp.ascontiguousarray(last_first.reshape(S.shape[0], -1), dtype=dtype), Y.astype(dtype, copy=False)
