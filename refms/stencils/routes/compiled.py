"""The compiled route: shifted lines added up in registers, without patches (extra ``fast``: numba).

Along a line of cells (the last grid axis) the neighbours of consecutive cells are consecutive too, so K(S) Y
is a sum of shifted lines; see ``runs.py``. Nothing is gathered or copied, and what surrounds the sum (bias,
σ′, the state to which it is added) is done while it lies in registers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.errors import Array
from refms.stencils.routes.kernels import correlate, correlation_gradient
from refms.stencils.routes.microkernel import REGISTER_BYTES, lanes
from refms.stencils.routes.route import Geometry, Term, finished
from refms.stencils.routes.runs import Runs


@dataclass(frozen=True)
class CompiledRoute:
    """K(S) Y by a compiled kernel; float32 and float64, NumPy only.

    Parameters
    ----------
    geometry : Geometry
        Where the stencils act.
    runs : Runs
        Its cells in runs, as :func:`~refms.stencils.routes.runs.runs_of` finds them.
    """

    geometry: Geometry
    runs: Runs

    def combine(
        self, terms: Sequence[Term], bias: Array | None, factor: Array | None, add: Array | None
    ) -> Array:
        """See :class:`~refms.stencils.routes.route.Route`."""
        if len(terms) > 2:  # the kernel takes two at once
            rest = self.combine(terms[2:], None, None, None)
            return finished(self.combine(terms[:2], bias, None, rest), None, factor, add)
        S, Y = terms[0]
        c_out, n, m, dtype = len(S), self.geometry.grid.cells, Y.shape[1], Y.dtype
        nothing = np.empty(0, dtype=dtype)
        weights = [part for term in terms for part in (_flat(term[1]), _weights(term[0]))]
        weights += [nothing, nothing] * (2 - len(terms))
        out = aligned_empty((c_out * n, m), dtype)
        correlate(
            out.reshape(-1),
            nothing if factor is None else _flat(factor),
            nothing if add is None else _flat(add),
            np.zeros(c_out, dtype) if bias is None else _flat(bias),
            *weights,
            self.runs.taps, self.runs.table, S.shape[1], n, m, c_out, lanes(dtype.itemsize),
        )  # fmt: skip
        return out

    def gradient(self, Z: Array, Y: Array) -> Array:
        """See :class:`~refms.stencils.routes.route.Route`.

        Notes
        -----
        Each lane of a vector register sums for itself; the lanes are added at the end.
        """
        n, m, width = self.geometry.grid.cells, Y.shape[1], lanes(Y.itemsize)
        c_out, c_in, sizes = len(Z) // n, len(Y) // n, self.geometry.stencil_shape
        sums = np.zeros((c_in, *sizes, c_out, width), dtype=Y.dtype)
        correlation_gradient(
            sums.reshape(-1), _flat(Z), _flat(Y),
            self.runs.taps, self.runs.table, c_in, n, m, c_out, width,
        )  # fmt: skip
        return np.moveaxis(sums.sum(axis=-1), -1, 0)

    def adjoint_and_gradient(self, S: Array, Z: Array, Y: Array, add: Array | None) -> tuple[Array, Array]:
        """See :class:`~refms.stencils.routes.route.Route`."""
        return self.combine([(S, Z)], None, None, add), self.gradient(Z, Y)


def aligned_empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an uninitialised array whose data start at a register's width, which vector loads need.

    Parameters
    ----------
    shape : tuple of int
        Shape.
    dtype : dtype
        dtype.

    Returns
    -------
    numpy.ndarray
        C-contiguous.

    Examples
    --------
    >>> aligned_empty((3, 5), np.float32).ctypes.data % REGISTER_BYTES
    0
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.empty(size + REGISTER_BYTES, dtype=np.uint8)
    start = -room.ctypes.data % REGISTER_BYTES
    return room[start : start + size].view(dtype).reshape(shape)


def _flat(array: Array) -> Array:
    return np.ascontiguousarray(array).reshape(-1)


def _weights(S: Array) -> Array:
    """Return S with its outputs last, (c_in · Π n_K · c_out,): the weights of a tap lie together."""
    return _flat(S.reshape(len(S), -1).T)
