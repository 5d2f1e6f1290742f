"""Smoothing of the images on another mesh, matched to what restriction and prolongation do to them."""

from __future__ import annotations

import math

from refms.errors import InputError, require_whole
from refms.grid import Grid
from refms.stencils.transfer import Entries, TransferPair


def matched_smoothing(sigma: float, pair: TransferPair, levels: int, cell: float = 1.0) -> float:
    """Return the width of the Gaussian for images on another mesh that makes them look alike to a net.

    Parameters
    ----------
    sigma : float
        Width with which the net was trained, in any unit of length.
    pair : TransferPair
        The pair (R, P) that moves the net.
    levels : int
        Positive up, negative down, 0 for the same mesh.
    cell : float
        Edge of a cell of the finer of the two meshes, in the same unit.

    Returns
    -------
    float
        √(σ² + v) upwards; downwards √(σ² − v), or 0 where v is larger than σ².

    Raises
    ------
    InputError
        If the width is negative or not finite, or the cell is not positive.

    Notes
    -----
    K_H = R K_h P speaks of fine images in the range of P, y_h = P y_H ([LAS] eq. (7)). A net trained on
    y_H = R G_σ x thus expects P R G_σ x on the fine mesh, not G_σ x. The rows of R and the columns of P are
    smoothing kernels of variance v_R = Σ r_a (a − ā)² / Σ r_a, in squared fine cells, and v_P; variances of
    convolutions add. So P R G_σ acts on smooth images as the Gaussian with σ² + v, v = v_R + v_P, up to
    O(h⁴) (the fourth moments): its symbol is 1 − ½(σ² + v)|ω|² + O(|ω|⁴). Over several levels
    v = Σ_l 4^l (v_R + v_P), since the cells double. Downwards the net was trained on G_σ x and needs P y_H
    to look like that.

    Examples
    --------
    >>> from refms.stencils.transfer import transfer_pair
    >>> round(matched_smoothing(1.5, transfer_pair("averaging-bilinear"), 1) ** 2, 12)  # 2.25 + 1/4 + 3/4
    3.25
    """
    if not (math.isfinite(sigma) and sigma >= 0.0):
        raise InputError(f"the smoothing is {sigma}; expected 0 or more.")
    if not (math.isfinite(cell) and cell > 0.0):
        raise InputError(f"the cell is {cell}; expected a positive length.")
    require_whole(abs(levels), "levels")
    one_level = kernel_variance(pair.restriction) + kernel_variance(pair.prolongation)
    added = cell**2 * one_level * (4 ** abs(levels) - 1) / 3
    return math.sqrt(max(sigma**2 + math.copysign(added, levels), 0.0))


def matched_between(here: Grid, there: Grid, sigma: float, pair: TransferPair, images: Grid) -> float:
    """Return the width of the Gaussian on another grid that matches the one here, in cells of the images.

    Examples
    --------
    >>> from refms.stencils.transfer import transfer_pair
    >>> pair = transfer_pair("averaging-bilinear")
    >>> matched_between(Grid((7, 7)), Grid((14, 14)), 0.0, pair, Grid((28, 28)))  # a cell of 14 is two of 28
    2.0
    """
    levels = here.levels_to(there)
    finer = max(here, there, key=lambda grid: grid.cells)
    return matched_smoothing(sigma, pair, levels, 2.0 ** finer.levels_to(images))


def kernel_variance(entries: Entries) -> float:
    """Return the variance of a kernel in squared cells."""
    total = sum(weight for _, weight in entries)
    mean = sum(weight * offset for offset, weight in entries) / total
    return sum(weight * (offset - mean) ** 2 for offset, weight in entries) / total
