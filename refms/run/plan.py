"""What a file for ``refms compare`` or ``refms study`` says: a training, the methods' options, the budget."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from refms.errors import InputError, require_choice, require_nonnegative, require_whole, require_whole_fields
from refms.names import METHODS
from refms.run.config import Configuration, build_from, section_of, table_of
from refms.run.methods import METHOD_TABLE


@dataclass(frozen=True)
class Budget:
    """When a run ends at the latest.

    Parameters
    ----------
    iterations : int
        After so many (epochs of a stochastic method); 0 takes those of [optimization].
    work_units : float
        Once so many network evaluations of one image are spent; 0 for no limit.
    """

    iterations: int = 0
    work_units: float = 0.0

    def __post_init__(self) -> None:
        require_whole_fields(self, iterations=0)
        require_nonnegative(self.work_units, "work_units")


@dataclass(frozen=True)
class CompareSection(Budget):
    """[compare]: the budget, and the methods in their order.

    Parameters
    ----------
    methods : tuple of str
        These, each with a table of its own below.
    """

    methods: tuple[str, ...] = METHODS

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_listed("methods", self.methods)
        for name in self.methods:
            require_choice(name, METHODS, "method")
        if len(set(self.methods)) < len(self.methods):
            raise InputError(f"methods is {list(self.methods)}; expected each of them once.")


SEEDED = ("network.seed", "optimization.hessian_seed", "compare.sgd.seed", "compare.adam.seed")
"""What the seeds of a study replace."""


@dataclass(frozen=True)
class StudySection(Budget):
    """[study]: the budget, and what is varied.

    Parameters
    ----------
    method : str
        How each run is optimised.
    parameter : str
        A key of the configuration, such as ``"optimization.hessian_fraction"``, ``"study.method"`` or
        ``"compare.adam.learning_rate"``.
    values : tuple
        What it takes: numbers, words or truth values.
    seeds : tuple of int
        Every value is run with each of them.
    seeded : tuple of str
        The keys that a seed replaces.
    axes : mapping
        Further parameters with their values, every one with each of the others.
    """

    method: str = "bcd"
    parameter: str = ""
    values: tuple[Any, ...] = ()
    seeds: tuple[int, ...] = (0,)
    seeded: tuple[str, ...] = SEEDED
    axes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(self.method, METHODS, "method")
        _require_listed("seeds", self.seeds)
        object.__setattr__(self, "seeds", tuple(require_whole(seed, "seeds") for seed in self.seeds))
        given = {self.parameter: self.values, **self.axes} if self.parameter else dict(self.axes)
        if not given:
            raise InputError("parameter is ''; expected a key, such as 'optimization.hessian_fraction'.")
        for name, values in given.items():
            _require_listed("values" if name == self.parameter else name, values)
            for value in values:
                if not isinstance(value, str | int | float):
                    raise InputError(f"{name} is {value!r}; expected numbers, words or truth values.")

    @property
    def parameters(self) -> dict[str, tuple[Any, ...]]:
        """All keys that are varied, with their values."""
        first = {self.parameter: tuple(self.values)} if self.parameter else {}
        return first | {name: tuple(values) for name, values in self.axes.items()}


def _require_listed(name: str, values: Any) -> None:
    if not isinstance(values, list | tuple) or not values:
        raise InputError(f"{name} is {values!r}; expected a list with at least one entry.")


_OWN = ("compare", "study")


@dataclass(frozen=True)
class Plan:
    """A training's configuration with [compare], the options of every method in [compare.NAME], and [study].

    >>> plan = Plan.from_dict({"compare": {"methods": ["adam"], "adam": {"learning_rate": 0.1}}})
    >>> plan.compare.methods, plan.methods["adam"].learning_rate
    (('adam',), 0.1)
    """

    configuration: Configuration
    compare: CompareSection = field(default_factory=CompareSection)
    methods: Mapping[str, Any] = field(
        default_factory=lambda: {name: kind() for name, (kind, _) in METHOD_TABLE.items()}
    )
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
            for name, (kind, _) in METHOD_TABLE.items()
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
