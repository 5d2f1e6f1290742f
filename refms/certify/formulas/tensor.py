"""Tensors of exact numbers: NumPy's object arrays as containers, loops as arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

Number = Any
"""A ball, a fraction or an integer: + - × ÷ with integers and its like, never with floats."""

Tensor = Any
"""A numpy.ndarray of dtype object that holds numbers."""


def filled(shape: Iterable[int], entry: Callable[[tuple[int, ...]], Number]) -> Tensor:
    """Return the tensor with the given entries.

    Parameters
    ----------
    shape : iterable of int
        Its extents.
    entry : callable
        Index tuple -> number.

    Returns
    -------
    numpy.ndarray
        Of that shape, dtype object.

    Examples
    --------
    >>> filled((2, 2), lambda index: sum(index)).tolist()
    [[0, 1], [1, 2]]
    """
    extents = tuple(shape)
    made = np.empty(extents, dtype=object)
    for index in itertools.product(*map(range, extents)):
        made[index] = entry(index)
    return made


def vector(numbers: Iterable[Number]) -> Tensor:
    """Return a vector of the given numbers.

    Parameters
    ----------
    numbers : iterable
        Its entries.

    Returns
    -------
    numpy.ndarray
        One axis, dtype object.
    """
    entries = list(numbers)
    return filled((len(entries),), lambda index: entries[index[0]])


def joined(*tensors: Tensor) -> Tensor:
    """Return the entries of several tensors as one vector, each in C order.

    Parameters
    ----------
    *tensors : numpy.ndarray
        Any shapes.

    Returns
    -------
    numpy.ndarray
        One axis, dtype object.
    """
    return vector(number for tensor in tensors for number in tensor.reshape(-1).tolist())


def inner(a: Tensor, b: Tensor) -> Number:
    """Return the Euclidean inner product Σ a b.

    Parameters
    ----------
    a, b : numpy.ndarray
        Equal shapes.

    Returns
    -------
    number
        The sum.

    Examples
    --------
    >>> inner(vector([1, 2]), vector([3, 4]))
    11
    """
    if a.shape != b.shape:
        raise ValueError(f"tensors of shapes {a.shape} and {b.shape} have no inner product.")
    return sum(x * y for x, y in zip(a.reshape(-1).tolist(), b.reshape(-1).tolist(), strict=True))


def mapped(function: Callable[[Number], Number], a: Tensor) -> Tensor:
    """Return the tensor of f(a_i).

    Parameters
    ----------
    function : callable
        Number -> number.
    a : numpy.ndarray
        Any shape.

    Returns
    -------
    numpy.ndarray
        Shape of a.
    """
    return filled(a.shape, lambda index: function(a[index]))
