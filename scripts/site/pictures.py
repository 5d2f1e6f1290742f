"""One small picture for each convention, drawn from what refms computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from refms import Convolution, Grid, TransferPair, columns_from_nchw, transfer_pair

GREY = "0.45"
HUES = ("tab:blue", "tab:orange")


def figure(width: float, height: float, panels: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels side by side."""
    made = Figure((width, height), layout="constrained")
    axes = made.subplots(1, panels, squeeze=False)
    return made, list(axes.flat)


def draw_array(ax: Axes, title: str, values: np.ndarray, colours: np.ndarray | None = None) -> None:
    """Draw a matrix as cells with their numbers, each in a colour or in white."""
    rows, columns = values.shape
    for (i, j), value in np.ndenumerate(values):
        face = "white" if colours is None or not colours[i, j] else (colours[i, j], 0.35)
        ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=face, edgecolor=GREY))
        ax.text(j, i, f"{value:g}", ha="center", va="center", fontsize=8)
    ax.set(xlim=(-0.6, columns - 0.4), ylim=(rows - 0.4, -0.6), aspect="equal")
    ax.set_title(title, fontsize=9)
    ax.axis("off")


def channels() -> Figure:
    """Draw two images with two channels of 2×2 cells, and their columns."""
    images = np.arange(16).reshape(2, 2, 2, 2)
    made, axes = figure(6.4, 2.6, 5)
    for ax, (j, c) in zip(axes, np.ndindex(2, 2), strict=False):
        draw_array(ax, f"image {j}, channel {c}", images[j, c], np.full((2, 2), HUES[c]))
    columns = columns_from_nchw(images.astype(float))
    draw_array(axes[4], "columns (c·n, m)", columns, np.repeat(HUES[:2], 8).reshape(8, 2))
    return made


def order() -> Figure:
    """Draw the entries of a vector on a grid of 3×4 cells."""
    made, (ax,) = figure(3.0, 2.3)
    draw_array(ax, "axis 1 is the fastest: cell (i, j) is entry 4 i + j", np.arange(12).reshape(3, 4))
    return made


def flips() -> Figure:
    """Draw a stencil, and what both orientations make of a single bright cell."""
    s = np.arange(1.0, 10.0).reshape(3, 3)
    grid = Grid((5, 5))
    delta = np.zeros((25, 1))
    delta[12] = 1
    made, axes = figure(6.4, 2.3, 3)
    draw_array(axes[0], "stencil s", s, np.where(s > 0, HUES[1], ""))
    for ax, orientation in zip(axes[1:], ("correlation", "convolution"), strict=True):
        response = Convolution(grid, orientation=orientation).apply(s[None, None], delta).reshape(5, 5)
        draw_array(ax, f'K(s)δ, "{orientation}"', response, np.where(response > 0, HUES[1], ""))
    return made


def volume() -> Figure:
    """Draw ⟨w, y⟩ with and without h^d, for the same functions on finer and finer meshes."""
    sizes = 2 ** np.arange(2, 8)
    centres = [Grid((n,)).centres().ravel() for n in sizes]
    sums = np.array([np.exp(x) @ np.exp(x) for x in centres])
    made, (ax,) = figure(3.8, 2.5)
    ax.loglog(sizes, sums, "o-", color=HUES[1], label="wᵀy grows with the mesh")
    ax.loglog(sizes, sums / sizes, "o-", color=HUES[0], label="h wᵀy is ∫ w y")
    ax.set_xlabel("cells n, w = y = eˣ")
    ax.legend(frameon=False, fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return made


def alignment() -> Figure:
    """Draw which fine values make a coarse one, for a pair on cells and one on vertices."""
    made, axes = figure(6.4, 1.9, 2)
    for ax, name in zip(axes, ("averaging-bilinear", "full-weighting-linear"), strict=True):
        _draw_restriction(ax, transfer_pair(name))
    return made


def _draw_restriction(ax: Axes, pair: TransferPair) -> None:
    fine = np.arange(8) + (0.5 if pair.centring == "cell" else 0)
    coarse = 2 * np.arange(4) + (1.0 if pair.centring == "cell" else 0)
    R = pair.restriction_matrix(Grid((8,))).toarray()
    for row, column in zip(*np.nonzero(R), strict=True):
        if abs(coarse[row] - fine[column]) < 4:  # what goes round the periodic seam is not drawn
            ax.plot([fine[column], coarse[row]], [0, 1], color=GREY, linewidth=2 * R[row, column])
    ax.plot(fine, np.zeros(8), "o", color=HUES[0])
    ax.plot(coarse, np.ones(4), "s", color=HUES[1])
    if pair.centring == "cell":
        ax.vlines(np.arange(9), -0.12, 0.12, color=GREY, linewidth=0.8)
        ax.vlines(2 * np.arange(5), 0.88, 1.12, color=GREY, linewidth=0.8)
    ax.set_title(f"R of {pair.name}: {pair.centring} centred", fontsize=9)
    ax.text(-0.9, 0, "fine", ha="right", va="center", fontsize=8)
    ax.text(-0.9, 1, "coarse", ha="right", va="center", fontsize=8)
    ax.set(xlim=(-2.2, 8.2), ylim=(-0.4, 1.4))
    ax.axis("off")


PICTURES = {"channels": channels, "order": order, "flips": flips, "volume": volume, "alignment": alignment}
"""Name -> what draws it."""


def write(folder: Path) -> None:
    """Draw all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        draw().savefig(folder / f"{name}.svg", metadata={"Date": None})
