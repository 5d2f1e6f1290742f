"""The functions of the stand-in for CuPy: a whitelist with the keyword arguments that CuPy 14.2 has."""

from __future__ import annotations

import operator
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from device_double.array import LEDGER, ndarray, only, unwrap, unwrapped, wrap

UFUNCS = """
    abs absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh cbrt ceil conj conjugate
    copysign cos cosh divide equal exp exp2 expm1 floor floor_divide fmax fmin greater greater_equal
    hypot isfinite isinf isnan less less_equal log log10 log1p log2 logaddexp logaddexp2 logical_and
    logical_not logical_or logical_xor maximum minimum mod multiply negative nextafter not_equal
    positive power reciprocal remainder rint sign signbit sin sinh sqrt square subtract tan tanh
    true_divide trunc
"""
"""Elementwise functions; CuPy's take `out`, `dtype` and `casting`, but no `where`."""

FUNCTIONS = """
    all a axis out keepdims
    any a axis out keepdims
    ascontiguousarray a dtype
    concatenate tup axis out dtype casting
    copyto dst src casting where
    diff a n axis prepend append
    einsum dtype optimize
    empty_like dtype order shape
    flip a axis
    full_like a fill_value dtype order shape
    isclose a b rtol atol equal_nan
    matmul axes axis keepdims casting dtype order out
    max a axis out keepdims
    min a axis out keepdims
    moveaxis a source destination
    ones_like a dtype order shape
    pad array pad_width mode constant_values
    repeat a repeats axis
    roll a shift axis
    stack tup axis out dtype casting
    sum a axis dtype out keepdims
    take a indices axis out
    tensordot a b axes
    tile A reps
    vdot a b
    vstack tup dtype casting
    where
    zeros_like a dtype order shape
    linalg.cholesky a
    linalg.eigh a UPLO
    linalg.inv a
    linalg.norm x ord axis keepdims
    linalg.svd a full_matrices compute_uv
    fft.fftn a s axes norm
    fft.ifftn a s axes norm
    fft.rfftn a s axes norm
    fft.irfftn a s axes norm
    lib.stride_tricks.as_strided x shape strides
"""
"""Functions of arrays that refms needs, each with its keyword arguments in CuPy 14.2; positional ones are not
listed where the names differ between NumPy and CuPy. Whoever needs another adds it, as CuPy has it."""

CREATORS = """
    arange dtype
    eye N M k dtype order
    full shape fill_value dtype order
    ones shape dtype order
    zeros shape dtype order
"""
"""Functions that make arrays."""

CONSTANTS = """
    pi e inf nan newaxis float32 float64 complex64 complex128 bool_ int8 int16 int32 int64 uint8 uint16
    intp floating integer complexfloating number generic dtype finfo iinfo can_cast promote_types
    issubdtype
"""
"""What CuPy takes from NumPy as it is."""


def _look_up(root: Any, path: str) -> Any:
    return operator.attrgetter(path)(root)


def _function(path: str, keywords: list[str]) -> Callable[..., Any]:
    original = _look_up(np, path)

    def call(*args: Any, **kw: Any) -> Any:
        only(kw, keywords, path)
        return wrap(original(*unwrap(args), **unwrapped(kw)))

    call.__name__ = path
    return call


def _place(module: types.ModuleType, path: str, value: Any) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        if not hasattr(module, parent):
            setattr(module, parent, types.ModuleType(f"{module.__name__}.{parent}"))
        module = getattr(module, parent)
    setattr(module, name, value)


def asarray(a: Any, dtype: Any = None, order: Any = None, *, copy: bool | None = None) -> ndarray:
    """Move host data to the device, or return a device array itself."""
    if isinstance(a, ndarray):
        if copy or (dtype is not None and np.dtype(dtype) != a.dtype):
            return ndarray(np.array(a._host, dtype=dtype, order=order))
        return a
    return ndarray(np.array(a, dtype=dtype, order=order or "K"))


