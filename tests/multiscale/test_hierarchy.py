"""A hierarchy: stencils of each level, complexities, and what it says of itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stencils.drawn import pairs, seeds
from test_display import HOSTILE, Reader

from refms.data.corruption import Denoise
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.residual import Residual
from refms.maps.architectures.residual_image import ResidualImage
from refms.model import initial_model
from refms.multiscale import (
    Hierarchy,
    ImageProblem,
    Subsampling,
    coarse_to_fine,
    model_hierarchy,
    stencil_hierarchy,
    transfer,
)
from refms.objective.reading import Classes
from refms.stencils.convolution import convolution_matrix


@given(pairs, st.integers(1, 3), st.tuples(st.sampled_from((8, 16)), st.sampled_from((8, 24))), seeds)
@settings(max_examples=25)
def test_the_matrix_of_each_level_is_the_galerkin_product_of_the_one_above(pair, levels, shape, seed):
    S = np.random.default_rng(seed).standard_normal((2, 1, 3, 3))
    found = stencil_hierarchy(S, Grid(shape), pair, levels)
    assert len(found.levels) == levels
    for fine, coarse in zip(found.levels, found.levels[1:], strict=False):
        K, K_H = (convolution_matrix(level.stencils["K"], level.grid) for level in (fine, coarse))
        R = pair.restriction_matrix(fine.grid, channels=2)
        np.testing.assert_allclose(
            (R @ K @ pair.prolongation_matrix(fine.grid)).toarray(), K_H.toarray(), atol=1e-12
        )


def test_complexities_and_norms_are_those_of_the_explicit_matrices():
    s = np.random.default_rng(0).standard_normal((3, 3))
    found = stencil_hierarchy(s, Grid((16, 16)), "averaging-bilinear", 3)
    matrices = [convolution_matrix(level.stencils["K"], level.grid) for level in found.levels]
    assert [level.multiply_adds for level in found.levels] == [K.nnz for K in matrices]
    assert found.operator_complexity == sum(K.nnz for K in matrices) / matrices[0].nnz
    assert found.grid_complexity == 1 + 1 / 4 + 1 / 16
    for level, K in zip(found.levels, matrices, strict=True):
        assert level.norm == pytest.approx(np.linalg.norm(K.toarray()[0]), rel=1e-14)


def test_stencils_that_grow_make_coarse_operators_cost_more_than_their_cells():
    found = stencil_hierarchy(np.ones((3, 3)), Grid((16, 16)), "injection-cubic", 2)
    assert [row[5] for row in found.rows] == ["1 (3×3)", "1 (5×5)"]
    assert found.operator_complexity == 1 + 25 / 9 / 4


def test_stencils_on_a_line_and_hierarchies_in_a_set():
    found = stencil_hierarchy(np.ones((2, 3, 5)), Grid((8,)), "averaging-bilinear", 2)
    assert [row[5] for row in found.rows] == ["1 (5)", "1 (5)"]
    assert len({found, *found.levels, found}) == 3


def net(n=8):
    return initial_model(Residual(Grid((n, n)), channels=2, layers=3), Classes(3))


def test_models_are_ordered_and_their_records_say_how_they_were_transferred():
    run = list(coarse_to_fine(net(4), lambda model: model, 3, "averaging-bilinear", weights="pair"))
    found = model_hierarchy(run)
    assert [level.grid.shape for level in found.levels] == [(16, 16), (8, 8), (4, 4)]
    assert found.operator_complexity == found.grid_complexity == 1.3125
    assert found.moved["stencils"] == "K_H = R K_h P, averaging-bilinear"
    assert "as values" in found.moved["W"]
    for level, model in zip(found.levels, reversed(run), strict=True):
        largest = max(np.linalg.norm(S) for S in model.arrays["stencils"])
        assert level.norm == pytest.approx(largest, rel=1e-14)
    kept = transfer(net(), Grid((4, 4)), "averaging-constant", stencils="keep", weights="adjoint")
    moved = model_hierarchy([kept, net()]).moved
    assert moved["stencils"] == "unchanged"
    assert "is kept" in moved["W"]
    assert model_hierarchy([net()]).moved == {}


@pytest.mark.parametrize("models", [[], [net(), net()], [net(8), net(6)]])
def test_models_that_make_no_hierarchy_are_refused(models):
    with pytest.raises(InputError):
        model_hierarchy(models)


def test_an_image_problem_shows_its_meshes():
    problem = ImageProblem(
        ResidualImage(Grid((16, 16)), 1, 4, 1),
        np.zeros((256, 3)),
        Denoise(),
        levels=2,
        subsampling=Subsampling("both", noise="kept"),
        kernel_rule="galerkin",
    )
    found = problem.hierarchy
    assert [level.multiply_adds for level in found.levels] == [problem.map(k).multiply_adds for k in (0, 1)]
    assert found.moved == {
        "images": "half by R of averaging-constant, half windows, noise kept",
        "kernels": "K_H = R K_h P, averaging-constant",
    }
    levels, moved = Reader(problem._repr_html_()).tables
    assert [row[1] for row in levels if row] == ["16×16", "8×8"]
    assert [row[5:] for row in levels if row] == [["", ""]] * 2  # the parameters are no part of the problem
    assert moved == [list(pair) for pair in found.moved.items()]


@pytest.mark.parametrize(("rule", "said"), [("keep", "unchanged"), ("galerkin", "K_H = R K_h P")])
def test_an_image_problem_says_how_its_kernels_move(rule, said):
    net, images = ResidualImage(Grid((8, 8)), 1, 4), np.zeros((64, 2))
    posed = ImageProblem(net, images, Denoise(), levels=2, kernel_rule=rule)
    assert posed.hierarchy.moved["kernels"].startswith(said)


def test_what_is_printed_is_a_table_with_a_line_for_each_level():
    found = stencil_hierarchy(np.ones((3, 3)), Grid((8, 4)), "averaging-bilinear", 2)
    lines = str(found).splitlines()
    assert len(lines) == 5
    assert lines[2].split() == ["0", "8×4", "32", "288", "80", "%", "1", "(3×3)", "3"]
    assert len({len(line) for line in lines[1:4]}) == 1
    assert "\n" not in repr(found)


def test_texts_of_others_stay_texts():
    page = Hierarchy(
        stencil_hierarchy(np.ones((3, 3)), (4, 4), "nearest").levels, {HOSTILE: HOSTILE}
    )._repr_html_()
    assert set(Reader(page).tags) <= {"table", "caption", "tr", "th", "td"}
    assert "\x1b" not in page
