"""Grids, images, stencils, transfer pairs and networks on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from refms.errors import Array, InputError, require_whole
from refms.grid import Grid
from refms.maps.activation import ACTIVATIONS
from refms.maps.architectures.residual import OPENINGS, Residual
from refms.stencils.transfer import TRANSFER_PAIRS, TransferPair
from refms.strategies.arrays import arrays, delta

LARGEST = {1: 16, 2: 8, 3: 4}
"""Largest extent of a grid by dimension, unless another one is asked for."""


def grids(
    dimensions: Sequence[int] = (1, 2, 3),
    *,
    smallest: int = 1,
    largest: int | None = None,
    multiple: int = 1,
    square: bool = False,
) -> SearchStrategy[Grid]:
    """Return a strategy of grids; they shrink to the first dimension and to few cells.

    Parameters
    ----------
    dimensions : sequence of int
        Some of 1, 2, 3.
    smallest, largest : int
        Bounds of all extents; ``largest`` None takes 16, 8 and 4 by dimension (or ``smallest`` if greater).
    multiple : int
        Every extent is a multiple of it, 2 for grids that can be coarsened.
    square : bool
        Whether all extents are equal.

    Returns
    -------
    SearchStrategy of Grid
        Within these bounds.

    Raises
    ------
    InputError
        If no such grid exists.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(grids((2,), smallest=3, multiple=2), lambda grid: True).shape
    (4, 4)
    """
    if not dimensions or not set(dimensions) <= {1, 2, 3}:
        raise InputError(f"dimensions are {tuple(dimensions)}; expected some of 1, 2, 3.")
    smallest = require_whole(smallest, "smallest", 1)
    multiple = require_whole(multiple, "multiple", 1)
    low = -(-smallest // multiple)

    def of_dimension(d: int) -> SearchStrategy[Grid]:
        high = max(low, LARGEST[d] // multiple) if largest is None else largest // multiple
        if high < low:
            raise InputError(f"no multiple of {multiple} lies between {smallest} and {largest}.")
        extents = st.integers(low, high).map(lambda n: n * multiple)
        if square:
            return extents.map(lambda n: Grid((n,) * d))
        return st.tuples(*[extents] * d).map(Grid)

    return st.one_of(*[of_dimension(d) for d in dimensions])


def images(grid: Grid, channels: int = 1, examples: int = 1, dtype: str = "float64") -> SearchStrategy[Array]:
    """Return a strategy of features in columns; they shrink to a delta image.

    Parameters
    ----------
    grid : Grid
        The grid with n cells.
    channels, examples : int
        c and m, at least 1.
    dtype : str
        ``"float64"`` or ``"float32"``.

    Returns
    -------
    SearchStrategy of array
        Shape (c·n, m), channel slowest: deltas and standard normal numbers.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(images(Grid((2,)), channels=2), lambda Y: True).ravel().tolist()
    [1.0, 0.0, 0.0, 0.0]
    """
    return arrays((channels * grid.cells, examples), dtype)


def stencils(
    grid: Grid, c_in: int = 1, c_out: int = 1, sizes: Sequence[int] = (3,), dtype: str = "float64"
) -> SearchStrategy[Array]:
    """Return a strategy of stencils; they shrink to K(s) = I.

    Parameters
    ----------
    grid : Grid
        Gives the number of axes.
    c_in, c_out : int
        Channels, at least 1.
    sizes : sequence of int
        Odd sizes, one of which all axes have.
    dtype : str
        ``"float64"`` or ``"float32"``.

    Returns
    -------
    SearchStrategy of array
        Shape (c_out, c_in, size, …): the one in the centre between the first channels, another unit stencil,
        or standard normal numbers.

    Raises
    ------
    InputError
        If there are no sizes, or one is not odd.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(stencils(Grid((4,))), lambda s: True).tolist()
    [[[0.0, 1.0, 0.0]]]
    """
    if not sizes or any(size < 1 or size % 2 == 0 for size in sizes):
        raise InputError(f"stencil sizes are {tuple(sizes)}; expected odd numbers, such as (3,).")

    def of_size(size: int) -> SearchStrategy[Array]:
        shape = (c_out, c_in, *(size,) * grid.dimension)
        centre = size**grid.dimension // 2
        return st.one_of(st.builds(lambda: delta(shape, centre, dtype)), arrays(shape, dtype))

    return st.sampled_from(tuple(sizes)).flatmap(of_size)


def transfer_pairs(
    suits: Callable[[TransferPair], bool] = lambda pair: True,
) -> SearchStrategy[TransferPair]:
    """Return a strategy of the named transfer pairs that suit; they shrink to the first one.

    Parameters
    ----------
    suits : callable
        TransferPair -> bool; by default all suit.

    Returns
    -------
    SearchStrategy of TransferPair
        From ``TRANSFER_PAIRS``.

    Raises
    ------
    InputError
        If none suits.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(transfer_pairs(), lambda pair: True) is TRANSFER_PAIRS[0]
    True
    """
    chosen = [pair for pair in TRANSFER_PAIRS if suits(pair)]
    if not chosen:
        raise InputError("no transfer pair suits; expected a condition that at least one of them meets.")
    return st.sampled_from(chosen)


def networks(
    grid: Grid, *, channels: int = 3, layers: int = 3, boundaries: Sequence[str] = ("periodic", "zero")
) -> SearchStrategy[Residual]:
    """Return a strategy of residual networks that the grid allows; they shrink to one layer.

    Parameters
    ----------
    grid : Grid
        Their mesh.
    channels, layers : int
        The most there are of either.
    boundaries : sequence of str
        Some of ``"periodic"`` and ``"zero"``.

    Returns
    -------
    SearchStrategy of Residual
        Of either orientation and every opening and activation, with stencils of one or three cells an axis.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(networks(Grid((4,))), lambda network: network.layers > 1).layers
    2
    """
    most = [size for size in (1, 3) if size <= min(grid.shape)]
    shapes = st.sampled_from(most).map(lambda size: (size,) * grid.dimension)
    return st.builds(
        Residual,
        grid=st.just(grid),
        channels=st.integers(1, channels),
        image_channels=st.integers(1, 2),
        layers=st.integers(1, layers),
        final_time=st.sampled_from((1.0, 0.5, 2.0)),
        stencil_shape=shapes,
        opening=st.sampled_from(OPENINGS),
        opening_shape=shapes,
        activation=st.sampled_from([one.name for one in ACTIVATIONS]),
        boundary=st.sampled_from(tuple(boundaries)),
        orientation=st.sampled_from(("correlation", "convolution")),
    )


def network_parameters(network: Residual, dtype: str = "float64") -> SearchStrategy[dict[str, Array]]:
    """Return a strategy of a network's arrays by name; they shrink to deltas.

    Parameters
    ----------
    network : Residual
        Gives names and shapes.
    dtype : str
        ``"float64"`` or ``"float32"``.

    Returns
    -------
    SearchStrategy of dict of str to array
        For ``network.arrays.pack``.

    Examples
    --------
    >>> from hypothesis import find
    >>> network = Residual(Grid((4, 4)), channels=2, layers=3)
    >>> find(network_parameters(network), lambda arrays: True)["stencils"].shape
    (3, 2, 2, 3, 3)
    """
    return st.fixed_dictionaries(
        {name: arrays(shape, dtype) for name, shape in network.arrays.shapes.items()}
    )
