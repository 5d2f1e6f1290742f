"""Hypothesis strategies for this field's objects; failing cases shrink to delta images and unit stencils.

Large arrays are drawn as a seed, from which ``numpy.random.default_rng`` makes them: that is quick, and it is
one number to shrink and to report. Every array is first tried as a delta, so that what fails on a delta
image or on a unit stencil is shown on one. This module alone needs hypothesis, and nothing else imports it.

Examples
--------
>>> from hypothesis import find
>>> find(stencils(Grid((4, 4)), 1, 1), lambda S: S.any())[0, 0].tolist()
[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from refms.errors import Array, InputError, require_choice, require_whole
from refms.grid import Grid
from refms.network.activation import ACTIVATIONS
from refms.network.architectures.residual import OPENINGS, Residual
from refms.operators.transfer import TRANSFER_PAIRS, TransferPair

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import SearchStrategy
except ModuleNotFoundError as error:
    raise ImportError(
        "refms.strategies needs hypothesis, which is not installed; install it with `pip install hypothesis`."
    ) from error

LARGEST = {1: 16, 2: 8, 3: 4}
"""Largest extent of a grid by dimension, unless another one is asked for."""

DTYPES = ("float64", "float32")


def seeds() -> SearchStrategy[int]:
    """Return a strategy of seeds for ``numpy.random.default_rng``; they shrink to 0.

    Returns
    -------
    SearchStrategy of int
        From 0 to 2³² − 1.
    """
    return st.integers(0, 2**32 - 1)


def deltas(shape: tuple[int, ...], dtype: str = "float64") -> SearchStrategy[Array]:
    """Return a strategy of arrays with a single one among zeros; they shrink to the one in the first entry.

    Parameters
    ----------
    shape : tuple of int
        Positive extents.
    dtype : str
        ``"float64"`` or ``"float32"``.

    Returns
    -------
    SearchStrategy of array
        Of this shape and dtype.

    Raises
    ------
    InputError
        If an extent is not positive or the dtype is another one.
    """
    size = _size(shape, dtype)
    return st.integers(0, size - 1).map(lambda index: _delta(shape, index, dtype))


def arrays(shape: tuple[int, ...], dtype: str = "float64") -> SearchStrategy[Array]:
    """Return a strategy of deltas and of standard normal arrays from seeds; they shrink to deltas.

    Parameters
    ----------
    shape : tuple of int
        Positive extents.
    dtype : str
        ``"float64"`` or ``"float32"``: the same draws, rounded.

    Returns
    -------
    SearchStrategy of array
        Of this shape and dtype.

    Raises
    ------
    InputError
        If an extent is not positive or the dtype is another one.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(arrays((3,)), lambda a: a.any()).tolist()
    [1.0, 0.0, 0.0]
    """
    return st.one_of(deltas(shape, dtype), seeds().map(lambda seed: _normal(shape, seed, dtype)))


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
        Within the bounds.

    Raises
    ------
    InputError
        If no such grid exists.
    """
    if not dimensions or not set(dimensions) <= {1, 2, 3}:
        raise InputError(f"dimensions are {tuple(dimensions)}; expected some of 1, 2, 3.")
    require_whole(smallest, "smallest", 1)
    require_whole(multiple, "multiple", 1)
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
        The mesh, n cells.
    channels, examples : int
        c and m.
    dtype : str
        ``"float64"`` or ``"float32"``.

    Returns
    -------
    SearchStrategy of array
        Shape (c·n, m).
    """
    return arrays((channels * grid.cells, examples), dtype)


def stencils(
    grid: Grid, c_in: int = 1, c_out: int = 1, sizes: Sequence[int] = (3,), dtype: str = "float64"
) -> SearchStrategy[Array]:
    """Return a strategy of stencils; they shrink to the unit stencil, whose K(s) is the identity.

    Parameters
    ----------
    grid : Grid
        Gives the dimension d.
    c_in, c_out : int
        Channels.
    sizes : sequence of int
        Odd sizes; each stencil has one of them along all axes.
    dtype : str
        ``"float64"`` or ``"float32"``.

    Returns
    -------
    SearchStrategy of array
        Shape (c_out, c_in, size, …): the one in the centre between the first channels, another unit
        stencil, or standard normal numbers.

    Raises
    ------
    InputError
        If a size is even.
    """
    if not sizes or any(size < 1 or size % 2 == 0 for size in sizes):
        raise InputError(f"stencil sizes are {tuple(sizes)}; expected odd numbers, such as (3,).")

    def of_size(size: int) -> SearchStrategy[Array]:
        shape = (c_out, c_in, *(size,) * grid.dimension)
        centre = size**grid.dimension // 2
        return st.one_of(st.builds(lambda: _delta(shape, centre, dtype)), arrays(shape, dtype))

    return st.sampled_from(tuple(sizes)).flatmap(of_size)


def transfer_pairs(
    suits: Callable[[TransferPair], bool] = lambda pair: True,
) -> SearchStrategy[TransferPair]:
    """Return a strategy of named transfer pairs; they shrink to the first one.

    Parameters
    ----------
    suits : callable
        Which pairs to draw from, such as ``lambda pair: pair.variational``.

    Returns
    -------
    SearchStrategy of TransferPair
        Some of ``refms.operators.transfer.TRANSFER_PAIRS``.

    Raises
    ------
    InputError
        If none suits.
    """
    chosen = [pair for pair in TRANSFER_PAIRS if suits(pair)]
    if not chosen:
        raise InputError("no transfer pair suits; expected a condition that at least one of them meets.")
    return st.sampled_from(chosen)


def networks(
    grid: Grid, *, channels: int = 3, layers: int = 3, boundaries: Sequence[str] = ("periodic", "zero")
) -> SearchStrategy[Residual]:
    """Return a strategy of residual networks; they shrink to one layer, channel and stencil entry.

    Parameters
    ----------
    grid : Grid
        The mesh.
    channels, layers : int
        The most there are of either.
    boundaries : sequence of str
        Which ones.

    Returns
    -------
    SearchStrategy of Residual
        Configurations that the grid allows.
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
    """Return a strategy of a network's parameters; they shrink to deltas.

    Parameters
    ----------
    network : Residual
        The network.
    dtype : str
        ``"float64"`` or ``"float32"``.

    Returns
    -------
    SearchStrategy of dict of str to array
        ``opening``, ``stencils`` and ``biases``, as ``network.theta`` takes them.
    """
    return st.fixed_dictionaries(
        {name: arrays(shape, dtype) for name, shape in network.parameter_shapes.items()}
    )


