"""Steps and histories of optimisation, written from ``help(Adapter)`` alone.

Vectors are in double precision; points are rounded to the dtype of the objective, and so is what it is given.
"""

import math

import numpy as np


def rounded(product, dtype):
    """Return v -> H v that hands v over in a dtype, and takes and gives double precision."""
    return lambda v: np.asarray(product(v.astype(dtype))).astype(float)


def cg(product, b, iterations, solve=lambda r: r):
    """Return the iterate of (preconditioned) conjugate gradients from zero, and whether any step was made."""
    x, r = np.zeros(len(b)), b.astype(float)
    z = solve(r)
    p, square = z, float(r @ z)
    for k in range(iterations):
        Ap = product(p) if square > 0 else p
        curvature = float(p @ Ap)
        if not (square > 0 and curvature > 0):
            return x, k > 0
        x, r = x + square / curvature * p, r - square / curvature * Ap
        z = solve(r)
        p, square = z + float(r @ z) / square * p, float(r @ z)
    return x, True


def steihaug(product, g, radius, iterations):
    """Return the step in the ball, and whether it ends on the sphere."""
    p, r = np.zeros(len(g)), g.astype(float)
    d, square = -r, float(r @ r)
    for _ in range(iterations):
        if not square > 0:
            break
        Hd = product(d)
        curvature = float(d @ Hd)
        alpha = square / curvature if curvature > 0 else math.inf
        if curvature <= 0 or np.linalg.norm(p + alpha * d) > radius:
            room = (radius - np.linalg.norm(p)) * (radius + np.linalg.norm(p))
            ahead, length = float(p @ d), float(d @ d)
            return p + room / (ahead + math.sqrt(ahead**2 + length * room)) * d, True
        p, r = p + alpha * d, r + alpha * Hd
        d, square = -r + float(r @ r) / square * d, float(r @ r)
    return p, False


def armijo(value, x, f, slope, p):
    """Return (α, x + αp, its value) for the first α of 1, ½, … , 2⁻¹⁰ that Armijo's rule takes."""
    for alpha in 0.5 ** np.arange(11):
        there = (x + alpha * p).astype(x.dtype)
        found = float(value(there))
        if math.isfinite(found) and found <= f + 1e-4 * alpha * slope:
            return float(alpha), there, found
    return 0.0, x, f


def columns(rows):
    """Return a history, one array for every name, from one mapping for every step."""
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]}


def damped_newton(objective, x, damping, steps, iterations):
    """Return the history of Levenberg and Marquardt; with the damping 0, of Newton."""
    rows = []
    for _ in range(steps):
        f, g = objective.value_and_gradient(x)
        f, g, H = float(f), np.asarray(g).astype(float), rounded(objective.curvature(x), x.dtype)
        p, _ = cg(lambda v, H=H, shift=damping: H(v) + shift * v, -g, iterations)
        slope = float(g @ p)
        alpha, x, new = armijo(objective.value, x, f, slope, p)
        rows.append(
            {
                "objective": new,
                "gradient_norm": np.linalg.norm(g),
                "step_length": alpha,
                "damping": damping,
                "x": x,
            }
        )
        model = -alpha * slope - alpha**2 / 2 * float(p @ H(p))
        gain = (f - new) / model if model > 0 else 0.0
        damping *= 4 if gain < 1 / 4 else 1 / 4 if gain > 3 / 4 else 1
    return columns(rows)


class Methods:
    """Operations of the level "optimization" that know nothing of networks."""

    def preconditioned_conjugate_gradients(self, product, preconditioner, b, iterations):
        solve = rounded(preconditioner, b.dtype)
        x, moved = cg(rounded(product, b.dtype), b, iterations, solve)
        return self._out(x if moved else solve(b.astype(float)))

    def damped_step(self, product, g, damping, iterations):
        H = rounded(product, g.dtype)
        return self._out(cg(lambda v: H(v) + damping * v, -g, iterations)[0])

    def trust_region_step(self, product, g, radius, iterations):
        return self._out(steihaug(rounded(product, g.dtype), g, radius, iterations)[0])

    def newton(self, objective, x, steps, iterations):
        found = damped_newton(objective, x, 0.0, steps, iterations)
        del found["damping"]
        return self._out(found)

    def levenberg_marquardt(self, objective, x, damping, steps, iterations):
        found = damped_newton(objective, x, damping, steps, iterations)
        del found["gradient_norm"]
        return self._out(found)

    def trust_region(self, objective, x, radius, steps, iterations):
        rows = []
        for _ in range(steps):
            f, g = objective.value_and_gradient(x)
            f, g, H = float(f), np.asarray(g).astype(float), rounded(objective.curvature(x), x.dtype)
            for _ in range(10):
                tried = radius
                p, touches = steihaug(H, g, radius, iterations)
                there = (x + p).astype(x.dtype)
                new, model = float(objective.value(there)), -float(g @ p) - float(p @ H(p)) / 2
                gain = (f - new) / model if math.isfinite(new) and model > 0 else -math.inf
                if gain < 1 / 4:
                    radius = min(np.linalg.norm(p), radius) / 4
                elif gain > 3 / 4 and touches:
                    radius = 2 * radius
                if gain > 1e-4:
                    x, f = there, new
                    break
            rows.append({"objective": f, "radius": tried, "x": x})
        return self._out(columns(rows))

    def momentum(self, gradient, x, rates, momentum):
        v, found = np.zeros(len(x)), []
        for k, rate in enumerate(rates):
            v = momentum * v + np.asarray(gradient(x, k)).astype(float)
            x = (x - rate * v).astype(x.dtype)
            found.append(x)
        return self._out(found)

    def adam_step(self, theta, g, m, v, rate, count):
        theta, g, m, v = (one.astype(float) for one in (theta, g, m, v))
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        root = np.sqrt(v / (1 - 0.999**count))
        theta = theta - rate * (m / (1 - 0.9**count)) / (root + 1e-8)
        return tuple(self._out(one) for one in (theta, m, v))

    def adam(self, gradient, x, rates):
        m, v, found = 0 * x, 0 * x, []
        for k, rate in enumerate(rates):
            x, m, v = self.adam_step(x, np.asarray(gradient(x, k)), m, v, rate, k + 1)
            found.append(x)
        return self._out(found)
