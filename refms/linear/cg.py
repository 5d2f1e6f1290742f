"""Conjugate gradients for A x = b, stopping where A turns out not to be positive definite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from refms.backend import backend_of
from refms.display import short_repr
from refms.errors import Array, InputError, is_real, require_whole
from refms.linear.outcome import Outcome, Status
from refms.linear.product import Product
from refms.linear.vectors import (
    MODIFIED,
    add_scaled,
    differ,
    guarded,
    in_double,
    in_units,
    inner,
    lazy_norm,
    norm,
    require_like,
    require_real_vector,
)

LOOK_AFTER = {"numpy": 1, "cupy": 5}
"""Iterations between two looks at their numbers: each look makes the host wait for a GPU."""


@dataclass(frozen=True, eq=False)
class CGResult:
    """Where conjugate gradients stopped, and how they came there.

    Parameters
    ----------
    x : array
        The last finite iterate, shape (size,), dtype of b.
    outcome : Outcome
        Why they stopped. Only ``converged`` is a success; for an inexact Newton step every x that is not zero
        is a descent direction all the same.
    iterations : int
        Number of updates of x.
    residual_norms : tuple of float
        ‖b − A x_k‖₂ for k = 0, …, iterations, from the recurrence.
    model_values : tuple of float
        q(x_k) = ½ x_kᵀA x_k − bᵀx_k for the same k; it never grows.
    """

    x: Array
    outcome: Outcome
    iterations: int
    residual_norms: tuple[float, ...]
    model_values: tuple[float, ...]

    __repr__ = short_repr


def conjugate_gradients(
    product: Product,
    b: Array,
    *,
    x0: Array | None = None,
    tolerance: float = 1e-2,
    max_iterations: int = 20,
    preconditioner: Product | None = None,
) -> CGResult:
    """Solve A x = b for a symmetric positive definite A that is known by its products only.

    Parameters
    ----------
    product : callable
        v -> A v, keeping shape and dtype; called once an iteration, and once more if ``x0`` is given. On a
        GPU, where numbers are looked at after every fifth iteration only, up to four more calls may follow.
    b : array
        Right-hand side, shape (size,), float32 or float64.
    x0 : array or None
        Start, shape and dtype of b; None starts at zero.
    tolerance : float
        Stop when ‖b − A x‖₂ <= tolerance · ‖b‖₂.
    max_iterations : int
        Stop after so many updates.
    preconditioner : callable or None
        r -> M⁻¹ r, symmetric positive definite.

    Returns
    -------
    CGResult
        The last finite iterate and why it is the last.

    Raises
    ------
    InputError
        If an argument is out of range, or a product changes shape or dtype, or its argument.

    Notes
    -----
    From x_0 = 0 the iterate x_k minimises q(x) = ½ xᵀAx − bᵀx over the k-th Krylov space, so q and the
    A-norm of the error fall, ‖x_k‖₂ grows (without preconditioner) and q(x_k) = −½ bᵀx_k. The residual
    norm itself need not fall.

    On a search direction p with pᵀAp <= 0 the current iterate is returned, with the status
    ``negative_curvature``. Rounding hides the sign of a curvature below 10 eps ‖p‖‖Ap‖, or below 10 eps pᵀMp
    times the largest pᵀAp / pᵀMp so far, a lower bound of ‖M⁻¹A‖: the status is then ``singular``, as where b
    has a part outside the range of a singular A. If either happens at once from x_0 = 0, the
    steepest-descent direction M⁻¹b itself is returned, as one iteration. NaN or infinity in b, in a product
    or in an update ends the iteration with the last finite iterate and the status ``non_finite``.

    Everything is computed for b in units of a power of two next to its norm, so that no square overflows or
    underflows: A, b and x may be of any size that their precision holds.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.diag([1.0, 2.0])
    >>> result = conjugate_gradients(lambda v: A @ v, np.array([1.0, 2.0]), tolerance=1e-12)
    >>> result.x.round(12).tolist(), result.iterations, str(result.outcome.status)
    ([1.0, 1.0], 2, 'converged')
    """
    max_iterations = _require_options(b, x0, tolerance, max_iterations)
    zero = backend_of(b).xp.zeros_like(b)
    size = norm(b)
    if size == 0.0:
        return _result(zero, Status.CONVERGED, [(0.0, 0.0)], 0.0)
    x = zero if x0 is None else x0
    r = b if x0 is None else add_scaled(b, -1.0, guarded(product, "product")(x0))
    in_unit, unit = in_units(b, size)
    system = _System(product, preconditioner, in_double(in_unit), unit, epsilon(b), zero.copy())
    state = _State(x, r * (1.0 / unit))
    target, trace = tolerance * size, [(norm(r), system.unit * float(system.model(state.x, state.r)))]
    status = Status.ACCEPTED if math.isfinite(trace[0][0]) else Status.NON_FINITE
    while status is Status.ACCEPTED:
        if trace[-1][0] <= target:
            status = Status.CONVERGED
        elif len(trace) > max_iterations:
            status = Status.ITERATION_LIMIT
        else:
            count = min(LOOK_AFTER[backend_of(b).name], max_iterations + 1 - len(trace))
            updates = system.updates(state, count)
            state, status, measured = _examine(system, state, updates, target, from_zero=x0 is None)
            trace += measured
    return _result(state.x, status, trace, target)


class _Numbers(NamedTuple):
    """What is measured in an update, where the vectors live, and read later."""

    rz: Any  # rᵀz
    curvature: Any  # pᵀAp
    sizes: Any  # ‖p‖‖Ap‖
    energy: Any  # pᵀMp
    square: Any  # ‖r‖² after it
    model: Any  # q(x) after it
    changed: Any  # whether the product or the preconditioner changed its argument: 0, 1 or 2


@dataclass(frozen=True, eq=False)
class _State:
    """Iterate x, residual r = b − A x, the last direction p with Ap, rᵀz and pᵀMp, and what was measured.

    All in the units of the system, but x. pᵀMp is called the energy.
    """

    x: Array
    r: Array
    p: Array | None = None
    Ap: Array | None = None
    rz: Any = None
    energy: Any = None
    numbers: _Numbers | None = None
    largest: float = 0.0  # of all pᵀAp / pᵀMp so far


@dataclass(frozen=True, eq=False)
class _System:
    """A x = b with b in units of a power of two."""

    product: Product
    preconditioner: Product | None
    b: Array  # in double precision
    unit: float
    eps: float
    room: Array  # for a copy of what the product or the preconditioner is given

    def model(self, x: Array, r: Array) -> Any:
        """Return q(x) = −½ xᵀ(b + r), which holds for every x with r = b − A x."""
        x = in_double(x)
        return -0.5 * (inner(x, self.b) + inner(x, r))

    def updates(self, state: _State, count: int) -> list[_State]:
        """Return the next iterates without a look at their numbers; those after a failure are of no use."""
        made = list[_State]()
        for _ in range(count):
            r, altered = state.r, 0.0
            if self.preconditioner is not None:
                z, altered = self.watch(self.preconditioner, r, "preconditioner")
                rz = inner(r, z)
            else:
                z, rz = r, inner(r, r) if state.numbers is None else state.numbers.square
            if isinstance(rz, float) and not 0.0 < rz < math.inf:  # the host knows, and need not go on
                return [*made, replace(state, numbers=_Numbers(rz, rz, rz, rz, rz, rz, 2.0 * altered))]
            if state.p is None:
                p, energy = z.copy(), rz
            else:
                beta = _ratio(rz, state.rz)
                p, energy = add_scaled(z, beta, state.p), rz + beta * beta * state.energy
            Ap, changed = self.watch(self.product, p, "product")
            Ap = Ap.copy() if state.p is None else Ap  # kept, where products may share one array
            one, two = in_double(p), in_double(Ap)  # once, for all that is measured
            curvature, sizes = inner(one, two), lazy_norm(one) * lazy_norm(two)
            x, r = self.move(state, p, Ap, _ratio(rz, curvature))
            one, changed = in_double(r), 1.0 * changed + 2.0 * altered
            measured = inner(one, one), self.model(x, one), changed
            numbers = _Numbers(rz, curvature, sizes, energy, *measured)
            state = _State(x, r, p, Ap, rz, energy, numbers)
            made.append(state)
        return made

    def watch(self, function: Product, v: Array, name: str) -> tuple[Array, Any]:
        """Return what a function makes of v, an array of our own, and whether it changed that."""
        self.room[...] = v
        return require_like(function(v), v, name), differ(self.room, v)

    def move(self, state: _State, p: Array, Ap: Array, alpha: Any) -> tuple[Array, Array]:
        """Return x + αp and r − αAp."""
        alpha = float(alpha) if isinstance(alpha, float) else alpha  # Python's overflows without a warning
        return add_scaled(state.x, alpha * self.unit, p), add_scaled(state.r, -alpha, Ap)


def _examine(
    system: _System, state: _State, updates: Sequence[_State], target: float, *, from_zero: bool
) -> tuple[_State, Status, list[tuple[float, float]]]:
    """Return the last good state, ``accepted`` or the reason to stop there, and what was measured."""
    measured = list[tuple[float, float]]()
    for update, numbers in zip(updates, _read(updates), strict=True):
        status, largest = _judge(numbers, state.largest, system.eps)
        if status in {Status.NEGATIVE_CURVATURE, Status.SINGULAR} and from_zero and state.p is None:
            x, r = system.move(state, update.p, update.Ap, 1.0)
            size, model = norm(r), float(system.model(x, r))
            if not (math.isfinite(size) and math.isfinite(model)):
                return state, Status.NON_FINITE, []
            return _State(x, r), status, [(system.unit * size, system.unit * model)]
        if status is not Status.ACCEPTED:
            return state, status, measured
        state = replace(update, largest=largest)
        measured.append((system.unit * math.sqrt(numbers.square), system.unit * numbers.model))
        if measured[-1][0] <= target:
            break
    return state, Status.ACCEPTED, measured


def _read(updates: Sequence[_State]) -> list[_Numbers]:
    """Return the numbers of all updates on the host, which waits for them once."""
    backend = backend_of(updates[0].r)
    if backend.name == "numpy":
        return [_Numbers(*map(float, update.numbers or ())) for update in updates]
    numbers = backend.xp.stack([one for update in updates for one in update.numbers or ()])
    rows = backend.to_host(numbers).reshape(-1, len(_Numbers._fields))
    return [_Numbers(*map(float, row)) for row in rows]


def _ratio(a: Any, b: Any) -> Any:
    """Return a/b without a warning: what it came to is looked at later."""
    with np.errstate(all="ignore"):
        return a / b


def _judge(n: _Numbers, largest: float, eps: float) -> tuple[Status, float]:
    """Return ``accepted``, or why an iteration is none; and the largest pᵀAp / pᵀMp so far."""
    if n.changed:
        raise InputError(MODIFIED.format("preconditioner" if n.changed >= 2.0 else "product"))
    if not math.isfinite(n.rz):
        return Status.NON_FINITE, largest
    if n.rz <= 0.0:
        return Status.INDEFINITE_PRECONDITIONER, largest
    if not math.isfinite(n.curvature):
        return Status.NON_FINITE, largest
    largest = max(largest, n.curvature / n.energy)
    status = curvature_status(n.curvature, n.sizes, n.energy * largest, eps)
    sound = math.isfinite(n.square) and math.isfinite(n.model)
    return Status.NON_FINITE if status is Status.ACCEPTED and not sound else status, largest


def epsilon(a: Array) -> float:
    """Return the machine epsilon of the precision of a vector."""
    return float(np.finfo(str(a.dtype)).eps)


def curvature_status(curvature: float, sizes: float, steepest: float, eps: float) -> Status:
    """Return ``accepted`` for a positive curvature pᵀAp, ``singular`` where that is rounding error.

    It is below 10 eps of ‖p‖‖Ap‖, or of pᵀMp times the largest curvature of all directions so far.
    """
    noise = 10.0 * eps * max(sizes, steepest)
    if curvature > noise:
        return Status.ACCEPTED
    return Status.NEGATIVE_CURVATURE if curvature < -noise else Status.SINGULAR


def _require_options(b: Array, x0: Array | None, tolerance: float, max_iterations: int) -> int:
    require_real_vector(b, "b")
    if x0 is not None:
        require_real_vector(x0, "x0", finite=True)
        require_like(x0, b, "x0")
    if not (is_real(tolerance) and 0.0 <= tolerance < math.inf):
        raise InputError(f"tolerance is {tolerance!r}; expected 0 or more, such as 1e-2 for an inexact step.")
    return require_whole(max_iterations, "max_iterations", 1)


_SENTENCES = {
    Status.CONVERGED: "Conjugate gradients reached the tolerance",
    Status.ITERATION_LIMIT: "Conjugate gradients used up their iterations, which is usual for an inexact "
    "step; for a more exact one give more iterations (max_iterations, cg_iterations) or a preconditioner",
    Status.NEGATIVE_CURVATURE: "Conjugate gradients met a direction without positive curvature and kept what "
    "they had: the matrix is indefinite, or the residual is at round-off. If you did not expect "
    "that, add damping or a regularizer, or use the Gauss-Newton matrix",
    Status.SINGULAR: "Conjugate gradients met a direction along which the curvature is rounding error and "
    "kept what they had: the matrix is singular, usually with a right-hand side outside of its range, or the "
    "residual is at round-off. Add damping or a regularizer",
    Status.INDEFINITE_PRECONDITIONER: "The preconditioner is not positive definite, so conjugate gradients "
    "kept what they had; give a symmetric positive definite one, or none",
    Status.NON_FINITE: "Conjugate gradients met NaN or infinity and kept the last finite iterate: usually "
    "the data or the parameters are not finite or far too large. Look at the norms of both, and shorten the "
    "steps (max_step)",
}


def _result(x: Array, status: Status, trace: list[tuple[float, float]], target: float) -> CGResult:
    iterations = len(trace) - 1
    residuals, models = zip(*trace, strict=True)
    message = (
        f"{_SENTENCES[status]} ({iterations} iterations, residual {residuals[-1]:.2e}, target {target:.2e})."
    )
    return CGResult(x, Outcome(status, message), iterations, residuals, models)
