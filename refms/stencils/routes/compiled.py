"""The compiled route: shifted lines added up in registers, without patches (extra ``fast``: numba).

Along a line of cells (the last grid axis) the neighbours of consecutive cells are consecutive too, so K(S) Y
is a sum of shifted lines; see ``runs.py``. Nothing is gathered or copied, and what surrounds the sum (bias,
σ′, the state to which it is added) is done while it lies in registers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.backend import NUMPY
from refms.elementwise import finish
from refms.errors import Array
from refms.stencils.routes.kernels import correlate, correlation_gradient
from refms.stencils.routes.microkernel import REGISTER_BYTES, lanes
from refms.stencils.routes.route import Geometry, Products, Terms
from refms.stencils.routes.runs import runs_of


def compiled_products(geometry: Geometry, dtype: Any, m: int) -> Products:
    """Return the products of m examples by a compiled kernel; float32 and float64, NumPy only."""
    n, sizes, width = geometry.grid.cells, geometry.stencil_shape, lanes(dtype.itemsize)
    table, taps = runs_of(geometry)
    nothing, last_to_first = np.empty(0, dtype=dtype), (len(sizes) + 1, *range(len(sizes) + 1))

    def combine(
        terms: Terms, bias: Array | None = None, factor: Array | None = None, add: Array | None = None
    ) -> Array:
        if len(terms) > 2:  # the kernel takes two at once
            rest = combine(terms[2:])
            return finish(NUMPY, combine(terms[:2], bias, None, rest), None, factor, add)
        (S, Y), (T, U) = terms[0], (terms[1] if len(terms) > 1 else (None, nothing))
        c_out, c_in = S.shape[:2]
        out = aligned_empty((c_out * n, m), dtype)
        correlate(
            out.reshape(-1),
            nothing if factor is None else _flat(factor),
            nothing if add is None else _flat(add),
            np.zeros(c_out, dtype) if bias is None else _flat(bias),
            _flat(Y), _weights(S), _flat(U), nothing if T is None else _weights(T),
            taps, table, c_in, n, m, c_out, width,
        )  # fmt: skip
        return out

    def gradient(Z: Array, Y: Array) -> Array:
        # Each lane of a vector register sums for itself; the lanes are added at the end.
        c_out, c_in = len(Z) // n, len(Y) // n
        sums = np.zeros((c_in, *sizes, c_out, width), dtype=dtype)
        correlation_gradient(sums.reshape(-1), _flat(Z), _flat(Y), taps, table, c_in, n, m, c_out, width)
        return sums.sum(axis=-1).transpose(last_to_first)

    def adjoint_and_gradient(T: Array, Z: Array, Y: Array, add: Array | None) -> tuple[Array, Array]:
        return combine([(T, Z)], None, None, add), gradient(Z, Y)

    return Products(combine, gradient, adjoint_and_gradient)


def aligned_empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an uninitialised array whose data start at a register's width, where vector loads are fastest.

    >>> aligned_empty((3, 5), np.float32).ctypes.data % REGISTER_BYTES
    0
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.empty(size + REGISTER_BYTES, dtype=np.uint8)
    start = -room.__array_interface__["data"][0] % REGISTER_BYTES
    return room[start : start + size].view(dtype).reshape(shape)


def _flat(array: Array) -> Array:
    return np.ascontiguousarray(array).reshape(-1)


def _weights(S: Array) -> Array:
    """Return S with its outputs last, (c_in · Π n_K · c_out,): the weights of a tap lie together."""
    return _flat(S.reshape(len(S), -1).T)
