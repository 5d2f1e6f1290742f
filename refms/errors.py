"""Errors that say what was wrong, what was expected and what to do, and the doors that raise them."""

from __future__ import annotations

import difflib
import functools
import importlib
import math
import warnings
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

Array = Any
"""A NumPy or CuPy array; which of the two is decided by the arrays a caller passes in."""


class InputError(ValueError):
    """An argument is not what the called function needs; the message says what it needs."""


class FileError(InputError):
    """A file cannot be used: missing, truncated, foreign, newer, or hostile.

    The message can be shown as it is: what a file says of itself is escaped and cut (:func:`presentable`).
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(presentable(message))


class InputWarning(UserWarning):
    """An argument is taken, but may not be what was meant; the message says how it is taken."""


def note(message: str) -> None:
    """Warn with an :class:`InputWarning`; the command line shows it as a sentence."""
    warnings.warn(presentable(message), InputWarning, stacklevel=2)


def presentable(text: str, longest: int = 1000) -> str:
    r"""Return a text of strangers as one that may be shown: one short line without control characters.

    What is too long is left out before the end, where messages say what to do.

    >>> print(presentable("holds 'a\x1b[31m'"))
    holds 'a\x1b[31m'
    >>> presentable("a" * 2000 + " Take another copy.", 50)
    'aaaaaaaaaaaaaaaaaaaaaaaa … aaaa Take another copy.'
    """
    short = _cut(text, longest)  # so that no megabytes are looked through
    return _cut(escaped(short), longest)


def escaped(text: str, kept: str = "") -> str:
    """Return a text with escapes for what a terminal would obey, but for the characters ``kept``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in kept else ascii(c)[1:-1] for c in text)


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    kept = (longest - 3) // 2
    return f"{text[: longest - 3 - kept]} … {text[-kept:]}"


class SingularTransferError(InputError):
    """A stencil cannot be prolonged uniquely, because the stencil map of its transfer pair is singular.

    Attributes
    ----------
    rank : int
        Rank of the 1-D stencil map.
    size : int
        Number of its unknowns n_K.
    condition : float
        2-norm condition number of the map (infinite when it is singular).
    """

    def __init__(self, message: str, *, rank: int, size: int, condition: float) -> None:
        super().__init__(message)
        self.rank = rank
        self.size = size
        self.condition = condition

    def __reduce__(self) -> tuple[Any, ...]:
        """Let copies and other processes keep the attributes."""
        make = functools.partial(type(self), rank=self.rank, size=self.size, condition=self.condition)
        return make, self.args


def require_array(array: Array, name: str = "array", *, sparse: bool = False) -> str:
    """Return ``"numpy"`` or ``"cupy"``; refuse what is no plain array, and a sparse one unless it is allowed.

    This decides what an array may be, for every door. Subclasses of numpy.ndarray are refused, for they
    compute otherwise (products of numpy.matrix) or drop what they carry (the mask of a masked array).
    """
    kind: Any = type(array)  # hashable, which its own type does not say
    found, advice = _kind(kind)
    if found in ("numpy", "cupy") or (sparse and found.startswith("sparse")):
        if array.dtype.kind == "O":
            raise InputError(f"{name} has dtype object; expected an array of numbers, such as float64.")
        return "cupy" if "cupy" in found else "numpy"
    raise InputError(f"{name} is a {found} array; expected a NumPy or CuPy array. {advice}")


@functools.cache
def _kind(kind: Any) -> tuple[str, str]:
    """Return what a type of arrays is, and what to do with one where that is refused; imports nothing."""
    bases = [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__]
    root = bases[0].partition(".")[0]
    if bases[0] in ("numpy.ndarray", "numpy.memmap", "cupy.ndarray") or "numpy.generic" in bases:
        return root, ""
    if root in ("scipy", "cupyx") and ".sparse." in bases[0]:
        return f"sparse {root}", "Make it dense, for example with .toarray()."
    if any(base.startswith("numpy.ma.") for base in bases):
        return "masked", "Fill in or leave out what is masked first, for example with .filled(value)."
    advice = "Convert it on purpose, for example with numpy.asarray."
    if "torch.Tensor" in bases:
        advice = "Convert it on purpose, with .detach().cpu().numpy()."
    return f"{bases[0].removeprefix('builtins.')}, not a plain", advice


_PRECISION = {"f4": "single", "c8": "single", "f8": "double", "c16": "double"}


