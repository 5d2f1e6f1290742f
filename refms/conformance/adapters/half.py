"""An implementation in double precision as one in half precision: every result is rounded once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refms.conformance.adapters.around import Around
from refms.conformance.adapters.profile import Profile
from refms.conformance.measures.precision import rounded
from refms.conformance.operations import OPERATIONS


def in_half(adapter: Any, profile: Profile) -> Around:
    """Return an adapter that widens its arguments, calls another one, and rounds what comes back.

    It accumulates in double precision, which is allowed; so it is the best that half precision can be.
    """

    def change(name: str, operation: Callable[..., Any], *values: Any) -> Any:
        found = operation(*map(_widened, values))
        number = OPERATIONS[name].kind in ("number", "indices")
        return found if number else _rounded(found, profile.dtype)

    return Around(adapter, change, profile)


def _widened(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _widened(array) for key, array in value.items()}
    floats = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return value.astype("float64") if floats else value


def _rounded(found: Any, dtype: str) -> Any:
    if isinstance(found, Mapping):
        return {key: _rounded(array, dtype) for key, array in found.items()}
    return rounded(found.toarray() if hasattr(found, "toarray") else found, dtype)
