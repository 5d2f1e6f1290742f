"""The residual network, its Jacobian and its transpose, the loss and the Gauss–Newton product."""

import numpy as np

from unseen import softmax
from unseen.convolution import convolve, convolve_transposed, stencil_gradient
from unseen.storage import chunks

KEYS = ("opening", "stencils", "biases", "W", "mu")
STRIDE = 3  # layers between two features that are kept for the way back


def per_channel(b, Y):
    """Return one number for every channel in a shape that meets images (m, c, *grid)."""
    return b.reshape(-1, *(1,) * (Y.ndim - 2))


def layer(s, b, y, problem):
    """Return z = K(s) y + b."""
    return convolve(s, y, problem.boundary) + per_channel(b, y)


def step_of(p, problem):
    """Return δt = T/N in the precision of the parameters."""
    return p["stencils"].dtype.type(problem.final_time / len(p["stencils"]))


def forward(p, X, problem):
    """Return y_N."""
    y, dt = convolve(p["opening"], X, problem.boundary), step_of(p, problem)
    for s, b in zip(p["stencils"], p["biases"], strict=True):
        y = y + dt * softmax.activation(layer(s, b, y, problem), problem.activation)
    return y


def logits(W, mu, Y):
    """Return h^d Wᵀ y + μ, (ℓ, m)."""
    flat = Y.reshape(len(Y), -1)
    volume = Y.dtype.type(1 / np.prod(Y.shape[2:]))
    return volume * (W.T @ flat.T) + mu[:, None]


def kept(p, X, problem):
    """Return y_0, y_3, y_6, … and y_N."""
    y, dt = convolve(p["opening"], X, problem.boundary), step_of(p, problem)
    marks = [y]
    for k, (s, b) in enumerate(zip(p["stencils"], p["biases"], strict=True), start=1):
        y = y + dt * softmax.activation(layer(s, b, y, problem), problem.activation)
        if k % STRIDE == 0:
            marks.append(y)
    return marks, y


def recomputed(p, marks, segment, problem):
    """Return y_k and dt σ′(z_k) of the layers of a segment, computed again from where it begins."""
    y, dt, found = marks[segment], step_of(p, problem), []
    for k in range(segment * STRIDE, min((segment + 1) * STRIDE, len(p["stencils"]))):
        z = layer(p["stencils"][k], p["biases"][k], y, problem)
        found.append((k, y, dt * softmax.activation_derivative(z, problem.activation)))
        y = y + dt * softmax.activation(z, problem.activation)
    return found


def jacobian_product(p, v, X, problem):
    """Return the derivative of the logits along v."""
    y, dt = convolve(p["opening"], X, problem.boundary), step_of(p, problem)
    d = convolve(v["opening"], X, problem.boundary)
    for s, b, ds, db in zip(p["stencils"], p["biases"], v["stencils"], v["biases"], strict=True):
        z = layer(s, b, y, problem)
        moved = convolve(s, d, problem.boundary) + layer(ds, db, y, problem)
        d = d + dt * softmax.activation_derivative(z, problem.activation) * moved
        y = y + dt * softmax.activation(z, problem.activation)
    return logits(p["W"], 0 * p["mu"], d) + logits(v["W"], v["mu"], y)


def pullback(p, U, X, problem):
    """Return the transposed Jacobian of the logits applied to U, backwards in time."""
    found = {key: np.zeros_like(p[key]) for key in KEYS}
    for part in chunks(len(X)):
        marks, last = kept(p, X[part], problem)
        volume = U.dtype.type(1 / np.prod(problem.grid))
        flat = last.reshape(len(last), -1)
        found["W"] += volume * (flat.T @ U[:, part].T)
        found["mu"] += U[:, part].sum(axis=1)
        g = volume * (p["W"] @ U[:, part]).T.reshape(last.shape)
        for segment in reversed(range(-(-len(p["stencils"]) // STRIDE))):
            for k, y, slope in reversed(recomputed(p, marks, segment, problem)):
                s, back = p["stencils"][k], slope * g
                found["stencils"][k] += stencil_gradient(back, y, s.shape[2:], problem.boundary)
                found["biases"][k] += back.sum(axis=(0, *range(2, back.ndim)))
                g = g + convolve_transposed(s, back, problem.boundary)
        found["opening"] += stencil_gradient(g, X[part], p["opening"].shape[2:], problem.boundary)
    return found


class Network:
    """The network's quantities; logits of the last parameters and images are kept."""

    def __init__(self):
        self._last = None

    def logits(self, p, X, problem):
        """Return the logits, those of last time where nothing has changed."""
        last = self._last
        if last is not None:
            copies, images, of, Z = last
            same = of == problem and images.dtype == X.dtype and np.array_equal(images, X)
            if same and all(np.array_equal(copies[key], p[key]) for key in KEYS):
                return Z
        Z = logits(p["W"], p["mu"], forward(p, X, problem))
        self._last = {key: p[key].copy() for key in KEYS}, X.copy(), problem, Z
        return Z

    def loss(self, p, X, C, problem):
        """Return the mean cross entropy."""
        return softmax.cross_entropy(self.logits(p, X, problem), C)

    def gradient(self, p, X, C, problem):
        """Return Jᵀ∇."""
        return pullback(p, softmax.gradient(self.logits(p, X, problem), C), X, problem)

    def gauss_newton(self, p, v, X, C, problem):
        """Return JᵀHJ v."""
        V = jacobian_product(p, v, X, problem)
        return pullback(p, softmax.hessian(self.logits(p, X, problem), C, V), X, problem)


def subsample(m, size, seed):
    """Return ``size`` different examples."""
    return np.random.default_rng(seed).permutation(m)[:size]


def depth_prolong(Theta, layers):
    """Return parameters of more layers, linear in time, constant beyond the last one."""
    N = len(Theta)
    if layers == 2 * N:
        found = np.repeat(Theta, 2, axis=0)
        found[1:-1:2] = (Theta[:-1] + Theta[1:]) / 2
        return found
    k, rest = np.divmod(np.arange(layers) * N, layers)
    share = np.where(k < N - 1, rest / layers, 0).astype(Theta.dtype)[:, None]
    return (1 - share) * Theta[k] + share * Theta[np.minimum(k + 1, N - 1)]


def time_smoothness(Theta, final_time):
    """Return ½ Σ δt ‖(θ_{k+1} − θ_k)/δt‖²."""
    dt = Theta.dtype.type(final_time / len(Theta))
    return (np.diff(Theta, axis=0) ** 2).sum() / (2 * dt)


def time_smoothness_gradient(Theta, final_time):
    """Return its gradient."""
    dt = Theta.dtype.type(final_time / len(Theta))
    steps, found = np.diff(Theta, axis=0) / dt, np.zeros_like(Theta)
    found[1:] += steps
    found[:-1] -= steps
    return found


def weight_smoothness(W, grid):
    """Return h^d/2 Σ‖∇_h w‖² over interior faces."""
    w = W.reshape(-1, *grid, W.shape[1])
    total = sum(((np.diff(w, axis=axis) * n) ** 2).sum() for axis, n in enumerate(grid, start=1))
    return total / W.dtype.type(2 * np.prod(grid))


def weight_smoothness_gradient(W, grid):
    """Return its gradient."""
    w = W.reshape(-1, *grid, W.shape[1])
    found = np.zeros_like(w)
    for axis, n in enumerate(grid, start=1):
        across = np.diff(w, axis=axis) * W.dtype.type(n**2 / np.prod(grid))
        before = (slice(None),) * axis
        found[(*before, slice(1, None))] += across
        found[(*before, slice(None, -1))] -= across
    return found.reshape(W.shape)