def precision(array: Array, name: str = "array") -> str:
    """Return ``"single"`` or ``"double"``: integers and half precision are refused, never converted silently.

    >>> import numpy as np
    >>> precision(np.zeros(2, dtype=np.float32))
    'single'
    """
    require_array(array, name, sparse=True)
    dtype: Any = array.dtype
    found = _PRECISION.get(getattr(dtype, "str", "")[1:])  # str(dtype) would take twenty times as long
    if found is None or not dtype.isnative:
        raise InputError(
            f"{name} has dtype {dtype}; expected float32, float64, complex64 or complex128. "
            f"Convert it on purpose, for example with {name}.astype('float64')."
        )
    return found


def require_same_precision(**arrays: Array) -> None:
    """Refuse arrays of mixed precision, so that nothing is promoted or demoted silently.

    Real and complex arrays of the same precision may meet (the complex-step test needs that).

    >>> import numpy as np
    >>> require_same_precision(S=np.zeros(1), Y=np.zeros(1, dtype=complex))
    """
    found = {name: precision(array, name) for name, array in arrays.items()}
    if len(set(found.values())) > 1:
        listing = ", ".join(f"{name} is {arrays[name].dtype}" for name in found)
        raise InputError(f"mixed precision: {listing}. Convert all of them to one precision first.")


def require_shape(
    array: Array, shape: Sequence[int | None], name: str, meaning: str = "", *, sparse: bool = False
) -> None:
    """Refuse an array of another shape, and one that is sparse if not said otherwise; None allows 1 or more.

    ``meaning`` says in the message what the extents mean, such as ``"(channels * cells, examples)"``.

    >>> import numpy as np
    >>> require_shape(np.zeros((3, 2)), (3, None), "Y")
    """
    require_array(array, name, sparse=sparse)
    found = tuple(array.shape)
    if len(found) == len(shape) and all(
        (n >= 1 if m is None else n == m) for n, m in zip(found, shape, strict=True)
    ):
        return
    extents = ["any >= 1" if m is None else str(m) for m in shape]
    wanted = f"({', '.join(extents)}{',' if len(extents) == 1 else ''})"
    raise InputError(f"{name} has shape {found}; expected {wanted}" + (f" = {meaning}." if meaning else "."))


def require_choice(value: str, choices: Iterable[str], name: str) -> str:
    """Return ``value`` if it is one of ``choices``; otherwise refuse it and offer the nearest match.

    >>> require_choice("periodic", ["periodic", "zero"], "boundary")
    'periodic'
    """
    allowed = list(choices)
    if value in allowed:
        return value
    near = difflib.get_close_matches(str(value), allowed, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    wanted = f"one of {', '.join(map(repr, allowed))}" if allowed else "none"
    raise InputError(f"unknown {name} {value!r}; expected {wanted}.{hint}")


def required(module: str, otherwise: str) -> Any:
    """Return an imported module that need not be installed; refuse to go on without it.

    ``otherwise`` is the sentence that says what to do; in it ``{error}`` is why there is none.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(otherwise.replace("{error}", str(error))) from error


def is_real(value: object) -> bool:
    """Whether a value is a real number, Python's or NumPy's, and no bool."""
    return isinstance(value, Real) and not isinstance(value, bool)


def require_nonnegative(value: float, name: str) -> None:
    """Refuse a weight or a width that is negative, infinite or NaN."""
    if not 0 <= value < math.inf:
        raise InputError(f"{name} is {value}; expected a finite number >= 0.")


def require_positive(value: float, name: str) -> None:
    """Refuse a width or a bound that is not above 0, infinite or NaN."""
    if not 0 < value < math.inf:
        raise InputError(f"{name} is {value}; expected a positive number.")


def require_whole(value: Any, name: str, least: int = 0, most: int = 2**63 - 1) -> int:
    """Return a count, level or seed as a Python int: any whole number, NumPy's and 3.0 too, but no bool.

    >>> require_whole(3.0, "layers", 1)
    3
    """
    number = is_real(value)
    if number and least <= value <= most and value == int(value):
        return int(value)
    shown = repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "too large"
    wanted = f"{least} to {most}" if most < 2**63 - 1 or (number and value > most) else f"{least} or more"
    raise InputError(f"{name} is {shown}; expected {wanted}, a whole number.")


def require_whole_fields(data: object, **least: int) -> None:
    """Make the named fields of a frozen dataclass Python ints; each is ``least`` or more, or refused.

    To be called in ``__post_init__``, such as ``require_whole_fields(self, layers=1, seed=0)``.
    """
    for name, lowest in least.items():
        object.__setattr__(data, name, require_whole(getattr(data, name), name, lowest))