def array(obj: Any, dtype: Any = None, copy: bool = True, order: Any = "K", ndmin: int = 0) -> ndarray:
    """Move host data to the device, or copy a device array."""
    return ndarray(
        np.array(unwrap(obj) if isinstance(obj, ndarray) else obj, dtype=dtype, order=order, ndmin=ndmin)
    )


def empty(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    """Return an array of NaN (or the largest integer), so that a value never written shows."""
    return ndarray(_poisoned(np.empty(shape, dtype, order)))


def empty_like(
    prototype: Any, dtype: Any = None, order: Any = "K", subok: Any = None, shape: Any = None
) -> ndarray:
    """Return an array of NaN, so that a value never written shows."""
    return ndarray(_poisoned(np.empty_like(unwrap(prototype), dtype, order, shape=shape)))


def _poisoned(host: np.ndarray) -> np.ndarray:
    host.fill(
        np.nan if host.dtype.kind in "fc" else np.iinfo(host.dtype).max if host.dtype.kind in "iu" else 1
    )
    return host


def result_type(*operands: Any) -> np.dtype:
    """Return the dtype that operands combine to."""
    return np.result_type(*unwrap(operands))


class ElementwiseKernel:
    """Kernels of one type parameter T, whose statements read the same in C and in Python."""

    def __init__(self, in_params: str, out_params: str, operation: str, name: str = "kernel") -> None:
        self.inputs, self.outputs = (
            [one.split()[1] for one in p.split(",")] for p in (in_params, out_params)
        )
        if {one.split()[0] for one in (in_params + "," + out_params).split(",")} != {"T"}:
            raise TypeError("the stand-in knows the type parameter T alone")
        self.statements = [one.strip() for one in operation.split(";")]
        self.name = name

    def __call__(self, *args: Any) -> Any:
        """Run on inputs, then outputs; numbers take the type of the arrays, which must have one."""
        if len(args) != len(self.inputs) + len(self.outputs):
            raise TypeError(f"{self.name} takes {len(self.inputs)} inputs and {len(self.outputs)} outputs")
        hosts = [unwrap(arg) for arg in args]
        types = {host.dtype for host in hosts if isinstance(host, np.ndarray)}
        if len(types) != 1:
            raise TypeError(f"type is mismatched. T: {types}")
        kind = types.pop().type
        values = dict(zip(self.inputs, hosts, strict=False))
        values = {name: v.copy() if isinstance(v, np.ndarray) else kind(v) for name, v in values.items()}
        known = {"T": kind, "tanh": np.tanh, "__builtins__": {}}
        for statement in self.statements:
            exec(statement, known, values)  # the statements stand in refms
        for name, target in zip(self.outputs, hosts[len(self.inputs) :], strict=True):
            target[...] = values[name]
        return args[len(self.inputs)]


class Device:
    """The one device."""

    def synchronize(self) -> None:
        """Wait for it."""
        LEDGER.synchronisations += 1


def make_cupy() -> types.ModuleType:
    """Return a module that passes for CuPy where only a whitelist of it is needed."""
    module = types.ModuleType("cupy")
    for name in UFUNCS.split():
        _place(module, name, _function(name, ["out", "dtype", "casting"]))
    for table in (FUNCTIONS, CREATORS):
        for line in table.strip().splitlines():
            path, *keywords = line.split()
            _place(module, path, _function(path, keywords))
    for name in CONSTANTS.split():
        setattr(module, name, getattr(np, name))
    for function in (asarray, array, empty, empty_like, result_type, ElementwiseKernel):
        setattr(module, function.__name__, function)
    module.__dict__.update(
        ndarray=ndarray,
        asnumpy=lambda a: a.get() if isinstance(a, ndarray) else np.asarray(a),
        ndim=lambda a: unwrap(a).ndim,
        shape=lambda a: unwrap(a).shape,
        iscomplexobj=lambda a: unwrap(a).dtype.kind == "c",
        cuda=types.SimpleNamespace(is_available=lambda: True, Device=Device),
        __version__="14.2.0",
    )
    module.linalg.LinAlgError = np.linalg.LinAlgError
    return module
