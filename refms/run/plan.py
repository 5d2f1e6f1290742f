"""What a file for ``refms compare`` or ``refms study`` says: a training, the methods' options, the budget."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from refms.errors import InputError, require_choice
from refms.names import METHODS
from refms.run.config import Configuration, build_from, section_of, table_of
from refms.run.sections import SECTIONS, CompareSection, StudySection

_OWN = ("compare", "study")


@dataclass(frozen=True)
class Plan:
    """A configuration with the sections of the laboratory.

    Parameters
    ----------
    configuration : Configuration
        Data, network, regularisers, and what all methods share.
    compare : CompareSection
        Methods and budget of a comparison.
    methods : mapping of str to object
        The options of every method, from ``[compare.NAME]``.
    study : StudySection or None
        The study, if there is one.

    Examples
    --------
    >>> plan = Plan.from_dict({"compare": {"methods": ["adam"], "adam": {"learning_rate": 0.1}}})
    >>> plan.compare.methods, plan.methods["adam"].learning_rate
    (('adam',), 0.1)
    """

    configuration: Configuration
    compare: CompareSection = field(default_factory=CompareSection)
    methods: Mapping[str, Any] = field(default_factory=lambda: {name: SECTIONS[name]() for name in METHODS})
    study: StudySection | None = None

    @staticmethod
    def from_dict(given: Mapping[str, Any]) -> Plan:
        """Return the plan that nested mappings describe; what is not given keeps its default.

        Raises InputError if a section or key is unknown, or a value has the wrong type or range.
        """
        known = [*(item.name for item in dataclasses.fields(Configuration)), *_OWN]
        for name in given:
            require_choice(name, known, "configuration section")
        training = {name: section for name, section in given.items() if name not in _OWN}
        configuration = Configuration.from_dict(training)
        compare = table_of(given.get("compare", {}), "compare")
        methods = {
            name: section_of(kind, f"compare.{name}", compare.get(name, {}))
            for name, kind in SECTIONS.items()
        }
        plain = {key: value for key, value in compare.items() if key not in METHODS}
        for key, value in plain.items():
            if isinstance(value, Mapping):
                require_choice(key, METHODS, "method in section [compare]")
        study = section_of(StudySection, "study", given["study"]) if "study" in given else None
        return Plan(configuration, section_of(CompareSection, "compare", plain), methods, study)

    @staticmethod
    def from_toml(path: str | Path) -> Plan:
        """Return the plan of a TOML file; raises FileError where it cannot be read."""
        plan: Plan = build_from(path, Plan.from_dict)
        return plan

    def to_dict(self) -> dict[str, Any]:
        """Return all sections as nested dictionaries, the inverse of :meth:`from_dict`."""
        compare = dataclasses.asdict(self.compare)
        compare |= {name: dataclasses.asdict(options) for name, options in self.methods.items()}
        own: dict[str, Any] = {"compare": compare}
        if self.study is not None:
            own["study"] = dataclasses.asdict(self.study)
        return {**self.configuration.to_dict(), **own}

    def with_value(self, key: str, value: Any) -> Plan:
        """Return the plan with another value of one key, such as ``"compare.adam.learning_rate"``, checked.

        >>> plan = Plan.from_dict({}).with_value("network.channels", 4)
        >>> plan.configuration.network.channels
        4
        """
        given = _listed(self.to_dict())
        *sections, name = key.split(".")
        place = given
        for section in sections:
            place = place[require_choice(section, place, f"section in {key!r}")]
            if not isinstance(place, dict):
                raise InputError(f"{key!r} names no key; {section!r} is no section.")
        if not sections or isinstance(place.get(require_choice(name, place, f"key in {key!r}")), dict):
            raise InputError(f"{key!r} names no key; expected section and key, such as 'network.channels'.")
        place[name] = value
        return Plan.from_dict(given)


def _listed(value: Any) -> Any:
    """Return nested mappings with lists in the place of tuples, as TOML has them."""
    if isinstance(value, Mapping):
        return {key: _listed(inner) for key, inner in value.items()}
    return [_listed(inner) for inner in value] if isinstance(value, list | tuple) else value
