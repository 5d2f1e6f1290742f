"""Stencils across levels and time: one mosaic of all channel pairs for each model and layer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from refms.errors import Array
from refms.model import Model
from refms.plots.axes import evenly, image, largest, mesh, name, panels, plane, signed_bar
from refms.plots.style import use_style

MOST_LAYERS = 8
"""Layers that are drawn of a deeper network, evenly spread."""

MOST_CHANNELS = 12
"""Channels in and out that are drawn of a wider layer, evenly spread."""

GAP = "#c8c8c8"
"""Colour between the stencils; white is 0."""


@use_style()
def stencils_figure(models: Mapping[str, Model]) -> Figure:
    """Return the stencils of some models, such as one network on several meshes.

    One row for each layer and its time t_k = k δt, down to :data:`MOST_LAYERS`; one colour bar for all,
    symmetric around 0. Of wide layers :data:`MOST_CHANNELS` channels in and out are drawn. Entries are drawn
    as they are: a stencil of a finer mesh is not scaled.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> from refms.model import initial_model
    >>> from refms.maps.architectures.residual import Residual
    >>> from refms.objective.reading import Classes
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2), Classes(10))
    >>> [one.get_ylabel() for one in stencils_figure({"coarse": model}).axes]
    ['layer 0, t = 0', 'layer 1, t = 0.5', 'entry of the stencil']
    """
    stencils = {key: stencils_of(model) for key, model in models.items()}
    chosen = {key: [list(own)[k] for k in evenly(len(own), MOST_LAYERS)] for key, own in stencils.items()}
    rows = max(len(labels) for labels in chosen.values())
    mosaics = {key: [mosaic(stencils[key][one]) for one in labels] for key, labels in chosen.items()}
    limit = largest([one for pieces in mosaics.values() for one in pieces])
    figure, axes = panels(rows, len(models), 2.6, 2.6, images=True)
    for column, (key, model) in zip(axes.T, models.items(), strict=True):
        for one in column[len(chosen[key]) :]:
            one.set_axis_off()
        for one, label, values in zip(column, chosen[key], mosaics[key], strict=False):
            image(one, values, limit, extent=None)
            one.set_facecolor(GAP)
            one.set_ylabel(label)
        column[0].set_title(f"{name(key, 24)}, {mesh(model)}")
        shapes = {stencils[key][one].shape[:2] for one in chosen[key]}
        column[len(chosen[key]) - 1].set_xlabel(_blocks(*map(max, zip(*shapes, strict=True))))
    signed_bar(figure, axes, limit, "entry of the stencil")
    return figure


def _blocks(c_out: int, c_in: int) -> str:
    """Say what stands where in a mosaic, and how many channels of how many."""
    down, across = (f"{MOST_CHANNELS} of {n} " if n > MOST_CHANNELS else "" for n in (c_out, c_in))
    return f"{down}output channels down,\n{across}input channels across"


def stencils_of(model: Model) -> dict[str, Array]:
    """Return the stencils of a model by layer and time, or by name."""
    return {
        layer.name if layer.time is None else f"layer {k}, t = {layer.time:g}": layer.stencil
        for k, layer in enumerate(model.layers)
    }


def mosaic(stencil: Array) -> Array:
    """Return all stencils of a layer as one image, with gaps between them.

    From (c_out, c_in, *stencil) to (c_out·(a + 1) − 1, c_in·(b + 1) − 1) for stencils of a × b entries (a
    = 1 in one dimension, the middle slice in three); NaN in the gaps. Of many channels some are taken.

    Examples
    --------
    >>> mosaic(np.arange(2.0).reshape(1, 2, 1)).tolist()
    [[0.0, nan, 1.0]]
    """
    rows, columns = (evenly(n, MOST_CHANNELS) for n in stencil.shape[:2])
    stencil = stencil[rows][:, columns]
    c_out, c_in = stencil.shape[:2]
    a, b = plane(stencil[0, 0]).shape
    tiles = np.full((c_out, a + 1, c_in, b + 1), np.nan)
    for i in range(c_out):
        for j in range(c_in):
            tiles[i, :a, j, :b] = plane(stencil[i, j])
    return tiles.reshape(c_out * (a + 1), c_in * (b + 1))[:-1, :-1]
