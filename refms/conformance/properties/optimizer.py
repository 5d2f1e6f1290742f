"""O9-O14: conjugate gradients, line search, Newton steps and block-coordinate descent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import Outcome, holds, residual
from refms.conformance.oracles.network import temper
from refms.conformance.property import Claims, Family, agree
from refms.definition.arrays import as_double, norm
from refms.errors import Array

FAMILY = Family("optimizer")
law = FAMILY.law
CG = ("conjugate_gradients",)
STEP = ("newton_step",)
SIZE = 8


@law("O9", CG, source="Hestenes and Stiefel; Steihaug")
def _krylov(a: Gate, x: Instance) -> Claims:
    """Conjugate gradients minimise over Krylov spaces.

    x_k = argmin of q(x) = ½xᵀAx − bᵀx over span{b, Ab, …, A^{k-1}b} (k <= 4, by explicit projection); q(x_k)
    and the error in the A-norm fall, ‖x_k‖ grows, q(x_k) = −½bᵀx_k; exact after as many steps as A has
    eigenvalues; with pᵀAp <= 0 the iterate stays a direction of descent, q(x) < 0; scale cond(A)‖x‖
    Catches: a wrong β or α, residuals that are not updated, negative curvature ignored.
    """
    A, b = _matrix(x, np.geomspace(1.0, 10.0, SIZE)), x.draw("b", SIZE, scale=x.stencil_scale)
    exact = np.linalg.solve(as_double(A), as_double(b))
    iterates = [as_double(a.conjugate_gradients(_product(A), b, k)) for k in range(1, SIZE + 1)]
    scale = 10 * norm(exact)
    for k in (1, 2, 3, 4):
        yield f"x_{k} by projection", iterates[k - 1], _projected(A, b, k), scale
    yield from _monotone(A, b, iterates, exact, x)
    few = _matrix(x, np.repeat([1.0, 3.0, 10.0], [3, 3, 2]))
    solution = np.linalg.solve(as_double(few), as_double(b))
    got = a.conjugate_gradients(_product(few), b, 3)
    yield "three eigenvalues, three steps", got, solution, 10 * scale
    bent = _matrix(x, np.array([-4.0, -1.0, -0.5, 1.0, 2.0, 3.0, 4.0, 5.0]))
    stopped = as_double(a.conjugate_gradients(_product(bent), b, SIZE))
    slope, q = float(as_double(b) @ stopped), _quadratic(bent, b, stopped)
    good = bool(np.isfinite(stopped).all()) and slope > 0 and q < 0
    yield holds(good, "descent in spite of negative curvature", f"bᵀx = {slope:.3g}, q(x) = {q:.3g}")


@law("O10", STEP, source="Newton's method")
def _direction(a: Gate, x: Instance) -> Claims:
    """The Newton direction points downhill, along −H⁻¹g.

    gᵀ(x₊ − x) < 0, and x₊ − x is parallel to H⁻¹g by a direct solver; scale cond(H), for the unit vectors
    Catches: a sign, the gradient itself as direction, a solver that stops too early.
    """
    f, start = _LogCosh.drawn(x), x.draw("start", SIZE, scale=2 * _length(x))
    step = as_double(a.newton_step(f, start, 4 * SIZE)) - as_double(start)
    gradient, H = as_double(f.value_and_gradient(start)[1]), f.hessian(start)
    newton = -np.linalg.solve(H, gradient)
    length, size = norm(step), norm(start)
    slope = float(gradient @ step)
    unit = step / length if length > 0 else step
    scale = float(np.linalg.cond(H)) * max(1.0, size / max(length, 1e-3 * size))
    yield holds(slope < 0, "gᵀ(x₊ − x) < 0", f"it is {slope:.3g}")
    yield "direction against a direct solver", unit, newton / norm(newton), scale


@law("O11", ("line_search",), source="Armijo")
def _armijo(a: Gate, x: Instance) -> Claims:
    """The line search accepts the first of 1, ½, ¼, … that satisfies Armijo's rule.

    f(x + αp) <= f(x) + c₁ α gᵀp, and 2α does not satisfy it; α = 1 for the Newton step of a quadratic; NaN
    shrinks the step; criterion: α exactly
    Catches: the bound without α, plain decrease, NaN accepted, shrinking too far.
    """
    start, p = (x.draw(name, SIZE, scale=x.image_scale) for name in ("start", "p"))
    height = x.stencil_scale
    square = float(as_double(p) @ as_double(p))
    for decrease in (1e-4, 0.4):
        # Along p the function is 3 − t + ½κt², times a factor: Armijo's rule holds up to t = 2(1 − c₁)/κ.
        for limit, expected in ((1.7, 1.0), (0.7, 0.5), (0.3, 0.25), (0.07, 0.0625)):
            kappa = 2 * (1 - decrease) / limit

            def value(y: Array, kappa: float = kappa) -> float:
                t = float((as_double(y) - as_double(start)) @ as_double(p)) / square
                return height * (3.0 - t + 0.5 * kappa * t * t)

            got = a.line_search(value, start, 3 * height, -height, p, decrease)
            yield holds(got == expected, f"α for c₁ = {decrease:g}, limit {limit}", f"{got}, not {expected}")

    def undefined_far_away(y: Array) -> float:
        t = float((as_double(y) - as_double(start)) @ as_double(p)) / square
        return height * (3.0 - t) if t < 0.2 else float("nan")

    got = a.line_search(undefined_far_away, start, 3 * height, -height, p, 1e-4)
    yield holds(got == 0.125, "α where f is NaN beyond 0.2", f"{got}, not 0.125")


@law(
    "O12",
    ("block_step", "loss"),
    source="[LAS] Sec. 4, block-coordinate descent",
    domain=Domain(small=True, smallest=2, activations=("tanh", "identity")),
    cost=2,
)
def _blocks(a: Gate, x: Instance) -> Claims:
    """A step on one block leaves the other as it is, to the bit, and lowers the loss.

    block propagation: W, μ unchanged; block classifier: opening, stencils, biases unchanged; f(x₊) < f(x);
    criterion: equality of all bits
    Catches: blocks that leak into each other, a step uphill, no step at all.
    """
    X, C = x.image("X", examples=3), x.one_hot(examples=3)
    p = temper(x.parameters(), X, x.problem, a.profile)
    before = a.loss(p, X, C, x.problem)
    for block, kept in (("propagation", ("W", "mu")), ("classifier", ("opening", "stencils", "biases"))):
        after = a.block_step(p, X, C, x.problem, block)
        same = all(after[key].tobytes() == p[key].tobytes() for key in kept)
        value = a.loss(after, X, C, x.problem)
        yield holds(same, f"block {block} leaves {', '.join(kept)} alone", "they changed")
        yield holds(value < before, f"block {block} lowers the loss", f"from {before:.9g} to {value:.9g}")


@law("O13", STEP, source="Newton's method")
def _quadratic_problem(a: Gate, x: Instance) -> Claims:
    """One Newton step with converged conjugate gradients solves a quadratic problem.

    f = ½xᵀAx − bᵀx: x₊ = A⁻¹b from any start, α = 1; scale cond(A)(‖A⁻¹b‖ + ‖x‖)
    Catches: a factor in the gradient, a step length that is always shortened.
    """
    A = _matrix(x, np.geomspace(1.0, 10.0, SIZE))
    f, start = (
        _Quadratic(A, x.draw("b", SIZE, scale=x.stencil_scale)),
        x.draw("start", SIZE, scale=_length(x)),
    )
    solution = np.linalg.solve(as_double(f.A), as_double(f.b))
    scale = 10 * (norm(solution) + norm(start))
    yield "x₊ = A⁻¹b", a.newton_step(f, start, 4 * SIZE), solution, scale


@law("O14", STEP, source="affine invariance")
def _affine(a: Gate, x: Instance) -> Claims:
    """Newton steps do not depend on the coordinates.

    x = Bφ: the step of f(B·) from φ is B⁻¹ times the step of f from x; scale cond(H)cond(B)²‖x‖
    Catches: damping or scaling on the way, a direction that is not Newton's.
    """
    f, phi = _LogCosh.drawn(x), x.draw("phi", SIZE, scale=_length(x))
    B = _matrix(replace(x, image_scale=1.0), np.geomspace(1.0, 3.0, SIZE), name="B")
    start = (as_double(B) @ as_double(phi)).astype(x.dtype)
    direct = as_double(a.newton_step(f, start, 4 * SIZE))
    through = as_double(B) @ as_double(a.newton_step(_Changed(f, B), phi, 6 * SIZE))
    condition = float(np.linalg.cond(f.hessian(start))) * 9.0
    scale = condition * (norm(start) + norm(direct))
    moved = norm(direct - as_double(start))
    yield from agree("B φ₊ = x₊", through, direct, scale)
    yield holds(moved > 1e-3 * norm(start), "a step is taken", "x did not move")


@dataclass(frozen=True, eq=False)
class _Quadratic:
    """f(x) = ½xᵀAx − bᵀx."""

    A: Array
    b: Array

    def value(self, x: Array) -> float:
        return _quadratic(self.A, self.b, as_double(x))

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        return self.value(x), self.A @ x - self.b

    def curvature(self, x: Array) -> Callable[[Array], Array]:
        return _product(self.A)


@dataclass(frozen=True, eq=False)
class _LogCosh:
    """f(x) = γl F(x/l), F(u) = Σ log cosh(Cu − d) + ½‖u‖²: smooth, strictly convex and not quadratic.

    Its gradients are of size γ and its curvatures of size γ/l.
    """

    C: Array
    d: Array
    gamma: np.floating[Any]
    length: np.floating[Any]

    @classmethod
    def drawn(cls, x: Instance) -> _LogCosh:
        sizes = (np.dtype(x.dtype).type(size) for size in (x.stencil_scale, _length(x)))
        return cls(x.draw("C", SIZE, SIZE, scale=0.5), x.draw("d", SIZE), *sizes)

    def value(self, x: Array) -> float:
        u = as_double(x) / float(self.length)
        z = as_double(self.C) @ u - as_double(self.d)
        F = np.logaddexp(z, -z).sum() - SIZE * np.log(2) + 0.5 * u @ u
        return float(F) * float(self.gamma) * float(self.length)

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        u = x / self.length
        return self.value(x), self.gamma * (self.C.T @ np.tanh(self.C @ u - self.d) + u)

    def curvature(self, x: Array) -> Callable[[Array], Array]:
        weights = 1 - np.tanh(self.C @ (x / self.length) - self.d) ** 2
        factor = self.gamma / self.length
        return lambda v: factor * (self.C.T @ (weights * (self.C @ v)) + v)

    def hessian(self, x: Array) -> Array:
        C, u = as_double(self.C), as_double(x) / float(self.length)
        weights = 1 - np.tanh(C @ u - as_double(self.d)) ** 2
        return float(self.gamma) / float(self.length) * (C.T @ (weights[:, None] * C) + np.eye(SIZE))


@dataclass(frozen=True, eq=False)
class _Changed:
    """f in the coordinates φ of x = Bφ."""

    f: _LogCosh
    B: Array

    def value(self, phi: Array) -> float:
        return self.f.value(self.B @ phi)

    def value_and_gradient(self, phi: Array) -> tuple[float, Array]:
        value, gradient = self.f.value_and_gradient(self.B @ phi)
        return value, self.B.T @ gradient

    def curvature(self, phi: Array) -> Callable[[Array], Array]:
        product = self.f.curvature(self.B @ phi)
        return lambda v: self.B.T @ product(self.B @ v)


def _length(x: Instance) -> float:
    """Return the size of solutions: gradients are of size stencil_scale, curvatures of image_scale."""
    return x.stencil_scale / x.image_scale


def _matrix(x: Instance, eigenvalues: Array, name: str = "A") -> Array:
    """Return a symmetric matrix with the given eigenvalues times image_scale, and random eigenvectors."""
    Q, _ = np.linalg.qr(as_double(x.draw(name, SIZE, SIZE)))
    A = x.image_scale * ((Q * eigenvalues) @ Q.T)
    return ((A + A.T) / 2).astype(x.dtype)


def _product(A: Array) -> Callable[[Array], Array]:
    return lambda v: A @ v


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


def _monotone(A: Array, b: Array, iterates: list[Array], exact: Array, x: Instance) -> list[Outcome]:
    """Judge what must rise or fall from one iterate to the next."""
    q = np.array([_quadratic(A, b, one) for one in iterates])
    errors = np.array([float(np.sqrt((one - exact) @ as_double(A) @ (one - exact))) for one in iterates])
    lengths = np.array([norm(one) for one in iterates])
    slack = 100 * float(np.finfo(x.dtype).eps)
    identity = np.array([-0.5 * float(as_double(b) @ one) for one in iterates])
    return [
        holds(np.all(np.diff(q) <= slack * abs(q[-1])), "q(x_k) falls", f"values {q.round(6).tolist()}"),
        holds(
            np.all(np.diff(errors) <= slack * errors[0]), "‖x_k − x‖_A falls", f"{errors.round(6).tolist()}"
        ),
        holds(
            np.all(np.diff(lengths) >= -slack * lengths[-1]), "‖x_k‖ grows", f"{lengths.round(6).tolist()}"
        ),
        residual(q, identity, 10 * float(np.abs(identity).max()), x.dtype, "q(x_k) = −½bᵀx_k, scale 10|q|"),
    ]
