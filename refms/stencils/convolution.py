"""The convolution K(s) of eq. (2) of [LAS]: explicit matrix, fast action, adjoint and stencil gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from refms.backend import NUMPY, Backend, backend_of
from refms.errors import Array, InputError, require_choice, require_same_precision, require_shape
from refms.grid import Grid
from refms.stencils.assembly import ConvolutionAssembly, assemble, flip
from refms.stencils.routes.route import Geometry, Route
from refms.stencils.routes.runs import Runs, runs_of
from refms.stencils.routes.table import ROUTES, chosen
from refms.stencils.routes.table import route as route_named

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
    route : str
        How products are computed: ``"matrix"``, ``"patches"``, ``"fourier"``, ``"compiled"`` (extra
        ``fast``), or ``"auto"``: the fastest for size, dtype and backend. Results differ by round-off.

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
    route: str = "auto"

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
        require_choice(self.route, ROUTES, "route")

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
        return self.combine([(S, Y)])

    def adjoint(self, S: Array, Z: Array, add: Array | None = None) -> Array:
        """Return K(S)ᵀ Z: the stencil flipped, its channels transposed; plus ``add``.

        Parameters
        ----------
        S : array
            Shape (c_out, c_in, *stencil).
        Z : array
            Shape (c_out·n, m), precision of S.
        add : array or None
            Shape (c_in·n, m); None adds nothing.

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
        self._require_field("add", add, self.rows_in, Z)
        return self._route(S, Z, add).combine([(self._transposed(S), Z)], None, None, add)

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
        return self._oriented(self._route(Z, Y).gradient(Z, Y)).copy()

    def adjoint_and_gradient(
        self, S: Array, Z: Array, Y: Array, add: Array | None = None
    ) -> tuple[Array, Array]:
        """Return add + ``adjoint(S, Z)`` and ``stencil_gradient(Z, Y)``, which may share work.

        Parameters
        ----------
        S : array
            Shape (c_out, c_in, *stencil).
        Z : array
            Shape (c_out·n, m), precision of S.
        Y : array
            Shape (c_in·n, m), precision of S.
        add : array or None
            Shape (c_in·n, m); None adds nothing.

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
        """
        self._require(S=S, Z=Z, Y=Y)
        self._require_field("add", add, self.rows_in, Z)
        route = self._route(S, Z, Y, add)
        adjoint, gradient = route.adjoint_and_gradient(self._transposed(S), Z, Y, add)
        return adjoint, self._oriented(gradient).copy()

    def combine(
        self,
        terms: Sequence[tuple[Array, Array]],
        bias: Array | None = None,
        factor: Array | None = None,
        add: Array | None = None,
    ) -> Array:
        """Return add + factor ∘ (bias + Σ K(S_i) Y_i), in one pass where the route can do that.

        Parameters
        ----------
        terms : sequence of (array, array)
            Pairs of S_i, shape (c_out, c_in, *stencil), and Y_i, shape (c_in·n, m), at least one; all of one
            precision.
        bias : array or None
            Shape (c_out,): one number per channel, the same in all cells.
        factor, add : array or None
            Shape (c_out·n, m), multiplied and added entry by entry.

        Returns
        -------
        array
            Shape (c_out·n, m), C-contiguous, a new array.

        Raises
        ------
        InputError
            If a shape is wrong, or precisions or backends differ.

        Notes
        -----
        A step of forward Euler linearised, dY + δt σ′ ∘ (K(dS) Y + K(S) dY + db), is such a sum.

        Examples
        --------
        >>> K = Convolution(Grid((2,)), stencil_shape=(1,))
        >>> s, y = np.array([[[2.0]]]), np.array([[1.0], [3.0]])
        >>> K.combine([(s, y)], bias=np.array([1.0]), factor=y, add=-y).ravel().tolist()
        [2.0, 18.0]
        """
        if not terms:
            raise InputError("there is no term; expected at least one pair (S, Y).")
        first = terms[0][1]
        for S, Y in terms:
            self._require(S=S, Y=Y)
            if Y.shape[1] != first.shape[1]:
                raise InputError(
                    f"terms have {first.shape[1]} and {Y.shape[1]} examples; expected equal ones."
                )
        if bias is not None:
            require_shape(bias, (self.c_out,), "bias", "(c_out,)")
            require_same_precision(bias=bias, Y=first)
        self._require_field("factor", factor, self.rows_out, first)
        self._require_field("add", add, self.rows_out, first)
        route = self._route(*[array for term in terms for array in term], bias, factor, add)
        return route.combine([(self._oriented(S), Y) for S, Y in terms], bias, factor, add)

    @property
    def _flipped(self) -> bool:
        return self.orientation == "convolution"

    def _oriented(self, S: Array) -> Array:
        """Return the stencils in correlation orientation (its own inverse)."""
        return flip(S) if self._flipped else S

    def _transposed(self, S: Array) -> Array:
        """Return the stencils of K(S)ᵀ in correlation orientation."""
        return flip(self._oriented(S)).swapaxes(0, 1)

    def _route(self, *arrays: Array | None) -> Route:
        """Return the way to take for these arrays, the features among them being the largest."""
        given = [array for array in arrays if array is not None]
        backend = backend_of(*given)
        geometry = Geometry(self.grid, self.stencil_shape, self.boundary)
        examples = max(array.shape[-1] for array in given if array.ndim == 2)
        dtype = str(backend.xp.result_type(*given))
        name = chosen(self.route, geometry, self.multiply_adds * examples, dtype, backend.name)
        return route_named(name, geometry, self._runs if name == "compiled" else None)

    @cached_property
    def _runs(self) -> Runs:
        return runs_of(Geometry(self.grid, self.stencil_shape, self.boundary))

    def _require_field(self, name: str, field: Array | None, rows: int, like: Array) -> None:
        if field is not None:
            require_shape(field, (rows, like.shape[1]), name, "(channels * cells, examples)")
            require_same_precision(**{name: field, "Y": like})

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
