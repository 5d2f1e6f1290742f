"""Plain NumPy, written from ``help(Adapter)`` alone: what a new user makes of the operations' docstrings.

    refms conform run validation/peers/from_help.py:FromHelp

Fields are NCHW; the forward pass and its derivatives are loops over stencil entries.
"""

import itertools
import math

import numpy as np

from refms.conformance import Adapter, Profile

PAIRS = {  # offset -> weight of R and of P along one axis, as help(Adapter) lists them
    "averaging-bilinear": ({0: 0.5, 1: 0.5}, {-1: 0.25, 0: 0.75, 1: 0.75, 2: 0.25}),
    "averaging-constant": ({0: 0.5, 1: 0.5}, {0: 1.0, 1: 1.0}),
    "injection-linear": ({0: 1.0}, {-1: 0.5, 0: 1.0, 1: 0.5}),
}
CLOSED = {"averaging-bilinear": (3, 5), "averaging-constant": (1, 3), "injection-linear": (1, 3)}
BLOCKS = {"propagation": ("opening", "stencils", "biases"), "classifier": ("W", "mu")}


def moved(Y, offset, boundary):
    """Return y_{i+offset} for images (m, c, *grid)."""
    for axis, k in enumerate(offset, start=2):
        n = Y.shape[axis]
        if boundary == "periodic":
            Y = np.roll(Y, -k, axis)
            continue
        index = np.arange(n) + k
        inside = (index >= 0) & (index < n)
        shape = [-1 if a == axis else 1 for a in range(Y.ndim)]
        Y = np.take(Y, np.clip(index, 0, n - 1), axis) * inside.reshape(shape)
    return Y


