"""Which conventions an implementation really follows, inferred from its responses to delta images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from refms.conformance.adapters.position import Position
from refms.conformance.adapters.profile import BOUNDARIES, ORIENTATIONS, Profile
from refms.conformance.probing.coverage import first, profile_lines, right_profile
from refms.conformance.probing.responses import Responses

OPPOSITE = {
    "correlation": "a delta image comes back as the flipped stencil",
    "convolution": "a delta image comes back as the stencil itself",
    "periodic": "a delta image in a corner comes back at the opposite sides as well",
    "zero": "a delta image in a corner does not come back at the opposite sides",
    "mean": "the size does not grow with the number of examples",
    "sum": "the size grows with the number of examples",
}
"""What was seen that speaks for a convention."""

SHAPES: Mapping[str, Callable[[Profile], Sequence[object]]] = {
    "dimensions": lambda profile: [f"{d}-D" for d in profile.dimensions],
    "stencil sizes": lambda profile: profile.stencil_sizes,
    "extents": lambda profile: ["equal", "different"] if profile.rectangular else ["equal"],
}
"""What a profile says of shapes."""


@dataclass(frozen=True)
class Trait:
    """One convention: what is declared, and what the responses say."""

    name: str  # such as `"orientation"` or `"restriction of nearest"`
    declared: str  # what the profile says
    inferred: tuple[str, ...]  # all conventions that explain the responses; empty if it cannot be told
    evidence: str  # what was seen, or why nothing can be told

    @property
    def agrees(self) -> bool | None:
        """Whether the declaration explains the responses; None if it cannot be told."""
        return self.declared in self.inferred if self.inferred else None

    @property
    def sentence(self) -> str:
        """What there is to say."""
        if not self.inferred:
            return f"{self.name}: cannot tell, for {self.evidence}."
        if self.agrees:
            return f"{self.name}: {self.declared}, as declared."
        return f"declared {self.declared}, but {self.evidence}: {' or '.join(self.inferred)}."


@dataclass(frozen=True)
class Probe:
    """What was inferred of one implementation."""

    profile: Profile  # what it declares
    traits: tuple[Trait, ...]  # one a convention
    right: Profile  # what it should declare, as far as can be told

    @property
    def disagreements(self) -> tuple[str, ...]:
        """One sentence for everything that is not as declared."""
        return tuple(trait.sentence for trait in self.traits if trait.agrees is False)

    @property
    def told(self) -> int:
        """How many conventions could be inferred."""
        return sum(bool(trait.inferred) for trait in self.traits)

    @property
    def headline(self) -> str:
        """One line."""
        wrong = len(self.disagreements)
        agreeing = "all agree with the declaration" if not wrong else f"{wrong} not as declared"
        said = agreeing if self.told else "nothing can be told"
        name = f"{self.profile.name} {self.profile.dtype}"
        return f"{name}: {self.told} of {len(self.traits)} conventions inferred, {said}"

    def to_dict(self) -> dict[str, Any]:
        """Return the findings as plain Python values, ready for JSON."""
        return {
            "profile": dataclasses.asdict(self.profile),
            "headline": self.headline,
            "right": profile_lines([self.right])[0],
            "traits": [
                {
                    **{name: getattr(trait, name) for name in ("name", "declared", "agrees", "sentence")},
                    "inferred": list(trait.inferred),
                }
                for trait in self.traits
            ],
        }


def probe(adapter: Any, where: Position | None = None) -> Probe:
    """Infer the conventions of an implementation and compare them with its declaration."""
    declared = adapter.profile
    asked = Responses(adapter, declared, where or Position())
    right = right_profile(asked)
    varied = ("dimensions", "stencil_sizes", "boundaries", "activations")
    within = {name: _both(getattr(declared, name), getattr(right, name)) for name in varied}
    rectangular = declared.rectangular and right.rectangular
    answering = dataclasses.replace(declared, **within, rectangular=rectangular)
    responses = dataclasses.replace(asked, profile=answering)
    found = (
        _layout(responses),
        *_of_shapes(responses, declared, right),
        *_of_convolution(responses, declared),
        *_of_transfer(responses),
        *_of_activations(responses, declared),
        _of_logits(responses),
        *_of_reductions(responses),
        _precision(responses),
    )
    return Probe(declared, found, right)


def _both(declared: tuple[Any, ...], right: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what is declared and right; conventions can be told where an implementation answers."""
    return tuple(one for one in declared if one in right) or right


