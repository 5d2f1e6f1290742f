"""How options out of range are refused."""

from __future__ import annotations

from typing import Any

from refms.errors import InputError


def require_option(options: Any, name: str, holds: bool, expected: str) -> None:
    """Refuse an option, an attribute of the given object, that is not as expected."""
    if not holds:
        raise InputError(f"{name} is {getattr(options, name)}; expected {expected}.")
