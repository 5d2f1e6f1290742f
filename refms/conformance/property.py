"""A property of a true implementation: what it states, what it catches, and its check on one instance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from refms.conformance.instances.domain import ANY, Domain, Instance
from refms.conformance.measures.outcome import Outcome

if TYPE_CHECKING:
    from refms.conformance.adapters.gate import Gate

Check = Callable[["Gate", Instance], Outcome]
"""Judges an implementation on one instance."""


@dataclass(frozen=True)
class Property:
    """One entry of the catalogue."""

    id: str  # letter of the family and number, such as `"C5"`
    family: str  # such as `"convolution"`
    title: str  # one sentence
    statement: str  # the formula, and the criterion where it is not ρ <= 30
    source: str  # equation of the papers, or the theory it comes from
    catches: str  # which mistakes it is there for
    needs: tuple[str, ...]  # the operations of the adapter that it calls
    domain: Domain  # on which instances it holds
    check: Check  # (gate, instance) -> Outcome
    cost: int = 1  # relative cost of one instance; dear ones get fewer instances
    # operations that it calls one by one, each where the adapter has it; if there are any, the adapter must
    # have one
    uses: tuple[str, ...] = ()

    @property
    def operations(self) -> tuple[str, ...]:
        """All operations that it may call."""
        return (*self.needs, *self.uses)


@dataclass(frozen=True)
class Family:
    """Makes the properties of one family from functions.

    >>> law = Family("demonstration").law
    >>> @law("X1", "One is one", "1 = 1", source="arithmetic", catches="nothing", needs=())
    ... def identity(gate, x):
    ...     return Outcome("PASS", 0.0, "1 = 1")
    >>> identity.id, identity.title
    ('X1', 'One is one')
    """

    name: str  # name of the family

    def law(
        self,
        id: str,
        title: str,
        statement: str,
        *,
        source: str,
        catches: str,
        needs: tuple[str, ...],
        domain: Domain = ANY,
        cost: int = 1,
        uses: tuple[str, ...] = (),
    ) -> Callable[[Check], Property]:
        """Return a decorator that turns a check into a property."""

        def made(check: Check) -> Property:
            family = self.name
            return Property(id, family, title, statement, source, catches, needs, domain, check, cost, uses)

        return made
