"""How one call goes wrong: what the adapter gets and gives, against the oracle that a script carries."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.conformance.adapters import layouts
from refms.conformance.adapters.profile import Profile
from refms.conformance.measures.outcome import EPS
from refms.conformance.operations import OPERATIONS
from refms.conformance.reproduction.calls import EQUAL
from refms.conformance.reproduction.templates import TEMPLATES
from refms.errors import Array

Named = Mapping[str, Array]
"""Results by name: of the operation itself, or of the parameters."""


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a call.

    Parameters
    ----------
    kind : str
        ``"values"``, ``"shape"``, ``"dtype"``, ``"modified"`` (an argument), ``"raises …"`` with the name of
        the exception, or ``"accepted"`` (it should have raised).
    size : float
        Of an error in values: in eps of the largest number involved; else infinite.
    sentence : str
        With the first differing index where there is one.
    """

    kind: str
    size: float
    sentence: str


def handed_over(profile: Profile, operation: str, given: Sequence[Any]) -> tuple[Any, ...]:
    """Return what the method of an adapter gets when a property calls the gate.

    Parameters
    ----------
    profile : Profile
        Gives the layout.
    operation : str
        Its name.
    given : sequence
        What the gate gets, fields as images.

    Returns
    -------
    tuple
        Fields in the layout of the profile.
    """
    row = OPERATIONS[operation]
    return layouts.handed_over(row, profile.layout, row.bind(*given))


def source(profile: Profile, operation: str, arguments: Sequence[Any]) -> str:
    """Return the source of the oracle of one call."""
    return TEMPLATES[operation](profile, arguments)


def expected(text: str, arguments: Sequence[Any], operation: str) -> Named | None:
    """Return what an oracle says of a call.

    Parameters
    ----------
    text : str
        Source of the oracle.
    arguments : sequence
        What the adapter gets.
    operation : str
        Names the result.

    Returns
    -------
    mapping of str to array or None
        In double precision; None where there is none that is finite, or where an activation has its kink at
        a value that occurs, for then it is a matter of taste.
    """
    doubled = [_doubled(one) for one in arguments]
    results = []
    for variant in dict.fromkeys((text, text.replace(" > 0", " >= 0"))):
        try:
            with np.errstate(all="ignore"):
                results.append(named(operation, _compiled(variant)(*doubled)))
        except Exception:  # for these arguments there is no right result
            return None
    first, last = results[0], results[-1]
    good = all(np.isfinite(first[key]).all() and np.array_equal(first[key], last[key]) for key in first)
    return first if good else None


def tolerance(arguments: Sequence[Any], results: Named, dtype: str) -> float:
    """Return two digits of the error that is none: ρ = 30 on the scale of the largest number involved."""
    sizes = [_largest(array) for one in arguments for array in _arrays(one)]
    scale = max([*sizes, *(_largest(array) for array in results.values())], default=0.0)
    return float(f"{EQUAL * EPS[dtype] * scale:.1e}")


def judged(adapter: Any, profile: Profile, operation: str, arguments: Sequence[Any]) -> Wrong | None:
    """Return what is wrong with a call of the adapter.

    Parameters
    ----------
    adapter : Adapter
        The implementation.
    profile : Profile
        What it declares.
    operation : str
        What to call; it has a template.
    arguments : sequence
        With what.

    Returns
    -------
    Wrong or None
        None where nothing is wrong, or where the oracle cannot tell.
    """
    right = expected(source(profile, operation, arguments), arguments, operation)
    if right is None:
        return None
    copies, most = copy.deepcopy(list(arguments)), tolerance(arguments, right, profile.dtype)
    try:
        with np.errstate(all="ignore"):
            got = named(operation, getattr(adapter, operation)(*copies))
            difference = differing(operation, got, right, profile.dtype, most)
    except NotImplementedError:
        return None
    except (Exception, SystemExit) as error:
        raised = f"raises {type(error).__name__}"
        return Wrong(raised, np.inf, f"{operation} {raised}: {error}")
    for before, after in zip(arguments, copies, strict=True):
        for one, other in zip(_arrays(before), _arrays(after), strict=True):
            if not np.array_equal(one, other, equal_nan=True):
                at = _first(~((one == other) | ((one != one) & (other != other))))
                return Wrong(
                    "modified",
                    np.inf,
                    f"{operation} modifies an argument, first differing index {at}: got {other[at]:.9g}, "
                    f"expected {one[at]:.9g}",
                )
    return difference


