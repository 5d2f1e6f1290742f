import itertools
import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optimize.problems import Counted, normal, rho, spd

from refms.errors import InputError
from refms.optimize import (
    BlockSteps,
    Damping,
    Newton,
    Observation,
    Status,
    StepOptions,
    StopRules,
    descend,
    propagation_then_classifier,
)

exact = StepOptions(cg_tolerance=1e-13, cg_iterations=100)
SIZES = {"propagation": 4, "classifier": 3, "spare": 2}
PARTS = {"propagation": slice(0, 4), "classifier": slice(4, 7), "spare": slice(7, 9)}
ONE_EACH = (BlockSteps("propagation", Newton(exact)), BlockSteps("classifier", Newton(exact)))


@dataclass
class Coupled:
    """½ xᵀAx − bᵀx in the blocks of x; ``sample`` scales the curvature of an iteration at random."""

    A: np.ndarray
    b: np.ndarray
    sample: float = 0.0
    asked: list[tuple[str, int]] = field(default_factory=list)
    work: list[str] = field(default_factory=list)
    spoil: object = None

    def block(self, name, blocks, iteration):
        self.asked.append((name, iteration))
        with pytest.raises(TypeError):
            blocks[name] = None
        return _Block(self, name, dict(blocks), iteration)


@dataclass
class _Block(Counted):
    whole: Coupled
    name: str
    blocks: dict
    iteration: int

    def __post_init__(self):
        self.calls = self.whole.work

    def x(self, part):
        return np.concatenate([part if name == self.name else self.blocks[name] for name in SIZES])

    def spoilt(self, where, result):
        spoil = self.whole.spoil
        return result if spoil is None else spoil(where, self.name, self.iteration, result)

    def f(self, part):
        x = self.x(part)
        return self.spoilt("value", float(0.5 * x @ (self.whole.A @ x) - self.whole.b @ x))

    def gradient(self, part):
        return self.spoilt("gradient", (self.whole.A @ self.x(part) - self.whole.b)[PARTS[self.name]])

    def hessian(self, part):
        rows = PARTS[self.name]
        scale = np.exp(self.whole.sample * np.random.default_rng([7, self.iteration]).standard_normal())
        return self.spoilt("curvature", (scale * self.whole.A[rows, rows]).astype(part.dtype))


def bcd(problem, blocks, schedule=None, **options):
    chosen = propagation_then_classifier() if schedule is None else schedule
    return descend(problem, blocks, chosen, **options)


def coupled(dtype="float64", condition=20.0, **options):
    return Coupled(spd(5, 9, condition, dtype), normal(6, 9, dtype), **options)


def start(dtype="float64"):
    return {name: normal(8 + n, n, dtype) for name, n in SIZES.items()}


def concatenate(blocks):
    return np.concatenate([blocks[name] for name in SIZES])


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_exact_blocks_are_the_block_gauss_seidel_iteration(seed):
    problem = Coupled(spd(seed, 9, 20.0), normal(seed + 1, 9))
    x, seen = concatenate(start()), []
    bcd(
        problem,
        start(),
        ONE_EACH,
        stop=StopRules(max_iterations=4),
        monitor=lambda iteration, blocks, rows: seen.append(concatenate(blocks)),
    )
    for got in seen:
        for name in ("propagation", "classifier"):
            rows = PARTS[name]
            r = problem.b - problem.A @ x
            x = x.copy()
            x[rows] += np.linalg.solve(problem.A[rows, rows], r[rows])
        assert rho(got, x, 20.0 * 20.0 * np.linalg.norm(x)) < 30


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("separable", [False, True])
def test_all_blocks_together_reach_the_solution(dtype, separable):
    problem = coupled(dtype)
    if separable:
        mask = np.zeros((9, 9), dtype=dtype)
        for rows in PARTS.values():
            mask[rows, rows] = 1
        problem.A = problem.A * mask
    schedule = (*ONE_EACH, BlockSteps("spare", Newton(exact)))
    run = bcd(problem, start(dtype), schedule, stop=StopRules(max_iterations=500))
    solution = np.linalg.solve(problem.A.astype("float64"), problem.b)
    assert run.outcome.success
    assert concatenate(run.blocks).dtype == dtype
    # the objective cannot tell errors below sqrt(30 eps)
    assert np.linalg.norm(concatenate(run.blocks) - solution) < 30 * math.sqrt(np.finfo(dtype).eps)
    if separable:
        assert {row.iteration for row in run.history if row.objective < row.objective_before} <= {1, 2}


