"""Every figure of work that [MST] prints, from the batches and iterations that it states."""

from __future__ import annotations

import pytest

from refms.errors import InputError
from refms.multiscale.estimation import Batches, doubled_batches
from refms.multiscale.full_multiscale import full_multiscale_plan
from refms.multiscale.work import full_multiscale_work, gradient_work, level_cost, loss_evaluations

FOUR, SMALL = (16, 32, 64, 128), (8, 16, 32, 64)
ITERATIONS = (2000, 1000, 500, 250)


@pytest.mark.parametrize(
    ("batches", "per_iteration"),
    [(FOUR, 37), (FOUR[:3], 34), (FOUR[:2], 28), ((240,), 240), (SMALL, 18.5), ((120,), 120)],
)
def test_work_of_an_estimate(batches, per_iteration):
    assert gradient_work(batches) == Batches(batches).work() == per_iteration


@pytest.mark.parametrize(
    ("iterations", "batches", "printed"),
    [
        (2000, (240,), 480_000),  # Table 2: single scale
        (2000, FOUR, 74_000),  # multiscale
        (250, (120,), 30_000),  # super-resolution: single scale
        (250, SMALL, 4_600),  # multiscale, 4,625
        (2000, FOUR[:3], 68_000),  # Table 6: three levels
        (2000, FOUR[:2], 56_000),  # two levels
    ],
)
def test_work_of_one_stage(iterations, batches, printed):
    assert abs(iterations * gradient_work(batches) - printed) <= 50


@pytest.mark.parametrize(
    ("batches", "iterations", "total", "stages"),
    [
        (FOUR, ITERATIONS, 28_750, [4000, 7000, 8500, 9250]),
        (FOUR[:3], ITERATIONS[1:], 19_500, [4000, 7000, 8500]),
        (FOUR[:2], ITERATIONS[2:], 11_000, [4000, 7000]),
    ],
)
def test_work_of_full_multiscale(batches, iterations, total, stages):
    """With fewer levels the stages are the last ones, on meshes that count more."""
    found = full_multiscale_work(batches, iterations)
    assert sum(found) == full_multiscale_plan(batches, iterations).work() == total
    assert found == stages


@pytest.mark.parametrize(("batches", "iterations", "printed"), [(FOUR, 2000, 126_000), (SMALL, 250, 7_875)])
def test_work_with_as_many_iterations_in_each_stage(batches, iterations, printed):
    """Inpainting and super-resolution: 63 = 2 + 7 + 17 + 37 an iteration, and 31.5 with half the batches."""
    assert sum(full_multiscale_work(batches, (iterations,) * 4)) == printed


@pytest.mark.parametrize(("levels", "printed"), [(5, 752), (4, 624), (3, 560), (2, 528), (1, 512)])
def test_evaluations_of_table_1(levels, printed):
    """512 images: 16, 32, … on the finer levels, the rest on the coarsest; twins count again."""
    finer = doubled_batches(16, levels - 1)
    assert loss_evaluations((*finer, 512 - sum(finer))) == printed


def test_two_levels_with_four_times_the_batch_cost_nine_sixteenths():
    """The example of Section 2: N/4 examples on the fine mesh, N on the coarse one."""
    assert gradient_work((16, 64)) == 9 * 64 / 16


def test_costs_are_cells():
    assert [level_cost(level, d) for d in (1, 2, 3) for level in (0, 1, 2)] == [
        1, 1 / 2, 1 / 4, 1, 1 / 4, 1 / 16, 1, 1 / 8, 1 / 64,
    ]  # fmt: skip
    assert doubled_batches(16, 4) == FOUR


@pytest.mark.parametrize(
    "make",
    [
        lambda: gradient_work(()),
        lambda: gradient_work((0,)),
        lambda: full_multiscale_work((1, 2), (3,)),
        lambda: full_multiscale_plan((1, 2), (3,)),
        lambda: level_cost(-1),
    ],
)
def test_bad_plans_are_refused(make):
    with pytest.raises(InputError):
        make()
