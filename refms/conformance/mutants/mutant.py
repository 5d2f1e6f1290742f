"""A mutant: an implementation with one known mistake, made by wrapping a right one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from refms.conformance.adapters.around import Around
from refms.conformance.operations import OPERATIONS

Change = Callable[["Asked"], Any]
"""What was asked -> the wrong result."""

Table = Mapping[str, Mapping[str, Change]]
"""Operations, divided by blanks -> name of the mistake -> change; a name under several is one mistake."""


class Asked:
    """One call as a mistake meets it: ``t.S`` an argument, ``t()`` the right result, ``t(S=…)`` of another S.

    ``right`` is the right adapter, ``kept`` what earlier calls of the wrong one have put down.
    """

    def __init__(self, right: Any, operation: str, values: tuple[Any, ...], kept: dict[Any, Any]) -> None:
        self.right, self.operation, self.kept = right, operation, kept
        names = (one.name for one in OPERATIONS[operation].arguments)
        self.given = dict(zip(names, values, strict=True))

    def __getattr__(self, name: str) -> Any:
        return self.given[name]

    def __call__(self, **others: Any) -> Any:
        """Return the right result, of other arguments where they are given."""
        return getattr(self.right, self.operation)(*(self.given | others).values())

    @property
    def examples(self) -> int:
        """How many examples there are: the last extent of what has examples, in columns."""
        rows = OPERATIONS[self.operation].arguments
        return int(next(self.given[one.name].shape[-1] for one in rows if {"m", "M"} & set(one.axes)))

    @property
    def cells(self) -> int:
        """Number of cells n = 1/h^d."""
        grid = self.problem.grid if "problem" in self.given else self.grid
        return math.prod(grid)


@dataclass(frozen=True, eq=False)
class Mutant:
    """One named mistake: the operations that it changes, and how.

    >>> from refms.conformance.adapters.reference import ReferenceAdapter
    >>> import numpy as np
    >>> (double,) = mutants("transfer", {"restrict": {"R doubles": lambda t: 2 * t()}})
    >>> double.around(ReferenceAdapter()).restrict(np.ones((2, 1)), (2,), "averaging-constant").tolist()
    [[2.0]]
    """

    name: str  # the mistake as a plain phrase, used in diagnoses: "kernel flipped on all axes"
    family: str  # of the operations
    changes: Mapping[str, Change]  # operation -> its change; fields are columns

    def around(self, adapter: Any) -> Around:
        """Return an adapter with the mistake, otherwise like a right one in the layout ``"columns"``."""
        kept: dict[Any, Any] = {}

        def call(name: str, operation: Callable[..., Any], *values: Any) -> Any:
            change = self.changes.get(name)
            return operation(*values) if change is None else change(Asked(adapter, name, values, kept))

        return Around(adapter, call)


def mutants(family: str, table: Table) -> tuple[Mutant, ...]:
    """Return the mutants of a table, in the order of their names."""
    changes: dict[str, dict[str, Change]] = {}
    for operations, rows in table.items():
        for name, change in rows.items():
            changes.setdefault(name, {}).update(dict.fromkeys(operations.split(), change))
    return tuple(Mutant(name, family, found) for name, found in changes.items())
