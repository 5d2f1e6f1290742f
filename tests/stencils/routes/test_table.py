"""The table of routes, with numba and without."""

from __future__ import annotations

import itertools
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from refms.errors import InputError
from refms.grid import Grid
from refms.stencils.routes import table
from refms.stencils.routes.explicit import ExplicitRoute
from refms.stencils.routes.fourier import FourierRoute
from refms.stencils.routes.patches import PatchRoute
from refms.stencils.routes.route import Geometry
from refms.stencils.routes.runs import runs_of

PLACE = Geometry(Grid((20, 20)), (3, 3), "periodic")
WIDE = Geometry(Grid((20, 20)), (15, 11), "periodic")  # 165 entries
NARROWER = Geometry(Grid((20, 20)), (149, 1), "periodic")
JUST_WIDE = Geometry(Grid((20, 20)), (5, 5, 6), "periodic")  # 150: only the product counts here
MUCH, LITTLE = 2_000_000, 1_999_999


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", ["numpy", "cupy"])
@pytest.mark.parametrize("numba", [True, False])
def test_the_compiled_route_is_taken_for_much_work_on_the_host_where_it_is_there(
    monkeypatch, numba, backend, dtype
):
    monkeypatch.setattr(table, "COMPILED", numba)
    there = numba and backend == "numpy"
    for work, place in itertools.product((MUCH, LITTLE), (PLACE, WIDE)):
        expected = "compiled" if there and work == MUCH else {PLACE: "patches", WIDE: "fourier"}[place]
        assert table.chosen("auto", place, work, dtype, backend) == expected


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_arrays_never_take_the_compiled_route(monkeypatch, dtype):
    monkeypatch.setattr(table, "COMPILED", True)
    assert table.chosen("auto", PLACE, MUCH, dtype, "numpy") == "patches"
    with pytest.raises(InputError, match=f"takes float32 and float64 NumPy arrays, not {dtype} on numpy"):
        table.chosen("compiled", PLACE, MUCH, dtype, "numpy")


def test_the_fft_takes_over_at_150_entries(monkeypatch):
    monkeypatch.setattr(table, "COMPILED", False)
    found = [table.chosen("auto", place, MUCH, "float64", "numpy") for place in (NARROWER, JUST_WIDE, WIDE)]
    assert found == ["patches", "fourier", "fourier"]


@pytest.mark.parametrize("name", ["matrix", "patches", "fourier"])
def test_a_name_is_taken_at_its_word(name):
    assert table.chosen(name, WIDE, MUCH, "float64", "numpy") == name


def test_what_cannot_be_taken_is_refused(monkeypatch):
    with pytest.raises(InputError, match=r"route.*'fft'"):
        table.chosen("fft", PLACE, 1, "float64", "numpy")
    monkeypatch.setattr(table, "COMPILED", True)
    assert table.chosen("compiled", PLACE, 1, "float64", "numpy") == "compiled"
    with pytest.raises(InputError, match="not float64 on cupy"):
        table.chosen("compiled", PLACE, 1, "float64", "cupy")
    monkeypatch.setattr(table, "COMPILED", False)
    with pytest.raises(InputError, match=r"needs numba.*pip install 'refms\[fast\]'"):
        table.chosen("compiled", PLACE, 1, "float64", "numpy")


def test_names_become_routes():
    for name, kind in (("matrix", ExplicitRoute), ("fourier", FourierRoute), ("patches", PatchRoute)):
        found = table.route(name, PLACE)
        assert type(found) is kind
        assert found.geometry is PLACE


@pytest.mark.skipif(not table.COMPILED, reason="numba, the extra `fast`, is not installed")
def test_the_compiled_route_is_made_with_its_runs():
    runs = runs_of(PLACE)
    found = table.route("compiled", PLACE, runs)
    assert type(found).__name__ == "CompiledRoute"
    assert found.geometry is PLACE
    S, Y = np.ones((1, 1, 3, 3)), np.random.default_rng(0).standard_normal((400, 3))
    np.testing.assert_allclose(
        found.combine([(S, Y)], None, None, None),
        PatchRoute(PLACE).combine([(S, Y)], None, None, None),
        atol=1e-12,
    )


def test_the_compiled_route_is_imported_only_when_it_is_taken_and_gets_place_and_runs(monkeypatch):
    stub = SimpleNamespace(CompiledRoute=lambda *given: ("compiled route", *given))
    monkeypatch.setitem(sys.modules, "refms.stencils.routes.compiled", stub)
    runs = runs_of(PLACE)
    assert table.route("compiled", PLACE, runs) == ("compiled route", PLACE, runs)
    with pytest.raises(AssertionError):
        table.route("compiled", PLACE)
