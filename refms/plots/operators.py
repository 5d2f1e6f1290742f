"""Explicit matrices, symbols, pairs and hierarchies as pictures, each with a caption in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from refms.errors import Array, InputError
from refms.grid import Grid
from refms.model import Model
from refms.multiscale.hierarchy import Hierarchy
from refms.plots.axes import finish, image, largest, line, name, panels, plane, signed_bar
from refms.plots.captions import Captioned, caption
from refms.plots.stencils import stencils_figure
from refms.plots.style import SEQUENTIAL, use_style
from refms.stencils.convolution import convolution_matrix
from refms.stencils.galerkin import restrict_stencil, stencil_map
from refms.stencils.symbol import symbol
from refms.stencils.transfer import TransferPair

MOST_ROWS = 256
"""Rows or columns of a matrix that a picture can show."""

MOST_NUMBERS = 16
"""Rows and columns up to which the entries are written into their cells."""

FREQUENCIES = 64
"""Frequencies along each axis of the torus at which symbols are drawn."""


def spy(axes: Axes, A: Array, title: str, limit: float) -> None:
    """Draw a dense matrix entry by entry, white where it is 0, with the numbers where they are few."""
    rows, columns = A.shape
    image(axes, A, limit, extent=None)
    axes.set_title(f"{title}, {rows} × {columns}")
    if max(rows, columns) <= MOST_NUMBERS:
        for i, j in zip(*np.nonzero(A), strict=True):
            dark = abs(A[i, j]) > 0.6 * limit
            colour = "white" if dark else "black"
            axes.text(j, i, f"{A[i, j]:.3g}", ha="center", va="center", fontsize=5, color=colour)


def legible(found: Captioned) -> Captioned:
    """Take the numbers off the matrices whose cells are narrower than they are."""
    found.figure.draw_without_rendering()  # before it nothing has a size
    for axes in found.figure.axes:
        left, right = axes.transData.transform([(0, 0), (1, 0)])[:, 0]
        if any(text.get_window_extent().width > right - left for text in axes.texts):
            for text in list(axes.texts):
                text.remove()
    return found


def require_small(rows: int, columns: int) -> None:
    """Refuse a matrix of more rows or columns than a picture can show."""
    if max(rows, columns) > MOST_ROWS:
        raise InputError(
            f"the matrix is {rows} × {columns}; a picture shows {MOST_ROWS} rows and columns at most. Take a "
            "smaller grid or fewer channels."
        )


@use_style()
def matrix_figure(A: Any, title: str) -> Captioned:
    """Return one explicit sparse matrix as a picture, with its numbers where they are few.

    Parameters
    ----------
    A : sparse array
        A matrix of at most 256 rows and columns.
    title : str
        Its name.

    Returns
    -------
    Captioned
        The figure and its caption; notebooks show it.

    Raises
    ------
    InputError
        If the matrix has more rows or columns, or complex entries.

    Examples
    --------
    >>> matrix_figure(convolution_matrix(np.eye(3), Grid((4, 4))), "K").caption
    'K has 16 rows, 16 columns and 48 entries that are not 0; white is 0, the first row is on top.'
    """
    require_small(*A.shape)
    if A.dtype.kind == "c":
        raise InputError(f"the matrix has complex entries ({A.dtype}); draw its .real, .imag or abs().")
    dense, title = A.toarray().astype(float), name(title)
    limit = largest([dense])
    rows, columns = A.shape
    figure, axes = panels(1, 1, 5.6, min(7.0, max(2.4, 5.0 * rows / columns)), images=True)
    spy(axes[0, 0], dense, title, limit)
    signed_bar(figure, axes, limit, "entry")
    text = (
        f"{title} has {rows} rows, {columns} columns and {np.count_nonzero(dense)} entries that are not 0; "
        "white is 0, the first row is on top."
    )
    return legible(caption(figure, text))


@use_style()
def galerkin_figure(S: Array, grid: Grid, pair: TransferPair) -> Captioned:
    """Return K, R, P and K_H = R K P of stencils and a pair as pictures.

    Parameters
    ----------
    S : ndarray, shape (c_out, c_in, *stencil)
        Stencils of two axes.
    grid : Grid
        The fine mesh, small enough for matrices of 256 rows.
    pair : TransferPair
        R and P.

    Returns
    -------
    Captioned
        The figure and its caption.

    Raises
    ------
    InputError
        If a matrix is too large for a picture, or the mesh cannot be halved.

    Examples
    --------
    >>> from refms import transfer_pair
    >>> found = galerkin_figure(np.ones((1, 1, 3, 3)), Grid((4, 4)), transfer_pair("averaging-bilinear"))
    >>> [axes.get_title() for axes in found.figure.axes[:4]]
    ['K, 16 × 16', 'P, 16 × 4', 'R, 4 × 16', 'K_H = R K P, 4 × 4']
    """
    require_small(*(c * grid.cells for c in S.shape[:2]))
    R = pair.restriction_matrix(grid, channels=S.shape[0])
    P = pair.prolongation_matrix(grid, channels=S.shape[1])
    K = convolution_matrix(S, grid)
    K_H = R @ K @ P
    error = abs(K_H - convolution_matrix(restrict_stencil(S, pair), grid.coarsen())).max()
    width = min(9.0, max(5.0, 0.34 * (K.shape[1] + P.shape[1])))
    figure = Figure(figsize=(width + 1.0, width), layout="compressed")
    ratios = {"width_ratios": [K.shape[1], P.shape[1]], "height_ratios": [K.shape[0], R.shape[0]]}
    axes = figure.subplots(2, 2, gridspec_kw=ratios)
    limit = largest([K.data, K_H.data])
    for one, A, title in zip(axes.flat, (K, P, R, K_H), ("K", "P", "R", "K_H = R K P"), strict=True):
        spy(one, A.toarray(), title, largest([A.data]) if A is R or A is P else limit)
    signed_bar(figure, axes, limit, "entry of K and K_H")
    text = (
        f"K is the convolution matrix on {_times(grid)} cells, R and P are the pair {pair.name}. K_H = R K P "
        f"is again a convolution matrix: it differs from that of the restricted stencil by {error:.1g}. "
        "R and P have colours of their own."
    )
    return legible(caption(figure, text))


@use_style()
def symbol_figure(S: Array, pair: TransferPair) -> Captioned:
    """Return the symbols of K and of K_H = R K P over the torus, and one against the other.

    Parameters
    ----------
    S : ndarray, shape (c_out, c_in, *stencil)
        Stencils of two axes; several channels are drawn by the largest singular value of λ(ω).
    pair : TransferPair
        R and P.

    Returns
    -------
    Captioned
        The figure and its caption, which says how far both are apart.

    Examples
    --------
    >>> from refms import transfer_pair
    >>> found = symbol_figure(np.ones((1, 1, 3, 3)), transfer_pair("averaging-bilinear"))
    >>> [axes.get_title() for axes in found.figure.axes[:2]]
    ['K', 'K_H = R K P']
    """
    torus = Grid((FREQUENCIES,) * 2)
    s_H = restrict_stencil(S, pair)
    fine, coarse = (np.fft.fftshift(gain(one, torus)) for one in (S, s_H))
    figure, axes = panels(1, 3, 3.4, 3.2, images=True)
    top = largest([fine, coarse])
    for one, values, title in zip(axes[0], (fine, coarse), ("K", "K_H = R K P"), strict=False):
        torus_image(one, values, top)
        one.set_title(title)
    bar = figure.colorbar(axes[0, 1].get_images()[0], ax=list(axes[0, :2]), location="bottom", shrink=0.6)
    bar.set_label("largest singular value of λ(ω)")
    omega = 2 * np.pi * np.arange(FREQUENCIES // 4 + 1) / FREQUENCIES
    along = gain(S, torus)[: FREQUENCIES // 4 + 1, 0]
    seen = gain(s_H, torus)[: FREQUENCIES // 2 + 1 : 2, 0]
    line(axes[0, 2], omega, along, 0, "fine, ω")
    line(axes[0, 2], omega, seen, 1, "coarse, 2ω")
    finish(axes[0, 2], "ω₁ (ω₂ = 0)", "largest singular value", log_y=False)
    axes[0, 2].legend()
    apart = float(abs(along - seen).max() / max(float(along.max()), 1e-300))
    return caption(
        figure,
        "Each frequency ω of the torus [−π, π)² is a mode exp(iω·x) with x counted in cells; a coarse cell "
        f"is two fine ones, so that the mode ω of the fine mesh is 2ω on the coarse one. With {pair.name} "
        f"both symbols differ on the line ω₂ = 0, |ω₁| ≤ π/2 by up to {100 * apart:.3g} % of the largest "
        "value there.",
    )


@use_style()
def torus_figure(symbol: Array, title: str) -> Captioned:
    """Return the largest singular value of a symbol (n_1, n_2, c_out, c_in) over the torus."""
    values = np.fft.fftshift(np.linalg.svd(symbol, compute_uv=False)[..., 0])
    figure, axes = panels(1, 1, 4.6, 4.2, images=True)
    torus_image(axes[0, 0], values, largest([values]))
    axes[0, 0].set_title(name(title))
    figure.colorbar(axes[0, 0].get_images()[0], ax=axes[0, 0], label="largest singular value of λ(ω)")
    return caption(
        figure,
        f"The largest singular value of the symbol of {name(title)} at its {values.size} frequencies; the "
        f"largest of all, {values.max():.5g}, is the 2-norm of the matrix.",
    )


@use_style()
def pair_figure(pair: TransferPair, size: int = 3, cells: int = 8) -> Captioned:
    """Return R, P and R P on a line, the stencil map A, and what R and P make of each frequency.

    Parameters
    ----------
    pair : TransferPair
        R and P.
    size : int
        Entries of the stencils that A maps.
    cells : int
        Cells of the line.

    Returns
    -------
    Captioned
        The figure and its caption, which says what the pair has.

    Examples
    --------
    >>> from refms import transfer_pair
    >>> pair_figure(transfer_pair("averaging-constant")).caption[:80]
    'The pair averaging-constant on a line of 8 cells: R P is 1 times I, and R is hal'
    """
    require_small(cells, cells)
    grid = Grid((cells,))
    R, P = pair.restriction_matrix(grid).toarray(), pair.prolongation_matrix(grid).toarray()
    A = stencil_map(pair, size)
    matrices = {"R": R, "P": P, "R P": R @ P, "A": A}
    widths = [cells, cells // 2, cells // 2, max(size, cells // 3), max(8, cells // 2)]
    side = min(0.4, 14.0 / sum(widths))  # inches of a cell
    figure = Figure(figsize=(side * sum(widths) + 1.6, side * cells + 1.2), layout="constrained")
    axes = figure.subplots(1, 5, squeeze=False, width_ratios=widths)
    for one, (title, matrix) in zip(axes[0], matrices.items(), strict=False):
        spy(one, matrix, title, largest([matrix]))
    omega = np.linspace(0, np.pi, 65)
    for k, (label, entries) in enumerate((("R", pair.restriction), ("P/2", pair.prolongation))):
        wave = sum(weight * np.exp(1j * offset * omega) for offset, weight in entries)
        line(axes[0, 4], omega, abs(wave) / (k + 1), k, f"|{label}|")
    finish(axes[0, 4], "ω", "factor", log_y=False)
    axes[0, 4].legend()
    gamma = "is no multiple of I" if pair.identity_factor is None else f"is {pair.identity_factor:g} times I"
    variational = "" if pair.variational else "not "
    text = (
        f"The pair {pair.name} on a line of {cells} cells: R P {gamma}, and R is {variational}half the "
        f"transpose of P. A takes stencils of {size} entries to those of K_H = R K P. On the right: by how "
        "much R and P (halved) multiply a mode exp(iωx)."
    )
    return legible(caption(figure, text))


@use_style()
def hierarchy_figure(hierarchy: Hierarchy) -> Captioned:
    """Return the stencil of each level, and its symbol over the torus.

    Parameters
    ----------
    hierarchy : Hierarchy
        Such as :func:`~refms.multiscale.stencil_hierarchy` returns.

    Returns
    -------
    Captioned
        The figure and its caption.

    Examples
    --------
    >>> from refms import transfer_pair
    >>> from refms.multiscale import stencil_hierarchy
    >>> pair = transfer_pair("averaging-bilinear")
    >>> found = hierarchy_figure(stencil_hierarchy(np.ones((1, 1, 3, 3)), Grid((8, 8)), pair, 2))
    >>> [axes.get_title() for axes in found.figure.axes[:2]]
    ['level 0, mesh 8×8', 'level 1, mesh 4×4']
    """
    levels = hierarchy.levels
    stencils = [next(iter(level.stencils.values())) for level in levels]
    figure, axes = panels(2, len(levels), 2.6, 2.7, images=True)
    limit = largest(stencils)
    gains = [np.fft.fftshift(gain(S, Grid((FREQUENCIES,) * 2))) for S in stencils]
    top = largest(gains)
    for k, (level, S, values) in enumerate(zip(levels, stencils, gains, strict=True)):
        image(axes[0, k], plane(S[0, 0]), limit, extent=None)
        axes[0, k].set_title(f"level {k}, mesh {_times(level.grid)}")
        torus_image(axes[1, k], values, top)
    axes[0, 0].set_ylabel("stencil")
    axes[1, 0].set_ylabel("symbol")
    signed_bar(figure, axes[:1], limit, "entry")
    bar = figure.colorbar(axes[1, 0].get_images()[0], ax=list(axes[1]), shrink=0.9, aspect=10, pad=0.02)
    bar.set_label("singular value")
    moved = "; ".join(f"{what}: {how}" for what, how in hierarchy.moved.items())
    return caption(
        figure,
        f"The hierarchy has {hierarchy.headline}; {moved}. Below each stencil (that of the first channels) "
        "is the largest singular value of its symbol over the torus of its own mesh.",
    )


def torus_image(axes: Axes, values: Array, top: float) -> None:
    """Draw numbers ≥ 0 over the torus [−π, π)², ω_1 downwards and ω = 0 in the middle."""
    ends = (-np.pi, np.pi, np.pi, -np.pi)
    image(axes, values, 1.0, cmap=SEQUENTIAL, vmin=0.0, vmax=top or 1.0, extent=ends)
    axes.set_xticks([-np.pi, 0, np.pi], ["−π", "ω₂", "π"])
    axes.set_yticks([-np.pi, 0, np.pi], ["−π", "ω₁", "π"])


def models_figure(models: Mapping[str, Model], hierarchy: Hierarchy) -> Captioned:
    """Return the stencils of models of one network on several meshes, finest first."""
    ordered = dict(sorted(models.items(), key=lambda item: -item[1].grid.cells))
    moved = "; ".join(f"{what}: {how}" for what, how in hierarchy.moved.items()) or "nothing was transferred"
    text = f"The hierarchy has {hierarchy.headline}; {moved}. Stencils of all levels have the same colours."
    return caption(stencils_figure(ordered), text)


def gain(S: Array, torus: Grid) -> Array:
    """Return the largest singular value of λ(ω) at each frequency of a torus, shape of the grid."""
    return np.linalg.svd(symbol(S, torus), compute_uv=False)[..., 0]


def _times(grid: Grid) -> str:
    return "×".join(map(str, grid.shape))
