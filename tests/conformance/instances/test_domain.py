"""Instances: seeded, within their domain and within the profile."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from refms.conformance import PROPERTIES, Profile
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.instances.covering import combination
from refms.conformance.instances.domain import Domain, instances
from refms.definition.galerkin import closed
from refms.definition.transfer import PAIRS
from refms.errors import InputError
from refms.stencils.transfer import TRANSFER_PAIRS

SMALL_PROFILE = Profile("small", dimensions=(2,), stencil_sizes=(3,), rectangular=False, dtype="float32")


@pytest.mark.parametrize("item", PROPERTIES, ids=lambda item: item.id)
def test_instances_lie_in_domain_and_profile(item):
    profile = reference_profile()
    for x in instances(item.domain, profile, 30, seed=1):
        assert x.d in item.domain.dimensions
        assert all(n % item.domain.multiple == 0 for n in x.grid)
        assert set(x.stencil) <= set(profile.stencil_sizes)
        assert x.boundary == (item.domain.boundary or x.boundary)
        assert item.domain.activations is None or x.activation in item.domain.activations
        if item.domain.resolves:
            assert all(n >= size for n, size in zip(x.grid, x.stencil, strict=True))
        if item.domain.stencil == "closed":
            assert closed(PAIRS[x.pair], x.stencil[0])
        if item.domain.pair is not None:
            assert item.domain.pair(PAIRS[x.pair])


def test_every_dimension_and_pair_comes_up():
    found = instances(Domain(multiple=2, pair=lambda pair: True), reference_profile(), 21, seed=0)
    assert {(x.d, x.pair) for x in found} == {(d, name) for d in (1, 2, 3) for name in PAIRS}


@pytest.mark.parametrize("sizes", list(product(range(1, 7), repeat=3)))
def test_every_combination_comes_up_once_a_period(sizes):
    axes = [range(n) for n in sizes]
    assert {combination(k, *axes) for k in range(math.prod(sizes))} == set(product(*axes))


@pytest.mark.parametrize("dimensions", [(1,), (2,), (1, 2), (2, 3), (1, 2, 3)])
@pytest.mark.parametrize("pairs", [1, 2, 3, 5])
def test_every_boundary_and_pair_comes_up_in_every_dimension(dimensions, pairs):
    """Zero boundaries once came up in three dimensions alone."""
    profile = replace(reference_profile(), dimensions=dimensions, pairs=tuple(PAIRS)[:pairs])
    found = instances(Domain(multiple=2, pair=lambda pair: True), profile, 60, seed=0)
    seen = {(x.d, x.boundary, x.pair) for x in found}
    assert seen == set(product(dimensions, profile.boundaries, profile.pairs))


def test_equal_seeds_draw_equal_arrays_and_other_names_other_ones():
    one, two = (instances(Domain(), reference_profile(), 4, seed=7) for _ in range(2))
    assert one == two
    np.testing.assert_array_equal(one[0].image(), two[0].image())
    assert not np.array_equal(one[0].draw("a", 5), one[0].draw("b", 5))
    assert instances(Domain(), reference_profile(), 4, seed=8) != one


def test_both_precisions_see_the_same_numbers():
    double, single = (instances(Domain(), reference_profile(dtype=d), 3, 0) for d in ("float64", "float32"))
    for a, b in zip(double, single, strict=True):
        assert b.image().dtype == np.float32
        np.testing.assert_array_equal(a.image().astype("float32"), b.image())


def test_a_narrow_profile_is_respected():
    for x in instances(Domain(), SMALL_PROFILE, 20, seed=0):
        assert x.d == 2
        assert x.stencil == (3, 3)
        assert x.grid[0] == x.grid[1]
        assert x.dtype == "float32"
    assert instances(Domain(dimensions=(3,)), SMALL_PROFILE, 20, seed=0) == ()


def test_the_kits_table_of_pairs_and_that_of_refms_agree():
    # Two tables typed in by hand: the kit must not depend on refms, and so it is compared with it here.
    assert list(PAIRS) == [pair.name for pair in TRANSFER_PAIRS]
    for pair in TRANSFER_PAIRS:
        own = PAIRS[pair.name]
        assert own.r == dict(pair.restriction)
        assert own.p == dict(pair.prolongation)
        assert own.vertex == (pair.centring == "vertex")
        assert own.gamma == pair.identity_factor
        assert own.variational == pair.variational
        assert own.linears == (pair.restricts_linears, pair.prolongs_linears)
        assert own.order == pair.order
        assert tuple(size for size in (1, 3, 5, 7) if closed(own, size)) == pair.closed_sizes


@pytest.mark.parametrize(
    "wrong",
    [
        {"dtype": "float8"},
        {"layout": "NWHC"},
        {"pairs": ("bilinear",)},
        {"dimensions": ()},
        {"dimensions": (4,)},
        {"stencil_sizes": (2,)},
        {"boundaries": ("reflect",)},
        {"activations": ("sine",)},
    ],
)
def test_profiles_refuse_what_they_do_not_know(wrong):
    with pytest.raises(InputError):
        Profile("wrong", **wrong)


def test_logits_are_about_one_with_and_without_the_volume():
    # If W knew nothing of the missing h^d, logits would saturate and curvatures drown in round-off.
    sizes = []
    for weighted in (True, False):
        x = instances(Domain(), replace(reference_profile(), volume_weighted=weighted), 9, seed=3)[8]
        W = x.parameters()["W"]
        sizes.append(x.volume * np.linalg.norm(W) / np.sqrt(W.shape[1]))
        assert x.volume == (1 / x.cells if weighted else 1.0)
    assert sizes[0] == pytest.approx(sizes[1], rel=1e-12)
    assert 0.3 < sizes[0] < 3.0
