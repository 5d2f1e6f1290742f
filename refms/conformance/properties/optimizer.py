"""O9-O14: conjugate gradients, line search, Newton steps and block-coordinate descent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import holds
from refms.conformance.oracles.functions import SIZE, log_cosh, objective, parabola, solution_size, symmetric
from refms.conformance.oracles.network import temper
from refms.conformance.property import Claims, agree, family
from refms.definition.arrays import as_double, norm
from refms.errors import Array

law = family("optimizer")


@law("O9", "conjugate_gradients", "Hestenes and Stiefel; Steihaug")
def _krylov(a: Gate, x: Instance) -> Claims:
    """Conjugate gradients minimise over Krylov spaces.

    x_k = argmin of q(x) = ½xᵀAx − bᵀx over span{b, Ab, …, A^{k-1}b} (k <= 4, by explicit projection); q(x_k)
    and the error in the A-norm fall, ‖x_k‖ grows, q(x_k) = −½bᵀx_k; exact after as many steps as A has
    eigenvalues; with pᵀAp <= 0 the iterate stays a direction of descent, q(x) < 0; scale cond(A)‖x‖
    Catches: a wrong β or α, residuals that are not updated, negative curvature ignored.
    """
    A, b = symmetric(x, np.geomspace(1.0, 10.0, SIZE)), x.draw("b", SIZE, scale=x.stencil_scale)
    exact = np.linalg.solve(as_double(A), as_double(b))
    iterates = [as_double(a.conjugate_gradients(lambda v: A @ v, b, k)) for k in range(1, SIZE + 1)]
    scale = 10 * norm(exact)
    for k in (1, 2, 3, 4):
        yield f"x_{k} by projection", iterates[k - 1], _projected(A, b, k), scale
    yield from _monotone(A, b, iterates, exact, x)
    few = symmetric(x, np.repeat([1.0, 3.0, 10.0], [3, 3, 2]))
    solution = np.linalg.solve(as_double(few), as_double(b))
    got = a.conjugate_gradients(lambda v: few @ v, b, 3)
    yield "three eigenvalues, three steps", got, solution, 10 * scale
    bent = symmetric(x, np.array([-4.0, -1.0, -0.5, 1.0, 2.0, 3.0, 4.0, 5.0]))
    stopped = as_double(a.conjugate_gradients(lambda v: bent @ v, b, SIZE))
    slope, q = float(as_double(b) @ stopped), _quadratic(bent, b, stopped)
    good = bool(np.isfinite(stopped).all()) and slope > 0 and q < 0
    yield holds(good, "descent in spite of negative curvature", f"bᵀx = {slope:.3g}, q(x) = {q:.3g}")


@law("O10", "newton_step", "Newton's method")
def _direction(a: Gate, x: Instance) -> Claims:
    """The Newton direction points downhill, along −H⁻¹g.

    gᵀ(x₊ − x) < 0, and x₊ − x is parallel to H⁻¹g by a direct solver; scale cond(H), for the unit vectors
    Catches: a sign, the gradient itself as direction, a solver that stops too early.
    """
    f, start = log_cosh(x), x.draw("start", SIZE, scale=2 * solution_size(x))
    step = as_double(a.newton_step(f, start, 4 * SIZE)) - as_double(start)
    gradient, H = as_double(f.value_and_gradient(start)[1]), f.hessian(start)
    newton = -np.linalg.solve(H, gradient)
    length, size, slope = norm(step), norm(start), float(gradient @ step)
    unit = step / length if length > 0 else step
    scale = float(np.linalg.cond(H)) * max(1.0, size / max(length, 1e-3 * size))
    yield holds(slope < 0, "gᵀ(x₊ − x) < 0", f"it is {slope:.3g}")
    yield "direction against a direct solver", unit, newton / norm(newton), scale


@law("O11", "line_search", "Armijo")
def _armijo(a: Gate, x: Instance) -> Claims:
    """The line search accepts the first of 1, ½, ¼, … that satisfies Armijo's rule.

    f(x + αp) <= f(x) + c₁ α gᵀp, and 2α does not satisfy it; α = 1 for the Newton step of a quadratic; NaN
    shrinks the step; criterion: α exactly
    Catches: the bound without α, plain decrease, NaN accepted, shrinking too far.
    """
    start, p = (x.draw(name, SIZE, scale=x.image_scale) for name in ("start", "p"))
    height, square = x.stencil_scale, float(as_double(p) @ as_double(p))

    def search(f: Callable[[float], float], decrease: float) -> float:
        """Return the α for f(t) along p."""

        def value(y: Array) -> float:
            return height * f(float((as_double(y) - as_double(start)) @ as_double(p)) / square)

        return float(a.line_search(value, start, 3 * height, -height, p, decrease))

    for decrease in (1e-4, 0.4):
        for limit, expected in ((1.7, 1.0), (0.7, 0.5), (0.3, 0.25), (0.07, 0.0625)):
            kappa = 2 * (1 - decrease) / limit  # Armijo's rule holds up to t = 2(1 − c₁)/κ
            got = search(partial(parabola, kappa), decrease)
            yield holds(got == expected, f"α for c₁ = {decrease:g}, limit {limit}", f"{got}, not {expected}")
    got = search(lambda t: 3.0 - t if t < 0.2 else float("nan"), 1e-4)
    yield holds(got == 0.125, "α where f is NaN beyond 0.2", f"{got}, not 0.125")


BLOCKS = Domain(small=True, smallest=2, activations=("tanh", "identity"))


@law("O12", "block_step loss", "[LAS] Sec. 4, block-coordinate descent", BLOCKS, cost=2)
def _blocks(a: Gate, x: Instance) -> Claims:
    """A step on one block leaves the other as it is, to the bit, and lowers the loss.

    block propagation: W, μ unchanged; block classifier: opening, stencils, biases unchanged; f(x₊) < f(x);
    criterion: equality of all bits
    Catches: blocks that leak into each other, a step uphill, no step at all.
    """
    X, C = x.image("X", examples=3), x.one_hot(examples=3)
    p = temper(x.parameters(), X, x)
    before = a.loss(p, X, C, x.problem)
    for block, kept in (("propagation", ("W", "mu")), ("classifier", ("opening", "stencils", "biases"))):
        after = a.block_step(p, X, C, x.problem, block)
        same = all(after[key].tobytes() == p[key].tobytes() for key in kept)
        value = a.loss(after, X, C, x.problem)
        yield holds(same, f"block {block} leaves {', '.join(kept)} alone", "they changed")
        yield holds(value < before, f"block {block} lowers the loss", f"from {before:.9g} to {value:.9g}")


@law("O13", "newton_step", "Newton's method")
def _quadratic_problem(a: Gate, x: Instance) -> Claims:
    """One Newton step with converged conjugate gradients solves a quadratic problem.

    f = ½xᵀAx − bᵀx: x₊ = A⁻¹b from any start, α = 1; scale cond(A)(‖A⁻¹b‖ + ‖x‖)
    Catches: a factor in the gradient, a step length that is always shortened.
    """
    A = symmetric(x, np.geomspace(1.0, 10.0, SIZE))
    b, start = x.draw("b", SIZE, scale=x.stencil_scale), x.draw("start", SIZE, scale=solution_size(x))
    f = objective(lambda y: _quadratic(A, b, as_double(y)), lambda y: A @ y - b, lambda y: lambda v: A @ v)
    solution = np.linalg.solve(as_double(A), as_double(b))
    scale = 10 * (norm(solution) + norm(start))
    yield "x₊ = A⁻¹b", a.newton_step(f, start, 4 * SIZE), solution, scale


@law("O14", "newton_step", "affine invariance")
def _affine(a: Gate, x: Instance) -> Claims:
    """Newton steps do not depend on the coordinates.

    x = Bφ: the step of f(B·) from φ is B⁻¹ times the step of f from x; scale cond(H)cond(B)²‖x‖
    Catches: damping or scaling on the way, a direction that is not Newton's.
    """
    f, phi = log_cosh(x), x.draw("phi", SIZE, scale=solution_size(x))
    B = symmetric(replace(x, image_scale=1.0), np.geomspace(1.0, 3.0, SIZE), name="B")
    start = (as_double(B) @ as_double(phi)).astype(x.dtype)
    direct = as_double(a.newton_step(f, start, 4 * SIZE))
    changed = objective(
        lambda y: f.value(B @ y),
        lambda y: B.T @ f.value_and_gradient(B @ y)[1],
        lambda y: lambda v: B.T @ f.curvature(B @ y)(B @ v),
    )
    through = as_double(B) @ as_double(a.newton_step(changed, phi, 6 * SIZE))
    condition = float(np.linalg.cond(f.hessian(start))) * 9.0
    moved = norm(direct - as_double(start))
    yield from agree("B φ₊ = x₊", through, direct, condition * (norm(start) + norm(direct)))
    yield holds(moved > 1e-3 * norm(start), "a step is taken", "x did not move")


def _quadratic(A: Array, b: Array, x: Array) -> float:
    return float(0.5 * x @ as_double(A) @ x - as_double(b) @ x)


def _projected(A: Array, b: Array, k: int) -> Array:
    """Return the minimiser of q over the k-th Krylov space, by an orthonormal basis."""
    basis = np.zeros((SIZE, 0))
    v = as_double(b)
    for _ in range(k):
        for _ in range(2):  # twice is enough
            v = v - basis @ (basis.T @ v)
        v = v / norm(v)
        basis = np.column_stack([basis, v])
        v = as_double(A) @ v
    return basis @ np.linalg.solve(basis.T @ as_double(A) @ basis, basis.T @ as_double(b))


def _monotone(A: Array, b: Array, iterates: list[Array], exact: Array, x: Instance) -> Claims:
    """Claim what must rise or fall from one iterate to the next."""
    q = np.array([_quadratic(A, b, one) for one in iterates])
    errors = np.array([float(np.sqrt((one - exact) @ as_double(A) @ (one - exact))) for one in iterates])
    lengths = np.array([norm(one) for one in iterates])
    identity = np.array([-0.5 * float(as_double(b) @ one) for one in iterates])
    for values, size, sign, text in (
        (q, abs(q[-1]), 1, "q(x_k) falls"),
        (errors, errors[0], 1, "‖x_k − x‖_A falls"),
        (lengths, lengths[-1], -1, "‖x_k‖ grows"),
    ):
        good = np.all(sign * np.diff(values) <= 100 * x.eps * size)
        yield holds(good, text, f"values {values.round(6).tolist()}")
    yield "q(x_k) = −½bᵀx_k, scale 10|q|", q, identity, 10 * float(np.abs(identity).max())
