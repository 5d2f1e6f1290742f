"""A whole configuration: its sections together."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from refms.errors import InputError, require_choice
from refms.run.config.classifier import ClassifierSection
from refms.run.config.data import DataSection
from refms.run.config.network import NetworkSection
from refms.run.config.optimization import OptimizationSection
from refms.run.config.reading import build_from, section_of
from refms.run.config.regularization import RegularizationSection


@dataclass(frozen=True)
class Configuration:
    """A training run.

    Parameters
    ----------
    data, network, classifier, regularization, optimization
        The five sections.

    Examples
    --------
    >>> Configuration.from_dict({"network": {"channels": 4}}).network.channels
    4
    """

    data: DataSection = field(default_factory=DataSection)
    network: NetworkSection = field(default_factory=NetworkSection)
    classifier: ClassifierSection = field(default_factory=ClassifierSection)
    regularization: RegularizationSection = field(default_factory=RegularizationSection)
    optimization: OptimizationSection = field(default_factory=OptimizationSection)

    @staticmethod
    def from_dict(given: Mapping[str, Any]) -> Configuration:
        """Return the configuration that nested mappings describe; what is not given keeps its default.

        Raises InputError if a section or key is unknown (the nearest match is offered), or a value has the
        wrong type or range.
        """
        if not isinstance(given, Mapping):
            raise InputError(f"the configuration is {given!r}; expected sections of keys and values.")
        kinds = {item.name: item.default_factory for item in fields(Configuration)}
        return Configuration(
            **{
                name: section_of(kinds[require_choice(name, kinds, "configuration section")], name, values)
                for name, values in given.items()
            }
        )

    @staticmethod
    def from_toml(path: str | Path) -> Configuration:
        """Return the configuration of a TOML file; raises FileError where it cannot be read."""
        built: Configuration = build_from(path, Configuration.from_dict)
        return built

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the sections as nested dictionaries, the inverse of :meth:`from_dict`."""
        return dataclasses.asdict(self)

    @staticmethod
    def complete(stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return a configuration as JSON gives it back, with what it does not name at its default.

        >>> Configuration.complete({"network": {"channels": 4}})["network"]["architecture"]
        'residual'
        """
        defaults: dict[str, Any] = json.loads(json.dumps(Configuration().to_dict()))
        known = {name: keys for name, keys in stored.items() if isinstance(keys, Mapping)}
        return {**stored, **{name: {**keys, **known.get(name, {})} for name, keys in defaults.items()}}
