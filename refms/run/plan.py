"""What a file for ``refms compare`` or ``refms study`` says: a training, the methods' options, the budget."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from refms.errors import InputError, require_choice
from refms.names import METHODS
from refms.run.config import Configuration, read_toml, section_of
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

        Parameters
        ----------
        given : mapping
            Sections, ``compare`` and ``study`` among them.

        Returns
        -------
        Plan
            Checked.

        Raises
        ------
        InputError
            If a section or key is unknown, or a value has the wrong type or range.
        """
        rest = {name: section for name, section in given.items() if name not in _OWN}
        for name in rest:
            known = [item.name for item in dataclasses.fields(Configuration)]
            require_choice(name, [*known, *_OWN], "configuration section")
        configuration = Configuration.from_dict(rest)
        compare = _mapping(given.get("compare", {}), "compare")
        methods = {}
        for name in METHODS:
            options = _mapping(compare.get(name, {}), f"compare.{name}")
            methods[name] = section_of(SECTIONS[name], f"compare.{name}", options)
        plain = {key: value for key, value in compare.items() if key not in METHODS}
        for key, value in plain.items():
            if isinstance(value, Mapping):
                require_choice(key, METHODS, "method in section [compare]")
        study = None
        if "study" in given:
            study = section_of(StudySection, "study", _mapping(given["study"], "study"))
        return Plan(configuration, section_of(CompareSection, "compare", plain), methods, study)

    @staticmethod
    def from_toml(path: str | Path) -> Plan:
        """Return the plan of a TOML file.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Plan
            Checked.

        Raises
        ------
        FileError
            If the file cannot be read.
        InputError
            As for :meth:`from_dict`, with the name of the file.
        """
        given = read_toml(path)
        try:
            return Plan.from_dict(given)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Return all sections as nested dictionaries, the inverse of :meth:`from_dict`.

        Returns
        -------
        dict
            JSON-able, but for tuples.
        """
        compare = dataclasses.asdict(self.compare)
        compare |= {name: dataclasses.asdict(options) for name, options in self.methods.items()}
        own: dict[str, Any] = {"compare": compare}
        if self.study is not None:
            own["study"] = dataclasses.asdict(self.study)
        return {**self.configuration.to_dict(), **own}

    def with_value(self, key: str, value: Any) -> Plan:
        """Return the plan with another value of one key.

        Parameters
        ----------
        key : str
            Section and key, such as ``"optimization.cg_tolerance"`` or ``"compare.adam.learning_rate"``.
        value : object
            The value.

        Returns
        -------
        Plan
            Checked again.

        Raises
        ------
        InputError
            If the key is unknown, or the value has the wrong type or range.

        Examples
        --------
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


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"section [{name}] is {value!r}; expected keys and values.")
    return value


def _listed(value: Any) -> Any:
    """Return nested mappings with lists in the place of tuples, as TOML has them."""
    if isinstance(value, Mapping):
        return {key: _listed(inner) for key, inner in value.items()}
    return [_listed(inner) for inner in value] if isinstance(value, list | tuple) else value
