"""Conjugate gradients, Armijo's rule, Newton steps, Adam and the cosine."""

import numpy as np

HALVINGS = 50


def conjugate_gradients(product, b, iterations):
    """Return the iterate of conjugate gradients after so many iterations."""
    x, r, p = np.zeros_like(b), b.copy(), b.copy()
    rho = r @ r
    solved = np.finfo(b.dtype).eps ** 2 * rho  # what is left is rounding; to go on would blow it up
    largest, rounding = 0.0, 100 * np.finfo(b.dtype).eps
    for k in range(iterations):
        if rho <= solved:
            break
        q = product(p)
        curvature = p @ q
        if not curvature > 0:
            return b.copy() if k == 0 else x
        largest = max(largest, curvature / (p @ p))
        if curvature < rounding * largest * (p @ p):
            break
        alpha = rho / curvature
        x = x + alpha * p
        r = r - alpha * q
        rho, before = r @ r, rho
        p = r + (rho / before) * p
    return x


def without_infinity(value):
    """Return the function that is no number where a value is −∞, which no step is taken to."""

    def value_or_nan(x):
        f = value(x)
        return np.nan if f == -np.inf else f

    return value_or_nan


def line_search(value, x, f, slope, p, decrease):
    """Return the first of 1, 1/2, 1/4, … with f(x + αp) <= f + c₁ α slope; 0.0 if there is none."""
    value = without_infinity(value)
    if not slope < 0:
        return 0.0
    alpha = 1.0
    for _ in range(HALVINGS):
        if value(x + x.dtype.type(alpha) * p) <= f + decrease * alpha * slope:
            return alpha
        alpha /= 2
    return 0.0


def newton_step(objective, x, iterations):
    """Return x + αp with H p = −g by conjugate gradients."""
    f, g = objective.value_and_gradient(x)
    if not g.any():
        return x.copy()
    p = conjugate_gradients(objective.curvature(x), -g, iterations)
    return x + x.dtype.type(line_search(objective.value, x, f, g @ p, p, 1e-4)) * p


def adam_step(theta, g, m, v, rate, count):
    """Return θ, m and v after an update of Adam."""
    first, second, tiny = 0.9, 0.999, 1e-8
    m = first * m + (1 - first) * g
    v = second * v + (1 - second) * g**2
    m_hat, v_hat = m / (1 - first**count), v / (1 - second**count)
    return theta - rate * m_hat / (np.sqrt(v_hat) + tiny), m, v


def learning_rate(k, total, rate, floor):
    """Return η_k of a cosine from η_0 towards η_min."""
    return floor + 0.5 * (rate - floor) * (1 + np.cos(np.pi * k / total))


class Block:
    """The loss as a function of the arrays of one block, in one vector."""

    def __init__(self, network, parameters, X, C, problem, keys):
        self.network, self.parameters, self.keys = network, parameters, keys
        self.rest = X, C, problem

    def join(self, arrays):
        """Return the block's arrays in one vector."""
        return np.concatenate([arrays[key].ravel() for key in self.keys])

    def whole(self, x, base):
        """Return all arrays: those of the block from a vector, the others from ``base``."""
        found, start = dict(base), 0
        for key in self.keys:
            size = self.parameters[key].size
            found[key] = x[start : start + size].reshape(self.parameters[key].shape)
            start += size
        return found

    def value(self, x):
        """Return the loss."""
        return self.network.loss(self.whole(x, self.parameters), *self.rest)

    def value_and_gradient(self, x):
        """Return the loss and the block's part of the gradient."""
        p = self.whole(x, self.parameters)
        return self.network.loss(p, *self.rest), self.join(self.network.gradient(p, *self.rest))

    def curvature(self, x):
        """Return v -> the block's part of the Gauss–Newton product."""
        p = self.whole(x, self.parameters)
        none = {key: np.zeros_like(value) for key, value in self.parameters.items()}
        return lambda v: self.join(self.network.gauss_newton(p, self.whole(v, none), *self.rest))


BLOCKS = {"propagation": ("opening", "stencils", "biases"), "classifier": ("W", "mu")}


def block_step(network, parameters, X, C, problem, block, iterations=30):
    """Return all parameters after a Gauss–Newton step on one block."""
    objective = Block(network, parameters, X, C, problem, BLOCKS[block])
    x = newton_step(objective, objective.join(parameters), iterations)
    return {key: value.copy() for key, value in objective.whole(x, parameters).items()}
