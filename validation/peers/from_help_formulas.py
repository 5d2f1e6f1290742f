"""What the operations written from ``help(Adapter)`` share: stencils, transfer, activations, differences.

Images are NCHW in double precision.
"""

import numpy as np

PAIRS = {  # offset -> weight of R and of P along one axis, as help(Adapter) lists them
    "averaging-bilinear": ({0: 0.5, 1: 0.5}, {-1: 0.25, 0: 0.75, 1: 0.75, 2: 0.25}),
    "averaging-constant": ({0: 0.5, 1: 0.5}, {0: 1.0, 1: 1.0}),
    "injection-linear": ({0: 1.0}, {-1: 0.5, 0: 1.0, 1: 0.5}),
}
CLOSED = {"averaging-bilinear": (3, 5), "averaging-constant": (1, 3), "injection-linear": (1, 3)}
ETA = 0.1  # of the smoothed ReLU


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


def gathered(Y, weights):
    """Return Σ_a w_a y_{2I+a} along every axis: R, or with the weights of P Pᵀ."""
    for axis in range(2, Y.ndim):
        every = range(0, Y.shape[axis], 2)
        Y = sum(w * np.take(np.roll(Y, -a, axis), every, axis) for a, w in weights.items())
    return Y


def scattered(Y, weights):
    """Return images to whose cell 2J+b the cell J adds w_b y_J: P, or with the weights of R Rᵀ."""
    for axis in range(2, Y.ndim):
        wide = np.zeros([2 * n if a == axis else n for a, n in enumerate(Y.shape)])
        wide[(*(slice(None),) * axis, slice(0, None, 2))] = Y
        Y = sum(w * np.roll(wide, b, axis) for b, w in weights.items())
    return Y


def along(Y, axis, A):
    """Return A applied along one axis."""
    return np.moveaxis(np.tensordot(A, Y, (1, axis)), 0, axis)


def activated(z, name):
    """Return σ(z), σ′(z) and σ″(z)."""
    if name == "tanh":
        t = np.tanh(z)
        return t, 1 - t**2, -2 * t * (1 - t**2)
    if name == "smoothed_relu":
        bent, above = np.abs(z) < ETA, z >= ETA
        value = np.where(bent, (z + ETA) ** 2 / (4 * ETA), np.maximum(z, 0))
        return value, np.where(bent, (z + ETA) / (2 * ETA), 1.0 * above), bent / (2 * ETA)
    low = {"relu": 0.0, "leaky_relu": 0.01, "identity": 1.0}[name]
    return np.where(z > 0, z, low * z), np.where(z > 0, 1.0, low), 0 * z


def softmax_parts(Z):
    """Return log p, p and 1 − p, none of which cancels."""
    Z = Z.astype("float64")
    top = Z.argmax(axis=0)
    below = Z - Z[top, np.arange(Z.shape[1])]
    e = np.exp(below)
    others = np.where(np.arange(len(Z))[:, None] == top, 0.0, e).sum(axis=0)
    p = e / (1 + others)
    return below - np.log1p(others), p, np.stack([np.delete(p, i, axis=0).sum(axis=0) for i in range(len(Z))])


def polygon(Theta, layers):
    """Return θ(j N/layers) on the polygon through (k, θ_k), constant beyond its end; any trailing axes."""
    times = np.arange(layers) * len(Theta) / layers
    k = np.minimum(np.floor(times).astype(int), len(Theta) - 1)
    share = np.where(k < len(Theta) - 1, times - k, 0.0).reshape(-1, *(1,) * (Theta.ndim - 1))
    after = Theta[np.minimum(k + 1, len(Theta) - 1)].astype(float)
    return (1 - share) * Theta[k] + share * after


def bent(X, axis):
    """Return DᵀD x, D the differences of neighbours along one axis."""
    d, found = np.diff(X, axis=axis), np.zeros(X.shape)
    inside = (slice(None),) * axis
    found[(*inside, slice(1, None))] += d
    found[(*inside, slice(None, -1))] -= d
    return found


def as_images(W, grid):
    """Return the columns of W, rows (channel, cell), as images."""
    return W.T.reshape(W.shape[1], -1, *grid)


def as_rows(images):
    """Return images as columns."""
    return images.reshape(len(images), -1).T


def roughness(W, grid):
    """Return Σ_j ‖∇_h w_j‖², differences across interior faces."""
    images = as_images(W.astype(float), grid)
    return sum(float(((n * np.diff(images, axis=a)) ** 2).sum()) for a, n in enumerate(grid, start=2))


def laplacian(W, grid):
    """Return ∇_hᵀ∇_h w of every column."""
    images = as_images(W.astype(float), grid)
    return as_rows(sum(n**2 * bent(images, a) for a, n in enumerate(grid, start=2)))
