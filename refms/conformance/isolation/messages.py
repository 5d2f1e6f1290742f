"""What goes through the pipe between a run and its worker: dataclasses as JSON, and back."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from refms.conformance.adapters.profile import Profile


def line(message: dict[str, Any]) -> bytes:
    """Return a message as one line of ASCII; numbers of NumPy become those of Python."""
    return json.dumps(message, default=_plain).encode("ascii") + b"\n"


def message(line: bytes) -> dict[str, Any]:
    """Return the message in a line, with tuples for lists; empty if there is none in it."""
    try:
        found = _tuples(json.loads(line))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def fields(profile: Profile) -> dict[str, Any]:
    """Return what a profile declares; what a subclass adds is no matter of the kit."""
    return {field.name: getattr(profile, field.name) for field in dataclasses.fields(Profile)}


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(one) for one in value)
    return {key: _tuples(one) for key, one in value.items()} if isinstance(value, dict) else value


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
