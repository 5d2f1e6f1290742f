"""Conjugate gradients for A x = b, stopping where A turns out not to be positive definite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.backend import backend_of
from refms.errors import Array, InputError
from refms.linear.outcome import Outcome, Status
from refms.linear.product import Product
from refms.linear.vectors import add_scaled, inner, norm, require_like, require_real_vector

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
        If an argument is out of range, or a product changes shape or dtype.

    Notes
    -----
    From x_0 = 0 the iterate x_k minimises q(x) = ½ xᵀAx − bᵀx over the k-th Krylov space, so q and the
    A-norm of the error fall, ‖x_k‖₂ grows (without preconditioner) and q(x_k) = −½ bᵀx_k. The residual
    norm itself need not fall.

    On a search direction p with pᵀAp <= 0 the current iterate is returned. If that happens at once from
    x_0 = 0, the steepest-descent direction M⁻¹b itself is returned, with the status
    ``negative_curvature`` and one iteration. NaN or infinity in b, in a product or in an update ends the
    iteration with the last finite iterate and the status ``non_finite``.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.diag([1.0, 2.0])
    >>> result = conjugate_gradients(lambda v: A @ v, np.array([1.0, 2.0]), tolerance=1e-12)
    >>> result.x.round(12).tolist(), result.iterations, str(result.outcome.status)
    ([1.0, 1.0], 2, 'converged')
    """
    _require_options(b, x0, tolerance, max_iterations)
    zero = backend_of(b).xp.zeros_like(b)
    size = norm(b)
    target = tolerance * size
    if size == 0.0:
        return _result(zero, Status.CONVERGED, [(0.0, 0.0)], target)
    x = zero if x0 is None else x0
    r = b if x0 is None else add_scaled(b, -1.0, require_like(product(x0), x0, "product"))
    state, trace = _State(x, r), [(norm(r), float(_model(x, r, b)))]
    status = Status.ACCEPTED if all(map(math.isfinite, trace[0])) else Status.NON_FINITE
    while status is Status.ACCEPTED:
        if trace[-1][0] <= target:
            status = Status.CONVERGED
        elif len(trace) > max_iterations:
            status = Status.ITERATION_LIMIT
        else:
            count = min(LOOK_AFTER[backend_of(b).name], max_iterations + 1 - len(trace))
            updates = _updates(state, product, preconditioner, b, count)
            state, status, measured = _examine(state, updates, b, target, from_zero=x0 is None)
            trace += measured
    return _result(state.x, status, trace, target)


@dataclass(frozen=True, eq=False)
class _State:
    """Iterate x, residual r = b − A x, the last direction p with Ap and rᵀz, and four numbers not yet read.

    These are rᵀz and pᵀAp of the update that led here, and ‖r‖² and q(x) after it.
    """

    x: Array
    r: Array
    p: Array | None = None
    Ap: Array | None = None
    rz: Any = None
    numbers: tuple[Any, ...] = ()


def _updates(
    state: _State, product: Product, preconditioner: Product | None, b: Array, count: int
) -> list[_State]:
    """Return the next iterates without a look at their numbers; those after one that failed are of no use."""
    made = list[_State]()
    for _ in range(count):
        r = state.r
        z = r if preconditioner is None else require_like(preconditioner(r), r, "preconditioner")
        rz = inner(r, z)
        if isinstance(rz, float) and not 0.0 < rz < math.inf:  # the host knows, and need not go on
            return [*made, _State(state.x, r, numbers=(rz, rz, rz, rz))]
        p = z if state.p is None else add_scaled(z, _ratio(rz, state.rz), state.p)
        Ap = require_like(product(p), p, "product")
        curvature = inner(p, Ap)
        state = _move(state, p, Ap, rz, curvature, _ratio(rz, curvature), b)
        made.append(state)
    return made


def _move(state: _State, p: Array, Ap: Array, rz: Any, curvature: Any, alpha: Any, b: Array) -> _State:
    """Return x + αp with r − αAp."""
    x, r = add_scaled(state.x, alpha, p), add_scaled(state.r, -alpha, Ap)
    return _State(x, r, p, Ap, rz, (rz, curvature, inner(r, r), _model(x, r, b)))


def _examine(
    state: _State, updates: Sequence[_State], b: Array, target: float, *, from_zero: bool
) -> tuple[_State, Status, list[tuple[float, float]]]:
    """Return the last good state, ``accepted`` or the reason to stop there, and what was measured."""
    measured = list[tuple[float, float]]()
    for update, numbers in zip(updates, _read(updates), strict=True):
        status = _status_of(*numbers)
        if status is Status.NEGATIVE_CURVATURE and from_zero and state.p is None:
            rz, curvature, *_ = update.numbers
            steepest = _move(state, update.p, update.Ap, rz, curvature, 1.0, b)
            _, _, square, model = _read([steepest])[0]
            if not (math.isfinite(square) and math.isfinite(model)):
                return state, Status.NON_FINITE, []
            return steepest, status, [(math.sqrt(square), model)]
        if status is not Status.ACCEPTED:
            return state, status, measured
        state = update
        measured.append((math.sqrt(numbers[2]), numbers[3]))
        if measured[-1][0] <= target:
            break
    return state, Status.ACCEPTED, measured


def _read(updates: Sequence[_State]) -> list[list[float]]:
    """Return the numbers of all updates on the host, which waits for them once."""
    backend = backend_of(updates[0].r)
    numbers = backend.xp.stack([number for update in updates for number in update.numbers])
    return [list(map(float, row)) for row in backend.to_host(numbers).reshape(-1, 4)]


def _ratio(a: Any, b: Any) -> Any:
    """Return a/b without a warning: what it came to is looked at later."""
    with np.errstate(all="ignore"):
        return a / b


def _status_of(rz: float, curvature: float, square: float, model: float) -> Status:
    """Return ``accepted``, or why an iteration is none."""
    if not math.isfinite(rz):
        return Status.NON_FINITE
    if rz <= 0.0:
        return Status.INDEFINITE_PRECONDITIONER
    if not math.isfinite(curvature):
        return Status.NON_FINITE
    if curvature <= 0.0:
        return Status.NEGATIVE_CURVATURE
    return Status.ACCEPTED if math.isfinite(square) and math.isfinite(model) else Status.NON_FINITE


def _model(x: Array, r: Array, b: Array) -> Any:
    """Return q(x) = −½ xᵀ(b + r), which holds for every x with r = b − A x."""
    return -0.5 * (inner(x, b) + inner(x, r))


def _require_options(b: Array, x0: Array | None, tolerance: float, max_iterations: int) -> None:
    require_real_vector(b, "b")
    if x0 is not None:
        require_real_vector(x0, "x0", finite=True)
        require_like(x0, b, "x0")
    if not 0.0 <= tolerance < math.inf:
        raise InputError(f"tolerance is {tolerance}; expected 0 or more, such as 1e-2 for an inexact step.")
    if max_iterations < 1:
        raise InputError(f"max_iterations is {max_iterations}; expected 1 or more.")


_SENTENCES = {
    Status.CONVERGED: "Conjugate gradients reached the tolerance",
    Status.ITERATION_LIMIT: "Conjugate gradients used up their iterations, which is usual for an inexact "
    "step; for a more exact one give more iterations (max_iterations, cg_iterations) or a preconditioner",
    Status.NEGATIVE_CURVATURE: "Conjugate gradients met a direction without positive curvature and kept what "
    "they had: the matrix is singular or indefinite, or the residual is at round-off. If you did not expect "
    "that, add damping or a regularizer, or use the Gauss-Newton matrix",
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
