"""SciPy's L-BFGS and nonlinear conjugate gradients, driven through the history of this package."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.optimize

from refms.backend import backend_of
from refms.errors import Array, InputError, require_whole_fields
from refms.linear.outcome import Outcome, Status
from refms.linear.vectors import norm, require_real_vector
from refms.optimize.blocks import BlockRecord, row_of
from refms.optimize.history import History, HistoryRow
from refms.optimize.loop import DescentResult, Monitor, conclude
from refms.optimize.objective import BlockProblem, Objective, gradient_at, work_units_of
from refms.optimize.options import require_option
from refms.optimize.step import StepResult, evaluate
from refms.optimize.stopping import DEFAULT_STOP, StopRules


@dataclass(frozen=True)
class LBFGS:
    """L-BFGS-B of ``scipy.optimize.minimize``, without bounds."""

    name: ClassVar[str] = "L-BFGS-B"
    memory: int = 10  # pairs of vectors that it remembers

    def __post_init__(self) -> None:
        require_whole_fields(self, memory=1)

    def options(self, iterations: int) -> dict[str, Any]:
        """Return SciPy's options, with its own rules for stopping switched off as far as it lets one."""
        limits = {"maxiter": iterations + 1, "maxfun": 1000 * (iterations + 1)}
        return {"maxcor": self.memory, "ftol": 0.0, "gtol": 0.0, **limits}


@dataclass(frozen=True)
class NonlinearCG:
    """Nonlinear conjugate gradients of ``scipy.optimize.minimize``.

    After Polak and Ribière, restarted where β < 0, with a line search for the strong Wolfe conditions.
    """

    name: ClassVar[str] = "CG"
    wolfe: float = 0.4  # c₂ of the curvature condition, between 1e-4 and 1; L-BFGS-B has its own, 0.9

    def __post_init__(self) -> None:
        require_option(self, "wolfe", 1e-4 < self.wolfe < 1.0, "between 1e-4 and 1, such as 0.4")

    def options(self, iterations: int) -> dict[str, Any]:
        """Return SciPy's options, with its own rule for stopping switched off."""
        return {"gtol": 0.0, "maxiter": iterations + 1, "c2": self.wolfe}


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def descend_scipy(
    problem: BlockProblem,
    blocks: Mapping[str, Array],
    name: str,
    method: LBFGS | NonlinearCG,
    *,
    stop: StopRules = DEFAULT_STOP,
    monitor: Monitor | None = None,
) -> DescentResult:
    """Minimise in one block by a method of SciPy, with the rows, rules and outcomes of ``descend``.

    SciPy's own tolerances are 0, and the schedule that is returned is empty: SciPy's memory cannot be
    continued. A row's step length is NaN, for SciPy does not tell it. The notes say where vectors are held,
    and in which precision.

    SciPy holds its vectors in float64 on the host. The objective is evaluated where the block lives and in
    the block's precision, at SciPy's point rounded to it, and its gradient is converted back; so float32
    data are never promoted, but differences of gradients carry their rounding errors. One evaluation gives
    value and gradient, and counts as both, also where SciPy looks at the value alone. A trial point at which
    the objective is not finite is shown to SciPy as ten times higher than the start of its iteration, with
    the slope 0, which makes its line search shorten the step.
    """
    if name not in blocks:
        raise InputError(f"block {name!r} does not exist; expected one of {sorted(blocks)}.")
    for key, x in blocks.items():
        require_real_vector(x, f"block {key!r}", finite=True)
    run = _Run(problem.block(name, blocks, 1), dict(blocks), name, stop, monitor)
    if run.outcome is None:
        minimize: Any = scipy.optimize.minimize  # its type knows neither Any nor a method's name as a str
        minimize(
            run.evaluate,
            run.current.z,
            jac=True,
            method=method.name,
            callback=run.after_iteration,
            options=method.options(stop.max_iterations),
        )
        run.end()
    assert run.outcome is not None  # either way of ending sets it
    notes = (_precision_note(blocks[name]), *run.notes)
    return DescentResult(run.values, History(tuple(run.rows)), notes, (), run.iteration, run.outcome)


@dataclass(frozen=True, eq=False)
class _Point:
    """An evaluation: the point as SciPy has it and as the objective sees it, value and gradient norm."""

    z: Array
    x: Array
    value: float
    gradient: Array
    size: float


