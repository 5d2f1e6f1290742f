"""A mutant: an implementation with one known mistake, made by wrapping a right one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from refms.conformance.adapters.adapter import provides

Change = Callable[..., Any]
"""(right adapter, *arguments of the operation) -> the wrong result."""


@dataclass(frozen=True)
class Mutant:
    """One named mistake: the operations that it changes, and how.

    Parameters
    ----------
    name : str
        The mistake as a plain phrase, used in diagnoses: "kernel flipped on all axes".
    family : str
        Family of the operations.
    changes : mapping of str to callable
        Operation -> (right adapter, *arguments) -> wrong result. Fields are columns. What changes several
        operations and keeps something between calls is copied once, so they keep it together.

    Examples
    --------
    >>> from refms.conformance.mutants import mutant_named
    >>> from refms.conformance.adapters.reference import ReferenceAdapter
    >>> import numpy as np
    >>> wrong = mutant_named("R sums where it should average").around(ReferenceAdapter())
    >>> wrong.restrict(np.array([[1.0], [3.0]]), (2,), "averaging-constant").tolist()
    [[4.0]]
    """

    name: str
    family: str
    changes: Mapping[str, Change]

    def around(self, adapter: Any) -> Mutated:
        """Return an adapter with the mistake, otherwise like the given one.

        Parameters
        ----------
        adapter : Adapter
            A right one in the layout ``"columns"``; operations that it lacks stay missing.

        Returns
        -------
        Mutated
            An adapter.
        """
        return Mutated(adapter, self)


class Mutated:
    """An adapter with a mistake; everything else is passed on to the right one.

    Parameters
    ----------
    right : Adapter
        The right one.
    mutant : Mutant
        The mistake.
    """

    def __init__(self, right: Any, mutant: Mutant) -> None:
        self.right, self.mutant = right, mutant
        # Mistakes that keep something between calls keep it for one adapter, not for all.
        self.changes = copy.deepcopy(dict(mutant.changes))

    def __getattr__(self, name: str) -> Any:
        change = self.changes.get(name)
        if change is None or not provides(self.right, name):
            return getattr(self.right, name)
        return partial(change, self.right)


@dataclass(frozen=True)
class Shelf:
    """Makes the mutants of one family.

    Parameters
    ----------
    family : str
        Its name.

    Examples
    --------
    >>> late = Shelf("demonstration").altered("too large", restrict=lambda found, *arguments: 2 * found)
    >>> late.name, sorted(late.changes)
    ('too large', ['restrict'])
    """

    family: str

    def replaced(self, name: str, **changes: Change) -> Mutant:
        """Return a mutant of which operations are (right adapter, *arguments) -> result."""
        return Mutant(name, self.family, changes)

    def altered(self, name: str, **changes: Change) -> Mutant:
        """Return a mutant of which right results are changed: (right result, *arguments) -> result."""
        return Mutant(name, self.family, {key: partial(_after, key, one) for key, one in changes.items()})

    def combined(self, name: str, first: Mutant, second: Mutant) -> Mutant:
        """Return a mutant with two mistakes; where both change an operation, the second wraps the first."""
        changes = dict(first.changes)
        for key, change in second.changes.items():
            changes[key] = partial(_upon, first, change) if key in changes else change
        return Mutant(name, self.family, changes)


def _after(operation: str, change: Change, right: Any, *arguments: Any) -> Any:
    return change(getattr(right, operation)(*arguments), *arguments)


def _upon(first: Mutant, change: Change, right: Any, *arguments: Any) -> Any:
    return change(first.around(right), *arguments)
