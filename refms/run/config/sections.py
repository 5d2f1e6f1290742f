"""A configuration: frozen sections together, from nested mappings or TOML, and back."""

from __future__ import annotations

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from refms.errors import InputError, require_choice
from refms.run.config.reading import build_from, section_of


@dataclasses.dataclass(frozen=True)
class Sections(ABC):
    """What all configurations, frozen dataclasses of sections, can do."""

    @property
    @abstractmethod
    def iterations(self) -> int:
        """Iterations of a training, in all of its stages."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """Return the configuration that nested mappings describe; what is not given keeps its default.

        Raises InputError if a section or key is unknown (the nearest match is offered), or a value has the
        wrong type or range.
        """
        if not isinstance(given, Mapping):
            raise InputError(f"the configuration is {given!r}; expected sections of keys and values.")
        kinds: dict[str, Any] = {item.name: item.default_factory for item in dataclasses.fields(cls)}
        return cls(
            **{
                name: section_of(kinds[require_choice(name, kinds, "configuration section")], name, values)
                for name, values in given.items()
            }
        )

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Return the configuration of a TOML file; raises FileError where it cannot be read."""
        built: Self = build_from(path, cls.from_dict)
        return built

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the sections as nested dictionaries, the inverse of :meth:`from_dict`."""
        return {item.name: dataclasses.asdict(getattr(self, item.name)) for item in dataclasses.fields(self)}

    @classmethod
    def complete(cls, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return a configuration as JSON gives it back, with what it does not name at its default."""
        defaults: dict[str, Any] = json.loads(json.dumps(cls().to_dict()))
        known = {name: keys for name, keys in stored.items() if isinstance(keys, Mapping)}
        return {**stored, **{name: {**keys, **known.get(name, {})} for name, keys in defaults.items()}}
