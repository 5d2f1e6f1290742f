"""A property of a true implementation: what it states, what it catches, and its check on one instance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from refms.conformance.adapters.misbehaviour import Misbehaviour
from refms.conformance.corners import CORNERS
from refms.conformance.instances.domain import ANY, Domain, Instance
from refms.conformance.measures.outcome import Outcome, holds, residual, varies, worst
from refms.errors import Array

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
    cost: int = 1  # relative cost of one instance; costly ones get fewer instances
    # operations that it calls one by one, each where the adapter has it; if there are any, the adapter must
    # have one
    uses: tuple[str, ...] = ()
    half: bool = False  # whether it is stated in half precisions, too

    @property
    def corner(self) -> str:
        """What no instance reaches, or what wrong result its scale still allows."""
        return CORNERS.get(self.id, "")

    @property
    def operations(self) -> tuple[str, ...]:
        """All operations that it may call."""
        return (*self.needs, *self.uses)


Claim = Outcome | tuple[str, Array, Array, float]
"""An outcome, or (what is compared, what came back, what is expected, the scale of errors): ρ <= 30."""

Claims = Iterator[Claim]


def family(name: str) -> Callable[..., Callable[[Callable[[Gate, Instance], Claims]], Property]]:
    """Return the decorator that turns functions that yield claims into properties of a family.

    The docstring of the function is the property: its title, its statement, and what it catches. Operations
    are divided by blanks.

    >>> law = family("demonstration")
    >>> @law("X1", "", "arithmetic")
    ... def identity(gate, x):
    ...     '''One is one.
    ...
    ...     1 = 1
    ...     Catches: nothing.
    ...     '''
    ...     yield "1 = 1", 1.0, 1.0, 1.0
    >>> identity.id, identity.title, identity.statement, identity.catches
    ('X1', 'One is one', '1 = 1', 'nothing')
    """

    def law(
        id: str,
        needs: str,
        source: str,
        domain: Domain = ANY,
        *,
        cost: int = 1,
        uses: tuple[str, ...] = (),
        half: bool = False,
    ) -> Callable[[Callable[[Gate, Instance], Claims]], Property]:
        def make(claims: Callable[[Gate, Instance], Claims]) -> Property:
            title, _, rest = (claims.__doc__ or "").partition("\n")
            statement, _, catches = " ".join(rest.split()).partition(" Catches: ")
            texts = title.removesuffix("."), statement, source, catches.removesuffix(".")
            operations = tuple(needs.split())
            return Property(
                id,
                name,
                *texts,
                operations,
                domain,
                lambda a, x: judge(claims(a, x), x.precision),
                cost,
                uses,
                half,
            )

        return make

    return law


def judge(claims: Iterable[Claim], dtype: str) -> Outcome:
    """Return the worst outcome of claims."""
    outcomes = []
    for claim in claims:
        if not isinstance(claim, Outcome):
            text, got, expected, scale = claim
            claim = residual(got, expected, float(scale), dtype, text)
        outcomes.append(claim)
    return worst(outcomes)


def agree(text: str, first: Array, second: Array, scale: float) -> Claims:
    """Claim that two results of the implementation are equal; two constants prove nothing and fail."""
    yield text, first, second, scale
    yield varies(first, text)


def refused(text: str, call: Callable[[], Array]) -> Outcome:
    """Claim that a call raises; one that returns what no operation may return has not refused."""
    try:
        found = call()
    except NotImplementedError:
        raise
    except Misbehaviour as error:
        return holds(False, text, str(error))
    except Exception:
        return holds(True, text, "")
    return holds(False, text, f"a result of shape {found.shape} came back")
