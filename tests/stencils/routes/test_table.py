"""The table of routes, with numba and without, and that a convolution asks it by size, dtype and backend."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest

from refms.errors import InputError
from refms.grid import Grid
from refms.stencils import convolution as module
from refms.stencils.convolution import Convolution
from refms.stencils.routes import table

SMALL, WIDE = (1, 1, 3, 3), (1, 1, 15, 11)  # c_out, c_in, then sizes of which only the product counts
NARROWER, JUST_WIDE = (1, 1, 149, 1), (1, 1, 5, 5, 6)
M = 50  # more examples than rows
MUCH, LITTLE = 2_000_000, 1_999_999


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", ["numpy", "cupy"])
@pytest.mark.parametrize("numba", [True, False])
def test_the_compiled_route_is_taken_for_much_work_on_the_host_where_it_is_there(
    monkeypatch, numba, backend, dtype
):
    monkeypatch.setattr(table, "COMPILED", numba)
    there = numba and backend == "numpy"
    for work, sizes in itertools.product((MUCH, LITTLE), (SMALL, WIDE)):
        expected = "compiled" if there and work == MUCH else {SMALL: "patches", WIDE: "fourier"}[sizes]
        assert table.choose("auto", sizes, M, work, dtype, backend) == expected


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_arrays_never_take_the_compiled_route(monkeypatch, dtype):
    monkeypatch.setattr(table, "COMPILED", True)
    assert table.choose("auto", SMALL, M, MUCH, dtype, "numpy") == "patches"
    with pytest.raises(InputError, match=f"takes float32 and float64 NumPy arrays, not {dtype} on numpy"):
        table.choose("compiled", SMALL, M, MUCH, dtype, "numpy")


@pytest.mark.parametrize(
    ("numba", "avx512", "channels", "examples", "expected"),
    [
        (True, False, (32, 32), 64, "im2col"),
        (True, False, (31, 64), 1, "compiled"),
        (True, False, (64, 31), 1, "compiled"),
        (True, True, (96, 96), 500, "im2col"),
        (True, True, (95, 128), 500, "compiled"),
        (True, True, (64, 64), 7, "im2col"),
        (True, True, (64, 64), 16, "compiled"),
        (True, True, (128, 16), 1, "im2col"),
        (True, True, (15, 16), 1, "compiled"),
        (False, True, (16, 16), 15, "im2col"),
        (False, True, (16, 16), 16, "patches"),
        (False, True, (15, 64), 1, "patches"),
        (False, True, (64, 128), 63, "im2col"),
        (False, True, (128, 64), 64, "patches"),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_wide_layers_take_im2col_on_the_host(monkeypatch, dtype, numba, avx512, channels, examples, expected):
    monkeypatch.setattr(table, "COMPILED", numba)
    monkeypatch.setattr(table, "has_avx512", lambda: avx512)
    asked = ((*channels, 3, 3), examples, MUCH)
    assert table.choose("auto", *asked, dtype, "numpy") == expected
    assert table.choose("auto", *asked, dtype, "cupy") == "patches"
    assert table.choose("auto", *asked, "complex128", "numpy") == "patches"
    assert table.choose("auto", (*channels, 15, 11), examples, LITTLE, dtype, "numpy") == "fourier"


def test_the_fft_takes_over_at_150_entries(monkeypatch):
    monkeypatch.setattr(table, "COMPILED", False)
    found = [
        table.choose("auto", sizes, M, MUCH, "float64", "numpy") for sizes in (NARROWER, JUST_WIDE, WIDE)
    ]
    assert found == ["patches", "fourier", "fourier"]


@pytest.mark.parametrize("name", ["matrix", "patches", "fourier"])
def test_a_name_is_taken_at_its_word(name):
    assert table.choose(name, WIDE, M, MUCH, "float64", "numpy") == name


def test_what_cannot_be_taken_is_refused(monkeypatch):
    monkeypatch.setattr(table, "COMPILED", True)
    assert table.choose("compiled", SMALL, M, 1, "float64", "numpy") == "compiled"
    with pytest.raises(InputError, match="not float64 on cupy"):
        table.choose("compiled", SMALL, M, 1, "float64", "cupy")
    monkeypatch.setattr(table, "COMPILED", False)
    with pytest.raises(InputError, match=r"needs numba.*pip install 'refms\[fast\]'"):
        table.choose("compiled", SMALL, M, 1, "float64", "numpy")


OPERATIONS = {
    "apply": "SY",
    "adjoint": "SZu",
    "stencil_gradient": "ZY",
    "adjoint_and_gradient": "SZYu",
    "combine": "SYbfz",
}


def call(convolution, operation, given):
    if operation == "combine":
        S, Y, *rest = given.values()
        return convolution.combine([(S, Y)], *rest)
    return getattr(convolution, operation)(*given.values())


def arrays(letters, stencil=(1, 3)):
    shapes = {"S": (3, 2, *stencil), "b": (3,)}
    shapes |= dict.fromkeys("Yu", (24, M)) | dict.fromkeys("Zfz", (36, M))
    rng = np.random.default_rng(1)
    return {letter: rng.standard_normal(shapes[letter]) for letter in letters}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_table_is_asked_by_stencils_examples_work_dtype_and_backend(monkeypatch, operation):
    questions = []
    monkeypatch.setattr(module, "choose", lambda *question: questions.append(question) or "matrix")
    given = arrays(OPERATIONS[operation])
    call(Convolution(Grid((3, 4)), 2, 3, (1, 3), "zero"), operation, given)
    # One complex array makes the result complex, wherever it stands; then no compiled route may be taken.
    for letter, array in given.items():
        changed = given | {letter: array + 1j}
        call(Convolution(Grid((3, 4)), 2, 3, (1, 3), "zero"), operation, changed)
    kinds = ["float64", *["complex128"] * len(given)]
    assert questions == [("auto", (3, 2, 1, 3), M, 3 * 2 * 3 * 12 * M, kind, "numpy") for kind in kinds]


OPTIONAL = [("adjoint", "u", "add"), ("adjoint_and_gradient", "u", "add")]
OPTIONAL += [("combine", letter, name) for letter, name in zip("bfz", ("bias", "factor", "add"), strict=True)]


@pytest.mark.parametrize(
    ("operation", "letter", "name", "wrong"),
    [
        (*optional, wrong)
        for optional, wrong in itertools.product(OPTIONAL, ("rows", "examples", "precision"))
        if (optional[1], wrong) != ("b", "examples")
    ],
)
def test_an_optional_array_that_does_not_fit_is_refused_by_its_name(operation, letter, name, wrong):
    given = arrays(OPERATIONS[operation])
    array = given[letter]
    given[letter] = {
        "rows": array[1:],
        "examples": array[..., 1:],
        "precision": array.astype("float32"),
    }[wrong]
    with pytest.raises(InputError, match=rf"\b{name}\b"):
        call(Convolution(Grid((3, 4)), 2, 3, (1, 3), "zero"), operation, given)


@pytest.mark.parametrize(
    ("stencils", "cells", "tiled"),
    [
        ((32, 32, 3, 3), 512, True),
        ((32, 32, 3, 3), 511, False),
        ((31, 64, 3, 3), 512, False),
        ((64, 31, 3, 3), 512, False),
        ((64, 64, 5, 5), 512, False),
        ((64, 64, 3), 512, False),
        ((128, 64, 3, 3), 4096, True),
    ],
)
def test_tiles_are_taken_where_they_are_allowed_in_wide_3x3_layers_on_many_cells(stencils, cells, tiled):
    asked = (stencils, 16, cells * np.prod(stencils), "float32", "numpy")
    other = table.choose("auto", *asked)
    assert other != "winograd"
    assert table.choose("auto+winograd", *asked) == ("winograd" if tiled else other)


@pytest.mark.parametrize("channels", [15, 16, 31])
def test_compiled_tiles_are_taken_in_narrower_layers_in_the_place_of_im2col(channels):
    stencils = (channels, channels, 3, 3)
    asked = (stencils, 1, 4096 * np.prod(stencils), "float32", "numpy")
    im2col = table.choose("auto", *asked) == "im2col"
    assert im2col == (channels >= 16) or not table.COMPILED or not table.has_avx512()
    assert (table.choose("auto+winograd", *asked) == "winograd") == (im2col and table.COMPILED)


def test_a_route_is_kept_for_its_dtype_and_number_of_examples():
    convolution = Convolution(Grid((3, 4)), 2, 3, (1, 3), "zero")
    kinds = [np.dtype(kind) for kind in ("float32", "float64", "complex128")]
    found = {(kind, m): convolution.route_for(kind, m) for kind in kinds for m in (1, M)}
    assert len({id(route) for route in found.values()}) == len(found)
    assert all(convolution.route_for(*key) is route for key, route in found.items())
    for m in range(200):  # the number of routes that are kept is bounded
        convolution.route_for(kinds[0], m + 1)
    assert len(vars(convolution)["_routes"]) < 200


@pytest.mark.parametrize("name", [name for name in table.ROUTES if name != "compiled" or table.COMPILED])
@pytest.mark.parametrize("orientation", ["correlation", "convolution"])
def test_an_unchecked_route_has_the_bits_of_the_methods(name, orientation):
    stencil = (3, 3) if name == "winograd" else (1, 3)  # which takes no other
    convolution = Convolution(Grid((3, 4)), 2, 3, stencil, "zero", orientation, name)
    S, Y, Z, u, b, f, z = arrays("SYZubfz", stencil).values()
    route = convolution.route_for(Y.dtype, M)
    pairs = [
        (route.combine([(S, Y), (S, u)], b, f, z), convolution.combine([(S, Y), (S, u)], b, f, z)),
        (route.combine([(S, Y)]), convolution.apply(S, Y)),
        (route.adjoint(S, Z, u), convolution.adjoint(S, Z, u)),
        (route.gradient(Z, Y), convolution.stencil_gradient(Z, Y)),
        *zip(
            route.adjoint_and_gradient(S, Z, Y),
            convolution.adjoint_and_gradient(S, Z, Y),
            strict=True,
        ),
    ]
    for found, expected in pairs:
        np.testing.assert_array_equal(found, expected)


def test_an_unchecked_product_makes_few_python_calls():
    S, Y, Z, u, b, f, z = arrays("SYZubfz").values()
    route = Convolution(Grid((3, 4)), 2, 3, (1, 3), "zero").route_for(Y.dtype, M)

    def products():
        route.combine([(S, Y), (S, u)], b, f, z)
        route.adjoint_and_gradient(S, Z, Y, u)

    calls = []
    products()  # makes the plans
    sys.setprofile(lambda frame, event, argument: calls.append(event == "call"))
    try:
        products()
    finally:
        sys.setprofile(None)
    assert sum(calls) <= 40
