"""Stochastic methods: epochs over mini-batches, with momentum or after Adam."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from refms.backend import backend_of, zeros_like
from refms.errors import Array, InputError, require_choice, require_whole_fields
from refms.linear.outcome import Outcome, Status
from refms.linear.vectors import add_scaled, norm
from refms.names import LEARNING_RATE_SCHEDULES
from refms.optimize.objective import Objective, gradient_at, value_at
from refms.optimize.options import require_option
from refms.optimize.step import StepResult


@runtime_checkable
class MeanObjective(Objective, Protocol):
    """An objective that is a mean over examples, so that it can be taken on some of them."""

    @property
    def total(self) -> int:
        """Number of examples."""

    def on(self, indices: Array) -> Objective:
        """Return the function with the mean over these examples alone."""

    def apart(self) -> Objective:
        """Return the function with a work counter of its own."""


class _Epochs:
    """How examples are drawn, and how long the steps are; see the fields of the two rules."""

    learning_rate: float
    batch: int
    schedule: str
    seed: int

    def __post_init__(self) -> None:
        require_choice(self.schedule, LEARNING_RATE_SCHEDULES, "schedule")
        require_whole_fields(self, batch=0, seed=0)
        positive = 0.0 < self.learning_rate < math.inf
        require_option(self, "learning_rate", positive, "a positive number")

    def batches(self, count: int, epoch: int) -> Iterator[Array]:
        """Yield host indices of the mini-batches of an epoch (from 1): a permutation, cut into pieces."""
        order = np.random.default_rng([self.seed, epoch]).permutation(count)
        for start in range(0, count, self.batch or count):
            yield order[start : start + (self.batch or count)]

    def rate(self, updates: int, length: int) -> float:
        """Return η after so many updates of T = length; 0 after the end of the cosine."""
        if self.schedule == "constant":
            return self.learning_rate
        return 0.5 * self.learning_rate * (1.0 + math.cos(math.pi * min(updates / length, 1.0)))


@dataclass(frozen=True)
class Momentum(_Epochs):
    """Gradient descent with Polyak's momentum.

    Notes
    -----
    v_t = μ v_{t−1} + g_t,   x_t = x_{t−1} − η_t v_t,   v_0 = 0.

    Examples
    --------
    >>> rule = Momentum(0.5, batch=2)
    >>> [len(indices) for indices in rule.batches(5, 1)], rule.rate(0, 3), round(rule.rate(3, 3), 9)
    ([2, 2, 1], 0.5, 0.0)
    """

    learning_rate: float = 0.5  # η at the beginning
    momentum: float = 0.9  # μ, 0 for none
    batch: int = 64  # examples of a mini-batch; 0 takes all of them at once
    # ``"constant"``, or ``"cosine"``: η_t = η/2 (1 + cos(πt/T)) in update t = 0, 1, … of T
    schedule: str = LEARNING_RATE_SCHEDULES[1]
    seed: int = 0  # of the permutations

    def __post_init__(self) -> None:
        super().__post_init__()
        inside = 0.0 <= self.momentum < 1.0
        require_option(self, "momentum", inside, "0 or more and below 1, such as 0.9")

    def start(self, x: Array) -> tuple[Array, ...]:
        """Return v_0."""
        return (zeros_like(x),)

    def update(
        self, memory: tuple[Array, ...], gradient: Array, rate: float, count: int
    ) -> tuple[Array, tuple[Array, ...]]:
        """Return −η v_t, which is added to x, and v_t."""
        v = add_scaled(gradient, self.momentum, memory[0])
        return -rate * v, (v,)


@dataclass(frozen=True)
class Adam(_Epochs):
    """Adam of Kingma and Ba (2015), Algorithm 1.

    Notes
    -----
    With squares taken entry by entry,

        m_t = β₁ m_{t−1} + (1 − β₁) g_t,   v_t = β₂ v_{t−1} + (1 − β₂) g_t²,
        x_t = x_{t−1} − η_t (m_t / (1 − β₁ᵗ)) / (√(v_t / (1 − β₂ᵗ)) + ε).
    """

    learning_rate: float = 0.02
    beta1: float = 0.9  # decay of the mean of gradients
    beta2: float = 0.999  # and of their squares
    epsilon: float = 1e-8  # added to the root of the latter
    batch: int = 64
    schedule: str = LEARNING_RATE_SCHEDULES[1]
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("beta1", "beta2"):
            require_option(self, name, 0.0 <= getattr(self, name) < 1.0, "0 or more and below 1")
        require_option(self, "epsilon", 0.0 < self.epsilon < math.inf, "a positive number, such as 1e-8")

    def start(self, x: Array) -> tuple[Array, ...]:
        """Return m_0 and v_0."""
        return zeros_like(x), zeros_like(x)

    def update(
        self, memory: tuple[Array, ...], gradient: Array, rate: float, count: int
    ) -> tuple[Array, tuple[Array, ...]]:
        """Return update number ``count``, from 1, which is added to x, and m_t and v_t."""
        m = self.beta1 * memory[0] + (1.0 - self.beta1) * gradient
        v = self.beta2 * memory[1] + (1.0 - self.beta2) * (gradient * gradient)
        root = backend_of(v).xp.sqrt(v / (1.0 - self.beta2**count))
        return -(rate / (1.0 - self.beta1**count)) * m / (root + self.epsilon), (m, v)


@dataclass(frozen=True, eq=False)
class Stochastic:
    """The method whose step is one epoch of updates on mini-batches.

    Notes
    -----
    The objective where an epoch begins and ends is measured on all examples, apart: the method does not
    need it, so neither work units nor seconds count it. Without ``measures`` it is NaN where the epoch begins
    and, where it ends, the mean of what the mini-batches gave on the way. The gradient norm is not measured
    (NaN), and the gradient tolerance of a run is not looked at. An epoch may raise the objective.
    """

    rule: Momentum | Adam  # mini-batches, learning rates, and the way from gradients to updates
    epochs: int = 20  # length of the cosine
    done: int = 0  # epochs done before
    updates: int = 0  # and updates
    memory: tuple[Array, ...] | None = None  # what the rule remembers; None before the first update
    measures: bool = True  # whether f is measured on all examples

    def __post_init__(self) -> None:
        require_whole_fields(self, epochs=1, done=0, updates=0)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def step(
        self, objective: Objective, x: Array, *, gradient_tolerance: float = 0.0
    ) -> tuple[StepResult, Stochastic]:
        """Return the epoch from x, and the method that makes the next one.

        With ``batch = 0`` any objective will do. Where a mini-batch gives NaN or infinity the status is
        ``non_finite``, and x is the last point at which none did. The last ``learning_rate`` and the number
        of ``updates`` are among the extra numbers.
        """
        pieces = self._pieces(objective)
        apart = objective.apart() if isinstance(objective, MeanObjective) else objective
        before, seconds = _measure(apart, x) if self.measures else (math.nan, 0.0)
        memory = self.rule.start(x) if self.memory is None else self.memory
        point, finite, rate, made = x, math.isfinite(before) or not self.measures, 0.0, 0
        sound, told = x, list[float]()
        for piece in pieces if finite else ():
            f, gradient = gradient_at(piece, point)
            if not (math.isfinite(f) and math.isfinite(norm(gradient))):
                finite = False
                break
            sound, made, told = point, made + 1, [*told, f]
            rate = self.rule.rate(self.updates + made - 1, self.epochs * len(pieces))
            moved, memory = self.rule.update(memory, gradient, rate, self.updates + made)
            point = point + moved
        after, more = self._end(apart, point, told) if finite else (math.nan, 0.0)
        if not math.isfinite(after):
            point, (after, again) = sound, self._end(apart, sound, told)
            finite, more = False, more + again
        status = Status.ACCEPTED if finite else Status.NON_FINITE
        result = StepResult(
            point,
            before,
            after,
            math.nan,
            None,
            rate if finite else 0.0,
            made,
            int(not finite),
            Outcome(status, _SENTENCES[status].format(self.done + 1, made)),
            monotone=False,
            apart_seconds=seconds + more,
            extra={"learning_rate": rate, "updates": float(made)},
        )
        return result, replace(self, done=self.done + 1, updates=self.updates + made, memory=memory)

    def _end(self, objective: Objective, x: Array, told: list[float]) -> tuple[float, float]:
        """Return what stands for f(x) after an epoch, NaN where x is not finite, and the seconds it took."""
        if self.measures:
            return _measure(objective, x)
        return (sum(told) / len(told) if told and math.isfinite(norm(x)) else math.nan), 0.0

    def _pieces(self, objective: Objective) -> list[Objective]:
        if self.rule.batch == 0:
            return [objective]
        if not isinstance(objective, MeanObjective):
            raise InputError(
                f"batch is {self.rule.batch}, but this objective is no mean over examples; expected 0."
            )
        return [objective.on(indices) for indices in self.rule.batches(objective.total, self.done + 1)]


def _measure(objective: Any, x: Array) -> tuple[float, float]:
    """Return f(x) and the seconds that it took."""
    start = time.perf_counter()
    return value_at(objective, x), time.perf_counter() - start


_SENTENCES = {
    Status.ACCEPTED: "Epoch {} made {} updates.",
    Status.NON_FINITE: "Epoch {} met NaN or infinity after {} updates and went back to the last point "
    "without: usually the learning rate is too large. Lower learning_rate.",
}
