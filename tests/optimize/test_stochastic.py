import math
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optimize.problems import Quadratic, locked, normal, spd
from small_problems import problem_and_blocks

from refms.errors import InputError
from refms.objective.problem import JOINT
from refms.optimize import Status, StopRules, minimize
from refms.optimize.stochastic import Adam, Momentum, Stochastic


@dataclass
class Mean:
    """½ mean (x − c_i)², and how it was asked."""

    centres: list[float]
    asked: list[list[int]] = field(default_factory=list)
    work_units: float = 0.0

    @property
    def total(self):
        return len(self.centres)

    def on(self, indices):
        self.asked.append(list(map(int, indices)))
        part = Mean([self.centres[i] for i in indices])
        part.asked = self.asked
        return part

    def apart(self):
        return Mean(self.centres)

    def value(self, x):
        return float(np.mean([0.5 * float(x[0] - c) ** 2 for c in self.centres]))

    def value_and_gradient(self, x):
        return self.value(x), x - x.dtype.type(np.mean(self.centres))

    def curvature(self, x):
        raise AssertionError("no curvature is asked for")


def constant(rate, momentum, batch=0):
    return Momentum(rate, momentum, batch, "constant")


def test_momentum_is_polyaks_recurrence_in_exact_arithmetic():
    # f = ½ a x², μ = ½, η = ¼: all numbers are dyadic, so that floats are exact
    a, mu, eta = Fraction(3), Fraction(1, 2), Fraction(1, 4)
    problem = Quadratic(np.array([[3.0]]), np.zeros(1))
    method, x = Stochastic(constant(0.25, 0.5)), np.array([1.0])
    exact, v = Fraction(1), Fraction(0)
    for _ in range(8):
        result, method = method.step(problem, x)
        x = result.x
        v = mu * v + a * exact
        exact -= eta * v
        assert Fraction(float(x[0])) == exact


@given(seed=st.integers(0, 10**6), beta1=st.floats(0, 0.95), beta2=st.floats(0, 0.999))
def test_adam_is_its_algorithm_written_out(seed, beta1, beta2):
    rng = np.random.default_rng(seed)
    gradients = rng.standard_normal((6, 3))
    rule = Adam(0.1, beta1, beta2, 1e-3)
    memory, x = rule.start(np.zeros(3)), np.zeros(3)
    for t in range(1, 7):
        moved, memory = rule.update(memory, gradients[t - 1], 0.1, t)
        x = x + moved
    # the moments as the sums that the recurrences stand for
    expected = np.zeros(3)
    for t in range(1, 7):
        powers = np.arange(t - 1, -1, -1)
        m = (1 - beta1) * (beta1**powers @ gradients[:t])
        v = (1 - beta2) * (beta2**powers @ gradients[:t] ** 2)
        expected -= 0.1 * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + 1e-3)
    assert np.allclose(x, expected, rtol=1e-9, atol=1e-12)


@given(count=st.integers(1, 40), batch=st.integers(0, 50), seed=st.integers(0, 99), epoch=st.integers(1, 9))
def test_an_epoch_sees_every_example_once(count, batch, seed, epoch):
    pieces = list(Momentum(batch=batch, seed=seed).batches(count, epoch))
    assert sorted(np.concatenate(pieces).tolist()) == list(range(count))
    assert all(len(piece) == min(batch or count, count) for piece in pieces[:-1])
    again = list(Momentum(batch=batch, seed=seed).batches(count, epoch))
    assert all(np.array_equal(a, b) for a, b in zip(pieces, again, strict=True))


def test_epochs_and_seeds_give_other_permutations():
    first = [
        next(Momentum(batch=0, seed=seed).batches(20, epoch)).tolist() for seed in (0, 1) for epoch in (1, 2)
    ]
    assert len({tuple(order) for order in first}) == 4


