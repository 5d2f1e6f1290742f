"""The first images of a data set."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from refms.data.dataset import Dataset
from refms.plots.axes import image, name, panels, picture
from refms.plots.style import use_style

MOST_IMAGES, COLUMNS = 24, 6


@use_style()
def images_figure(dataset: Dataset) -> Figure:
    """Return the first images, divided by ``max_value`` and cut at 0 and 1, each with its class.

    Examples
    --------
    >>> data = Dataset(np.zeros((8, 1, 4, 4)), np.arange(8), classes=8, name="eight", max_value=1.0)
    >>> [one.get_title() for one in images_figure(data).axes if one.get_images()]
    ['0', '1', '2', '3', '4', '5', '6', '7']
    """
    count = min(dataset.count, MOST_IMAGES)
    figure, axes = panels(-(-count // COLUMNS), min(count, COLUMNS), 1.1, 1.25, images=True)
    for one in axes.flat[count:]:
        one.set_axis_off()
    for j, one in enumerate(axes.flat[:count]):
        unit = np.clip(dataset.images[j].astype("float64") / dataset.max_value, 0.0, 1.0)
        image(one, picture(unit), 1.0, cmap="gray", vmin=0.0, vmax=1.0)
        if dataset.labels is not None:
            k = int(dataset.labels[j])
            one.set_title(name(dataset.class_names[k] if dataset.class_names else k, 14))
    figure.suptitle(name(dataset.name, 60))
    return figure