def logits(classes: int, examples: int = 1, dtype: str = "float64") -> SearchStrategy[Array]:
    """Return a strategy of logits with extremes; they shrink to zeros, all classes equally likely.

    Parameters
    ----------
    classes, examples : int
        ℓ and m.
    dtype : str
        ``"float64"`` or ``"float32"``.

    Returns
    -------
    SearchStrategy of array
        Shape (ℓ, m), finite: zeros, deltas and normal numbers of sizes from 1e-6 to 1e4, and single logits of
        ±1e4 or a quarter of the largest number there is, which overflow any exponential that is not shifted.
    """
    shape = (classes, examples)
    usual = st.builds(
        lambda Z, size: (Z * size).astype(dtype),
        arrays(shape, dtype),
        st.sampled_from((1.0, 1e-6, 30.0, 1e4)),
    )
    _size(shape, dtype)
    huge = float(np.finfo(dtype).max) / 4
    extreme = st.builds(
        lambda Z, delta, size: np.where(delta == 0, Z, Z.dtype.type(size)),
        arrays(shape, dtype),
        deltas(shape, dtype),
        st.sampled_from((1e4, -1e4, huge, -huge)),
    )
    return st.one_of(st.builds(lambda: np.zeros(shape, dtype)), usual, extreme)


def labels(classes: int, examples: int = 1, dtype: str = "float64") -> SearchStrategy[Array]:
    """Return a strategy of one-hot labels; they shrink to the first class for all examples.

    Parameters
    ----------
    classes, examples : int
        ℓ and m.
    dtype : str
        ``"float64"`` or ``"float32"``.

    Returns
    -------
    SearchStrategy of array
        Shape (ℓ, m).
    """
    _size((classes, examples), dtype)
    chosen = st.lists(st.integers(0, classes - 1), min_size=examples, max_size=examples)
    return chosen.map(lambda found: np.eye(classes, dtype=dtype)[:, found])


