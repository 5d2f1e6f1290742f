"""An adapter around another one: every operation that it provides goes through a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from refms.conformance.adapters.adapter import provides
from refms.conformance.adapters.profile import Profile
from refms.conformance.operations import OPERATIONS
from refms.names import DTYPES

Change = Callable[..., Any]
"""(name, right operation, *its arguments) -> what the adapter returns instead."""


class Around:
    """Operations are ``change(name, operation, *arguments)``; what the right adapter lacks stays missing."""

    def __init__(self, right: Any, change: Change, profile: Profile | None = None) -> None:
        self.right, self.change = right, change
        self.profile: Profile = profile or right.profile

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.right, name)
        known = name in OPERATIONS and provides(self.right, name)
        return partial(self.change, name, found) if known else found

    def in_other_precision(self) -> Around | None:
        """Return the same around the right adapter in the other precision, if there is one."""
        twin = in_other_precision(self.right)
        return None if twin is None else Around(twin, self.change)


def in_other_precision(adapter: Any) -> Any:
    """Return an adapter of the same class in the other of both precisions, None where there is none like it.

    The class must take ``dtype``, and what it makes must declare the same conventions.
    """
    dtype = next((one for one in DTYPES if one != adapter.profile.dtype), "")
    if adapter.profile.dtype not in DTYPES:
        return None
    if (own := getattr(type(adapter), "in_other_precision", None)) is not None:
        return own(adapter)
    made = type(adapter)
    try:
        twin = made(dtype=dtype) if "dtype" in inspect.signature(made).parameters else None
        alike = twin is not None and replace(twin.profile, dtype=adapter.profile.dtype) == adapter.profile
    except Exception:  # it needs more than that
        return None
    return twin if alike else None
