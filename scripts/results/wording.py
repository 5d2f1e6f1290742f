"""Phrases that the sections share."""

from __future__ import annotations

from typing import Any


def origin(result: dict[str, Any]) -> str:
    """Return when, where and with what a result was made: its date, machine and versions in one line."""
    made_with = ", ".join(f"{package} {version}" for package, version in result["versions"].items())
    return f"{result['date']}, {result['machine']}, {made_with}"
