"""A mutant: an implementation with one known mistake, made by wrapping a right one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from refms.conformance.adapters.adapter import provides

Change = Callable[..., Any]
"""(right adapter, *arguments of the operation) -> the wrong result."""


@dataclass(frozen=True)
class Mutant:
    """One named mistake: the operations that it changes, and how.

    >>> from refms.conformance.adapters.reference import ReferenceAdapter
    >>> import numpy as np
    >>> double = alter("R doubles", restrict=lambda found, *given: 2 * found)
    >>> double.around(ReferenceAdapter()).restrict(np.ones((2, 1)), (2,), "averaging-constant").tolist()
    [[2.0]]
    """

    name: str  # the mistake as a plain phrase, used in diagnoses: "kernel flipped on all axes"
    family: str  # of the operations
    changes: Mapping[str, Change]  # operation -> its change; fields are columns

    def around(self, adapter: Any) -> Mutated:
        """Return an adapter with the mistake, otherwise like a right one in the layout ``"columns"``."""
        return Mutated(adapter, self)


class Mutated:
    """An adapter with a mistake; everything else is passed on to the right one, what it lacks is missing."""

    def __init__(self, right: Any, mutant: Mutant) -> None:
        self.right, self.mutant = right, mutant
        # Mistakes that keep something between calls keep it for one adapter, not for all.
        self.changes = copy.deepcopy(dict(mutant.changes))

    def __getattr__(self, name: str) -> Any:
        change = self.changes.get(name)
        if change is None or not provides(self.right, name):
            return getattr(self.right, name)
        return partial(change, self.right)


def substitute(name: str, **changes: Change) -> Mutant:
    """Return a mutant whose operations are (right adapter, *arguments) -> result."""
    return Mutant(name, "", changes)


def alter(name: str, **changes: Change) -> Mutant:
    """Return a mutant that changes right results: (right result, *arguments) -> result."""
    return Mutant(name, "", {key: partial(_after, key, one) for key, one in changes.items()})


def feed(name: str, **changes: Change) -> Mutant:
    """Return a mutant that gives the right operation other arguments: (*arguments) -> arguments."""
    return Mutant(name, "", {key: partial(_before, key, one) for key, one in changes.items()})


def combine(name: str, first: Mutant, second: Mutant) -> Mutant:
    """Return a mutant with two mistakes; where both change an operation, the second wraps the first."""
    changes = dict(first.changes)
    for key, change in second.changes.items():
        changes[key] = partial(_upon, first, change) if key in changes else change
    return Mutant(name, "", changes)


def of_family(family: str, *mutants: Mutant) -> tuple[Mutant, ...]:
    """Return mutants as those of a family."""
    return tuple(replace(one, family=family) for one in mutants)


def _after(operation: str, change: Change, right: Any, *arguments: Any) -> Any:
    return change(getattr(right, operation)(*arguments), *arguments)


def _before(operation: str, change: Change, right: Any, *arguments: Any) -> Any:
    return getattr(right, operation)(*change(*arguments))


def _upon(first: Mutant, change: Change, right: Any, *arguments: Any) -> Any:
    return change(first.around(right), *arguments)
