"""What the tests of the checks share: seeded arrays, matrices as functions, and a small smooth network."""

import math

import numpy as np


def random(seed, *shape, dtype="float64"):
    """Return standard normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def matvec(A):
    """Return a matrix as a function."""
    return lambda x: A @ x


class Net:
    """F(x) = B tanh(A x) and f(x) = ½‖F(x)‖², with their derivatives."""

    def __init__(self, device, seed, n, dtype="float64"):
        self.xp = device.backend.xp
        self.A = device.array(random(seed, n + 1, n, dtype=dtype) / math.sqrt(n))
        self.B = device.array(random(seed + 1, n + 2, n + 1, dtype=dtype) / math.sqrt(n))
        self.x, self.v = (device.array(random(seed + k, n, dtype=dtype) / 2) for k in (2, 3))

    def F(self, x):
        A, B = (M.astype(x.real.dtype) for M in (self.A, self.B))
        return B @ self.xp.tanh(A @ x)

    def f(self, x):
        r = self.F(x)
        return 0.5 * (r * r).sum()

    def J(self, x, v):
        return self.B @ ((1 - self.xp.tanh(self.A @ x) ** 2) * (self.A @ v))

    def JT(self, x, g):
        return self.A.T @ ((1 - self.xp.tanh(self.A @ x) ** 2) * (self.B.T @ g))

    def gradient(self, x):
        return self.JT(x, self.F(x))

    def second(self, x, v):
        t, w = self.xp.tanh(self.A @ x), self.A @ v
        return self.B @ (-2 * t * (1 - t * t) * w * w)

    def hessian(self, x, v):
        t, w = self.xp.tanh(self.A @ x), self.A @ v
        bend = self.A.T @ (-2 * t * (1 - t * t) * w * (self.B.T @ self.F(x)))
        return self.JT(x, self.J(x, v)) + bend

    def gauss_newton(self, x, v):
        return self.JT(x, self.J(x, v))
