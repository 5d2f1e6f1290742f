"""NumPy or CuPy, chosen by the arrays that come in: NumPy in, NumPy out; CuPy in, CuPy out."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from refms.display import short_repr
from refms.errors import Array, InputError, require_array, require_choice
from refms.names import BACKEND_NAMES


@dataclass(frozen=True)
class Backend:
    """An array module and its sparse module, passed down instead of looked up.

    Parameters
    ----------
    name : str
        ``"numpy"`` or ``"cupy"``.
    xp : module
        ``numpy`` or ``cupy``.
    sparse : module
        ``scipy.sparse`` or ``cupyx.scipy.sparse``.

    Examples
    --------
    >>> NUMPY.name
    'numpy'
    """

    name: str
    xp: Any
    sparse: Any

    __repr__ = short_repr

    def from_host(self, array: Array) -> Array:
        """Return a host array on this backend's device, dtype unchanged; NumPy's is returned itself.

        Random numbers are always drawn on the host and moved here, so that every backend sees the same ones.
        """
        return self.xp.asarray(array)

    def to_host(self, array: Array) -> Array:
        """Return an array of this backend as a NumPy array, dtype unchanged; NumPy's is returned itself."""
        return array if self.name == "numpy" else array.get()

    def csr(self, data: Array, indices: Array, indptr: Array, shape: tuple[int, int]) -> Any:
        """Return the csr_array (data, indices, indptr); nothing is copied or checked again."""
        return self.sparse.csr_array((data, indices, indptr), shape=shape)

    def csr_from_host(self, matrix: Any) -> Any:
        """Return a SciPy sparse array as csr_array of this backend, with sorted indices and no duplicates.

        On NumPy it may share arrays with its argument.
        """
        host = scipy.sparse.csr_array(matrix)
        if not host.has_canonical_format:
            host = host.copy()  # the arrays may be the caller's
            host.sum_duplicates()
        if self.name == "numpy":
            return host
        parts = (self.from_host(host.data), self.from_host(host.indices), self.from_host(host.indptr))
        return self.csr(*parts, shape=host.shape)


NUMPY = Backend("numpy", np, scipy.sparse)
"""The reference backend."""


def backend_named(name: str) -> Backend:
    """Return the backend ``"numpy"`` or ``"cupy"``, importing CuPy only when it is asked for.

    Raises
    ------
    InputError
        If the name is unknown, or CuPy is not installed or finds no GPU.

    Examples
    --------
    >>> backend_named("numpy").xp.__name__
    'numpy'
    """
    require_choice(name, BACKEND_NAMES, "backend")
    if name == "numpy":
        return NUMPY
    try:
        cupy = importlib.import_module("cupy")
        sparse = importlib.import_module("cupyx.scipy.sparse")
    except ImportError as error:
        raise InputError(
            f"the cupy backend cannot be imported ({error}). Install it with pip install 'refms[gpu]' for "
            "CUDA 12 or 'refms[gpu-cuda13]' for CUDA 13, or use the numpy backend."
        ) from error
    if not cupy.cuda.is_available():
        raise InputError("CuPy is installed but finds no usable GPU; use the numpy backend.")
    return Backend("cupy", cupy, sparse)


def backend_of(*arrays: Array) -> Backend:
    """Return the one backend to which all the given dense or sparse arrays belong; nothing is moved silently.

    >>> backend_of(np.zeros(3)).name
    'numpy'
    """
    for array in arrays:
        if type(array) is not np.ndarray:
            break
    else:
        if arrays:
            return NUMPY
    names = [require_array(array, sparse=True) for array in arrays]
    if len(set(names)) != 1:
        raise InputError(
            f"arrays of different backends meet: {', '.join(names) or 'none given'}. "
            "Move all of them to one with Backend.from_host or Backend.to_host."
        )
    return NUMPY if names[0] == "numpy" else backend_named(names[0])


def zeros_like(array: Array) -> Array:
    """Return zeros of the shape, dtype and backend of an array."""
    return backend_of(array).xp.zeros_like(array)


def zeros_as(array: Array) -> Callable[[], Array]:
    """Return what makes zeros of the shape, dtype and backend of an array, without holding it."""
    xp, shape, dtype = backend_of(array).xp, array.shape, array.dtype
    return lambda: xp.zeros(shape, dtype=dtype)


def require_indices(indices: Any, count: int) -> Array:
    """Return places among ``count`` examples as a host array: one or more integers from 0 on, a list too.

    >>> require_indices([2, 0], 3).tolist()
    [2, 0]
    """
    found = np.asarray(indices) if isinstance(indices, list | tuple) else indices
    require_array(found, "indices")
    if found.ndim != 1 or found.size == 0 or found.dtype.kind not in "iu":
        raise InputError(
            f"indices have shape {found.shape} and dtype {found.dtype}; expected one or more integers."
        )
    if found.min() < 0 or found.max() >= count:
        raise InputError(f"indices run from {found.min()} to {found.max()}; expected 0 to {count - 1}.")
    return found
