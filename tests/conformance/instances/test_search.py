"""Instances that tell where a property fails: neighbours along one axis, and what refutes a false rule."""

from __future__ import annotations

from dataclasses import fields

import pytest

from refms.conformance import PROPERTIES, Profile
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.instances.domain import ANY, Domain, admits, instances
from refms.conformance.instances.rules import axes_of, best_rule
from refms.conformance.instances.search import neighbours, search

PROFILE = reference_profile()
FOUND, MORE = instances(ANY, PROFILE, 6, 0), instances(ANY, PROFILE, 40, 0, first=6)


def rule(fails, found=FOUND, more=MORE):
    first = [(x, fails(x)) for x in found]
    tried = [*first, *search(first, more, fails, ANY, PROFILE)]
    assert len({x for x, _ in tried}) == len(tried)
    return str(best_rule([(axes_of(x), not bad) for x, bad in tried]))


@pytest.mark.parametrize("domain", list(dict.fromkeys(item.domain for item in PROPERTIES)))
def test_neighbours_lie_in_the_domain_and_each_differs(domain):
    for x in instances(domain, PROFILE, 3, 1):
        found = list(neighbours(x, domain, PROFILE))
        assert len(set(found)) == len(found) > 5
        assert x not in found
        assert all(admits(domain, PROFILE, one) for one in found)


def test_most_neighbours_differ_in_one_field_alone():
    for x in FOUND:
        found = list(neighbours(x, ANY, PROFILE))
        differ = [sum(getattr(x, one.name) != getattr(y, one.name) for one in fields(x)) for y in found]
        assert sum(n == 1 for n in differ) > 0.7 * len(differ)


def test_a_profile_of_one_shape_has_no_neighbours_of_others():
    profile = Profile("square", dimensions=(2,), stencil_sizes=(3,), rectangular=False)
    (x,) = instances(Domain(square=True), profile, 1, 0)
    for one in neighbours(x, Domain(square=True), profile):
        assert (one.d, one.stencil, len(set(one.grid)), one.boundary) == (2, (3, 3), 1, "periodic")


@pytest.mark.parametrize(
    ("fails", "expected"),
    [
        (lambda x: x.examples == 1, "m = 1"),
        (lambda x: x.boundary == "zero" and max(x.stencil) > 1, "boundary = zero and n_K > 1"),
        (
            lambda x: x.c_in != x.c_out and x.d == 3 and x.examples > 1,
            "d = 3 and m > 1 and c_in ≠ c_out",
        ),
    ],
)
def test_rules_with_exceptions_by_chance_become_the_true_ones(fails, expected):
    assert rule(fails) == expected


def test_a_rule_that_fits_all_that_was_tried_is_refuted_by_what_was_not():
    """Of these few instances those that fail, and no others, have zeros beyond the border."""
    fails = lambda x: x.c_in != x.c_out  # noqa: E731 (as the others)
    few = [x for x in (*FOUND, *MORE) if fails(x) == (x.boundary == "zero")]
    first = best_rule([(axes_of(x), not fails(x)) for x in few])
    assert str(first) == "boundary = zero"
    assert rule(fails, few[:6], few[6:]) == "c_in ≠ c_out"


def test_where_nothing_or_everything_fails_nothing_more_is_tried():
    none = list(search([(x, False) for x in FOUND], (), lambda x: False, ANY, PROFILE))
    every = list(search([(x, True) for x in FOUND], MORE, lambda x: True, ANY, PROFILE))
    assert (len(none), len(every)) == (0, 2)
