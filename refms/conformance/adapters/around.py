"""An adapter around another one: every operation that it provides goes through a function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from refms.conformance.adapters.adapter import provides
from refms.conformance.adapters.profile import Profile
from refms.conformance.operations import OPERATIONS

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
