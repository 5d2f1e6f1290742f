"""Structural similarity of images as a loss: gradient, Hessian, and a positive semidefinite curvature."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from refms.errors import Array, InputError
from refms.grid import Grid, channels_of
from refms.maps.layers.linear import operator_map
from refms.objective.losses.loss import host_sum, require_direction, require_logits, share_of
from refms.stencils.convolution import Convolution
from refms.stencils.kronecker import along_axis, identity, kronecker
from refms.sums import sum_rows

WIDTH, SIGMA = 11, 1.5
"""Cells of the window along each axis, and its standard deviation in cells."""

C1, C2 = 0.01**2, 0.03**2
"""The constants that keep the quotients finite, for images in [0, 1]."""


def window_matrix(grid: Grid, channels: int = 1) -> Any:
    """Return W = I_c ⊗ W_1 ⊗ … ⊗ W_d: a Gaussian window around each cell, zero beyond the grid; W = Wᵀ.

    >>> window_matrix(Grid((3,))).sum(axis=1).round(3).tolist()
    [0.588, 0.692, 0.588]
    """
    return kronecker(identity(channels), *[_window(n) for n in grid.shape])


def _window(n: int) -> Any:
    """Return the window along one axis, weights g_k ∝ exp(−k²/(2σ²)), Σ g_k = 1 before the border."""
    offsets = np.arange(WIDTH) - WIDTH // 2
    weights = np.exp(-0.5 * (offsets / SIGMA) ** 2)
    wide = Convolution(Grid((n,)), stencil_shape=(WIDTH,), boundary="zero")
    return wide.matrix((weights / weights.sum())[None, None])


@dataclass(frozen=True)
class StructuralSimilarity:
    """1 − SSIM of images, a mean over examples, channels and cells.

    Parameters
    ----------
    grid : Grid
        Mesh of the images, not smaller than the window of 11 cells along any axis.
    low, high : float
        Range of the images, which is mapped to [0, 1].

    Raises
    ------
    InputError
        If the grid is smaller than the window, or the range is empty.

    Notes
    -----
    With x and y in [0, 1], W the window, μ = Wx, ν = Wy and

        a = 2μν + C1, b = 2(W(xy) − μν) + C2, c = μ² + ν² + C1, d = W(x²) − μ² + W(y²) − ν² + C2:
        SSIM = mean S,   S = ab/(cd).

    With q = −S/d, r = 2a/(cd), p = 2νb/(cd) − 2μS/c − 2μq − νr and N = c·n,

        ∇SSIM = (W p + 2x ⊙ W q + y ⊙ W r)/N.

    SSIM is not convex. From 1 − S = (1 − a/c) + (a/c)(1 − b/d) with 1 − a/c = (μ − ν)²/c and
    1 − b/d = (W(x − y)² − (μ − ν)²)/d, c and d held, comes the Gauss–Newton form

        G v = (2/N) (W(Wv/c) + v ⊙ W(1/d) − W(Wv/d)),

    symmetric positive semidefinite, as (Wv)² ≤ Wv², and the Hessian at x = y. The window is fixed in cells,
    so this is another functional on every mesh. Boundary and window are those of the released code of [MST].

    Examples
    --------
    >>> import numpy as np
    >>> y = np.random.default_rng(0).uniform(-1, 1, (144, 1))
    >>> E = StructuralSimilarity(Grid((12, 12))).evaluate(y, y)
    >>> abs(E.value) < 1e-15, abs(E.gradient).max() < 1e-15
    (True, np.True_)
    """

    grid: Grid
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if min(self.grid.shape) < WIDTH:
            raise InputError(
                f"images of {self.grid.shape} cells are smaller than the window of SSIM, {WIDTH} cells; "
                "take larger images, or another loss on this mesh."
            )
        if not -math.inf < self.low < self.high < math.inf:
            raise InputError(f"the range is {self.low} to {self.high}; expected low < high, such as -1 to 1.")

    def evaluate(self, Z: Array, C: Array, count: int | None = None) -> SimilarityEvaluation:
        """Return the loss and its derivatives at the images Z, targets C, both (c·n, m)."""
        require_logits(Z, C)
        scale = 1.0 / (self.high - self.low)
        W = _averaging(self.grid, channels_of(Z, self.grid))
        x, y = scale * (Z - self.low), scale * (C - self.low)
        return SimilarityEvaluation(x, y, W, scale, share_of(Z, count) / Z.shape[0])


@lru_cache(maxsize=32)
def _averaging(grid: Grid, channels: int) -> Callable[[Array], Array]:
    """Return x ↦ W x, one axis after the other."""
    extents = (channels, *grid.shape)
    axes = [operator_map(along_axis(extents, i + 1, _window(n))) for i, n in enumerate(grid.shape)]

    def apply(x: Array) -> Array:
        for axis in axes:
            x = axis.evaluate(x[:0, 0], x)
        return x

    return apply


class SimilarityEvaluation:
    """1 − SSIM at images x and y in [0, 1]; formulas in :class:`StructuralSimilarity`."""

    def __init__(self, x: Array, y: Array, W: Callable[[Array], Array], scale: float, share: float) -> None:
        self._x, self._y, self._W = x, y, W
        self._scale, self._share = scale, share  # dx/dz, and 1/(N m)
        mu, nu = W(x), W(y)
        self._mu, self._nu = mu, nu
        self._a, self._b = 2 * mu * nu + C1, 2 * (W(x * y) - mu * nu) + C2
        self._c, self._d = mu * mu + nu * nu + C1, W(x * x) - mu * mu + W(y * y) - nu * nu + C2
        self._S = self._a * self._b / (self._c * self._d)

    @property
    def similarity(self) -> Array:
        """SSIM of each example, shape (m,)."""
        return sum_rows(self._S)[0] / len(self._S)

    @property
    def value(self) -> float | complex:
        """Mean of 1 − SSIM."""
        return host_sum(1 - self._S) * self._share

    @cached_property
    def _pqr(self) -> tuple[Array, Array, Array]:
        cd = self._c * self._d
        q, r = -self._S / self._d, 2 * self._a / cd
        p = 2 * self._nu * self._b / cd - 2 * self._mu * self._S / self._c - 2 * self._mu * q - self._nu * r
        return p, q, r

    @cached_property
    def _Wq(self) -> Array:
        return self._W(self._pqr[1])

    @cached_property
    def _Wd(self) -> Array:
        """W(1/d)."""
        return self._W(1 / self._d)

    @cached_property
    def gradient(self) -> Array:
        """∂value/∂Z, shape of Z."""
        p, _, r = self._pqr
        found = self._W(p) + 2 * self._x * self._Wq + self._y * self._W(r)
        return -self._scale * self._share * found

    @property
    def hessian_diagonal(self) -> Array:
        """Refused: the window couples neighbouring cells."""
        raise InputError("SSIM has no diagonal Hessian; choose a preconditioner that does not ask for one.")

    def hessian_product(self, V: Array) -> Array:
        """Return ∇²E V, which may be indefinite.

        With dm = Wv, dxx = W(2xv), dxy = W(yv): da = 2ν dm, db = 2(dxy − ν dm), dc = 2μ dm, dd = dxx − 2μ dm,
        the derivatives of S, q, r and p follow by the rules for products and quotients.
        """
        require_direction(V, self.gradient)
        W, x, y, mu, nu, S = self._W, self._x, self._y, self._mu, self._nu, self._S
        a, b, c, d = self._a, self._b, self._c, self._d
        cd = c * d
        _, q, r = self._pqr
        dm, dxx, dxy = W(V), W(2 * x * V), W(y * V)
        da, db, dc, dd = 2 * nu * dm, 2 * (dxy - nu * dm), 2 * mu * dm, dxx - 2 * mu * dm
        relative = dc / c + dd / d
        dS = (b * da + a * db) / cd - S * relative
        dq, dr = -dS / d + S * dd / (d * d), 2 * da / cd - r * relative
        dp = 2 * nu * (db - b * relative) / cd - 2 * (S * dm + mu * dS) / c + 2 * mu * S * dc / (c * c)
        dp = dp - 2 * q * dm - 2 * mu * dq - nu * dr
        found = W(dp) + 2 * V * self._Wq + 2 * x * W(dq) + y * W(dr)
        return -(self._scale**2) * self._share * found

    def positive_product(self, V: Array) -> Array:
        """Return G V, the positive semidefinite Gauss–Newton form."""
        require_direction(V, self.gradient)
        W, WV = self._W, self._W(V)
        found = W(WV / self._c) + V * self._Wd - W(WV / self._d)
        return 2 * self._scale**2 * self._share * found