def test_the_objective_never_rises_and_rows_follow_each_other():
    run = bcd(coupled(condition=1e3), start(), stop=StopRules(max_iterations=5))
    assert len(run.history) == 5 * 6
    assert [row.block for row in run.history][:7] == ["propagation", *["classifier"] * 5, "propagation"]
    for row, following in zip(run.history.rows, run.history.rows[1:], strict=False):
        assert following.objective_before == row.objective <= row.objective_before
        assert following.work_units > row.work_units
    assert [row.iteration for row in run.history] == [i for i in range(1, 6) for _ in range(6)]


def test_blocks_not_stepped_stay_the_same_bits():
    blocks = start()
    run = bcd(coupled(), blocks, ONE_EACH[1:])
    assert run.blocks["propagation"] is blocks["propagation"]
    assert run.blocks["spare"] is blocks["spare"]
    assert not np.array_equal(run.blocks["classifier"], blocks["classifier"])


def test_each_block_asks_once_for_its_objective_under_the_number_of_the_iteration():
    problem = coupled(sample=0.5)
    run = bcd(problem, start(), stop=StopRules(max_iterations=3))
    assert problem.asked == [(name, i) for i in (1, 2, 3) for name in ("propagation", "classifier")]
    assert run.outcome.status is Status.ITERATION_LIMIT


@pytest.mark.parametrize("damping", [None, Damping(0.5)])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(damping):
    schedule = propagation_then_classifier(damping=damping)
    whole = bcd(coupled(sample=1.0), start(), schedule, stop=StopRules(max_iterations=6))
    first = bcd(coupled(sample=1.0), start(), schedule, stop=StopRules(max_iterations=2))
    second = bcd(
        coupled(sample=1.0), first.blocks, first.schedule, stop=StopRules(max_iterations=6), first_iteration=3
    )
    assert concatenate(second.blocks).tobytes() == concatenate(whole.blocks).tobytes()
    assert second.schedule == whole.schedule
    assert [row.iteration for row in second.history][-1] == 6
    if damping:
        assert whole.schedule != schedule


def test_a_poor_sample_of_the_curvature_costs_speed_not_descent():
    run = bcd(coupled(sample=2.0), start(), stop=StopRules(max_iterations=30))
    full = bcd(coupled(), start(), stop=StopRules(max_iterations=30))
    values = [row.objective for row in run.history]
    assert all(b <= a for a, b in itertools.pairwise(values))
    assert any(row.step_length < 1 for row in run.history)
    assert values[-1] == pytest.approx(full.history.rows[-1].objective, abs=1e-3)


def test_the_monitor_adds_numbers_to_the_last_row_and_stops():
    def monitor(iteration, blocks, rows):
        assert {row.iteration for row in rows} == {iteration}
        assert len(rows) == 6
        with pytest.raises(TypeError):
            blocks["spare"] = 0
        return Observation(
            {"validation_accuracy": iteration / 10}, "Accuracy is enough." if iteration == 3 else ""
        )

    run = bcd(coupled(), start(), monitor=monitor)
    assert run.outcome.status is Status.STOPPED
    assert run.outcome.success
    assert "Accuracy is enough." in run.outcome.message
    told = [row.extra.get("validation_accuracy") for row in run.history]
    assert told[5::6] == [i / 10 for i in (1, 2, 3)]
    assert told[4] is None


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("where", ["gradient", "curvature"])
@pytest.mark.parametrize("block", ["propagation", "classifier"])
def test_nan_stops_the_run_with_its_place_and_the_last_finite_state(where, block, bad):
    def spoil(what, name, iteration, result):
        return result * bad if (what, name, iteration) == (where, block, 3) else result

    run = bcd(coupled(spoil=spoil), start(), ONE_EACH)
    assert run.outcome.status is Status.NON_FINITE
    assert not run.outcome.success
    assert run.outcome.message.startswith(f"Iteration 3, block '{block}': ")
    assert run.notes == (
        run.outcome.message.removesuffix(" The run stopped and kept the values before that step."),
    )
    two = bcd(coupled(), start(), ONE_EACH, stop=StopRules(max_iterations=2)).blocks
    three = bcd(coupled(), start(), ONE_EACH, stop=StopRules(max_iterations=3)).blocks
    assert np.array_equal(
        run.blocks["propagation"], (two if block == "propagation" else three)["propagation"]
    )
    assert np.array_equal(run.blocks["classifier"], two["classifier"])
    assert run.history.rows[-1].block == block
    assert run.history.rows[-1].status == "non_finite"


