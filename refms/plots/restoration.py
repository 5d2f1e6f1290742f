"""Restored images: inputs, outputs and targets side by side, and how the training of the network went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from refms.errors import Array
from refms.grid import Grid
from refms.optimize.history import History
from refms.plots.axes import evenly, finish, image, legend, line, name, panels, picture
from refms.plots.style import colour, use_style
from refms.run.image_score import psnr

MOST_IMAGES = 6
"""Images that are drawn of more, evenly spread."""

_PANELS = {
    "objective": "estimate of the loss",
    "validation_loss": "validation loss",
    "psnr": "PSNR in dB",
    "ssim": "SSIM",
    "learning_rate": "learning rate",
    "eta": "efficiency η",
}
"""Column to the label of its axis."""

_LINEAR = ("psnr", "ssim", "learning_rate")


@dataclass(frozen=True, eq=False)
class Restored:
    """Images (c·n, m) in [−1, 1] on a grid: what a network got, what it made of it, what it should find."""

    grid: Grid
    inputs: Array
    outputs: Array
    targets: Array


@use_style()
def restored_figure(restored: Restored, label: str = "") -> Figure:
    """Return input, output and target of some images, a column an image, with the PSNR of both.

    Examples
    --------
    >>> images = np.zeros((48, 3))
    >>> figure = restored_figure(Restored(Grid((4, 4)), images + 0.2, images, images))
    >>> len(figure.axes), figure.axes[0].get_title()
    (9, '20.0 dB')
    """
    shown = evenly(restored.targets.shape[1], MOST_IMAGES)
    rows = {"input": restored.inputs, "output": restored.outputs, "target": restored.targets}
    figure, axes = panels(len(rows), len(shown), 1.3, 1.4, images=True)
    for row, (said, columns) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(said)
        for one, j in zip(row, shown, strict=True):
            image(one, as_picture(columns[:, j], restored.grid), 1.0, cmap="gray", vmin=0.0, vmax=1.0)
            if said != "target":
                one.set_title(_decibels(columns[:, j], restored.targets[:, j]))
    if label:
        figure.suptitle(name(label))
    return figure


def as_picture(column: Array, grid: Grid) -> Array:
    """Return an image in [−1, 1] as numbers in [0, 1]: (n_1, n_2), or (n_1, n_2, 3) with three channels."""
    unit = np.clip(0.5 * (np.asarray(column, dtype="float64") + 1.0), 0.0, 1.0)
    return picture(unit.reshape(-1, *grid.shape))


def _decibels(column: Array, target: Array) -> str:
    return f"{float(psnr(((np.asarray(column, dtype='float64') - target) ** 2).mean())):.1f} dB"


@use_style()
def restoration_figure(histories: Mapping[str, History]) -> Figure:
    """Return how trainings on images went, over the work units of [MST]; breaks are changes of the mesh.

    The band around η is the central 95 % of a bootstrap.

    Examples
    --------
    >>> len(restoration_figure({"empty": History()}).axes)
    6
    """
    figure, axes = panels(len(_PANELS), 1, 6.4, 1.5, sharex=True)
    for i, (run, history) in enumerate(histories.items()):
        x, levels = (_column(history, column) for column in ("paper_units", "level"))
        for one, column in zip(axes[:, 0], _PANELS, strict=True):
            y = _column(history, column)
            known = ~np.isnan(y) if column == "eta" else np.full(len(y), True)
            line(one, *_broken(x[known], y[known], levels[known]), i, run)
            if column == "eta":
                low, high = (_column(history, f"eta_{end}")[known] for end in ("low", "high"))
                one.fill_between(x[known], low, high, alpha=0.2, color=colour(i), linewidth=0)
    for one, (column, label) in zip(axes[:, 0], _PANELS.items(), strict=True):
        last = column == list(_PANELS)[-1]
        finish(one, "work units #WU" if last else "", label, log_y=column not in _LINEAR)
    legend(figure, axes[:, 0])
    return figure


def _column(history: History, column: str) -> Array:
    rows = [row.objective if column == "objective" else row.extra.get(column, np.nan) for row in history]
    return np.array(rows, dtype=float)


def _broken(x: Array, y: Array, levels: Array) -> tuple[Array, Array]:
    """Return a line with a gap wherever the level changes: a loss on another mesh is another number."""
    places = np.flatnonzero(np.diff(levels)) + 1
    return np.insert(x, places, x[places - 1] if len(places) else []), np.insert(y, places, np.nan)
