"""Algorithm 1 of [LAS]: solve on the coarsest mesh, prolong, solve again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_nets import examples, images, untrained

from refms.errors import InputError, SingularTransferError
from refms.grid import Grid
from refms.multiscale.resolution import coarse_to_fine, transfer
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of, train

OPTIONS = OptimizationSection(iterations=2, hessian_fraction=0.5, dtype="float64")
PAIR = "averaging-constant"


def objective(model) -> float:
    problem = problem_of(model, examples(model, images()), RegularizationSection(), OPTIONS)
    return problem.block("joint", model.blocks).value(np.concatenate(list(model.blocks.values())))


def solve(model):
    return train(model, examples(model, images()), options=OPTIONS).model


@pytest.fixture(scope="module")
def run():
    """What was asked to be solved, what was solved, on meshes of 2, 4 and 8 cells."""
    asked, solved = [], []

    def watched(model):
        asked.append(model)
        return solve(model)

    solved.extend(coarse_to_fine(untrained(2), watched, 3, PAIR))
    return asked, solved


def test_every_mesh_is_solved_once_from_the_prolonged_solution_of_the_one_before(run):
    asked, solved = run
    for models in run:
        assert [model.grid for model in models] == [Grid((n, n)) for n in (2, 4, 8)]
    starts = [untrained(2), *(transfer(coarse, coarse.grid.refine(), PAIR) for coarse in solved[:-1])]
    for start, expected in zip(asked, starts, strict=True):
        for name, array in expected.arrays.items():
            np.testing.assert_array_equal(start.arrays[name], array)


def test_weights_go_to_finer_meshes_by_the_rule_that_is_asked_for():
    """``averaging-bilinear``, which takes the adjoint where none is asked for."""
    net, pair = untrained(2), "averaging-bilinear"
    W = np.random.default_rng(0).standard_normal(net.arrays["W"].shape)
    start = replace(net, arrays={**net.arrays, "W": W})
    *_, finest = coarse_to_fine(start, lambda model: model, 3, pair, weights="pair")
    middle = transfer(start, Grid((4, 4)), pair, weights="pair")
    by_adjoint, by_pair = (transfer(middle, Grid((8, 8)), pair, weights=rule) for rule in ("adjoint", "pair"))
    np.testing.assert_array_equal(finest.arrays["W"], by_pair.arrays["W"])
    assert not np.allclose(finest.arrays["W"], by_adjoint.arrays["W"])


def test_every_solution_is_better_than_its_start_and_a_prolonged_start_than_a_random_one(run):
    for start, end in zip(*run, strict=True):
        assert objective(end) < objective(start)
    for start in run[0][1:]:
        assert objective(start) < 0.8 * objective(untrained(start.grid.shape[0]))


def test_a_mesh_is_solved_only_when_its_model_is_asked_for():
    seen = []
    models = coarse_to_fine(untrained(2), lambda model: seen.append(model.grid) or model, 3, PAIR)
    assert seen == []
    next(models)
    assert seen == [Grid((2, 2))]


def test_one_level_solves_and_transfers_nothing():
    model = untrained(4, stencil=5)
    assert list(coarse_to_fine(model, lambda start: start, 1, PAIR)) == [model]


def test_the_baseline_keeps_the_stencils():
    models = list(coarse_to_fine(untrained(2), lambda model: model, 3, "nearest", "keep"))
    for model in models:
        np.testing.assert_array_equal(model.arrays["stencils"], untrained(2).arrays["stencils"])


def never(model):
    raise AssertionError("solved before the input was looked at")


@pytest.mark.parametrize(
    ("levels", "pair", "stencils", "error", "words"),
    [
        (0, PAIR, "galerkin", InputError, "levels is 0; expected 1 or more"),
        (2, "averaging-constnat", "galerkin", InputError, "Did you mean 'averaging-constant'"),
        (2, PAIR, "kepp", InputError, "Did you mean 'keep'"),
        (2, "nearest", "galerkin", SingularTransferError, "least_squares=True"),
    ],
)
def test_bad_input_is_refused_before_anything_is_solved(levels, pair, stencils, error, words):
    with pytest.raises(error, match=words):
        coarse_to_fine(untrained(2), never, levels, pair, stencils)


def test_a_singular_pair_is_taken_if_least_squares_are_asked_for():
    models = list(coarse_to_fine(untrained(2), lambda model: model, 2, "nearest", least_squares=True))
    assert [model.grid for model in models] == [Grid((2, 2)), Grid((4, 4))]
