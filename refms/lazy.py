"""Names of a package that are imported from their files when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package whose files ``homes`` names, each with what it exports.

    >>> lazy_names("refms", {"grid": ("Grid",)})("Grid").__module__
    'refms.grid'
    """

    def find(name: str) -> Any:
        for home, names in homes.items():
            if name in names:
                return getattr(import_module(f"{package}.{home}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}; see {package}.__all__.")

    return find
