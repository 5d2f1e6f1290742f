"""SciPy as its users write it: ndimage for images, sparse matrices for operators, hand-derived derivatives.

    refms conform run validation/peers/scipy_peer.py:ScipyPeer

Fields are columns, (c·n, m), as sparse matrices like them: K @ Y.
"""

import contextlib
from functools import reduce

import numpy as np
import scipy
from scipy import linalg, ndimage, sparse, special

from refms.conformance import Adapter, Profile

MODE = {"periodic": "wrap", "zero": "constant"}
# R and P in one dimension: row I of R at 2I + offset, column J of P likewise.
WEIGHTS = {
    "averaging-bilinear": ({0: 0.5, 1: 0.5}, {-1: 0.25, 0: 0.75, 1: 0.75, 2: 0.25}),
    "averaging-constant": ({0: 0.5, 1: 0.5}, {0: 1.0, 1: 1.0}),
    "full-weighting-linear": ({-1: 0.25, 0: 0.5, 1: 0.25}, {-1: 0.5, 0: 1.0, 1: 0.5}),
}


def convolve(S, Y, grid, boundary, filtered=ndimage.correlate):
    """Return K(S) Y by ndimage, channel by channel; with ndimage.convolve and S turned, K(S)ᵀ Y."""
    images = Y.T.reshape(Y.shape[1], S.shape[1], *grid)
    found = [
        [sum(filtered(y, s, mode=MODE[boundary]) for y, s in zip(image, row, strict=True)) for row in S]
        for image in images
    ]
    return np.ascontiguousarray(np.stack(found).reshape(Y.shape[1], -1).T)


def transpose(S, Z, grid, boundary):
    """Return K(S)ᵀ Z."""
    return convolve(S.swapaxes(0, 1), Z, grid, boundary, ndimage.convolve)