def _of_shapes(responses: Responses, declared: Profile, right: Profile) -> Iterator[Trait]:
    """Yield dimensions, stencil sizes, and whether extents may differ."""
    answers = [responses.convolution(boundary) for boundary in first(declared.boundaries, BOUNDARIES)]
    reason = "" if any(one.matches for one in answers) else answers[0].reason
    for name, told in SHAPES.items():
        said, true = told(declared), told(right)
        inferred = said if set(said) <= set(true) else true
        evidence = reason or "elsewhere K(s) is refused or none of the known ones"
        yield Trait(name, _listed(said), () if reason else (_listed(inferred),), evidence)


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))


def _of_activations(responses: Responses, declared: Profile) -> Iterator[Trait]:
    """Yield every declared σ."""
    for name in declared.activations:
        answer = responses.activation(name)
        evidence = answer.reason or "σ of some numbers is that of another one"
        yield Trait(f"activation {name}", name, answer.matches, evidence)


def _layout(responses: Responses) -> Trait:
    layout, why = responses.layout()
    seen = () if layout is None else (layout,)
    return Trait(
        "layout", responses.profile.layout, seen, why or "fields are taken and returned in another one"
    )


def _of_convolution(responses: Responses, declared: Profile) -> Iterator[Trait]:
    """Yield the orientation and every boundary."""
    answers = {boundary: responses.convolution(boundary) for boundary in declared.boundaries}
    orientations: tuple[str, ...] = ()
    for answer in answers.values():
        orientations += tuple(found for found, _ in answer.matches if found not in orientations)
    if set(orientations) == set(ORIENTATIONS):
        evidence = "one boundary goes with one orientation and another with the other"
        orientations = (" and ".join(orientations),)
    else:
        evidence = OPPOSITE[orientations[0]] if orientations else next(iter(answers.values())).reason
    yield Trait("orientation", declared.orientation, orientations, evidence)
    for boundary, answer in answers.items():
        seen = tuple(dict.fromkeys(found for _, found in answer.matches))
        evidence = OPPOSITE[seen[0]] if seen else answer.reason
        yield Trait(f"boundary {boundary}", boundary, seen, evidence)


def _of_transfer(responses: Responses) -> Iterator[Trait]:
    """Yield R and P of every declared pair."""
    for operation, name in (("restrict", "restriction"), ("prolong", "prolongation")):
        for pair in responses.profile.pairs:
            answer = responses.transfer(operation, pair)
            evidence = answer.reason or f"a delta image tells of another {name}"
            yield Trait(f"{name} of {pair}", pair, answer.matches, evidence)


def _of_logits(responses: Responses) -> Trait:
    declared = "with h^d" if responses.profile.volume_weighted else "without h^d"
    answer = responses.logits()
    evidence = answer.reason or f"a unit weight on a delta image gives the logit {answer.value:.6g}"
    return Trait(
        "logits", f"logits {declared}", tuple(f"logits {match}" for match in answer.matches), evidence
    )


def _of_reductions(responses: Responses) -> Iterator[Trait]:
    """Yield mean or sum for everything that is reduced over examples."""
    declared = responses.profile.reduction
    for operation, answer in responses.reductions():
        evidence = answer.reason or f"of {operation}, {OPPOSITE[answer.matches[0]]}"
        yield Trait(f"reduction of {operation}", declared, answer.matches, evidence)


def _precision(responses: Responses) -> Trait:
    """Return the precision of everything that came back."""
    declared = responses.profile.dtype
    others = {name: dtype for name, dtype in responses.dtypes.items() if dtype != declared}
    if not responses.dtypes:
        return Trait("precision", declared, (), "no array came back")
    if not others:
        return Trait("precision", declared, (declared,), "")
    kinds: Sequence[str] = sorted(set(others.values()))
    evidence = f"{', '.join(others)} return{'s' * (len(others) == 1)} another precision"
    return Trait("precision", declared, (" and ".join(kinds),), evidence)
