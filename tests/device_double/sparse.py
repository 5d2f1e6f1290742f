"""The sparse half of the stand-in for CuPy: SciPy underneath, `cupyx.scipy.sparse` to look at."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import scipy.sparse

from device_double.array import LEDGER, ndarray, unwrap, wrap
from device_double.functions import make_cupy

_KINDS = "?fdFD"


class _SparseDouble:
    """What the formats share; the host matrix is private."""

    __module__ = "cupyx.scipy.sparse._base"
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]
    format = ""

    def __init__(self, arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False) -> None:
        host = arg1._host if isinstance(arg1, _SparseDouble) else arg1
        if not scipy.sparse.issparse(host) and not (isinstance(host, tuple) and isinstance(host[0], int)):
            host = unwrap(host)
        made = getattr(scipy.sparse, f"{self.format}_array")(host, shape=shape, dtype=dtype, copy=copy)
        if made.dtype.char not in _KINDS:
            raise ValueError("Only bool, float32, float64, complex64 and complex128 are supported")
        self._host = made

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    nnz = property(lambda self: self._host.nnz)
    data = property(lambda self: ndarray(self._host.data))
    T = property(lambda self: sparse_wrap(self._host.T))
    real = property(lambda self: sparse_wrap(self._host.real))
    imag = property(lambda self: sparse_wrap(self._host.imag))

    def get(self) -> Any:
        """Copy to the host."""
        LEDGER.synchronisations += 1
        return self._host.copy()

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a sparse device matrix does not convert to a NumPy array")

    def __len__(self) -> int:
        raise TypeError("sparse matrix length is ambiguous; use getnnz()")

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, _SparseDouble):
            return sparse_wrap(self._host @ other._host)
        if not isinstance(other, ndarray):
            return NotImplemented
        # cuSPARSE writes its products column by column.
        return ndarray(np.asfortranarray(self._host @ other._host))

    def __rmatmul__(self, other: Any) -> Any:
        return ndarray(other._host @ self._host) if isinstance(other, ndarray) else NotImplemented

    def __add__(self, other: Any) -> Any:
        return sparse_wrap(self._host + _sparse_only(other))

    def __sub__(self, other: Any) -> Any:
        return sparse_wrap(self._host - _sparse_only(other))

    def multiply(self, other: Any) -> Any:
        """Multiply elementwise by a matrix, a dense array or a number."""
        host = other._host if isinstance(other, _SparseDouble) else unwrap(other)
        return sparse_wrap(self._host.multiply(host) if not np.isscalar(host) else self._host * host)

    __mul__ = __rmul__ = multiply

    def __truediv__(self, other: Any) -> Any:
        raise TypeError(
            "dividing a sparse matrix promotes float32 to float64 on CuPy: multiply by the reciprocal"
        )

    def __neg__(self) -> Any:
        return sparse_wrap(-self._host)

    def __abs__(self) -> Any:
        return sparse_wrap(abs(self._host))

    def sum(self, axis: Any = None, dtype: Any = None) -> Any:
        """Sum over an axis or all entries."""
        return wrap(np.asarray(self._host.sum(axis=axis, dtype=dtype)))

    def toarray(self) -> ndarray:
        """Return a dense device array."""
        return ndarray(self._host.toarray())

    def diagonal(self, k: int = 0) -> ndarray:
        """Return a diagonal."""
        return ndarray(self._host.diagonal(k))

    def astype(self, t: Any) -> Any:
        """Return a copy in another dtype."""
        return sparse_wrap(self._host.astype(t))

    def __getitem__(self, key: Any) -> Any:
        found = self._host[unwrap(key)]
        return sparse_wrap(found) if scipy.sparse.issparse(found) else wrap(found)


def _sparse_only(other: Any) -> Any:
    if not isinstance(other, _SparseDouble):
        raise NotImplementedError("adding a sparse and a nonzero scalar or a host array is not supported")
    return other._host


def _conversions() -> None:
    for name in ("copy", "conj", "conjugate", "transpose", "tocsr", "tocsc", "tocoo"):
        setattr(_SparseDouble, name, lambda self, name=name: sparse_wrap(getattr(self._host, name)()))


_conversions()


class _Compressed(_SparseDouble):
    indices = property(lambda self: ndarray(self._host.indices))
    indptr = property(lambda self: ndarray(self._host.indptr))

    def sum_duplicates(self) -> None:
        """Add entries in one place."""
        self._host.sum_duplicates()

    def sort_indices(self) -> None:
        """Sort the columns of every row."""
        self._host.sort_indices()

    def eliminate_zeros(self) -> None:
        """Drop stored zeros."""
        self._host.eliminate_zeros()


class csr_array(_Compressed):  # noqa: N801 (CuPy's name)
    """Compressed rows."""

    __module__ = "cupyx.scipy.sparse._csr"
    format = "csr"


class csc_array(_Compressed):  # noqa: N801 (CuPy's name)
    """Compressed columns."""

    __module__ = "cupyx.scipy.sparse._csc"
    format = "csc"


class coo_array(_SparseDouble):  # noqa: N801 (CuPy's name)
    """Triplets."""

    __module__ = "cupyx.scipy.sparse._coo"
    format = "coo"
    row = property(lambda self: ndarray(self._host.row))
    col = property(lambda self: ndarray(self._host.col))

    def sum_duplicates(self) -> None:
        """Add entries in one place."""
        self._host.sum_duplicates()


_FORMATS = {"csr": csr_array, "csc": csc_array, "coo": coo_array}


def sparse_wrap(host: Any) -> Any:
    """Return a host matrix as a device matrix of its format; other formats become csr."""
    return _FORMATS.get(host.format, csr_array)(host)


def _built(name: str) -> Any:
    original = getattr(scipy.sparse, name)

    def build(*args: Any, **kw: Any) -> Any:
        if "format" not in kw:
            raise TypeError(f'{name} without format="csr" returns another format on each backend')
        return sparse_wrap(original(*_hosts(args), **kw))

    return build


def _hosts(value: Any) -> Any:
    if isinstance(value, _SparseDouble):
        return value._host
    if scipy.sparse.issparse(value):
        raise TypeError(f"Unsupported type {type(value)}: a SciPy matrix meets a device matrix")
    return type(value)(map(_hosts, value)) if isinstance(value, list | tuple) else unwrap(value)


BUILDERS = ("kron", "eye_array", "block_array", "vstack")
"""Functions that build matrices."""


def make_sparse() -> types.ModuleType:
    """Return a module that passes for `cupyx.scipy.sparse`."""
    module = types.ModuleType("cupyx.scipy.sparse")
    for name in BUILDERS:
        setattr(module, name, _built(name))
    module.__dict__.update(
        csr_array=csr_array,
        csc_array=csc_array,
        coo_array=coo_array,
        issparse=lambda x: isinstance(x, _SparseDouble),
    )
    return module


def make_modules() -> dict[str, types.ModuleType]:
    """Return what `sys.modules` has to hold for the double to stand in the place of CuPy."""
    cupyx, scipy_double = types.ModuleType("cupyx"), types.ModuleType("cupyx.scipy")
    sparse = make_sparse()
    cupyx.scipy, scipy_double.sparse = scipy_double, sparse  # type: ignore[attr-defined]
    return {"cupy": make_cupy(), "cupyx": cupyx, "cupyx.scipy": scipy_double, "cupyx.scipy.sparse": sparse}