def correlations(Z, Y, grid, stencil, boundary):
    """Return ⟨z_o, Π_κ y_c⟩ for all offsets κ, summed over the examples."""
    margins = [(0, 0), (0, 0), *((k // 2, k // 2) for k in stencil)]
    wide = np.pad(Y.T.reshape(Y.shape[1], -1, *grid), margins, mode=MODE[boundary])
    axes = tuple(range(2, wide.ndim))
    moved = np.lib.stride_tricks.sliding_window_view(wide, grid, axis=axes)  # (m, c, *stencil, *grid)
    images = Z.T.reshape(Z.shape[1], -1, int(np.prod(grid)))
    return np.einsum("mon,mckn->ock", images, moved.reshape(*wide.shape[:2], -1, images.shape[2])).reshape(
        images.shape[1], wide.shape[1], *stencil
    )


def shift(n, offset, boundary, dtype):
    """Return the sparse matrix Π_κ of one axis, (Π_κ y)_i = y_{i+κ}."""
    rows = np.arange(n)
    inside = slice(None) if boundary == "periodic" else (rows + offset >= 0) & (rows + offset < n)
    entries = np.ones(n, dtype)[inside], (rows[inside], ((rows + offset) % n)[inside])
    return sparse.csr_array(entries, shape=(n, n))


def in_csr(A, B):
    """Return A ⊗ B; without a format SciPy stores dense blocks, with all zeros in them."""
    return sparse.kron(A, B, format="csr")


def matrix(S, grid, boundary):
    """Return K(S) = Σ_κ S_κ ⊗ Π_κ."""
    total = 0
    for index in np.ndindex(S.shape[2:]):
        moves = [
            shift(n, i - k // 2, boundary, S.dtype) for n, i, k in zip(grid, index, S.shape[2:], strict=True)
        ]
        total = total + in_csr(S[(..., *index)], reduce(in_csr, moves))
    return total.astype(S.dtype)


def transfer(weights, grid, channels, dtype):
    """Return I ⊗ R_1 ⊗ … ⊗ R_d, one row for every coarse cell."""
    if any(n % 2 for n in grid):
        raise ValueError(f"{grid} cannot be halved")
    axes = []
    for n in grid:
        rows = np.repeat(np.arange(n // 2), len(weights))
        columns = (2 * rows + np.tile(list(weights), n // 2)) % n
        values = np.tile(np.array(list(weights.values()), dtype), n // 2)
        axes.append(sparse.csr_array((values, (rows, columns)), shape=(n // 2, n)))
    return reduce(sparse.kron, axes, sparse.eye_array(channels, dtype=dtype)).tocsr()


def stencil_map(size, pair):
    """Return the matrix of s_h -> s_H in one dimension, read off the middle row of R Π_κ P."""
    n = size + 4  # coarse cells; row n // 2 of R Π_κ P holds s_H around its middle
    R, P = (transfer(weights, (2 * n,), 1, "float64") for weights in WEIGHTS[pair])
    moved = [(R @ shift(2 * n, k - size // 2, "periodic", "float64") @ P.T).toarray() for k in range(size)]
    A = np.stack([one[n // 2] for one in moved], axis=1)
    while not A[[0, -1]].any():
        A = A[1:-1]
    return A


def along_axes(S, pair, solve):
    """Return stencils after the map, or its inverse, along every axis."""
    for axis, size in enumerate(S.shape[2:], start=2):
        A = stencil_map(size, pair)
        if solve and A.shape != (size, size):
            raise linalg.LinAlgError(f"stencils of size {size} become those of size {len(A)}: no way back")
        A = linalg.inv(A) if solve else A
        S = np.moveaxis(np.tensordot(S, A.astype(S.dtype), (axis, 1)), -1, axis)
    return S


def trajectory(p, X, problem):
    """Return y_0, …, y_N and the layers' σ′."""
    dt = problem.final_time / len(p["stencils"])
    states, slopes = [convolve(p["opening"], X, problem.grid, problem.boundary)], []
    for s, b in zip(p["stencils"], p["biases"], strict=True):
        b = np.repeat(b, len(states[0]) // len(b))[:, None]
        z = np.tanh(convolve(s, states[-1], problem.grid, problem.boundary) + b)
        states.append(states[-1] + z.dtype.type(dt) * z)
        slopes.append(z.dtype.type(dt) * (1 - z * z))
    return states, slopes


def product(p, v, X, problem):
    """Return the derivative of the logits along v."""
    states, slopes = trajectory(p, X, problem)
    where = problem.grid, problem.boundary
    d = convolve(v["opening"], X, *where)
    for k, slope in enumerate(slopes):
        db = np.repeat(v["biases"][k], len(d) // len(v["biases"][k]))[:, None]
        d = d + slope * (
            convolve(p["stencils"][k], d, *where) + convolve(v["stencils"][k], states[k], *where) + db
        )
    return (p["W"].T @ d + v["W"].T @ states[-1]) / np.prod(problem.grid, dtype=d.dtype) + v["mu"][:, None]


def pullback(p, U, X, problem):
    """Return the transposed Jacobian of the logits applied to U, backwards in time."""
    states, slopes = trajectory(p, X, problem)
    where, volume = (problem.grid, problem.boundary), np.prod(problem.grid, dtype=U.dtype)
    found = {key: np.zeros_like(value) for key, value in p.items()}
    found["W"], found["mu"] = states[-1] @ U.T / volume, U.sum(axis=1)
    g = p["W"] @ U / volume
    for k in reversed(range(len(slopes))):
        scaled, s = slopes[k] * g, p["stencils"][k]
        found["stencils"][k] = correlations(scaled, states[k], problem.grid, s.shape[2:], problem.boundary)
        found["biases"][k] = scaled.reshape(len(s), -1).sum(axis=1)
        g = g + transpose(s, scaled, *where)
    found["opening"] = correlations(g, X, problem.grid, p["opening"].shape[2:], problem.boundary)
    return found


def cg(apply, b, iterations):
    """Return SciPy's conjugate gradients from zero, stopped where the curvature is not positive."""
    iterates = [b.copy()]  # steepest descent, should the first curvature not be positive

    def watched(p):
        product = apply(p)
        if not p @ product > 0:
            raise StopIteration
        return product

    A = sparse.linalg.LinearOperator((b.size, b.size), matvec=watched, dtype=b.dtype)
    with contextlib.suppress(StopIteration):
        sparse.linalg.cg(A, b, rtol=0, maxiter=iterations, callback=lambda x: iterates.append(x.copy()))
    return iterates[-1]


class ScipyPeer(Adapter):
    """SciPy; what is missing it does not have."""

    def __init__(self, dtype="float64"):
        pairs, boundaries = tuple(WEIGHTS), ("periodic", "zero")
        super().__init__(Profile(f"SciPy {scipy.__version__}", dtype, boundaries=boundaries, pairs=pairs))

    def convolution(self, S, Y, grid, boundary):
        return convolve(S, Y, grid, boundary)

    def convolution_adjoint(self, S, Z, grid, boundary):
        return transpose(S, Z, grid, boundary)

    def stencil_gradient(self, Z, Y, grid, stencil, boundary):
        return correlations(Z, Y, grid, stencil, boundary)

    def convolution_matrix(self, S, grid, boundary):
        return matrix(S, grid, boundary)

    def restrict(self, Y, grid, pair):
        return transfer(WEIGHTS[pair][0], grid, len(Y) // int(np.prod(grid)), Y.dtype) @ Y

    def prolong(self, Y, grid, pair):
        channels = len(Y) * 2 ** len(grid) // int(np.prod(grid))
        return transfer(WEIGHTS[pair][1], grid, channels, Y.dtype).T @ Y

    def stencil_down(self, S, pair):
        return along_axes(S, pair, solve=False)

    def stencil_up(self, S, pair):
        return along_axes(S, pair, solve=True)

    def forward(self, parameters, X, problem):
        return trajectory(parameters, X, problem)[0][-1]

    def logits(self, W, mu, Y, grid):
        return W.T @ Y / np.prod(grid, dtype=Y.dtype) + mu[:, None]

    def jacobian_product(self, parameters, direction, X, problem):
        return product(parameters, direction, X, problem)

    def jacobian_transpose(self, parameters, U, X, problem):
        return pullback(parameters, U, X, problem)

    def cross_entropy(self, Z, C):
        return -(C * special.log_softmax(Z, axis=0)).sum() / Z.shape[1]

    def cross_entropy_gradient(self, Z, C):
        return (C.sum(axis=0) * special.softmax(Z, axis=0) - C) / Z.dtype.type(Z.shape[1])

    def cross_entropy_hessian(self, Z, C, V):
        p = special.softmax(Z, axis=0)
        return C.sum(axis=0) * p * (V - (p * V).sum(axis=0)) / Z.dtype.type(Z.shape[1])

    def loss(self, parameters, X, C, problem):
        Y = self.forward(parameters, X, problem)
        return self.cross_entropy(self.logits(parameters["W"], parameters["mu"], Y, problem.grid), C)

    def gradient(self, parameters, X, C, problem):
        Z = self.logits(parameters["W"], parameters["mu"], self.forward(parameters, X, problem), problem.grid)
        return pullback(parameters, self.cross_entropy_gradient(Z, C), X, problem)

    def gauss_newton(self, parameters, direction, X, C, problem):
        Y = self.forward(parameters, X, problem)
        Z = self.logits(parameters["W"], parameters["mu"], Y, problem.grid)
        V = product(parameters, direction, X, problem)
        return pullback(parameters, self.cross_entropy_hessian(Z, C, V), X, problem)

    def subsample(self, m, size, seed):
        return np.random.default_rng(seed).permutation(m)[:size]

    def subsampled_gauss_newton(self, parameters, direction, X, C, problem, size, seed):
        S = self.subsample(C.shape[1], size, seed)
        return self.gauss_newton(parameters, direction, X[:, S], C[:, S], problem)

    def conjugate_gradients(self, product, b, iterations):
        return cg(product, b, iterations)

    def newton_step(self, objective, x, iterations):
        f, g = objective.value_and_gradient(x)
        p = cg(objective.curvature(x), -g, iterations)
        # SciPy's own searches interpolate, or ask for Wolfe's rule; the kit asks for 1, 1/2, 1/4, …
        steps = (0.5**k for k in range(31)) if g @ p < 0 else ()
        enough = (t for t in steps if objective.value(x + x.dtype.type(t) * p) <= f + 1e-4 * t * float(g @ p))
        return x + x.dtype.type(next(enough, 0.0)) * p
