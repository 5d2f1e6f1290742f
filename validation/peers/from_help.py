"""Plain NumPy, written from ``help(Adapter)`` alone: what a new user makes of the operations' docstrings.

    refms conform run validation/peers/from_help.py:FromHelp

Fields are NCHW; the forward pass and its derivatives are loops over stencil entries. The operations of other
levels are in the files ``from_help_*.py`` beside this one.
"""

import itertools
import math

import numpy as np
from from_help_formulas import (
    CLOSED,
    PAIRS,
    activated,
    convolve,
    correlate,
    gathered,
    polygon,
    scattered,
    softmax_parts,
    transposed,
)
from from_help_images import Images
from from_help_layers import Layers
from from_help_meshes import Meshes
from from_help_methods import Methods
from from_help_objective import Objective

from refms.conformance import Adapter, Profile

BLOCKS = {"propagation": ("opening", "stencils", "biases"), "classifier": ("W", "mu")}


def doubled(p):
    """Return arrays by name in double precision."""
    return {key: one.astype(float) for key, one in p.items()}


class FromHelp(Layers, Images, Meshes, Objective, Methods, Adapter):
    """Networks, their derivatives and steps; sums are taken in double precision and rounded at the end."""

    def __init__(self, dtype="float64"):
        super().__init__(
            Profile(
                "from help",
                dtype,
                stencil_sizes=(1, 3, 5),
                boundaries=("periodic", "zero"),
                pairs=tuple(PAIRS),
                layout="NCHW",
                activations=("tanh", "relu", "leaky_relu", "smoothed_relu", "identity"),
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
        return self._out(gathered(Y.astype(float), PAIRS[pair][0]))

    def prolong(self, Y, grid, pair):
        return self._out(scattered(Y.astype(float), PAIRS[pair][1]))

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
        return self._out(activated(Z.astype(float), name)[0])

    def activation_derivative(self, Z, name):
        return self._out(activated(Z.astype(float), name)[1])

    def _states(self, p, X, problem):
        """Return (y_k, σ′(z_k), σ″(z_k)) of all layers, and y_N."""
        y = convolve(p["opening"].astype(float), X.astype(float), problem.boundary)
        dt, kept = problem.final_time / len(p["stencils"]), []
        for s, b in zip(p["stencils"], p["biases"], strict=True):
            z = convolve(s.astype(float), y, problem.boundary)
            z = z + b.astype(float).reshape(1, -1, *(1,) * (z.ndim - 2))
            value, *slopes = activated(z, problem.activation)
            kept.append((y, *slopes))
            y = y + dt * value
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

    def _tangents(self, p, v, X, problem, kept):
        """Return (dy_k, dz_k) of all layers along v, and dy_N."""
        dy, moves = convolve(v["opening"], X.astype(float), problem.boundary), []
        for k, (y, slope, _) in enumerate(kept):
            dz = convolve(v["stencils"][k], y, problem.boundary)
            dz = dz + convolve(p["stencils"][k], dy, problem.boundary)
            dz = dz + v["biases"][k].reshape(1, -1, *(1,) * (y.ndim - 2))
            moves.append((dy, dz))
            dy = dy + problem.final_time / len(kept) * slope * dz
        return moves, dy

    def _jacobian(self, p, v, X, problem):
        p, v = doubled(p), doubled(v)
        kept, last = self._states(p, X, problem)
        _, dlast = self._tangents(p, v, X, problem, kept)
        return self._logits(v["W"], v["mu"], last) + self._logits(p["W"], 0 * p["mu"], dlast)

    def _back(self, p, U, X, problem):
        p = doubled(p)
        kept, last = self._states(p, X, problem)
        dt, cells, U = problem.final_time / len(kept), math.prod(last.shape[2:]), U.astype(float)
        found = {"W": last.reshape(len(last), -1).T @ U.T / cells, "mu": U.sum(axis=1)}
        found |= {key: np.zeros_like(p[key]) for key in BLOCKS["propagation"]}
        g = (p["W"] @ U / cells).T.reshape(last.shape)
        for k in reversed(range(len(kept))):
            y, slope, _ = kept[k]
            back = dt * slope * g
            found["stencils"][k] = correlate(back, y, p["stencils"].shape[3:], problem.boundary)
            found["biases"][k] = back.sum(axis=(0, *range(2, back.ndim)))
            g = g + transposed(p["stencils"][k], back, problem.boundary)
        found["opening"] = correlate(g, X.astype(float), p["opening"].shape[2:], problem.boundary)
        return {key: found[key] for key in p}

    def _turned(self, p, v, X, C, problem):
        """Return the derivative of the gradient along v: each line of ``_back``, differentiated."""
        p, v, boundary = doubled(p), doubled(v), problem.boundary
        kept, last = self._states(p, X, problem)
        moves, dlast = self._tangents(p, v, X, problem, kept)
        Z = self._logits(p["W"], p["mu"], last)
        dZ = self._logits(v["W"], v["mu"], last) + self._logits(p["W"], 0 * p["mu"], dlast)
        U, dU = self._residual(Z, C), self._curved(Z, C, dZ)
        dt, cells, stencil = (
            problem.final_time / len(kept),
            math.prod(last.shape[2:]),
            p["stencils"].shape[3:],
        )
        found = {key: np.zeros_like(one) for key, one in p.items()}
        found["W"] = (dlast.reshape(len(last), -1).T @ U.T + last.reshape(len(last), -1).T @ dU.T) / cells
        found["mu"] = dU.sum(axis=1)
        g = (p["W"] @ U / cells).T.reshape(last.shape)
        dg = ((v["W"] @ U + p["W"] @ dU) / cells).T.reshape(last.shape)
        for k in reversed(range(len(kept))):
            (y, slope, bend), (dy, dz) = kept[k], moves[k]
            back, dback = dt * slope * g, dt * (bend * dz * g + slope * dg)
            found["stencils"][k] = correlate(dback, y, stencil, boundary) + correlate(
                back, dy, stencil, boundary
            )
            found["biases"][k] = dback.sum(axis=(0, *range(2, dback.ndim)))
            dg = (
                dg
                + transposed(p["stencils"][k], dback, boundary)
                + transposed(v["stencils"][k], back, boundary)
            )
            g = g + transposed(p["stencils"][k], back, boundary)
        found["opening"] = correlate(dg, X.astype(float), p["opening"].shape[2:], boundary)
        return found

    def jacobian_product(self, parameters, direction, X, problem):
        return self._out(self._jacobian(parameters, direction, X, problem))

    def jacobian_transpose(self, parameters, U, X, problem):
        return self._out(self._back(parameters, U, X, problem))

    def depth_prolong(self, Theta, layers):
        return self._out(polygon(Theta, layers))

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

    def hessian(self, parameters, direction, X, C, problem):
        return self._out(self._turned(parameters, direction, X, C, problem))

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
        start = doubled(parameters)
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