def accepted(adapter: Any, operation: str, arguments: Sequence[Any]) -> Wrong | None:
    """Return what is wrong where a call that must be refused is not."""
    try:
        with np.errstate(all="ignore"):
            getattr(adapter, operation)(*copy.deepcopy(list(arguments)))
    except (Exception, SystemExit):
        return None
    return Wrong("accepted", np.inf, f"{operation} returns a result where it should raise")


def differing(operation: str, got: Named, right: Named, dtype: str, most: float) -> Wrong | None:
    """Return how results differ.

    Parameters
    ----------
    operation : str
        Whose results they are.
    got, right : mapping of str to array
        By name.
    dtype : str
        Which they should have.
    most : float
        Largest error that is none.

    Returns
    -------
    Wrong or None
        The first difference.
    """
    if set(got) != set(right):
        return Wrong("shape", np.inf, f"{operation} returns {sorted(got)}, expected {sorted(right)}")
    unit = most / EQUAL
    for key, exact in right.items():
        found, wanted = fitted(operation, got[key], exact)
        text = operation if key == operation else f"{operation}[{key!r}]"
        if found.shape != wanted.shape:
            return Wrong("shape", np.inf, f"{text} has shape {found.shape}, expected {wanted.shape}")
        if str(found.dtype) != dtype and (found.ndim or found.dtype.kind not in "fiu"):
            return Wrong("dtype", np.inf, f"{text} has dtype {found.dtype}, expected {dtype}")
        with np.errstate(all="ignore"):
            error = np.abs(np.asarray(found, dtype="float64") - wanted)
        if not (error <= most).all():
            at = _first(~(error <= most))
            size = float(np.nan_to_num(error, nan=np.inf).max()) / unit if unit > 0 else np.inf
            sentence = f"got {found[at]:.9g}, expected {wanted[at]:.9g}"
            return Wrong("values", size, f"{text}, first differing index {at}: {sentence}")
    return None


def fitted(operation: str, got: Array, right: Array) -> tuple[Array, Array]:
    """Return results in one shape where that does not matter: bare numbers, zeros around a coarse stencil."""
    if right.ndim == 0 and got.size == 1:
        return got.reshape(()), right
    if operation != "stencil_down" or got.ndim != right.ndim:
        return got, right
    wide = np.maximum(got.shape, right.shape)
    padded = [
        np.pad(s, [((n - m) // 2,) * 2 for m, n in zip(s.shape, wide, strict=True)]) for s in (got, right)
    ]
    return padded[0], padded[1]


def named(operation: str, result: Any) -> Named:
    """Return results by name, as host arrays."""
    if isinstance(result, Mapping):
        return {key: np.asarray(array) for key, array in result.items()}
    dense = result.toarray() if operation == "convolution_matrix" and hasattr(result, "toarray") else result
    return {operation: np.asarray(dense)}


def _compiled(text: str) -> Callable[..., Any]:
    """Return the function of a source."""
    namespace: dict[str, Any] = {"np": np}
    exec(text, namespace)  # our own template
    oracle: Callable[..., Any] = namespace["oracle"]
    return oracle


def _doubled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: array.astype("float64") for key, array in value.items()}
    return value.astype("float64") if isinstance(value, np.ndarray) else value


def _arrays(value: Any) -> list[Array]:
    if isinstance(value, Mapping):
        return [value[key] for key in sorted(value)]
    return [value] if isinstance(value, np.ndarray) else []


def _largest(array: Array) -> float:
    return float(np.abs(array[np.isfinite(array)]).max(initial=0.0))


def _first(marked: Array) -> tuple[int, ...]:
    """Return the first index at which a mask is true."""
    return tuple(int(i) for i in np.argwhere(marked)[0])
