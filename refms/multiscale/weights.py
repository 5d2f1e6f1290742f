"""Classification weights across resolutions: W is a function on the mesh, read by h^d⟨w, y⟩."""

from __future__ import annotations

from math import isclose

from refms.backend import backend_of
from refms.errors import Array, InputError, precision, require_choice, require_shape
from refms.grid import Grid, as_grid
from refms.maps.layers.linear import WHOLE_MESH
from refms.multiscale.matched_smoothing import kernel_variance
from refms.names import WEIGHT_RULES
from refms.stencils.transfer import TransferPair, transfer_pair


def move_weights(W: Array, grid: Grid, levels: int, pair: TransferPair, rule: str = "pair") -> Array:
    """Return classification weights on a grid ``levels`` doublings finer (or coarser, if negative).

    The classifier sees features only through h^d⟨w, y⟩, h^d the cell volume. On the way up the new weights
    read from y_h what the old ones read from y_H = R y_h:

        h^d⟨w_h, y_h⟩ = H^d⟨w_H, R y_h⟩ for all y_h   ⇔   w_h = 2^d Rᵀ w_H   (H = 2h),

    and on the way down, from y_H what the old ones read from y_h = P y_H:

        H^d⟨w_H, y_H⟩ = h^d⟨w_h, P y_H⟩ for all y_H   ⇔   w_H = 2^{-d} Pᵀ w_h.

    The two rules are the same for pairs with R = 2^{-d} Pᵀ.

    Examples
    --------
    >>> import numpy as np
    >>> pair, w = transfer_pair("averaging-bilinear"), np.array([[0.0], [1.0]])
    >>> move_weights(w, Grid((2,)), 1, pair, "adjoint").ravel().tolist()
    [0.0, 0.0, 1.0, 1.0]
    >>> move_weights(w, Grid((2,)), 1, pair).ravel().tolist()
    [0.25, 0.25, 0.75, 0.75]
    """
    require_choice(rule, WEIGHT_RULES, "rule for the weights")
    grid, pair = as_grid(grid), transfer_pair(pair)
    require_shape(W, (None, None), "W", "(channels * cells, classes)")
    precision(W, "W")
    if W.shape[0] % grid.cells:
        raise InputError(f"W has {W.shape[0]} rows; expected a multiple of {grid.cells} cells.")
    if levels == 0:
        return W.copy()
    options = {
        "channels": W.shape[0] // grid.cells,
        "dtype": str(W.dtype),
        "backend": backend_of(W),
        "levels": abs(levels),
    }
    volumes = 2 ** (levels * grid.dimension)  # H^d / h^d upwards, its inverse downwards
    if levels > 0:
        if rule == "adjoint":
            return volumes * (pair.restriction_matrix(grid.refine(levels), **options).T @ W)
        return pair.prolongation_matrix(grid.refine(levels), **options) @ W
    if rule == "adjoint":
        return volumes * (pair.prolongation_matrix(grid, **options).T @ W)
    row_sum = sum(weight for _, weight in pair.restriction) ** (-levels * grid.dimension)
    return (pair.restriction_matrix(grid, **options) @ W) / row_sum


def better_weights(pair: TransferPair, levels: int) -> str:
    """Return the rule for W under which a net that moves by ``levels`` doublings keeps its logits better.

    W reads the features through a kernel: on the finer mesh through R by the adjoint, through 2^{-d} Pᵀ by
    the pair. Let v_R, v_P and q be the variances of R, of P and of that kernel, and let the images be
    smoothed with σ_h instead of σ. The logits agree

        for T = 0       where R G_σ x is what is read:   σ_h² = σ² + v_R − q,
        in the layers   where y_h = P y_H:               σ_h² = σ² + v_R + v_P,

    and there K_H y_H = R K_h y_h, so that the increments of the features should be read through R, not with
    q − v_R more. One width of the images has to serve both, v_P + q apart:

        adjoint, q = v_R:   v_P + v_R apart, and increments are read as they should be,
        pair,    q = v_P:   2 v_P apart, and increments are smoothed by v_P − v_R too much.

    So the adjoint is better on the way up where v_R < v_P. That holds for smooth features, and R must be a
    mean (Σ r_a = 1) that removes the highest frequency (Σ (−1)^a r_a = 0): injection reads one cell of 2^d.

    On the way down y_H is read through P by the adjoint and through 2^d Rᵀ by the pair. Then both widths are
    v_P − q apart, but the increments, u_H = R u_h, are smoothed by v_R + q too much. The adjoint wins the
    first and the pair the second, which weighs more in most nets that were measured.

    >>> from refms.stencils.transfer import transfer_pair
    >>> [better_weights(transfer_pair("averaging-bilinear"), levels) for levels in (1, -1)]
    ['adjoint', 'pair']
    >>> better_weights(transfer_pair("injection-linear"), 1)
    'pair'
    """
    mean = sum(r for _, r in pair.restriction)
    highest = sum((-1) ** a * r for a, r in pair.restriction)
    smooth = isclose(mean, 1.0) and isclose(highest, 0.0, abs_tol=1e-12)
    wider = kernel_variance(pair.restriction) < kernel_variance(pair.prolongation)
    return "adjoint" if levels > 0 and smooth and wider else "pair"


def move_pooling(cells: int, levels: int) -> tuple[int, int]:
    """Return the pooling on another mesh, and the levels by which W has to move.

    Examples
    --------
    >>> move_pooling(2, 1), move_pooling(4, -1), move_pooling(2, -2), move_pooling(1, 1), move_pooling(0, 1)
    ((4, 0), (2, 0), (1, -1), (1, 1), (0, 0))
    """
    if cells == WHOLE_MESH:
        return cells, 0
    if levels > 0:
        return (cells, levels) if cells == 1 else (cells * 2**levels, 0)
    left = levels
    while left < 0 and cells > 1:
        if cells % 2:
            raise InputError(
                f"blocks of {cells} cells along an axis cannot be halved; expected pooling by an even number "
                "(or 1, or 0 for the whole mesh) on the way to a coarser mesh."
            )
        cells, left = cells // 2, left + 1
    return cells, left
