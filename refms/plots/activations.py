"""Activations of one image: through the layers of a network, and on several meshes over one unit square."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from refms.errors import Array, InputError, require_choice
from refms.grid import Grid
from refms.maps.architectures.architecture import free_map
from refms.maps.architectures.residual import Residual
from refms.model import Model
from refms.names import SYNTHETIC_IMAGES
from refms.plots.axes import evenly, image_rows, mesh, name

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
    shape, time = (model.architecture.channels, *model.output_grid.shape), model.map.time
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


def activations_figure(model: Model, X: Array) -> Figure:
    """Return how one image goes through the layers.

    One row for each of the :func:`states`, down to :data:`MOST_STATES`; one column for each channel. All
    rows share the colours, symmetric around 0. The image stands to the left of y_0.
    """
    found = list(states(model, X).items())
    shown = evenly(model.architecture.channels, MOST_CHANNELS)
    rows = [
        (label, None if i else _image_itself(model, X), [features[channel] for channel in shown])
        for i, (label, features) in enumerate(found[k] for k in evenly(len(found), MOST_STATES))
    ]
    return image_rows(rows, [f"channel {channel}" for channel in shown], "activation $y$")


def coarse_against_fine_figure(models: Mapping[str, Model], images: Mapping[str, Array]) -> Figure:
    """Return what networks on several meshes make of the same image, on the same unit square.

    One row for each model: the image, then the channels of y_N, down to :data:`MOST_CHANNELS`. All rows
    share the colours, symmetric around 0.
    """
    if set(models) - set(images):
        raise InputError(f"there is no image for {sorted(set(models) - set(images))}; expected one a model.")
    ends = {key: list(states(model, images[key]).values())[-1] for key, model in models.items()}
    shown = evenly(min(len(end) for end in ends.values()), MOST_CHANNELS)
    rows = [
        (
            f"{name(key, 20)}\n{mesh(model)}",
            _image_itself(model, images[key]),
            [ends[key][channel] for channel in shown],
        )
        for key, model in models.items()
    ]
    return image_rows(rows, [f"channel {channel}" for channel in shown], "activation $y_N$")


def _image_itself(model: Model, X: Array) -> Array:
    """Return the image's first channel on its grid."""
    return X[: model.grid.cells, 0].reshape(model.grid.shape)


def _distance(grid: Grid) -> Array:
    """Return the distance of every cell's centre from that of the domain, shape grid.shape."""
    away = [grid.centres(axis) - 0.5 for axis in range(grid.dimension)]
    squares = sum(one**2 for one in np.meshgrid(*away, indexing="ij"))
    distance: Array = np.sqrt(squares)
    return distance
