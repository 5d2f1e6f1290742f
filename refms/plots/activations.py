"""Activations of one image: through the layers of a network, and on several meshes over one unit square."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from refms.errors import Array, InputError, require_choice
from refms.grid import Grid
from refms.maps.architectures.architecture import free_map
from refms.maps.architectures.residual import Residual
from refms.model import Model
from refms.names import SYNTHETIC_IMAGES
from refms.plots.axes import evenly, image, largest, name, panels, plane, signed_bar
from refms.plots.style import SEQUENTIAL, use_style

MOST_CHANNELS = 8
MOST_STATES = 8
"""What is drawn of more, evenly spread."""

RADIUS = 0.3
"""Of the synthetic disk, in units of the domain's edge."""


def synthetic_image(kind: str, model: Model) -> Array:
    """Return an image that needs no data: the same function on every mesh.

    ``"delta"`` is 1 in the cell that holds the centre of the domain, ``"disk"`` in the cells with their
    centre nearer to it than :data:`RADIUS`; 0 elsewhere. Shape (image channels · n, 1).
    """
    require_choice(kind, SYNTHETIC_IMAGES, "image")
    grid = model.grid
    if kind == "delta":
        values = np.zeros(grid.shape)
        values[tuple(n // 2 for n in grid.shape)] = 1.0
    else:
        values = (_distance(grid) < RADIUS).astype("float64")
    channels = model.map.rows_in // model.grid.cells
    return np.tile(values.reshape(-1), channels)[:, None].astype(model.dtype)


def states(model: Model, X: Array) -> dict[str, Array]:
    """Return the features of one image over time.

    ``X`` has shape (image channels · n, 1). The label holds the time t_k = k δt of y_k, of shape (c, n_1,
    …, n_d), for all k from 0 to N; y_0 and y_N alone where the integrator moves the halves of the
    channels in turn; the output alone of another network than the residual one.
    """
    shape, time = (model.architecture.channels, *model.grid.shape), model.map.time
    if time is None or not isinstance(model.architecture, Residual):
        network = free_map(model.architecture, model.arrays)  # before any pooling
        return {"output": network.apply(model.blocks["propagation"], X)[:, 0].reshape(shape)}
    trace = model.trace(X)
    found = {
        int(match[1]): key for key in trace if (match := re.fullmatch(r"network/propagation/y(\d+)", key))
    }
    if len(found) != time.layers + 1:
        found = {0: "network/opening/output", time.layers: "network/propagation/output"}
    return {
        f"$y_{{{k}}}$\nt = {k * time.final_time / time.layers:.3g}": trace[found[k]][:, 0].reshape(shape)
        for k in sorted(found)
    }


@use_style()
def activations_figure(model: Model, X: Array) -> Figure:
    """Return how one image goes through the layers.

    One row for each of the :func:`states`, down to :data:`MOST_STATES`; one column for each channel. All
    rows share the colours, symmetric around 0. The image stands to the left of y_0.
    """
    found = list(states(model, X).items())
    chosen = [found[k] for k in evenly(len(found), MOST_STATES)]
    shown = evenly(model.architecture.channels, MOST_CHANNELS)
    limit = largest([features for _, features in chosen])
    figure, axes = panels(len(chosen), 1 + len(shown), 1.15, 1.25, images=True)
    _image_itself(axes[0, 0], model, X)
    axes[0, 0].set_title("image")
    for i, (row, (label, features)) in enumerate(zip(axes, chosen, strict=True)):
        if i > 0:
            row[0].set_axis_off()
        row[1].set_ylabel(label)
        for one, channel in zip(row[1:], shown, strict=True):
            image(one, plane(features[channel]), limit)
            one.set_title(f"channel {channel}" if i == 0 else "")
    signed_bar(figure, axes, limit, "activation $y$")
    return figure


@use_style()
def coarse_against_fine_figure(models: Mapping[str, Model], images: Mapping[str, Array]) -> Figure:
    """Return what networks on several meshes make of the same image, on the same unit square.

    One row for each model: the image, then the channels of y_N, down to :data:`MOST_CHANNELS`. All rows
    share the colours, symmetric around 0.
    """
    if set(models) - set(images):
        raise InputError(f"there is no image for {sorted(set(models) - set(images))}; expected one a model.")
    ends = {key: list(states(model, images[key]).values())[-1] for key, model in models.items()}
    shown = evenly(min(len(end) for end in ends.values()), MOST_CHANNELS)
    limit = largest(list(ends.values()))
    figure, axes = panels(len(models), 1 + len(shown), 1.15, 1.3, images=True)
    for i, (row, (key, model)) in enumerate(zip(axes, models.items(), strict=True)):
        _image_itself(row[0], model, images[key])
        mesh = "×".join(map(str, model.grid.shape))
        row[0].set_ylabel(f"{name(key, 20)}\nmesh {mesh}", fontsize=8)
        for one, channel in zip(row[1:], shown, strict=True):
            image(one, plane(ends[key][channel]), limit)
            one.set_title(f"channel {channel}" if i == 0 else "")
    axes[0, 0].set_title("image")
    signed_bar(figure, axes, limit, "activation $y_N$")
    return figure


def _image_itself(axes: Axes, model: Model, X: Array) -> None:
    """Draw the image's first channel, dark at its smallest value."""
    values = plane(X[: model.grid.cells, 0].reshape(model.grid.shape))
    image(axes, values, 1.0, cmap=SEQUENTIAL, vmin=float(values.min()), vmax=float(values.max()))


def _distance(grid: Grid) -> Array:
    """Return the distance of every cell's centre from that of the domain, shape grid.shape."""
    away = [grid.centres(axis) - 0.5 for axis in range(grid.dimension)]
    squares = sum(one**2 for one in np.meshgrid(*away, indexing="ij"))
    distance: Array = np.sqrt(squares)
    return distance