def test_updates_use_the_drawn_examples_alone():
    problem = Mean([float(i) for i in range(7)])
    rule = constant(1.0, 0.0, batch=3)
    result, following = Stochastic(rule).step(problem, np.zeros(1))
    assert problem.asked == [list(piece) for piece in rule.batches(7, 1)]
    # with η = 1 and no momentum x is the mean of the last mini-batch
    assert float(result.x[0]) == pytest.approx(np.mean(problem.asked[-1]))
    assert (following.done, following.updates) == (1, 3)
    assert result.extra == {"learning_rate": 1.0, "updates": 3.0}
    following.step(problem, result.x)
    assert problem.asked[3:] == [list(piece) for piece in rule.batches(7, 2)]


def test_the_cosine_falls_from_the_learning_rate_to_zero():
    rates = [Momentum(2.0).rate(t, 12) for t in range(14)]
    assert rates[0] == 2.0
    assert rates[6] == pytest.approx(1.0)
    assert rates[:13] == sorted(rates[:13], reverse=True)
    assert rates[12] == rates[13] == pytest.approx(0.0, abs=1e-15)


def test_the_mean_over_mini_batches_of_one_size_is_the_whole_gradient():
    problem, blocks = problem_and_blocks()
    risk, x = problem.block(JOINT, blocks), problem.join(blocks)
    count = problem.examples.count
    pieces = list(Momentum(batch=count // 4).batches(count, 1))
    assert len(pieces) == 4
    values, gradients = zip(*[risk.on(piece).value_and_gradient(x) for piece in pieces], strict=True)
    value, gradient = risk.value_and_gradient(x)
    assert np.mean(values) == pytest.approx(value, rel=1e-12)
    assert np.allclose(np.mean(gradients, axis=0), gradient, rtol=1e-9, atol=1e-14)


def test_an_epoch_counts_three_passes_and_what_is_measured_apart_none():
    problem, blocks = problem_and_blocks()
    risk, x = problem.block(JOINT, blocks), problem.join(blocks)
    Stochastic(Adam(0.01, batch=7)).step(risk, x)
    assert risk.work_units == 3.0 * problem.examples.count


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", [Momentum(0.05, batch=0), Adam(0.05, batch=0)])
def test_precision_and_place_are_kept(device, dtype, rule):
    A, b = device.array(spd(1, 4, 10.0, dtype)), device.array(normal(2, 4, dtype))

    class There:
        def value(self, x):
            return float(0.5 * x @ (A @ x) - b @ x)

        def value_and_gradient(self, x):
            return self.value(x), A @ x - b

    result, following = Stochastic(rule).step(There(), device.array(normal(3, 4, dtype)))
    assert device.owns(result.x)
    assert result.x.dtype == dtype
    assert all(device.owns(part) and part.dtype == dtype for part in following.memory)


def test_a_rising_epoch_is_no_convergence():
    # η = 3/a overshoots: every epoch raises the objective
    problem = Quadratic(np.array([[1.0]]), np.zeros(1))
    found = minimize(problem, np.array([1.0]), Stochastic(constant(3.0, 0.0)), stop=StopRules(5))
    assert found.outcome.status is Status.ITERATION_LIMIT
    assert [row.objective for row in found.history] == [0.5 * 4.0**k for k in range(1, 6)]


def test_nan_goes_back_to_the_last_sound_point():
    class Cliff(Quadratic):
        def f(self, x):
            return super().f(x) if abs(x[0]) < 50 else math.inf

    found = minimize(
        Cliff(np.array([[1.0]]), np.zeros(1)),
        np.array([1.0]),
        Stochastic(constant(3.0, 0.0)),
        stop=StopRules(20),
    )
    assert found.outcome.status is Status.NON_FINITE
    assert float(found.x[0]) == -32.0  # 64 is beyond the cliff
    assert found.value == 512.0
    assert "Lower learning_rate" in found.outcome.message


def test_nan_at_the_start_is_an_outcome():
    problem = Quadratic(np.array([[math.nan]]), np.zeros(1))
    found = minimize(problem, locked(np.ones(1)), Stochastic(Adam(batch=0)))
    assert found.outcome.status is Status.NON_FINITE
    assert found.x.tolist() == [1.0]


def test_mini_batches_of_what_is_no_mean_are_refused():
    with pytest.raises(InputError, match="expected 0"):
        Stochastic(Momentum(batch=2)).step(Quadratic(np.eye(1), np.zeros(1)), np.ones(1))
