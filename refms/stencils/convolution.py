"""The convolution K(s) of eq. (2) of [LAS]: its definition, and the products that networks are made of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse

from refms.backend import NUMPY, Backend, backend_of
from refms.display import fields_as_html
from refms.errors import (
    Array,
    InputError,
    require_array,
    require_choice,
    require_same_precision,
    require_shape,
    require_whole_fields,
)
from refms.grid import Grid, as_grid
from refms.stencils.kronecker import circulant_rows, kronecker
from refms.stencils.routes.assembly import ConvolutionAssembly, assemble
from refms.stencils.routes.neighbours import offsets_of
from refms.stencils.routes.route import Geometry, Route, Terms, flip, orient
from refms.stencils.routes.table import ROUTES, choose, products

BOUNDARIES = ("periodic", "zero")
ORIENTATIONS = ("correlation", "convolution")


def convolution_matrix(
    s: Array, grid: Grid, *, boundary: str = "periodic", orientation: str = "correlation"
) -> Any:
    """Return K(s) = Σ_κ s_κ Π_κ with the shift matrices (Π_κ y)_i = y_{i+κ}: the definition.

    Parameters
    ----------
    s : array
        A stencil, odd sizes, as many axes as the grid, such as (3, 3); or S, shape (c_out, c_in, *stencil).
    grid : Grid
        The grid with n cells.
    boundary : str
        ``"periodic"``: cells wrap around; ``"zero"``: y is 0 beyond the grid.
    orientation : str
        ``"correlation"``; or ``"convolution"``, where Π_{-κ} takes the place of Π_κ.

    Returns
    -------
    csr_array
        Shape (c_out·n, c_in·n), dtype of s; block (o, i) is K(S_{o,i}). Zeros of s are not stored.

    Raises
    ------
    InputError
        If the stencil does not fit the grid, its dtype is no floating one, or a name is unknown.

    Examples
    --------
    >>> convolution_matrix(np.array([-1.0, 0.0, 2.0]), Grid((4,))).toarray()
    array([[ 0.,  2.,  0., -1.],
           [-1.,  0.,  2.,  0.],
           [ 0., -1.,  0.,  2.],
           [ 2.,  0., -1.,  0.]])
    """
    require_array(s, "s")
    backend, grid = backend_of(s), as_grid(grid)
    S = s if s.ndim == 2 + grid.dimension else s[None, None]
    c_out, c_in, *sizes = S.shape
    Convolution(grid, c_in, c_out, tuple(sizes), boundary, orientation)._require(S=S)
    blocks = backend.to_host(S if orientation == "correlation" else flip(S)).reshape(c_out, c_in, -1)
    kappas = itertools.product(*[offsets_of(size).tolist() for size in sizes])

    K: Any = sum(  # Σ_κ S_κ ⊗ Π_κ with the c_out x c_in matrix S_κ of each entry
        kronecker(scipy.sparse.csr_array(blocks[:, :, number]), shift_matrix(grid, kappa, boundary))
        for number, kappa in enumerate(kappas)
    )
    return backend.csr_from_host(K.astype(S.dtype))


def shift_matrix(grid: Grid, kappa: Sequence[int], boundary: str) -> Any:
    """Return Π_κ = Π_κ1 ⊗ … ⊗ Π_κd with (Π_κ y)_i = y_{i+κ}, where y is periodic, or 0 beyond the grid."""
    factors = []
    for n, k in zip(grid.shape, kappa, strict=True):
        wide = n if boundary == "periodic" else n + abs(k)  # zeros: a periodic line with a border, cut off
        factors.append(circulant_rows(wide, wide, 1, ((k, 1.0),))[:n, :n])
    return kronecker(*factors)


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
        How products are computed: ``"matrix"``, ``"patches"``, ``"im2col"``, ``"fourier"``, ``"compiled"``
        (extra ``fast``), or ``"auto"``: the fastest of these for size, dtype and backend. Results differ by
        round-off. ``"winograd"``, for 3×3 entries, is faster in wide layers, and its round-off 4 to 10 times
        as large; that of a large number reaches the tile of 4×4 cells around. ``"auto+winograd"`` takes it
        in layers that are wide, on meshes that are not tiny, and elsewhere what ``"auto"`` takes.

    Raises
    ------
    InputError
        If a size is not positive and odd, their number is not d, or a name is unknown; and by all methods but
        ``route_for`` if a shape is wrong, a dtype is no floating one, or precisions or backends differ.

    Notes
    -----
    (K(S) y)_{o,i} = Σ_c Σ_κ S_{o,c,κ} y_{c,i+κ}, eq. (2) of [LAS]; :func:`convolution_matrix` defines it.
    Entries that wrap around to the same cell add up. All adjoints belong to the Euclidean inner product Σ z y
    *without* conjugation: they are transposes, also for complex arrays. NaN and infinity pass through as they
    do in NumPy's matrix product.

    S has shape (c_out, c_in, *stencil), Y (c_in·n, m), Z (c_out·n, m): one column per example, channel
    slowest; all of one precision, real or complex, on one backend. Results are new, C-contiguous arrays.

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

    _repr_html_ = fields_as_html

    def __post_init__(self) -> None:
        object.__setattr__(self, "grid", as_grid(self.grid))
        require_whole_fields(self, c_in=1, c_out=1)
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
        """Return the pattern of K on a backend, whose ``matrix(S)`` makes K(S) without symbolic work.

        A real dtype covers the complex one of the same precision.
        """
        flipped = self.orientation == "convolution"
        return assemble(self.grid, self.stencils_shape, self.boundary, flipped, dtype, backend)

    def matrix(self, S: Array) -> Any:
        """Return K(S), a csr_array (c_out·n, c_in·n) of the dtype of S; zeros of S are stored."""
        self._require(S=S)
        return self.assembly(str(S.dtype), backend_of(S)).matrix(S).copy()

    def apply(self, S: Array, Y: Array) -> Array:
        """Return K(S) Y, shape (c_out·n, m), without forming K."""
        return self.combine([(S, Y)])

    def combine(
        self, terms: Terms, bias: Array | None = None, factor: Array | None = None, add: Array | None = None
    ) -> Array:
        """Return add + factor ∘ (bias + Σ K(S_i) Y_i), in one pass where the route can do that.

        Parameters
        ----------
        terms : sequence of (array, array)
            Pairs (S_i, Y_i), at least one.
        bias : array or None
            Shape (c_out,): one number per channel, the same in all cells.
        factor, add : array or None
            Shape (c_out·n, m), multiplied and added entry by entry.

        Returns
        -------
        array
            Shape (c_out·n, m).

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
        route = self._route(first, *[array for term in terms for array in term], bias, factor, add)
        return route.combine(terms, bias, factor, add)

    def adjoint(self, S: Array, Z: Array, add: Array | None = None) -> Array:
        """Return add + K(S)ᵀ Z, shape (c_in·n, m): the stencil flipped, its channels transposed."""
        self._require(S=S, Z=Z)
        self._require_field("add", add, self.rows_in, Z)
        return self._route(Z, S, add).adjoint(S, Z, add)

    def stencil_gradient(self, Z: Array, Y: Array) -> Array:
        """Return the derivative Σ_i Z_{o,i} Y_{c,i+κ} of Σ Z ∘ (K(S) Y) by S, summed over the examples."""
        self._require(Z=Z, Y=Y)
        return self._route(Z, Y).gradient(Z, Y)

    def adjoint_and_gradient(
        self, S: Array, Z: Array, Y: Array, add: Array | None = None
    ) -> tuple[Array, Array]:
        """Return ``adjoint(S, Z, add)`` and ``stencil_gradient(Z, Y)``, which may share work."""
        self._require(S=S, Z=Z, Y=Y)
        self._require_field("add", add, self.rows_in, Z)
        return self._route(Z, S, Y, add).adjoint_and_gradient(S, Z, Y, add)

    def route_for(self, dtype: Any, examples: int, backend: Backend = NUMPY) -> Route:
        """Return the products for one dtype, number of examples and backend, as functions that check nothing.

        Networks call these once a θ and a Y have been checked at their door:

            combine(terms, bias=None, factor=None, add=None),   adjoint(S, Z, add=None),
            gradient(Z, Y),   adjoint_and_gradient(S, Z, Y, add=None),

        bit for bit as ``combine``, ``adjoint``, ``stencil_gradient`` and ``adjoint_and_gradient`` here. The
        dtype is that of the result: complex as soon as one array is. Routes are kept with the convolution.

        Parameters
        ----------
        dtype : numpy.dtype
            float32, float64, complex64 or complex128; pass ``Y.dtype`` itself, a name takes longer.
        examples : int
            m.
        backend : Backend
            Where the arrays live.

        Raises
        ------
        InputError
            If this convolution asks for a route that cannot be taken.
        """
        key = (dtype, examples, backend.name)
        found = self._routes.get(key)
        if found is None:
            if len(self._routes) >= _KEPT_ROUTES:
                self._routes.clear()
            found = self._routes[key] = self._bound(np.dtype(dtype), examples, backend)
        return found

    @cached_property
    def _routes(self) -> dict[tuple[Any, int, str], Route]:
        return {}

    def _bound(self, dtype: Any, examples: int, backend: Backend) -> Route:
        work = self.multiply_adds * examples
        name = choose(self.route, self.stencils_shape, examples, work, str(dtype), backend.name)
        geometry = Geometry(self.grid, self.stencil_shape, self.boundary)
        found = products(name, geometry, dtype, examples, backend)
        return orient(found, self.orientation, self.grid.dimension)

    def _route(self, field: Array, *arrays: Array | None) -> Route:
        """Return the route for arrays that have been checked; ``field`` has a column for each example."""
        given = [field, *[array for array in arrays if array is not None]]
        backend = backend_of(*given)
        return self.route_for(backend.xp.result_type(*given), field.shape[1], backend)

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


_KEPT_ROUTES = 8
"""Routes that one convolution keeps at most: numbers of examples differ between batches."""


def _is_count(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 1)
