"""Plain Python: the formulas as loops over cells, channels and examples, and nothing else.

    refms conform run validation/peers/plain_loops.py:PlainLoops

Slow and plain on purpose, with other conventions than the rest: true convolution, y_{i-κ}; the loss is a sum
over the examples; logits have no h^d. Sums are Python's double precision, rounded once at the end.
"""

import cmath
import itertools
import math
import random

import numpy as np

from refms.conformance import Adapter, Profile

PAIRS = {  # R and P in one dimension: offset -> weight
    "averaging-constant": ({0: 0.5, 1: 0.5}, {0: 1.0, 1: 1.0}),
    "injection-linear": ({0: 1.0}, {-1: 0.5, 0: 1.0, 1: 0.5}),
}


def cells(*extents):
    """Return all indices of arrays with these extents."""
    return list(itertools.product(*map(range, extents)))


def terms(grid, stencil):
    """Return (i, q, j) for every cell i and stencil entry q: the cell j = i − κ, wrapped around."""
    return [
        (i, q, tuple((a - b + k // 2) % n for a, b, k, n in zip(i, q, stencil, grid, strict=True)))
        for i in cells(*grid)
        for q in cells(*stencil)
    ]


def convolve(S, Y, transposed=False):
    """Return K(S) Y, or K(S)ᵀ Y, for images (m, c, *grid)."""
    grid, stencil = Y.shape[2:], S.shape[2:]
    channels = S.shape[1] if transposed else S.shape[0]
    Y, found = Y.tolist(), np.zeros((len(Y), channels, *grid), complex)
    pairs = [(o, c, q, S[(o, c, *q)].item()) for o, c in cells(*S.shape[:2]) for q in cells(*stencil)]
    near = {}
    for i, q, j in terms(grid, stencil):
        near.setdefault(q, []).append((j, i) if transposed else (i, j))
    for example in range(len(Y)):
        for o, c, q, s in pairs:
            to, of = (c, o) if transposed else (o, c)
            for i, j in near[q]:
                found[(example, to, *i)] += s * at(Y[example][of], j)
    return found


def at(nested, index):
    """Return an entry of nested lists."""
    for k in index:
        nested = nested[k]
    return nested


def stencil_gradient(Z, Y, stencil):
    """Return ∂⟨Z, K(S)Y⟩/∂S."""
    found = np.zeros((Z.shape[1], Y.shape[1], *stencil))
    for (i, q, j), o, c in itertools.product(
        terms(Y.shape[2:], stencil), range(Z.shape[1]), range(Y.shape[1])
    ):
        found[(o, c, *q)] += sum(float(z[(o, *i)]) * float(y[(c, *j)]) for z, y in zip(Z, Y, strict=True))
    return found


def forward(p, X, problem, keep=None):
    """Return y_N; complex parameters carry a derivative along. ``keep`` collects (y_k, tanh z_k)."""
    y, dt = convolve(p["opening"], X), problem.final_time / len(p["stencils"])
    for s, b in zip(p["stencils"], p["biases"], strict=True):
        z = convolve(s, y)
        for index in cells(*z.shape):
            z[index] = cmath.tanh(z[index] + complex(b[index[1]]))
        if keep is not None:
            keep.append((y.real, z.real))
        y = y + dt * z
    return y


def logits(W, mu, Y):
    """Return Wᵀy + μ, (ℓ, m)."""
    found = np.zeros((len(mu), len(Y)), complex)
    for (k, j), i in itertools.product(cells(*found.shape), range(len(W))):
        found[k, j] += complex(W[i, k]) * complex(Y[j].flat[i])
    return found + mu[:, None]


def probabilities(Z):
    """Return the softmax of every column."""
    found = np.zeros(Z.shape)
    for j in range(Z.shape[1]):
        top = max(Z[:, j].tolist())
        weights = [math.exp(float(z) - top) for z in Z[:, j]]
        found[:, j] = [w / math.fsum(weights) for w in weights]
    return found


def log_probability(column, k):
    """Return log p_k = z_k − z_i − log(1 + Σ_{j≠i} e^{z_j − z_i}) for the largest z_i."""
    top = max(column)
    others = [z for i, z in enumerate(column) if i != column.index(top)]
    return column[k] - top - math.log1p(math.fsum(math.exp(z - top) for z in others))


def entropy_gradient(Z, C):
    """Return (Σc) p − c as p_k Σ_{i≠k} c_i − c_k Σ_{i≠k} p_i, which does not cancel where p is almost 1."""
    p, found = probabilities(Z), np.zeros(Z.shape)
    for (k, j), i in itertools.product(cells(*Z.shape), range(len(Z))):
        if i != k:
            found[k, j] += p[k, j] * float(C[i, j]) - float(C[k, j]) * p[i, j]
    return found


def entropy_product(Z, C, V):
    """Return Σc (diag p − ppᵀ) v as p_k Σ_j p_j (v_k − v_j), which does not cancel where p is almost 1."""
    p, found = probabilities(Z), np.zeros(Z.shape)
    for (k, j), i in itertools.product(cells(*Z.shape), range(len(Z))):
        found[k, j] += p[k, j] * p[i, j] * (float(V[k, j]) - float(V[i, j]))
    return C.sum(axis=0) * found


def jacobian_transpose(p, U, X, problem):
    """Return the transposed Jacobian of the logits, backwards through the layers."""
    keep, dt = [], problem.final_time / len(p["stencils"])
    last = forward(p, X, problem, keep).real
    found = {key: np.zeros(value.shape) for key, value in p.items()}
    found["mu"] = U.sum(axis=1)
    g = np.zeros(last.shape)
    for (k, j), i in itertools.product(cells(*U.shape), range(len(p["W"]))):
        found["W"][i, k] += last[j].flat[i] * float(U[k, j])
        g[j].flat[i] += float(p["W"][i, k]) * float(U[k, j])
    for k in reversed(range(len(keep))):
        y, t = keep[k]
        back = dt * (1 - t * t) * g
        found["stencils"][k] = stencil_gradient(back, y, p["stencils"].shape[3:])
        for index in cells(*back.shape):
            found["biases"][k, index[1]] += back[index]
        g = g + convolve(p["stencils"][k], back, transposed=True).real
    found["opening"] = stencil_gradient(g, X, p["opening"].shape[2:])
    return found


class PlainLoops(Adapter):
    """Loops; what is missing was not written."""

    def __init__(self, dtype="float64"):
        super().__init__(
            Profile(
                "plain loops",
                dtype,
                dimensions=(1, 2),
                stencil_sizes=(1, 3),
                orientation="convolution",
                pairs=tuple(PAIRS),
                layout="NCHW",
                volume_weighted=False,
                reduction="sum",
            )
        )

    def _out(self, found):
        """Return results in the declared precision."""
        if isinstance(found, dict):
            return {key: self._out(value) for key, value in found.items()}
        return np.real(found).astype(self.profile.dtype)

    def convolution(self, S, Y, grid, boundary):
        return self._out(convolve(S, Y))

    def convolution_adjoint(self, S, Z, grid, boundary):
        return self._out(convolve(S, Z, transposed=True))

    def stencil_gradient(self, Z, Y, grid, stencil, boundary):
        return self._out(stencil_gradient(Z, Y, stencil))

    def restrict(self, Y, grid, pair):
        if any(n % 2 for n in grid):
            raise ValueError(f"{grid} cannot be halved")
        found = np.zeros((*Y.shape[:2], *(n // 2 for n in grid)))
        for i, near in itertools.product(cells(*found.shape[2:]), self._products(pair, 0, len(grid))):
            j = tuple((2 * a + b) % n for a, b, n in zip(i, near[0], grid, strict=True))
            found[(..., *i)] += near[1] * Y[(..., *j)]
        return self._out(found)

    def prolong(self, Y, grid, pair):
        found = np.zeros((*Y.shape[:2], *grid))
        for j, near in itertools.product(cells(*Y.shape[2:]), self._products(pair, 1, len(grid))):
            i = tuple((2 * a + b) % n for a, b, n in zip(j, near[0], grid, strict=True))
            found[(..., *i)] += near[1] * Y[(..., *j)]
        return self._out(found)

    def _products(self, pair, which, d):
        """Return (offsets, weight) of the d-dimensional R (0) or P (1)."""
        return [
            (tuple(k for k, _ in one), math.prod(w for _, w in one))
            for one in itertools.product(PAIRS[pair][which].items(), repeat=d)
        ]

    def forward(self, parameters, X, problem):
        return self._out(forward(parameters, X, problem))

    def logits(self, W, mu, Y, grid):
        return self._out(logits(W, mu, Y))

    def jacobian_product(self, parameters, direction, X, problem):
        moved = {key: parameters[key] + 1e-30j * direction[key].astype(float) for key in parameters}
        return self._out(logits(moved["W"], moved["mu"], forward(moved, X, problem)).imag / 1e-30)

    def jacobian_transpose(self, parameters, U, X, problem):
        return self._out(jacobian_transpose(parameters, U, X, problem))

    def cross_entropy(self, Z, C):
        columns = Z.astype(float).T.tolist()
        return -math.fsum(float(C[k, j]) * log_probability(columns[j], k) for k, j in cells(*Z.shape))

    def cross_entropy_gradient(self, Z, C):
        return self._out(entropy_gradient(Z, C))

    def cross_entropy_hessian(self, Z, C, V):
        return self._out(entropy_product(Z, C, V))

    def loss(self, parameters, X, C, problem):
        Y = forward(parameters, X, problem).real
        return self.cross_entropy(logits(parameters["W"], parameters["mu"], Y).real, C)

    def gradient(self, parameters, X, C, problem):
        Y = forward(parameters, X, problem).real
        Z = logits(parameters["W"], parameters["mu"], Y).real
        U = entropy_gradient(Z, C)
        return self._out(jacobian_transpose(parameters, U, X, problem))

    def gauss_newton(self, parameters, direction, X, C, problem):
        Z = logits(parameters["W"], parameters["mu"], forward(parameters, X, problem)).real
        V = self.jacobian_product(parameters, direction, X, problem)
        return self._out(jacobian_transpose(parameters, entropy_product(Z, C, V), X, problem))

    def subsample(self, m, size, seed):
        return random.Random(seed).sample(range(m), size)

    def subsampled_gauss_newton(self, parameters, direction, X, C, problem, size, seed):
        S = self.subsample(len(X), size, seed)
        found = self.gauss_newton(parameters, direction, X[S], C[:, S], problem)
        return {key: len(X) / size * value for key, value in found.items()}  # the loss is a sum

    def depth_prolong(self, Theta, layers):
        last, found = len(Theta) - 1, []
        for j in range(layers):
            k, rest = divmod(j * len(Theta), layers)
            share = rest / layers if k < last else 0.0
            found.append((1 - share) * Theta[min(k, last)] + share * Theta[min(k + 1, last)])
        return self._out(np.stack(found))
