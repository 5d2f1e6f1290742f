"""Functions with known minima, the table of them, and guards for their arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from refms.errors import Array


def locked(x: Array) -> Array:
    """Return a copy that raises when it is written to."""
    copy = np.array(x)
    copy.flags.writeable = False
    return copy


def spd(seed: int, n: int, condition: float = 100.0, dtype: str = "float64") -> Array:
    """Return a random symmetric positive definite matrix with eigenvalues 1 to ``condition``."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    A = Q * np.geomspace(1.0, condition, n) @ Q.T
    return (0.5 * (A + A.T)).astype(dtype)


def normal(seed: int, n: int, dtype: str = "float64") -> Array:
    """Return a locked vector of standard normal numbers."""
    return locked(np.random.default_rng(seed).standard_normal(n).astype(dtype))


def rho(got: Array, expected: Array, scale: float) -> float:
    """Return ‖got − expected‖ / (eps · scale) in the precision of ``got``."""
    return float(np.linalg.norm(got - expected)) / (float(np.finfo(got.dtype).eps) * scale)


@dataclass
class Counted:
    """Counts the evaluations; the functions below derive from it."""

    calls: list[str] = field(default_factory=list, init=False)

    @property
    def work_units(self) -> float:
        return float(len(self.calls))

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        self.calls.append("gradient")
        return self.f(x), locked(self.gradient(x))

    def value(self, x: Array) -> float:
        self.calls.append("value")
        return self.f(x)

    def curvature(self, x: Array) -> Callable[[Array], Array]:
        H = self.hessian(x)

        def product(v: Array) -> Array:
            self.calls.append("product")
            return locked(H @ v)

        return product


@dataclass
class Quadratic(Counted):
    """½ xᵀAx − bᵀx."""

    A: Array
    b: Array

    def f(self, x: Array) -> float:
        return float(0.5 * x @ (self.A @ x) - self.b @ x)

    def gradient(self, x: Array) -> Array:
        return self.A @ x - self.b

    def hessian(self, x: Array) -> Array:
        return self.A


@dataclass
class Logistic(Counted):
    """Mean of log(1 + exp(−a_iᵀx)) + ½ 0.1 ‖x‖²: smooth and strictly convex."""

    A: Array

    def f(self, x: Array) -> float:
        return float(np.mean(np.logaddexp(0, -(self.A @ x))) + 0.05 * x @ x)

    def gradient(self, x: Array) -> Array:
        p = 1 / (1 + np.exp(self.A @ x))
        return -self.A.T @ p / x.dtype.type(len(p)) + x.dtype.type(0.1) * x

    def hessian(self, x: Array) -> Array:
        p = 1 / (1 + np.exp(self.A @ x))
        return (self.A.T * (p * (1 - p))) @ self.A / x.dtype.type(len(p)) + 0.1 * np.eye(
            x.size, dtype=x.dtype
        )


@dataclass
class Rosenbrock(Counted):
    """½‖r‖², r = (10(x₁ − x₀²), 1 − x₀); Gauss–Newton matrix, or the full Hessian, which is indefinite."""

    full: bool = False

    def residual(self, x: Array) -> Array:
        return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]], dtype=x.dtype)

    def jacobian(self, x: Array) -> Array:
        return np.array([[-20 * x[0], 10], [-1, 0]], dtype=x.dtype)

    def f(self, x: Array) -> float:
        r = self.residual(x)
        return float(0.5 * r @ r)

    def gradient(self, x: Array) -> Array:
        return self.jacobian(x).T @ self.residual(x)

    def hessian(self, x: Array) -> Array:
        J = self.jacobian(x)
        second = np.array([[-20 * self.residual(x)[0], 0], [0, 0]], dtype=x.dtype)
        return J.T @ J + second if self.full else J.T @ J


@dataclass
class Barrier(Counted):
    """Σ x_i − log x_i: NaN outside the positive cone, minimum at one."""

    def f(self, x: Array) -> float:
        with np.errstate(invalid="ignore", divide="ignore"):
            return float(np.sum(x - np.log(x)))

    def gradient(self, x: Array) -> Array:
        return 1 - 1 / x

    def hessian(self, x: Array) -> Array:
        return np.diag(x**-2)


@dataclass
class Quartic(Counted):
    """¼ Σ (x_i² − 1)² + ¼ Σ (x_i − 1)²: at zero the Hessian is indefinite; the one minimum is at one."""

    def f(self, x: Array) -> float:
        return float(np.sum((x * x - 1) ** 2 + (x - 1) ** 2) / 4)

    def gradient(self, x: Array) -> Array:
        return x * (x * x - 1) + (x - 1) / 2

    def hessian(self, x: Array) -> Array:
        return np.diag(3 * x * x - x.dtype.type(0.5))


def logistic(dtype: str = "float64") -> Logistic:
    return Logistic((3 * np.random.default_rng(1).standard_normal((12, 5))).astype(dtype))


def table(dtype: str) -> dict[str, tuple[Counted, Array]]:
    """Return name -> (function, start) for every problem."""
    start = {
        "quadratic": (Quadratic(spd(3, 6, 100.0, dtype), normal(4, 6, dtype)), np.zeros(6)),
        "logistic": (logistic(dtype), np.full(5, 2.0)),
        "rosenbrock, Gauss-Newton": (Rosenbrock(), [-1.2, 1.0]),
        "rosenbrock, Newton": (Rosenbrock(full=True), [-1.2, 1.0]),
        "barrier": (Barrier(), [0.01, 3.0, 50.0]),
        "quartic": (Quartic(), [0.01, 0.3, 2.0]),
    }
    return {name: (problem, locked(np.asarray(x, dtype=dtype))) for name, (problem, x) in start.items()}


PROBLEMS = tuple(table("float64"))