def nested_batches(count: int, levels: int = 3) -> SearchStrategy[tuple[tuple[int, ...], ...]]:
    """Return a strategy of batches of which each contains the one before; they shrink to example 0 alone.

    Parameters
    ----------
    count : int
        How many examples there are.
    levels : int
        How many batches, smallest first.

    Returns
    -------
    SearchStrategy of tuple of tuple of int
        Indices without repetition; each batch continues the one before.
    """
    require_whole(count, "count", 1)
    require_whole(levels, "levels", 1)
    sizes = st.lists(st.integers(1, count), min_size=levels, max_size=levels).map(sorted)
    order = st.one_of(
        st.just(tuple(range(count))),
        seeds().map(lambda seed: tuple(np.random.default_rng(seed).permutation(count).tolist())),
    )
    return st.builds(lambda all_, ends: tuple(all_[:end] for end in ends), order, sizes)


def corrupt_files(contents: bytes, most: int = 3) -> SearchStrategy[bytes]:
    """Return a strategy of damaged copies of a file; they shrink to one change of one byte near its start.

    Parameters
    ----------
    contents : bytes
        The whole file.
    most : int
        Largest number of changes, one after the other.

    Returns
    -------
    SearchStrategy of bytes
        Never equal to the file: bytes changed, cut off, removed, repeated or inserted, and words of four or
        eight bytes replaced by numbers such as sizes that are far too large.
    """
    require_whole(most, "most", 1)
    changes = st.lists(_changes(len(contents)), min_size=1, max_size=most)
    return changes.map(lambda found: _changed(contents, found)).filter(lambda found: found != contents)


Change = tuple[int, int, bytes]
"""Start, number of bytes removed there (-1: all that follow), bytes put in their place."""


def _changes(length: int) -> SearchStrategy[Change]:
    start = st.integers(0, max(length - 1, 0))
    some = st.integers(1, 16)
    words = [
        value.to_bytes(width, order)
        for width in (4, 8)
        for value in (0, 1, 2 ** (8 * width - 1) - 1, 2 ** (8 * width - 1), 2 ** (8 * width) - 1)
        for order in ("little", "big")
    ]
    overwritten = st.builds(lambda at, word: (at, len(word), word), start, st.sampled_from(words))
    return st.one_of(
        st.builds(lambda at, byte: (at, 1, bytes([byte])), start, st.integers(0, 255)),
        st.builds(lambda at: (at, -1, b""), start),
        st.builds(lambda at, count: (at, count, b""), start, some),
        st.builds(lambda at, new: (at, 0, new), start, st.binary(min_size=1, max_size=16)),
        overwritten,
    )


def _changed(contents: bytes, changes: Sequence[Change]) -> bytes:
    for start, removed, new in changes:
        end = len(contents) if removed < 0 else start + removed
        contents = contents[:start] + new + contents[end:]
    return contents


def _size(shape: tuple[int, ...], dtype: str) -> int:
    require_choice(dtype, DTYPES, "dtype")
    for extent in shape:
        require_whole(extent, "an extent", 1)
    return math.prod(shape)


def _delta(shape: tuple[int, ...], index: int, dtype: str) -> Array:
    """Return zeros with a one at an index in C order."""
    made = np.zeros(_size(shape, dtype), dtype)
    made[index] = 1.0
    return made.reshape(shape)


def _normal(shape: tuple[int, ...], seed: int, dtype: str) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)
