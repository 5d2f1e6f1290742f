"""Classification weights w_j as images, which is what they are: functions on the mesh, one for each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from refms.errors import Array, InputError
from refms.model import Model
from refms.plots.axes import image_rows, mesh, name

MOST_CLASSES = 20
"""Classes that are drawn of more."""


def weights_figure(models: Mapping[str, Model], channels: Sequence[int] = ()) -> Figure:
    """Return the classification weights of some models on the unit square.

    One row for each model and channel (or their mean), one column for each class j; one colour bar for
    all, symmetric around 0.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> from refms.model import initial_model
    >>> from refms.maps.architectures.residual import Residual
    >>> from refms.objective.reading import Classes
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2), Classes(10))
    >>> len(weights_figure({"coarse": model}).axes)  # ten classes and the colour bar
    11
    """
    rows: list[tuple[str, Array, list[Array]]] = []
    for key, model in models.items():
        for said, images in _images(model, channels):
            rows.append((f"{name(key, 20)}\n{mesh(model)}\n{said}", None, images))
    return image_rows(rows, [f"class {j}" for j in range(MOST_CLASSES)], "weight $w_j$")


def weight_images(model: Model) -> Array:
    """Return W as images (ℓ, c, n_1, …, n_d): class, channel, cell or, with pooling, block of cells."""
    classifier = model.classifier
    W = model.arrays["W"]
    images: Array = W.T.reshape(W.shape[1], model.architecture.channels, *classifier.grid.shape)
    return images


def _images(model: Model, channels: Sequence[int]) -> list[tuple[str, list[Array]]]:
    """Return what each row is called and its images."""
    W = weight_images(model)[:MOST_CLASSES]
    if not channels:
        return [("mean", list(W.mean(axis=1)))]
    for channel in channels:
        if not 0 <= channel < W.shape[1]:
            raise InputError(f"channel is {channel}; expected 0 to {W.shape[1] - 1}.")
    return [(f"channel {channel}", list(W[:, channel])) for channel in channels]
