"""What the figures share: panels, lines with gaps where nothing was measured, images on the unit square."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from refms.errors import Array, presentable
from refms.model import Model
from refms.plots.style import DIVERGING, SEQUENTIAL, look, use_style

WIDEST_FOR_LINEAR = 10.0
"""Ratio of the largest to the smallest number from which an axis of positive numbers is logarithmic."""

THOUSANDS = 1e4
"""From here on the ticks of a linear horizontal axis read 10k, 2M: no factor stands in the label's way."""

MOST_MARKERS = 40
"""Points of a line that get a marker."""


def panels(
    rows: int, columns: int, width: float, height: float, *, images: bool = False, sharex: bool = False
) -> tuple[Figure, Any]:
    """Return a figure with a grid of empty axes; matplotlib's global state is not touched.

    ``width`` and ``height`` of one of them are in inches; ``images`` keep their aspect. The axes have
    shape (rows, columns).
    """
    figure = Figure(
        figsize=(columns * width, rows * height), layout="compressed" if images else "constrained"
    )
    return figure, figure.subplots(rows, columns, squeeze=False, sharex=sharex)


def name(text: object, longest: int = 32) -> str:
    r"""Return a text of strangers as a short label on one line, in which a dollar sign is no formula.

    Examples
    --------
    >>> name("gauss_newton")
    'gauss_newton'
    >>> print(name("$x$"))
    \$x\$
    """
    return presentable(str(text), longest).replace("$", r"\$")


def mesh(model: Model) -> str:
    """Return the mesh of a model as a label, such as ``mesh 8×8``."""
    return f"mesh {'×'.join(map(str, model.grid.shape))}"


def line(axes: Axes, x: Array, y: Array, i: int, label: str, **options: Any) -> None:
    """Draw the i-th line, with gaps where a number is missing (NaN).

    ``i`` gives colour, marker and dashes; ``options`` for matplotlib's plot win.
    """
    every = max(1, -(-len(x) // MOST_MARKERS))
    axes.plot(x, y, label=name(label), **{**look(i), "markevery": every, **options})


def finish(axes: Axes, xlabel: str, ylabel: str, *, log_x: bool = False, log_y: bool = True) -> None:
    """Label the axes, and make those logarithmic that may be and whose positive numbers span much."""
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    drawn = [np.asarray(one.get_data(), dtype=float) for one in axes.get_lines()]
    if not any(np.isfinite(x + y).any() for x, y in drawn):
        axes.text(0.5, 0.5, "not measured", ha="center", va="center", transform=axes.transAxes)
        axes.set_yticks([])
        return
    span = _span(x for x, _ in drawn)
    if log_x and span >= WIDEST_FOR_LINEAR:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if span < 1e3 else (1.0,)))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_formatter(FuncFormatter(compact))
    elif axes.get_xscale() == "linear" and largest([x for x, _ in drawn]) >= THOUSANDS:
        axes.xaxis.set_major_formatter(FuncFormatter(compact))
    if log_y and _span(y for _, y in drawn) >= WIDEST_FOR_LINEAR:
        axes.set_yscale("log")


def compact(value: float, position: int = 0) -> str:
    """Return a number as a short label of a tick.

    Examples
    --------
    >>> compact(0.003), compact(3000.0), compact(250_000.0), compact(2e6)
    ('0.003', '3000', '250k', '2M')
    """
    if abs(value) >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if abs(value) >= THOUSANDS else f"{value:g}"


def legend(figure: Figure, axes: Iterable[Axes], title: str = "") -> None:
    """Put one legend for all axes to the right of them, each label once."""
    found: dict[str, Any] = {}
    for one in axes:
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if found:
        figure.legend(found.values(), found.keys(), loc="outside right upper", title=title or None)


def image(axes: Axes, values: Array, limit: float, **options: Any) -> None:
    """Draw signed numbers as an image on the unit square, white at 0, the first axis downwards.

    ``values`` (n_1, n_2); ``limit`` is the largest absolute value of all images that share the colours.
    """
    bound = limit or 1.0
    usual: dict[str, Any] = {"cmap": DIVERGING, "vmin": -bound, "vmax": bound, "extent": (0, 1, 1, 0)}
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(True)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.imshow(values, **{**usual, **options})


def signed_bar(figure: Figure, axes: Any, limit: float, label: str) -> None:
    """Add the one colour bar of images that :func:`image` has drawn with the same limit."""
    bound = limit or 1.0
    colours = ScalarMappable(Normalize(-bound, bound), DIVERGING)
    figure.colorbar(colours, ax=axes, label=label, shrink=0.9, aspect=10 * len(axes), pad=0.02)


@use_style()
def image_rows(rows: Sequence[tuple[str, Array, Sequence[Array]]], titles: Sequence[str], bar: str) -> Figure:
    """Return rows of images that share their colours, symmetric around 0, and one colour bar.

    A row is its label, a picture that is drawn first in colours of its own, dark at its smallest value, or
    None, and arrays (n_1, …, n_d). ``titles`` stand above the first row.
    """
    limit = largest([one for _, _, values in rows for one in values])
    pictured = int(any(picture is not None for _, picture, _ in rows))
    columns = pictured + max(len(values) for _, _, values in rows)
    figure, axes = panels(len(rows), columns, 1.1, 1.25, images=True)
    for row, (label, picture, values) in zip(axes, rows, strict=True):
        empty = pictured if picture is None else 0
        for one in (*row[:empty], *row[pictured + len(values) :]):
            one.set_axis_off()
        row[empty].set_ylabel(label, fontsize=8)
        if picture is not None:
            own = plane(picture)
            image(row[0], own, 1.0, cmap=SEQUENTIAL, vmin=float(own.min()), vmax=float(own.max()))
        for one, array in zip(row[pictured:], values, strict=False):
            image(one, plane(array), limit)
    for one, title in zip(axes[0], ["image", *titles] if pictured else titles, strict=False):
        one.set_title(title)
    signed_bar(figure, axes, limit, bar)
    return figure


def plane(values: Array) -> Array:
    """Return an array on a grid of one to three axes as one with two: a row, itself, or the middle slice.

    Examples
    --------
    >>> plane(np.zeros(4)).shape, plane(np.zeros((5, 2, 3))).shape
    ((1, 4), (2, 3))
    """
    if values.ndim == 1:
        return values[None, :]
    return values if values.ndim == 2 else values[values.shape[0] // 2]


def picture(fields: Array) -> Array:
    """Return an image (c, n_1, …, n_d) in [0, 1] as (n_1, n_2), or (n_1, n_2, 3) with three channels."""
    if len(fields) == 3:
        return np.stack([plane(field) for field in fields], axis=-1)
    return plane(fields[0])


def evenly(count: int, most: int) -> list[int]:
    """Return at most so many of the indices 0 … count − 1, evenly spread, with the first and the last.

    Examples
    --------
    >>> evenly(3, 8), evenly(65, 5)
    ([0, 1, 2], [0, 16, 32, 48, 64])
    """
    if count <= most:
        return list(range(count))
    return [int(i) for i in np.linspace(0, count - 1, most).round()]


def largest(arrays: Sequence[Array]) -> float:
    """Return the largest absolute finite value of some arrays, 0.0 if there is none."""
    found = [float(np.abs(array[np.isfinite(array)]).max(initial=0.0)) for array in arrays]
    return max(found, default=0.0)


def _span(pieces: Iterable[Array]) -> float:
    """Return the ratio of the largest to the smallest number, 0.0 where one is not positive."""
    values = np.concatenate([piece[np.isfinite(piece)] for piece in pieces])
    return float(values.max() / values.min()) if values.min() > 0 else 0.0
