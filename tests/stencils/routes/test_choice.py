"""What the table of routes is asked, and that its answer is taken, for every operation of a convolution."""

from __future__ import annotations

import dataclasses
import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from refms.errors import InputError
from refms.grid import Grid
from refms.stencils import convolution as module
from refms.stencils.convolution import Convolution
from refms.stencils.routes.route import Geometry
from refms.stencils.routes.runs import runs_of

GRID, M = Grid((3, 4)), 50  # more examples than rows
CONVOLUTION = Convolution(GRID, 2, 3, (1, 3), "zero")
OPERATIONS = {
    "apply": (CONVOLUTION.apply, "SY"),
    "adjoint": (CONVOLUTION.adjoint, "SZu"),
    "stencil_gradient": (CONVOLUTION.stencil_gradient, "ZY"),
    "adjoint_and_gradient": (CONVOLUTION.adjoint_and_gradient, "SZYu"),
    "combine": (lambda S, Y, b, f, z: CONVOLUTION.combine([(S, Y)], b, f, z), "SYbfz"),
}


def arrays(letters):
    shapes = {"S": CONVOLUTION.stencils_shape, "b": (3,)}
    shapes |= dict.fromkeys("Yu", (24, M)) | dict.fromkeys("Zfz", (36, M))
    rng = np.random.default_rng(1)
    return {letter: rng.standard_normal(shapes[letter]) for letter in letters}


@pytest.fixture
def asked(monkeypatch):
    """What the table was asked, and what its answer was turned into."""
    questions, answers = [], []

    def chosen(*question):
        questions.append(question)
        return "matrix"

    def named(name, geometry, runs=None):
        answers.append((name, geometry, runs))
        return right(name, geometry, runs)

    right = module.route_named
    monkeypatch.setattr(module, "chosen", chosen)
    monkeypatch.setattr(module, "route_named", named)
    return questions, answers


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_table_is_asked_by_place_work_dtype_and_backend(asked, operation):
    call, letters = OPERATIONS[operation]
    geometry = Geometry(GRID, (1, 3), "zero")
    work = 3 * 2 * 3 * 12 * M
    given = arrays(letters)
    call(*given.values())
    # One complex array makes the result complex, wherever it stands; then no compiled route may be taken.
    for letter in letters:
        call(*(given | {letter: given[letter] + 1j}).values())
    questions, answers = asked
    kinds = ["float64", *["complex128"] * len(letters)]
    assert questions == [("auto", geometry, work, kind, "numpy") for kind in kinds]
    assert answers == [("matrix", geometry, None)] * len(kinds)


def test_the_compiled_route_gets_its_runs(monkeypatch):
    seen = []

    def named(*choice):
        seen.append(choice)
        return SimpleNamespace(combine=lambda *given: "its answer")

    monkeypatch.setattr(module, "chosen", lambda *question: "compiled")
    monkeypatch.setattr(module, "route_named", named)
    for boundary in ("periodic", "zero"):
        convolution = dataclasses.replace(CONVOLUTION, boundary=boundary)
        assert convolution.apply(*arrays("SY").values()) == "its answer"
        name, geometry, runs = seen.pop()
        assert (name, geometry) == ("compiled", Geometry(GRID, (1, 3), boundary))
        np.testing.assert_array_equal(runs.table, runs_of(geometry).table)
        np.testing.assert_array_equal(runs.taps, runs_of(geometry).taps)


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
    call, letters = OPERATIONS[operation]
    given = arrays(letters)
    array = given[letter]
    given[letter] = {
        "rows": array[1:],
        "examples": array[..., 1:],
        "precision": array.astype("float32"),
    }[wrong]
    with pytest.raises(InputError, match=rf"\b{name}\b"):
        call(*given.values())
