"""Instances of all tiers: scales, extreme shapes, and every pair of levels."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.conformance import PROPERTIES, Profile, run
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.axes import CHOSEN, LEVELS, levels_of
from refms.conformance.instances.covering import coverage, row
from refms.conformance.instances.domain import ANY, FREE, Instance, instances, instances_in_tier
from refms.conformance.instances.spread import draw_grid
from refms.conformance.runner import examine
from refms.names import TIERS

PLAIN = Instance((5, 4), (3, 3), 2, 3, 2, 3, 2, "periodic", "nearest", "tanh", 1.0, "float64", 7)
CATALOGUE = {item.id: item for item in PROPERTIES}
PROFILE = reference_profile()
ALLOWED = dict(
    zip(CHOSEN, (PROFILE.dimensions, PROFILE.pairs[:1], PROFILE.boundaries, PROFILE.activations), strict=True)
)


def harsh(domain=ANY, profile=None, count=300, seed=2):
    return instances(domain, profile or reference_profile(), count, seed)


def test_the_scales_scale():
    scaled = replace(PLAIN, stencil_scale=3e-5, image_scale=7e4)
    for name, factor in (("stencils", 3e-5), ("single", 3e-5), ("image", 7e4)):
        once, usual = getattr(scaled, name)(), getattr(PLAIN, name)()
        np.testing.assert_allclose(once, factor * usual, rtol=1e-15)
    np.testing.assert_allclose(PLAIN.draw("a", 4, scale=2e3), 2e3 * PLAIN.draw("a", 4), rtol=1e-15)


def test_the_opening_undoes_the_size_of_the_images():
    scaled = replace(PLAIN, image_scale=7e4, stencil_scale=1e-6)
    p, q = PLAIN.parameters(), scaled.parameters()
    np.testing.assert_allclose(7e4 * q["opening"], p["opening"], rtol=1e-14)
    assert all(np.array_equal(p[key], q[key]) for key in p if key != "opening")
    for x in (PLAIN, scaled):
        sizes = {key: float(np.std(array)) for key, array in x.in_units(x.parameters()).items()}
        assert all(0.4 < size < 1.8 for size in sizes.values()), sizes
    g = {key: np.ones_like(array) for key, array in q.items()}
    v = scaled.parameters("v")
    inner = sum((g[key] * v[key]).sum() for key in g)
    in_units = sum((scaled.per_unit(g)[key] * scaled.in_units(v)[key]).sum() for key in g)
    assert in_units == pytest.approx(inner, rel=1e-12)


def test_entries_are_spread_over_the_decades():
    wide = np.abs(replace(PLAIN, within=3.0, grid=(40, 50)).image())
    usual = np.abs(replace(PLAIN, grid=(40, 50)).image())
    assert np.quantile(wide, 0.05) < 0.1 * np.quantile(usual, 0.05)
    assert wide.max() <= usual.max()


def test_equal_seeds_give_equal_instances_and_both_precisions_the_same():
    assert harsh() == harsh() != harsh(seed=3)
    assert instances(ANY, reference_profile(), 5, 2, first=7) == harsh()[7:12]
    single = harsh(profile=reference_profile(dtype="float32"))
    assert [replace(x, dtype="float64") for x in single] == list(harsh())
    np.testing.assert_array_equal(single[0].image(), harsh()[0].image().astype("float32"))


def test_scales_fill_the_decades_and_single_precision_holds_them():
    found = harsh(profile=reference_profile(dtype="float32"))
    for name in ("stencil_scale", "image_scale"):
        u = np.log10([getattr(x, name) for x in found])
        assert -6 <= u.min() < -5.5 < 5.5 < u.max() <= 6
        assert abs(np.median(u)) < 1
    for x in found:
        for array in (x.stencils(), x.image()):
            assert np.isfinite(array).all()
            assert (np.abs(array[array != 0]) > np.finfo("float32").tiny).all()


def test_shapes_of_all_kinds_come_up():
    found = harsh()
    assert any(x.cells == 1 for x in found)
    assert any(max(x.grid) >= 12 * min(x.grid) for x in found)
    assert any(n < size for x in found for n, size in zip(x.grid, x.stencil, strict=True))
    assert any((x.c_in, x.c_out, x.examples, x.layers) == (1, 1, 1, 1) for x in found)
    assert any(max(x.c_in, x.c_out) >= 7 for x in found)
    assert any(x.examples > 8 for x in found)
    assert any(x.layers > 8 for x in found)
    assert any(x.cells > 100 for x in found)
    assert {x.d for x in found} == {1, 2, 3}
    assert {x.boundary for x in found} == {"periodic", "zero"}
    assert {x.activation for x in found} == set(reference_profile().activations)
    assert all(max(x.c_in, x.c_out) == 1 or max(x.c_in, x.c_out) * x.cells <= 640 for x in found)


@pytest.mark.parametrize("level", LEVELS["n"])
@pytest.mark.parametrize("extents", LEVELS["extents"])
def test_every_shape_stays_in_its_domain(level, extents):
    rng = np.random.default_rng(5)
    for least, stencil, multiple in (
        ((6, 6), (3, 5), 2),
        ((8, 4, 4), (7, 3, 3), 4),
        ((1,), (3,), 1),
        ((2, 1), (1, 1), 1),
    ):
        for equal, small in product((True, False), repeat=2):
            levels = {"n": level, "extents": extents}
            grid = draw_grid(rng, levels, least, stencil, multiple, small=small, equal=equal)
            assert all(n % multiple == 0 and n >= low for n, low in zip(grid, least, strict=True))
            assert len(grid) == len(least)
            assert len(set(grid)) == 1 or not (equal or extents == "equal")


def test_levels_are_those_that_were_asked_for():
    """On a domain without restrictions an instance has the levels of its row, but where they contradict."""
    cycling = tuple((name, values) for name, values in ALLOWED.items())
    for index, x in enumerate(harsh(count=200, seed=0)):
        wanted, got = row(index, cycling, FREE), levels_of(x)
        assert (got["d"], got["boundary"], got["activation"]) == (
            str(wanted["d"]),
            wanted["boundary"],
            wanted["activation"],
        )
        for name in ("ℓ", "T", "stencils", "images", "entries", "N"):
            assert got[name] == wanted[name]
        if x.cells * max(x.c_in, x.c_out) < 160:
            assert got["m"] == wanted["m"]
        if x.cells < 100:
            assert got["c"] == wanted["c"]


def test_a_few_dozen_instances_cover_all_pairs_that_there_are():
    """Only what contradicts itself never comes up, such as unequal extents of one axis."""
    drawn = [levels_of(x) for x in harsh(count=120, seed=0)]
    assert set(coverage(drawn).missing) == {
        "d = 1 with extents = unequal",
        "d = 1 with n_K = unequal",
        "n = < n_K with n_K = 1",
        "n = n_K with n_K = 1",
    }
    few = coverage(drawn[:40])
    assert few.covered > 0.95 * few.possible


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=4), st.lists(st.integers(1, 6), min_size=1, max_size=6)
)
@settings(max_examples=40)
def test_a_design_covers_all_pairs_in_few_rows(cycling, free):
    """It needs few more rows than the axes that go round, or the two largest, have combinations."""
    cycling = tuple((f"a{k}", tuple(range(n))) for k, n in enumerate(cycling))
    free = tuple((f"b{k}", tuple(range(n))) for k, n in enumerate(free))
    sizes = sorted(len(levels) for _, levels in (*cycling, *free))
    period = math.prod(len(levels) for _, levels in cycling)
    rows = [row(k, cycling, free) for k in range(3 * sizes[-1] * sizes[-2] + 2 * period + 12)]
    assert coverage(rows).missing == ()


def test_all_tiers_draw_from_one_design():
    for name in ("C5", "N1", "S3"):
        quick, full, torture = (
            instances_in_tier(CATALOGUE[name], reference_profile(), tier, 0) for tier in TIERS
        )
        assert [replace(x, draws=1) for x in full[: len(quick)]] == list(quick)
        assert [replace(x, draws=5) for x in torture[: len(full)]] == list(full)
        assert len(torture) == TIERS["torture"] // CATALOGUE[name].cost


@pytest.mark.parametrize(
    "family", ["convolution", "network", "loss", "gauss-newton", "galerkin", "optimizer"]
)
def test_the_properties_of_a_family_cover_most_pairs_in_the_quick_tier(family):
    profile = reference_profile()
    drawn = [
        x
        for item in PROPERTIES
        if item.family == family
        for x in instances_in_tier(item, profile, "quick", 0)
    ]
    found = coverage(map(levels_of, drawn))
    assert found.covered > 0.93 * found.possible


def test_mistakes_are_found_at_every_scale():
    class Flipped(ReferenceAdapter):
        def convolution(self, S, Y, grid, boundary):
            return super().convolution(S[..., ::-1].copy(), Y, grid, boundary)

        def gradient(self, parameters, X, C, problem):
            found = super().gradient(parameters, X, C, problem)
            return found | {"opening": 1.001 * found["opening"]}

    gate = Gate(Flipped())
    for name in ("C9", "O2"):
        for x in harsh(CATALOGUE[name].domain, gate.profile, 20):
            alike = name == "C9" and x.stencil[-1] == 1  # a stencil of one entry along the last axis
            found = examine(gate, CATALOGUE[name], x)
            assert found.verdict == ("PASS" if alike else "FAIL"), x.describe()


def test_a_report_of_the_tier(monkeypatch):
    monkeypatch.setitem(TIERS, "torture", 3)
    report = run(ReferenceAdapter(), "torture", properties=[CATALOGUE[name] for name in ("T1", "S6", "O5")])
    rows = {row.id: row for row in report.rows if row.verdict == "PASS"}
    assert {name: row.instances for name, row in rows.items()} == {"T1": 7, "S6": 3, "O5": 1}  # every pair


def test_a_narrow_profile_has_harsh_instances_too():
    narrow = Profile("narrow", dimensions=(2,), stencil_sizes=(3,), rectangular=False)
    for x in harsh(profile=narrow):
        assert x.grid[0] == x.grid[1]
        assert x.d == 2
    chosen = [CATALOGUE["C5"]]
    assert run(ReferenceAdapter(profile=narrow), properties=chosen).counts["PASS"] == 1
