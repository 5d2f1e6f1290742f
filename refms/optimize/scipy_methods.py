"""SciPy's L-BFGS and nonlinear conjugate gradients, driven through the history of this package."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize

from refms.backend import Backend, backend_of
from refms.errors import Array, InputError, require_choice
from refms.linear.outcome import Outcome, Status
from refms.linear.vectors import norm, require_real_vector
from refms.optimize.descent import DescentResult, conclude
from refms.optimize.history import History, HistoryRow
from refms.optimize.objective import Objective, work_units_of
from refms.optimize.schedule import BlockProblem, Monitor
from refms.optimize.step import StepResult, gradient_at
from refms.optimize.stopping import DEFAULT_STOP, StopRules
from refms.optimize.turn import Turn, row_of

SCIPY_METHODS = ("L-BFGS-B", "CG")
"""Names in ``scipy.optimize.minimize``."""


@dataclass(frozen=True)
class SciPyMethod:
    """A method of ``scipy.optimize.minimize``.

    Parameters
    ----------
    name : str
        ``"L-BFGS-B"``, here without bounds; or ``"CG"``, nonlinear conjugate gradients after Polak and
        Ribière, restarted where β < 0, with a line search for the strong Wolfe conditions.
    memory : int
        Pairs of vectors that L-BFGS remembers.
    wolfe : float
        c₂ of the curvature condition of CG, between 1e-4 and 1; L-BFGS-B has its own, 0.9.

    Raises
    ------
    InputError
        If a name or number is none of these.
    """

    name: str = "L-BFGS-B"
    memory: int = 10
    wolfe: float = 0.4

    def __post_init__(self) -> None:
        require_choice(self.name, SCIPY_METHODS, "SciPy method")
        if self.memory < 1:
            raise InputError(f"memory is {self.memory}; expected 1 or more pairs of vectors.")
        if not 1e-4 < self.wolfe < 1.0:
            raise InputError(f"wolfe is {self.wolfe}; expected between 1e-4 and 1, such as 0.4.")

    def options(self, iterations: int) -> dict[str, Any]:
        """Return SciPy's options, with its own rules for stopping switched off as far as it lets one."""
        if self.name == "CG":
            return {"gtol": 0.0, "maxiter": iterations + 1, "c2": self.wolfe}
        unlimited = 1000 * (iterations + 1)
        return {
            "maxcor": self.memory,
            "ftol": 0.0,
            "gtol": 0.0,
            "maxiter": iterations + 1,
            "maxfun": unlimited,
        }


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def descend_scipy(
    problem: BlockProblem,
    blocks: Mapping[str, Array],
    name: str,
    method: SciPyMethod,
    *,
    stop: StopRules = DEFAULT_STOP,
    monitor: Monitor | None = None,
) -> DescentResult:
    """Minimise in one block by a method of SciPy, with the rows, rules and outcomes of ``descend``.

    Parameters
    ----------
    problem : BlockProblem
        Gives the objective.
    blocks : mapping of str to array
        Start: finite flat vectors of float32 or float64; never modified.
    name : str
        The block to vary.
    method : SciPyMethod
        Which method.
    stop : StopRules
        When to stop; SciPy's own tolerances are 0.
    monitor : callable or None
        See ``descend``.

    Returns
    -------
    DescentResult
        As of ``descend``, with an empty schedule: SciPy's memory cannot be continued. A row's step length is
        NaN, for SciPy does not tell it. The notes say where vectors are held, and in which precision.

    Raises
    ------
    InputError
        If the block does not exist or is no finite flat vector.

    Notes
    -----
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
    if run.begun():
        minimize: Any = scipy.optimize.minimize  # its type knows neither Any nor a method's name as a str
        minimize(
            run.seen_by_scipy,
            run.to_scipy(blocks[name]),
            jac=True,
            method=method.name,
            callback=run.after_iteration,
            options=method.options(stop.max_iterations),
        )
        run.ended()
    assert run.outcome is not None  # either way of ending sets it
    notes = (_whereabouts(blocks[name]), *run.notes)
    return DescentResult(run.values, History(tuple(run.rows)), run.outcome, notes, ())


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
        self.stop, self.monitor = stop, monitor
        self.outcome: Outcome | None = None
        self.rows, self.notes = list[HistoryRow](), list[str]()
        self.iteration, self.evaluations, self.non_finite = 0, 0, 0
        self.current: _Point | None = None
        self.trials = list[_Point]()
        self.since = time.perf_counter()

    @property
    def backend(self) -> Backend:
        return backend_of(self.values[self.name])

    def to_scipy(self, x: Array) -> Array:
        return self.backend.to_host(x).astype("float64")

    def begun(self) -> bool:
        """Evaluate the start; return whether there is anything to do."""
        x = self.values[self.name]
        at = gradient_at(self.objective, x, self.stop.gradient_tolerance)
        self.evaluations = 1
        if at.outcome is not None:
            self._turn(at.unmoved(at.outcome))
            return False
        self.current = _Point(self.to_scipy(x), x, at.value, self.to_scipy(at.gradient), at.size)
        return True

    def seen_by_scipy(self, z: Array) -> tuple[float, Array]:
        """Return value and gradient at SciPy's point."""
        assert self.current is not None
        known = [point for point in (self.current, *self.trials) if np.array_equal(point.z, z)]
        if known:
            return known[0].value, known[0].gradient.copy()
        x = self.backend.from_host(z.astype(str(self.values[self.name].dtype)))
        value, gradient = self.objective.value_and_gradient(x)
        size = norm(gradient)
        self.evaluations += 1
        if not (math.isfinite(value) and math.isfinite(size)):
            self.non_finite += 1
            hill = self.current.value + 10.0 * (1.0 + abs(self.current.value))
            return hill, np.zeros_like(z)
        self.trials.append(_Point(z.copy(), x, float(value), self.to_scipy(gradient), size))
        return float(value), self.trials[-1].gradient.copy()

    def after_iteration(self, intermediate_result: Any) -> None:
        """Record an iteration of SciPy, and stop it if a rule says so."""
        before = self.current
        assert before is not None
        after = [point for point in self.trials if np.array_equal(point.z, intermediate_result.x)]
        if not after:  # SciPy came back to where it was: its line search has failed
            return
        self.current, self.trials = after[0], []
        said = Outcome(Status.ACCEPTED, "The step of SciPy's line search was accepted.")
        point = self.current
        self._turn(self._step(point.x, before, point.value, said))
        if self.outcome is None and point.size <= self.stop.gradient_tolerance:
            text = f"The gradient norm {point.size:.2e} is at most {self.stop.gradient_tolerance:.2e}."
            self.outcome = Outcome(Status.CONVERGED, text).at(self._place(self.iteration))
        if self.outcome is not None:
            raise StopIteration

    def ended(self) -> None:
        """Say why SciPy stopped by itself, if no rule has stopped it."""
        if self.outcome is not None:
            return
        before = self.current
        assert before is not None
        every = self.non_finite > 0 and not self.trials
        status = Status.NO_DECREASE if every or self._resolved(before) else Status.ROUND_OFF
        said = Outcome(status, _REFUSED[status].format(self.evaluations))
        self._turn(self._step(before.x, before, before.value, said))

    def _resolved(self, before: _Point) -> bool:
        """Whether a trial differed from where it began by more than rounding errors."""
        eps = float(np.finfo(str(before.x.dtype)).eps)
        return any(abs(one.value - before.value) > 30.0 * eps * abs(before.value) for one in self.trials)

    def _step(self, x: Array, before: _Point, value: float, outcome: Outcome) -> StepResult:
        evaluations, self.evaluations = self.evaluations, 0
        bad, self.non_finite = self.non_finite, 0
        length = math.nan if outcome.status is Status.ACCEPTED else 0.0
        return StepResult(
            x, before.value, value, before.size, None, length, evaluations, bad, outcome, monotone=True
        )

    def _turn(self, result: StepResult) -> None:
        """Record a step, tell the monitor, and judge."""
        self.iteration += 1
        self.values = {**self.values, self.name: result.x}
        seconds = time.perf_counter() - self.since
        row = row_of(result, self.iteration, self.name, work_units_of(self.objective), seconds)
        turn = Turn(self.iteration, self.name, (result,), (row,))
        self.notes += turn.notes
        rows, self.outcome = conclude((turn,), self.values, self.stop, self.monitor, learned=False)
        self.rows += rows
        self.since = time.perf_counter()

    def _place(self, iteration: int) -> str:
        return f"iteration {iteration}, block {self.name!r}"


def _whereabouts(x: Array) -> str:
    home = "" if backend_of(x).name == "numpy" else ", and copied between the GPU and the host"
    rounded = "" if str(x.dtype) == "float64" else f", at points rounded to {x.dtype}"
    return (
        f"SciPy holds its vectors in float64 on the host; the objective was evaluated in {x.dtype}"
        f"{rounded}{home}."
    )


_REFUSED = {
    Status.NO_DECREASE: "SciPy's line search found no point that decreases the objective enough ({} "
    "evaluations). Usually the precision is too low for its strong Wolfe conditions, or the gradient is "
    "wrong. Use float64, or another method.",
    Status.ROUND_OFF: "The objective cannot be decreased further in this precision: all points of SciPy's "
    "last line search ({} evaluations) have the same value up to rounding errors. Use float64 if more "
    "accuracy is needed.",
}
