"""The array of the stand-in for CuPy."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

IMPLICIT = "Implicit conversion to a NumPy array is not allowed. Please use `.get()` explicitly."


class Ledger:
    """Counts how often the host had to wait for a value."""

    def __init__(self) -> None:
        self.synchronisations = 0


LEDGER = Ledger()


class Flags:
    """What CuPy's flags tell; there is no `writeable` to look at or to set."""

    __slots__ = ("c_contiguous", "f_contiguous", "owndata")

    def __init__(self, host: np.ndarray) -> None:
        self.c_contiguous = host.flags.c_contiguous
        self.f_contiguous = host.flags.f_contiguous
        self.owndata = host.flags.owndata


def unwrap(value: Any) -> Any:
    """Return what NumPy computes with; refuse NumPy arrays, which live elsewhere."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}: a NumPy array meets a device array")
    if isinstance(value, list | tuple):
        return type(value)(unwrap(item) for item in value)
    return value


def wrap(value: Any) -> Any:
    """Return NumPy's results as device arrays; scalars become zero-dimensional arrays."""
    if isinstance(value, np.ndarray | np.generic):
        return ndarray(np.asarray(value))
    if isinstance(value, tuple):
        items = [wrap(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return [wrap(item) for item in value] if isinstance(value, list) else value


class ndarray:  # noqa: N801 (CuPy's name)
    """The device array."""

    __module__ = "cupy"
    __slots__ = ("_host",)
    __array_ufunc__ = None  # NumPy's functions and operators step back
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, host: np.ndarray) -> None:
        self._host = host

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(IMPLICIT)

    def __array_function__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a NumPy function met a device array: use the functions of its own backend")

    def get(self) -> np.ndarray:
        """Copy to the host."""
        LEDGER.synchronisations += 1
        return self._host.copy()

    def _read(self) -> Any:
        LEDGER.synchronisations += 1
        return self._host.item()

    def item(self) -> Any:
        """Return the only element."""
        return self._read()

    def tolist(self) -> Any:
        """Return nested lists."""
        return self.get().tolist()

    def __float__(self) -> float:
        return float(self._read())

    def __int__(self) -> int:
        return int(self._read())

    def __index__(self) -> int:
        return operator.index(self._read())

    def __complex__(self) -> complex:
        return complex(self._read())

    def __bool__(self) -> bool:
        if self._host.size != 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous.")
        return bool(self._read())

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Any:
        return (wrap(row) for row in self._host)

    def __getitem__(self, key: Any) -> ndarray:
        return wrap(self._host[unwrap(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._host[unwrap(key)] = unwrap(value)

    def __repr__(self) -> str:
        return f"device {self._host!r}"

    @property
    def T(self) -> ndarray:
        """Transposed view."""
        return ndarray(self._host.T)

    @property
    def real(self) -> ndarray:
        """Real part."""
        return ndarray(self._host.real)

    @real.setter
    def real(self, value: Any) -> None:
        self._host.real = unwrap(value)

    @property
    def imag(self) -> ndarray:
        """Imaginary part."""
        return ndarray(self._host.imag)

    @imag.setter
    def imag(self, value: Any) -> None:
        self._host.imag = unwrap(value)

    @property
    def flags(self) -> Flags:
        """Memory layout."""
        return Flags(self._host)


def _attributes(names: str) -> None:
    for name in names.split():
        setattr(ndarray, name, property(lambda self, name=name: getattr(self._host, name)))


def _methods(table: str) -> None:
    """Give the array methods, each with the keyword arguments that CuPy's has."""
    for line in table.strip().splitlines():
        name, *keywords = line.split()

        def method(self: ndarray, *args: Any, _name: str = name, _keywords: Any = keywords, **kw: Any) -> Any:
            only(kw, _keywords, _name)
            return wrap(getattr(self._host, _name)(*unwrap(args), **unwrapped(kw)))

        setattr(ndarray, name, method)


def _operators(binary: str, unary: str) -> None:
    """Give the operators; those on the right and in place with them."""
    for name in binary.split():
        function = getattr(operator, name)
        slot = name.strip("_")

        def forward(self: ndarray, other: Any, f: Callable[..., Any] = function) -> Any:
            return NotImplemented if _foreign(other) else wrap(f(self._host, unwrap(other)))

        def backward(self: ndarray, other: Any, f: Callable[..., Any] = function) -> Any:
            return wrap(f(unwrap(other), self._host))

        setattr(ndarray, f"__{slot}__", forward)
        if slot in {"lt", "le", "gt", "ge", "eq", "ne"}:
            continue
        setattr(ndarray, f"__r{slot}__", backward)
        if slot == "matmul":  # CuPy has no in-place matrix product
            continue

        setattr(ndarray, f"__i{slot}__", _in_place(getattr(operator, f"i{slot}")))
    for name in unary.split():
        function = getattr(operator, name)
        setattr(ndarray, f"__{name.strip('_')}__", lambda self, f=function: wrap(f(self._host)))


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    def act(self: ndarray, other: Any) -> ndarray:
        function(self._host, unwrap(other))
        return self

    return act


def _foreign(other: Any) -> bool:
    """Whether another type (a sparse matrix) should handle the operation."""
    return type(other).__module__.startswith("cupyx")


def only(given: dict[str, Any], allowed: list[str], name: str) -> None:
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        raise TypeError(f"{name}() got keyword arguments that CuPy does not have: {', '.join(unknown)}")


def unwrapped(keywords: dict[str, Any]) -> dict[str, Any]:
    return {key: unwrap(value) for key, value in keywords.items()}


_attributes("shape dtype ndim size itemsize nbytes strides")
_methods("""
    all axis out keepdims
    any axis out keepdims
    argmax axis out dtype keepdims
    astype dtype order casting copy
    clip min max out
    conj
    copy order
    diagonal offset axis1 axis2
    dot out
    max axis out keepdims
    mean axis dtype out keepdims
    min axis out keepdims
    prod axis dtype out keepdims
    ravel order
    repeat axis
    reshape order copy
    round decimals out
    sum axis dtype out keepdims
    swapaxes
    take axis out
    transpose
    view dtype
""")
_operators(
    "add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift rshift lt le gt ge eq ne",
    "neg pos abs invert",
)