def test_nan_in_a_trial_step_shrinks_it_and_is_noted():
    calls = []

    def spoil(what, name, iteration, result):
        if (what, name, iteration) != ("value", "classifier", 2):
            return result
        calls.append(result)
        return math.nan if len(calls) == 2 else result  # the first value comes with the gradient

    run = bcd(coupled(spoil=spoil), start(), ONE_EACH, stop=StopRules(max_iterations=2))
    assert [row.step_length for row in run.history] == [1, 1, 1, 0.5]
    assert len(run.notes) == 1
    assert run.notes[0].startswith("Iteration 2, block 'classifier': ")
    assert "NaN" in run.notes[0]


def test_nan_in_a_later_curvature_product_shortens_the_direction_and_is_noted():
    def spoil(what, name, iteration, result):
        if (what, name, iteration) != ("curvature", "propagation", 2):
            return result
        return _SecondProductNaN(result)

    run = bcd(coupled(spoil=spoil), start(), ONE_EACH, stop=StopRules(max_iterations=2))
    row = run.history.rows[2]
    assert (row.cg_iterations, row.cg_status, row.status) == (1, "non_finite", "accepted")
    assert run.notes[0].startswith("Iteration 2, block 'propagation': ")
    assert run.outcome.status is Status.ITERATION_LIMIT


class _SecondProductNaN:
    def __init__(self, H):
        self.H, self.calls = H, 0

    def __matmul__(self, v):
        self.calls += 1
        return self.H @ v if self.calls == 1 else v * math.nan


def test_a_refused_block_is_left_and_the_others_go_on():
    def spoil(what, name, iteration, result):
        return -result if (what, name) == ("gradient", "propagation") else result

    blocks = start()
    run = bcd(coupled(spoil=spoil), blocks, stop=StopRules(max_iterations=2))
    assert run.blocks["propagation"] is blocks["propagation"]
    assert run.blocks["classifier"] is not blocks["classifier"]
    refused = run.history.of_block("propagation")
    assert [(row.status, row.step_length) for row in refused] == [("no_decrease", 0.0)] * len(refused)
    assert refused.rows[0].objective == refused.rows[0].objective_before
    assert run.notes[0].startswith("Iteration 1, block 'propagation': ")


def test_a_refused_step_is_the_last_of_its_block():
    def spoil(what, name, iteration, result):
        return -result if what == "gradient" else result

    blocks = start()
    run = bcd(coupled(spoil=spoil), blocks)
    assert [row.block for row in run.history] == ["propagation", "classifier"]
    assert run.outcome.status is Status.NO_DECREASE
    assert "Iteration 1, block 'propagation'" in run.outcome.message
    assert "Iteration 1, block 'classifier'" in run.outcome.message
    assert all(run.blocks[name] is blocks[name] for name in SIZES)


def test_a_block_that_took_one_step_has_made_progress():
    visits = []

    def spoil(what, name, iteration, result):
        if what == "gradient":
            visits.append(iteration)
        return -result if what == "gradient" and visits.count(iteration) == 2 else result

    schedule = (BlockSteps("propagation", Newton(StepOptions(cg_iterations=1)), 5),)
    run = bcd(coupled(spoil=spoil), start(), schedule, stop=StopRules(max_iterations=3))
    assert [row.status for row in run.history] == ["accepted", "no_decrease"] * 3
    assert run.outcome.status is Status.ITERATION_LIMIT
    assert len(run.notes) == 3


def test_small_gradients_in_all_blocks_stop_the_run():
    schedule = (*ONE_EACH, BlockSteps("spare", Newton(exact)))
    run = bcd(coupled(), start(), schedule, stop=StopRules(max_iterations=500, gradient_tolerance=1e-3))
    assert run.outcome.status is Status.CONVERGED
    assert "gradient_tolerance" in run.outcome.message
    last = run.history.rows[-3:]
    assert [row.status for row in last] == ["converged"] * 3
    assert max(row.gradient_norm for row in last) <= 1e-3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schedule": ()}, "schedule"),
        ({"schedule": (BlockSteps("classifer", Newton()),)}, "classifer"),
        ({"blocks": {"propagation": np.array([np.nan]), "classifier": np.ones(1)}}, "block 'propagation'"),
        ({"first_iteration": 0}, "first_iteration"),
    ],
)
def test_wrong_arguments_are_refused(change, words):
    arguments = {"blocks": start(), "schedule": ONE_EACH} | change
    with pytest.raises(InputError, match=words):
        bcd(coupled(), **arguments)
