"""The catalogue cut into cases: one property in one dimension and one precision, each with its id."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.position import Position
from refms.conformance.operations import OPERATIONS
from refms.conformance.properties import PROPERTIES
from refms.conformance.property import Property
from refms.conformance.reports.report import Row
from refms.conformance.runner import check_property


@dataclass(frozen=True)
class Case:
    """One property, in one dimension and one precision, of one implementation."""

    law: Property  # what is checked
    adapter: Any  # the implementation
    dimension: int | None  # 1, 2 or 3; None where the property has none

    @property
    def id(self) -> str:
        """Such as ``"C5-2d-float64"`` or ``"S3-float32"``."""
        middle = "" if self.dimension is None else f"{self.dimension}d-"
        return f"{self.law.id}-{middle}{self.adapter.profile.dtype}"

    def run(
        self,
        tier: str = "quick",
        seed: int = 0,
        timeout: float | None = None,
        where: Position | None = None,
    ) -> Row:
        """Check the property on the instances of this dimension."""
        gate = Gate(self.adapter, where)
        if self.dimension is not None:
            gate.profile = dataclasses.replace(gate.profile, dimensions=(self.dimension,))
        return check_property(gate, self.law, tier, seed, timeout)


def cases(adapters: Iterable[Any], properties: Sequence[Property] = PROPERTIES) -> tuple[Case, ...]:
    """Return all cases of some adapters, in the order of the catalogue."""
    made = list(adapters)
    return tuple(
        Case(item, adapter, dimension)
        for item in properties
        for adapter in made
        for dimension in _dimensions(item, adapter)
    )


def _dimensions(item: Property, adapter: Any) -> tuple[int | None, ...]:
    if not any(OPERATIONS[name].needs_grid for name in item.operations):
        return (None,)
    return tuple(d for d in adapter.profile.dimensions if d in item.domain.dimensions) or (None,)
