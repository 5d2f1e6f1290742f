"""Instances shrink to the simplest one that still fails, and never leave the domain."""

from __future__ import annotations

import math
import time
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.conformance import PROPERTIES, Profile
from refms.conformance.adapters.profile import ACTIVATIONS, BOUNDARIES, reference_profile
from refms.conformance.instances.domain import SIMPLEST, Domain, admits, instances
from refms.conformance.instances.instance import Instance
from refms.conformance.reproduction.patience import Patience, allowance
from refms.conformance.reproduction.shrinking import PLAIN, shrink, simpler

DOMAINS = list(dict.fromkeys(item.domain for item in PROPERTIES))
PROFILES = [
    reference_profile(),
    Profile("square", dimensions=(2, 3), stencil_sizes=(3, 5), rectangular=False, boundaries=BOUNDARIES),
    Profile("one", dimensions=(3,), stencil_sizes=(5,), activations=("relu", "tanh")),
]


@st.composite
def drawn(draw):
    """Return a domain, a profile and an instance of both."""
    domain, profile = draw(st.sampled_from(DOMAINS)), draw(st.sampled_from(PROFILES))
    cases = instances(domain, profile, 6, draw(st.integers(0, 1000)))
    return domain, profile, draw(st.sampled_from(cases)) if cases else None


@settings(max_examples=60)
@given(drawn())
def test_what_is_drawn_is_admitted_and_so_is_all_that_is_simpler(case):
    domain, profile, x = case
    if x is None:
        return
    assert admits(domain, profile, x)
    found = list(simpler(x, domain, profile))
    assert x not in found
    assert len(set(found)) == len(found)
    for one in found:
        assert admits(domain, profile, one)
        assert one.dtype == x.dtype
        assert one.pair == x.pair
        assert math.prod(one.grid) <= max(x.cells, *(n**x.d for n in x.grid))


@settings(max_examples=30)
@given(drawn())
def test_what_fails_everywhere_shrinks_to_where_nothing_is_simpler(case):
    domain, profile, x = case
    if x is None:
        return
    found = shrink(x, domain, profile, lambda one: True, allowance(Patience(1000, 600.0)))
    assert list(simpler(found, domain, profile)) == []
    d = min(set(profile.dimensions) & set(domain.dimensions))
    assert found.d == d
    for name, value in {**SIMPLEST, **PLAIN}.items():
        assert getattr(found, name) == value
    assert found.seed <= x.seed


BIG = Instance(
    (12, 10, 8), (5, 3, 3), 3, 2, 3, 4, 3, "zero", "nearest", "tanh", 0.5, "float64", 77, True, 1e-4, 1e5, 2.0
)
ALL = reference_profile()


@pytest.mark.parametrize(
    ("needed", "left"),
    [
        (lambda x: x.d >= 2, {"grid": (1, 1), "stencil": (1, 1)}),
        (lambda x: max(x.stencil) >= 3, {"grid": (1,), "stencil": (3,)}),
        (lambda x: x.grid[0] >= 4 and x.d == 2, {"grid": (4, 1)}),
        (lambda x: x.c_in == 2 and x.examples >= 2, {"c_in": 2, "examples": 2, "c_out": 1}),
        (lambda x: x.layers > 1, {"layers": 2, "classes": 2}),
        (lambda x: x.final_time != 1, {"final_time": 0.5, "stencil_scale": 1.0}),
        (lambda x: x.stencil_scale < 1, {"stencil_scale": 1e-4, "image_scale": 1.0, "within": 0.0}),
        (lambda x: x.boundary == "zero", {"boundary": "zero", "activation": "identity"}),
        (lambda x: x.activation == "tanh", {"boundary": "periodic", "activation": "tanh"}),
        (lambda x: x.seed > 1, {"seed": 2}),
        (lambda x: x.seed == 77, {"seed": 77, "grid": (1,)}),
    ],
)
def test_only_what_is_needed_is_left(needed, left):
    any_dimension = [replace(BIG, grid=BIG.grid[:d], stencil=BIG.stencil[:d]) for d in (3, 2)]
    start = next(one for one in any_dimension if needed(one)) if needed(any_dimension[1]) else None
    x = BIG if start is None or needed(BIG) else start
    found = shrink(x, Domain(), ALL, needed, allowance(Patience(1000, 600.0)))
    assert needed(found)
    assert {name: getattr(found, name) for name in left} == left


@pytest.mark.parametrize(
    ("domain", "grid", "stencil"),
    [
        (Domain(multiple=4), (4,), (3,)),
        (Domain(smallest=3), (3,), (3,)),
        (Domain(resolves=True), (3,), (3,)),
        (Domain(multiple=2, resolves=True), (4,), (3,)),
        (Domain(dimensions=(3,), square=True, resolves=True), (3, 3, 3), (3, 3, 3)),
    ],
)
def test_grids_stay_in_the_domain(domain, grid, stencil):
    size = max(domain.multiple * 4, 8)
    x = replace(BIG, grid=(size,) * 3, stencil=(5, 5, 5))
    found = shrink(x, domain, ALL, lambda one: max(one.stencil) >= 3, allowance(Patience(1000, 600.0)))
    assert (found.grid, found.stencil) == (grid, stencil)


def test_the_budget_is_kept():
    asked = []

    def still_fails(x):
        asked.append(x)
        return True

    assert shrink(BIG, Domain(), ALL, still_fails, allowance(Patience(checks=0))) == BIG
    assert asked == []
    shrink(BIG, Domain(), ALL, lambda x: asked.append(x) or False, allowance(Patience(checks=5)))
    assert len(asked) == 5
    asked.clear()

    def slow(x):
        asked.append(x)
        time.sleep(0.02)
        return False

    shrink(BIG, Domain(), ALL, slow, allowance(Patience(seconds=0.1)))
    assert len(asked) <= 5


def test_no_instance_is_asked_about_twice():
    asked = []
    shrink(BIG, Domain(), ALL, lambda x: asked.append(x) or x.d == 2, allowance(Patience(1000, 600.0)))
    assert len(set(asked)) == len(asked) > 10


@pytest.mark.parametrize(
    "change",
    [
        {"boundary": "zero"},
        {"activation": "relu"},
        {"stencil": (7,)},
        {"stencil": (4,)},
        {"grid": (3,)},
        {"grid": (0,)},
        {"grid": (2, 2), "stencil": (3, 3)},
        {"c_in": 0},
        {"classes": 1},
    ],
)
def test_what_lies_outside_is_not_admitted(change):
    profile = Profile("small", dimensions=(1,), stencil_sizes=(3, 5))
    x = instances(Domain(multiple=2), profile, 1, 0)[0]
    assert admits(Domain(multiple=2), profile, x)
    assert not admits(Domain(multiple=2), profile, replace(x, **change))


def test_every_number_of_an_instance_is_known_to_the_shrinker():
    named = {
        "grid",
        "stencil",
        "boundary",
        "pair",
        "activation",
        "dtype",
        "seed",
        "volume_weighted",
        "orientation",
        "reduction",
        "draws",
        "half",
    }
    assert {one.name for one in fields(Instance)} == named | set(SIMPLEST) | set(PLAIN)
    assert "identity" in ACTIVATIONS