class _Run:
    """What SciPy calls back; it keeps the run, for SciPy's functions return nothing of it."""

    def __init__(
        self,
        objective: Objective,
        values: dict[str, Array],
        name: str,
        stop: StopRules,
        monitor: Monitor | None,
    ) -> None:
        self.objective, self.values, self.name = objective, values, name
        self.stop, self.monitor, self.since = stop, monitor, time.perf_counter()
        self.outcome: Outcome | None = None
        self.rows, self.notes, self.trials = list[HistoryRow](), list[str](), list[_Point]()
        self.iteration, self.evaluations, self.non_finite = 0, 1, 0
        x = values[name]
        self.backend = backend_of(x)
        at = evaluate(objective, x, stop.gradient_tolerance)
        self.current = _Point(self._to_scipy(x), x, at.value, self._to_scipy(at.gradient), at.size)
        if at.outcome is not None:
            self._record(at.stay(at.outcome))

    def _to_scipy(self, x: Array) -> Array:
        return self.backend.to_host(x).astype("float64")

    def evaluate(self, z: Array) -> tuple[float, Array]:
        """Return value and gradient at SciPy's point."""
        known = [point for point in (self.current, *self.trials) if np.array_equal(point.z, z)]
        if known:
            return known[0].value, known[0].gradient.copy()
        x = self.backend.from_host(z.astype(str(self.values[self.name].dtype)))
        value, gradient = gradient_at(self.objective, x)
        size = norm(gradient)
        self.evaluations += 1
        if not (math.isfinite(value) and math.isfinite(size)):
            self.non_finite += 1
            hill = self.current.value + 10.0 * (1.0 + abs(self.current.value))
            return hill, np.zeros_like(z)
        self.trials.append(_Point(z.copy(), x, float(value), self._to_scipy(gradient), size))
        return float(value), self.trials[-1].gradient.copy()

    def after_iteration(self, intermediate_result: Any) -> None:
        """Record an iteration of SciPy, and stop it if a rule says so."""
        after = [point for point in self.trials if np.array_equal(point.z, intermediate_result.x)]
        if not after:  # SciPy came back to where it was: its line search has failed
            return
        before, point = self.current, after[0]
        self.current, self.trials = point, []
        accepted = Outcome(Status.ACCEPTED, "The step of SciPy's line search was accepted.")
        self._record(self._step(before, point, accepted))
        if self.outcome is None and point.size <= self.stop.gradient_tolerance:
            text = f"The gradient norm {point.size:.2e} is at most {self.stop.gradient_tolerance:.2e}."
            place = f"iteration {self.iteration}, block {self.name!r}"
            self.outcome = Outcome(Status.CONVERGED, text).at(place)
        if self.outcome is not None:
            raise StopIteration

    def end(self) -> None:
        """Say why SciPy stopped by itself, if no rule has stopped it."""
        if self.outcome is None:
            at = self.current
            noise = 30.0 * float(np.finfo(str(at.x.dtype)).eps) * abs(at.value)
            told_apart = any(abs(trial.value - at.value) > noise for trial in self.trials)
            every_bad = self.non_finite > 0 and not self.trials
            status = Status.NO_DECREASE if every_bad or told_apart else Status.ROUND_OFF
            self._record(self._step(at, at, Outcome(status, _REFUSALS[status].format(self.evaluations))))

    def _step(self, before: _Point, after: _Point, outcome: Outcome) -> StepResult:
        evaluations, self.evaluations = self.evaluations, 0
        bad, self.non_finite = self.non_finite, 0
        length = math.nan if outcome.status is Status.ACCEPTED else 0.0
        return StepResult(
            after.x, before.value, after.value, before.size, None, length, evaluations, bad, outcome
        )

    def _record(self, result: StepResult) -> None:
        """Record a step, tell the monitor, and judge."""
        self.iteration += 1
        self.values = {**self.values, self.name: result.x}
        seconds = time.perf_counter() - self.since
        row = row_of(result, self.iteration, self.name, work_units_of(self.objective), seconds)
        record = BlockRecord(self.iteration, self.name, (result,), (row,))
        self.notes += record.notes
        rows, self.outcome = conclude((record,), self.values, self.stop, self.monitor, learned=False)
        self.rows += rows
        self.since = time.perf_counter()


def _precision_note(x: Array) -> str:
    home = "" if backend_of(x).name == "numpy" else ", and copied between the GPU and the host"
    rounded = "" if str(x.dtype) == "float64" else f", at points rounded to {x.dtype}"
    return (
        f"SciPy holds its vectors in float64 on the host; the objective was evaluated in {x.dtype}"
        f"{rounded}{home}."
    )


_REFUSALS = {
    Status.NO_DECREASE: "SciPy's line search found no point that decreases the objective enough ({} "
    "evaluations). Usually the precision is too low for its strong Wolfe conditions, or the gradient is "
    "wrong. Use float64, or another method.",
    Status.ROUND_OFF: "The objective cannot be decreased further in this precision: all points of SciPy's "
    "last line search ({} evaluations) have the same value up to rounding errors. Use float64 if more "
    "accuracy is needed.",
}