def offsets(stencil):
    """Return all (index, offset) of a stencil."""
    return [(q, tuple(a - k // 2 for a, k in zip(q, stencil, strict=True))) for q in np.ndindex(*stencil)]


def mix(s, Y):
    """Return Σ_c s_oc y_c."""
    return np.einsum("oc,mc...->mo...", s, Y)


def convolve(S, Y, boundary):
    """Return K(S) Y."""
    return sum(mix(S[(..., *q)], moved(Y, k, boundary)) for q, k in offsets(S.shape[2:]))


def transposed(S, Z, boundary):
    """Return K(S)ᵀ Z."""
    return sum(mix(S[(..., *q)].T, moved(Z, tuple(-a for a in k), boundary)) for q, k in offsets(S.shape[2:]))


def correlate(Z, Y, stencil, boundary):
    """Return ∂⟨Z, K(S)Y⟩/∂S."""
    found = np.zeros((Z.shape[1], Y.shape[1], *stencil), np.result_type(Z, Y))
    for q, k in offsets(stencil):
        near = moved(Y, k, boundary).reshape(*Y.shape[:2], -1)
        found[(..., *q)] = np.einsum("moi,mci->oc", Z.reshape(*near.shape[:1], Z.shape[1], -1), near)
    return found


def softmax_parts(Z):
    """Return log p, p and 1 − p, none of which cancels."""
    Z = Z.astype("float64")
    top = Z.argmax(axis=0)
    below = Z - Z[top, np.arange(Z.shape[1])]
    e = np.exp(below)
    others = np.where(np.arange(len(Z))[:, None] == top, 0.0, e).sum(axis=0)
    p = e / (1 + others)
    return below - np.log1p(others), p, np.stack([np.delete(p, i, axis=0).sum(axis=0) for i in range(len(Z))])


class FromHelp(Adapter):
    """The operations of [LAS]; sums are taken in double precision and rounded at the end."""

    def __init__(self, dtype="float64"):
        super().__init__(
            Profile(
                "from help",
                dtype,
                stencil_sizes=(1, 3, 5),
                boundaries=("periodic", "zero"),
                pairs=tuple(PAIRS),
                layout="NCHW",
                activations=("tanh", "relu"),
            )
        )

    def _out(self, found):
        if isinstance(found, dict):
            return {key: self._out(one) for key, one in found.items()}
        return np.ascontiguousarray(found, dtype=self.profile.dtype)

    # -- convolution and transfer

    def convolution(self, S, Y, grid, boundary):
        return self._out(convolve(S.astype(float), Y.astype(float), boundary))

    def convolution_adjoint(self, S, Z, grid, boundary):
        return self._out(transposed(S.astype(float), Z.astype(float), boundary))

    def stencil_gradient(self, Z, Y, grid, stencil, boundary):
        return self._out(correlate(Z.astype(float), Y.astype(float), tuple(stencil), boundary))

    def convolution_matrix(self, S, grid, boundary):
        n = S.shape[1] * math.prod(grid)
        columns = convolve(S.astype(float), np.eye(n).reshape(n, S.shape[1], *grid), boundary)
        return self._out(columns.reshape(n, -1).T)

    def restrict(self, Y, grid, pair):
        if any(n % 2 for n in grid):
            raise ValueError(f"{grid} cannot be halved")
        found = Y.astype(float)
        for axis in range(2, Y.ndim):
            found = sum(
                w * np.take(np.roll(found, -a, axis), range(0, found.shape[axis], 2), axis)
                for a, w in PAIRS[pair][0].items()
            )
        return self._out(found)

    def prolong(self, Y, grid, pair):
        found = Y.astype(float)
        for axis in range(2, Y.ndim):
            wide = np.zeros([2 * n if a == axis else n for a, n in enumerate(found.shape)])
            wide[(*(slice(None),) * axis, slice(0, None, 2))] = found
            found = sum(w * np.roll(wide, b, axis) for b, w in PAIRS[pair][1].items())
        return self._out(found)

    def _map(self, pair, size):
        """Return the matrix of the stencil map along one axis: s_H[Q] = Σ_q c_{q − 2Q} s_h[q]."""
        r, p = PAIRS[pair]
        c = {}
        for (a, u), (b, v) in itertools.product(r.items(), p.items()):
            c[b - a] = c.get(b - a, 0.0) + u * v
        half, w = size // 2, max(map(abs, c))
        wide = (half + w) // 2
        return np.array(
            [[c.get(q - 2 * Q, 0.0) for q in range(-half, half + 1)] for Q in range(-wide, wide + 1)]
        )

    def _along(self, S, matrices):
        found = S.astype(float)
        for axis, A in enumerate(matrices, start=2):
            found = np.moveaxis(np.tensordot(A, found, (1, axis)), 0, axis)
        return self._out(found)

    def stencil_down(self, S, pair):
        return self._along(S, [self._map(pair, k) for k in S.shape[2:]])

    def stencil_up(self, S, pair):
        if not set(S.shape[2:]) <= set(CLOSED[pair]):
            raise ValueError(f"stencils of {S.shape[2:]} are not closed under {pair}")
        return self._along(S, [np.linalg.inv(self._map(pair, k)) for k in S.shape[2:]])

    # -- network

    def activation(self, Z, name):
        return self._out(np.tanh(Z) if name == "tanh" else np.maximum(Z, 0))

    def activation_derivative(self, Z, name):
        return self._out(1 - np.tanh(Z.astype(float)) ** 2 if name == "tanh" else Z > 0)

    def _states(self, p, X, problem):
        """Return (y_k, σ′(z_k)) of all layers, and y_N."""
        y = convolve(p["opening"].astype(float), X.astype(float), problem.boundary)
        dt, kept = problem.final_time / len(p["stencils"]), []
        for s, b in zip(p["stencils"], p["biases"], strict=True):
            z = convolve(s.astype(float), y, problem.boundary)
            z = z + b.astype(float).reshape(1, -1, *(1,) * (z.ndim - 2))
            slope = 1 - np.tanh(z) ** 2 if problem.activation == "tanh" else 1.0 * (z > 0)
            kept.append((y, slope))
            y = y + dt * (np.tanh(z) if problem.activation == "tanh" else np.maximum(z, 0))
        return kept, y

    def forward(self, parameters, X, problem):
        return self._out(self._states(parameters, X, problem)[1])

    def _logits(self, W, mu, Y):
        return (
            W.astype(float).T @ Y.reshape(len(Y), -1).T / math.prod(Y.shape[2:]) + mu.astype(float)[:, None]
        )

    def logits(self, W, mu, Y, grid):
        return self._out(self._logits(W, mu, Y.astype(float)))

    def _output(self, p, X, problem):
        return self._logits(p["W"], p["mu"], self._states(p, X, problem)[1])

    def _jacobian(self, p, v, X, problem):
        p, v = ({key: one.astype(float) for key, one in q.items()} for q in (p, v))
        kept, last = self._states(p, X, problem)
        dt = problem.final_time / len(kept)
        dy = convolve(v["opening"], X.astype(float), problem.boundary)
        for k, (y, slope) in enumerate(kept):
            dz = convolve(v["stencils"][k], y, problem.boundary) + convolve(
                p["stencils"][k], dy, problem.boundary
            )
            dy = dy + dt * slope * (dz + v["biases"][k].reshape(1, -1, *(1,) * (y.ndim - 2)))
        return self._logits(v["W"], v["mu"], last) + self._logits(p["W"], 0 * p["mu"], dy)

    def _back(self, p, U, X, problem):
        p = {key: one.astype(float) for key, one in p.items()}
        kept, last = self._states(p, X, problem)
        dt, cells, U = problem.final_time / len(kept), math.prod(last.shape[2:]), U.astype(float)
        found = {"W": last.reshape(len(last), -1).T @ U.T / cells, "mu": U.sum(axis=1)}
        found |= {key: np.zeros_like(p[key]) for key in BLOCKS["propagation"]}
        g = (p["W"] @ U / cells).T.reshape(last.shape)
        for k in reversed(range(len(kept))):
            y, slope = kept[k]
            back = dt * slope * g
            found["stencils"][k] = correlate(back, y, p["stencils"].shape[3:], problem.boundary)
            found["biases"][k] = back.sum(axis=(0, *range(2, back.ndim)))
            g = g + transposed(p["stencils"][k], back, problem.boundary)
        found["opening"] = correlate(g, X.astype(float), p["opening"].shape[2:], problem.boundary)
        return {key: found[key] for key in p}

    def jacobian_product(self, parameters, direction, X, problem):
        return self._out(self._jacobian(parameters, direction, X, problem))

    def jacobian_transpose(self, parameters, U, X, problem):
        return self._out(self._back(parameters, U, X, problem))

    def depth_prolong(self, Theta, layers):
        times = np.arange(layers) * len(Theta) / layers
        k = np.minimum(np.floor(times).astype(int), len(Theta) - 1)
        share = np.where(k < len(Theta) - 1, times - k, 0.0)[:, None]
        after = Theta[np.minimum(k + 1, len(Theta) - 1)].astype(float)
        return self._out((1 - share) * Theta[k] + share * after)

    # -- objective

    def cross_entropy(self, Z, C):
        logs, _, _ = softmax_parts(Z)
        terms = np.where((C == 0) & np.isfinite(Z), 0.0, C * logs)
        return -float(terms.sum()) / Z.shape[1]

    def _residual(self, Z, C):
        _, p, rest = softmax_parts(Z)
        others = C.astype(float).sum(axis=0) - C
        return (p * others - C * rest) / Z.shape[1]

    def _curved(self, Z, C, V):
        _, p, _ = softmax_parts(Z)
        V = V.astype(float)
        spread = (p[None] * (V[:, None] - V[None])).sum(axis=1)
        return C.astype(float).sum(axis=0) * p * spread / Z.shape[1]

    def cross_entropy_gradient(self, Z, C):
        return self._out(self._residual(Z, C))

    def cross_entropy_hessian(self, Z, C, V):
        return self._out(self._curved(Z, C, V))

    def loss(self, parameters, X, C, problem):
        return self.cross_entropy(self._output(parameters, X, problem), C)

    def _gradient(self, p, X, C, problem):
        return self._back(p, self._residual(self._output(p, X, problem), C), X, problem)

    def _product(self, p, v, X, C, problem):
        V = self._jacobian(p, v, X, problem)
        return self._back(p, self._curved(self._output(p, X, problem), C, V), X, problem)

    def gradient(self, parameters, X, C, problem):
        return self._out(self._gradient(parameters, X, C, problem))

    def gauss_newton(self, parameters, direction, X, C, problem):
        return self._out(self._product(parameters, direction, X, C, problem))

    def subsample(self, m, size, seed):
        return np.random.default_rng(seed).permutation(m)[:size]

    def subsampled_gauss_newton(self, parameters, direction, X, C, problem, size, seed):
        S = self.subsample(len(X), size, seed)
        return self.gauss_newton(parameters, direction, X[S], C[:, S], problem)

    # -- optimisation

    def conjugate_gradients(self, product, b, iterations, tolerance=1e-15):
        x, r = 0 * b, b.copy()
        p, square = r.copy(), float(r @ r)
        for k in range(iterations):
            Ap = product(p)
            bent = float(p @ Ap)
            if bent <= 0 or square <= tolerance**2 * float(b @ b):
                return b.copy() if k == 0 and bent <= 0 else x
            alpha = square / bent
            x, r = x + b.dtype.type(alpha) * p, r - b.dtype.type(alpha) * Ap
            new = float(r @ r)
            p, square = r + b.dtype.type(new / square) * p, new
        return x

    def line_search(self, value, x, f, slope, p, decrease):
        if not slope < 0:
            return 0.0
        for k in range(31):
            alpha = 0.5**k
            there = (x + alpha * p).astype(x.dtype)
            found = float(value(there))
            if (
                math.isfinite(found)
                and found <= f + decrease * alpha * slope
                and not np.array_equal(there, x)
            ):
                return alpha
        return 0.0

    def newton_step(self, objective, x, iterations):
        f, g = objective.value_and_gradient(x)
        p = self.conjugate_gradients(objective.curvature(x), -g, iterations)
        slope = float(g.astype(float) @ p.astype(float))
        return (x + self.line_search(objective.value, x, f, slope, p, 1e-4) * p).astype(x.dtype)

    def block_step(self, parameters, X, C, problem, block):
        held = BLOCKS[block]
        start = {key: one.astype(float) for key, one in parameters.items()}
        ends = np.cumsum([start[key].size for key in held])[:-1]

        def flat(arrays):
            return np.concatenate([arrays[key].ravel() for key in held])

        def put(vector, into):
            parts = zip(held, np.split(vector, ends), strict=True)
            return {**into, **{key: part.reshape(into[key].shape) for key, part in parts}}

        zero, x = {key: 0 * one for key, one in start.items()}, flat(start)
        g = flat(self._gradient(start, X, C, problem))
        p = self.conjugate_gradients(
            lambda v: flat(self._product(start, put(v, zero), X, C, problem)), -g, 100, 1e-2
        )
        alpha = self.line_search(
            lambda v: self.loss(put(v, start), X, C, problem),
            x,
            self.loss(start, X, C, problem),
            float(g @ p),
            p,
            1e-4,
        )
        after = put(x + alpha * p, start)
        return {key: self._out(after[key]) if key in held else parameters[key] for key in parameters}
