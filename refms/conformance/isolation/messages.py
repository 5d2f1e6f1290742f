"""What goes through the pipe between a run and its worker: dataclasses as JSON, and back."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from refms.conformance.adapters.profile import Profile
from refms.conformance.probing.probe import Probe, Trait
from refms.conformance.reports.report import Row


def line(message: dict[str, Any]) -> bytes:
    r"""Return a message as one line of ASCII; numbers of NumPy become those of Python.

    >>> line({"enter": "restrict"})
    b'{"enter": "restrict"}\n'
    """
    return json.dumps(message, default=_plain).encode("ascii") + b"\n"


def message(line: bytes) -> dict[str, Any]:
    """Return the message in a line, with tuples for lists; empty if there is none in it.

    >>> message(b'{"grid": [4, 4]}'), message(b"noise")
    ({'grid': (4, 4)}, {})
    """
    try:
        found = _tuples(json.loads(line))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def fields(profile: Profile) -> dict[str, Any]:
    """Return what a profile declares; what a subclass adds is no matter of the kit."""
    return {field.name: getattr(profile, field.name) for field in dataclasses.fields(Profile)}


def profile(fields: dict[str, Any]) -> Profile:
    """Return the profile with such fields."""
    return Profile(**fields)


def row(fields: dict[str, Any]) -> Row:
    """Return the row with such fields."""
    return Row(**fields)


def probe(fields: dict[str, Any]) -> Probe:
    """Return the probe with such fields."""
    return Probe(profile(fields["profile"]), tuple(Trait(**trait) for trait in fields["traits"]))


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(one) for one in value)
    return {key: _tuples(one) for key, one in value.items()} if isinstance(value, dict) else value


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
