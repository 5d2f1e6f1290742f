"""Images and stencils between meshes: restriction, prolongation, blur, resizing, windows."""

from functools import lru_cache

import numpy as np

# R and P along one axis: row I of R at 2I + offset, column J of P likewise.
PAIRS = {
    "averaging-bilinear": ({0: 0.5, 1: 0.5}, {-1: 0.25, 0: 0.75, 1: 0.75, 2: 0.25}),
    "averaging-constant": ({0: 0.5, 1: 0.5}, {0: 1.0, 1: 1.0}),
    "summing-constant": ({0: 1.0, 1: 1.0}, {0: 1.0, 1: 1.0}),
    "full-weighting-linear": ({-1: 0.25, 0: 0.5, 1: 0.25}, {-1: 0.5, 0: 1.0, 1: 0.5}),
    "injection-linear": ({0: 1.0}, {-1: 0.5, 0: 1.0, 1: 0.5}),
    "injection-cubic": ({0: 1.0}, {-3: -0.0625, -1: 0.5625, 0: 1.0, 1: 0.5625, 3: -0.0625}),
    "nearest": ({0: 1.0}, {0: 1.0, 1: 1.0}),
}


def restrict(Y, pair):
    """Return R Y along every axis of images (m, c, *grid)."""
    if any(n % 2 for n in Y.shape[2:]):
        raise ValueError(f"a grid of {Y.shape[2:]} cells cannot be halved: every extent must be even")
    for axis in range(2, Y.ndim):
        every_other = (slice(None),) * axis + (slice(None, None, 2),)
        Y = sum(weight * np.roll(Y, -offset, axis)[every_other] for offset, weight in PAIRS[pair][0].items())
    return Y


def prolong(Y, pair):
    """Return P Y along every axis: even and odd cells of the fine mesh by themselves."""
    for axis in range(2, Y.ndim):
        shape = list(Y.shape)
        shape[axis] *= 2
        fine = np.zeros(shape, Y.dtype)
        for offset, weight in PAIRS[pair][1].items():
            cells = (slice(None),) * axis + (slice(offset % 2, None, 2),)
            fine[cells] += weight * np.roll(Y, offset // 2, axis)
        Y = fine
    return Y


def coarsen(Y, pair, level):
    """Return Rˡ Y."""
    for _ in range(level):
        Y = restrict(Y, pair)
    return Y


@lru_cache(maxsize=32)
def stencil_map(size, pair):
    """Return A of s_H = A s_h along one axis: A_{Qq} = Σ_a r_a p_{a + q − 2Q}, zeros cut off."""
    R, P = PAIRS[pair]
    fine = np.arange(size) - size // 2
    coarse = np.arange(-(size + 3), size + 4)
    A = np.array([[sum(r * P.get(a + q - 2 * Q, 0.0) for a, r in R.items()) for q in fine] for Q in coarse])
    used = abs(coarse[A.any(axis=1)]).max()
    A = A[abs(coarse) <= used]
    A.setflags(write=False)
    return A


def apply_along(M, Y, axis):
    """Return Y with the matrix M applied along an axis."""
    return np.moveaxis(np.tensordot(M, Y, (1, axis)), 0, axis)


def stencil_down(S, pair):
    """Return the stencils of R K(S) P."""
    T = S.astype(float)
    for axis in range(2, S.ndim):
        T = apply_along(stencil_map(S.shape[axis], pair), T, axis)
    return T.astype(S.dtype)


def stencil_up(S, pair):
    """Return the fine stencils of the same size whose Galerkin product has the stencils S."""
    T = S.astype(float)
    for axis in range(2, S.ndim):
        A = stencil_map(S.shape[axis], pair)
        if A.shape[0] != A.shape[1] or np.linalg.cond(A) > 1e8:
            raise ValueError(
                f"stencils of size {S.shape[axis]} cannot be prolonged by {pair}: {A.shape} matrix"
            )
        T = apply_along(np.linalg.inv(A), T, axis)
    return T.astype(S.dtype)


@lru_cache(maxsize=64)
def blur_matrix(n, sigma):
    """Return the periodic Gaussian of one axis as a matrix; what goes round several times adds up."""
    radius = int(np.ceil(4 * sigma))
    k = np.arange(-radius, radius + 1)
    g = np.exp(-(k**2) / (2 * sigma**2)) if sigma > 0 else np.ones(1)
    g = g / g.sum()
    B = np.zeros((n, n))
    for offset, weight in zip(k, g, strict=True):
        B[np.arange(n), (np.arange(n) + offset) % n] += weight
    return B


def blur(Y, sigma):
    """Return images blurred along every axis."""
    for axis in range(2, Y.ndim):
        Y = apply_along(blur_matrix(Y.shape[axis], float(sigma)).astype(Y.dtype), Y, axis)
    return Y


def kernel_at(x, name):
    """Return k(x): a box on (−½, ½], the hat, or the cubic of Keys with −½."""
    if name == "box":
        return ((x > -0.5) & (x <= 0.5)).astype(float)
    x = abs(x)
    if name == "linear":
        return np.maximum(0.0, 1.0 - x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


@lru_cache(maxsize=64)
def resize_matrix(n_in, n_out, kernel, antialias, border):
    """Return A_1 (n_out, n_in): weights at the cells around x_I, each row divided by its sum."""
    rows = np.arange(n_out)
    A = np.zeros((n_out, n_in))
    if kernel == "nearest":
        A[rows, rows * n_in // n_out] = 1.0
        return A
    a = max(1.0, n_in / n_out) if antialias else 1.0
    reach = int(np.ceil({"box": 0.5, "linear": 1.0, "cubic": 2.0}[kernel] * a)) + 1
    numerator = (2 * rows + 1) * n_in - n_out  # of x_I, over 2 n_out, whole
    base = numerator // (2 * n_out)
    taps = base[:, None] + np.arange(-reach, reach + 2)
    distance = (numerator[:, None] - 2 * n_out * taps) / (2 * n_out)
    weights = kernel_at(distance / a, kernel)
    weights /= weights.sum(axis=1, keepdims=True)
    cells = taps % n_in if border == "periodic" else np.clip(taps, 0, n_in - 1)
    np.add.at(A, (np.broadcast_to(rows[:, None], taps.shape), cells), weights)
    return A


def resize(Y, to, kernel, antialias, border):
    """Return images on another grid, axis by axis."""
    for axis, n_out in enumerate(to, start=2):
        A = resize_matrix(Y.shape[axis], int(n_out), kernel, bool(antialias), border)
        Y = apply_along(A.astype(Y.dtype), Y, axis)
    return np.ascontiguousarray(Y)


def crop(Y, windows, level):
    """Return of each example the window of n/2ˡ cells that begins at its row of ``windows``."""
    sizes = [n >> level for n in Y.shape[2:]]
    found = np.empty((*Y.shape[:2], *sizes), Y.dtype)
    for i, first in enumerate(np.asarray(windows)):
        found[i] = Y[(i, slice(None), *(slice(a, a + size) for a, size in zip(first, sizes, strict=True)))]
    return found


def draw_windows(grid, levels, examples, seed):
    """Return first cells (levels, examples, d) of nested windows, each uniform inside of the one before."""
    rng = np.random.default_rng(seed)
    first = np.zeros((levels, examples, len(grid)), int)
    for level in range(1, levels):
        for axis, n in enumerate(grid):
            free = (n >> (level - 1)) - (n >> level)
            first[level, :, axis] = first[level - 1, :, axis] + rng.integers(0, free + 1, examples)
    return first
