"""How errors of operations on images grow: what trials and properties count them against."""

from __future__ import annotations

import numpy as np

from refms.definition.galerkin import stencil_map
from refms.definition.norms import max_norm, row_sum_norm
from refms.definition.similarity import quotients
from refms.definition.transfer import Pair
from refms.errors import Array


def condition(pair: Pair, size: int) -> float:
    """Return by how much the map of stencils enlarges errors in one dimension."""
    return float(np.linalg.cond(stencil_map(pair.r, pair.p, size)))


def sharpness(X: Array, Y: Array) -> float:
    """Return max 1/c + max 1/d of SSIM, which is by how much it answers to means and squares of images."""
    *_, c, d = quotients(X, Y)
    return float((1 / c).max() + (1 / d).max())


def layer_gradient(S: Array, Y: Array, Z: Array, pair: Pair, d: int) -> float:
    """Return (‖S‖₁ + 1) max(‖y‖, ‖z‖)² ‖R‖^{4d}, the size of the gradient of a linear layer on any mesh."""
    gain = max(1.0, sum(map(abs, pair.r.values()))) ** (4 * d)
    return float(gain * (row_sum_norm(S) + 1) * max(max_norm(Y), max_norm(Z)) ** 2)
