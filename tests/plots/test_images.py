"""The first images of a data set, as they are."""

from __future__ import annotations

import numpy as np

from refms.data import Dataset
from refms.plots.images import MOST_IMAGES, images_figure


def drawn(dataset):
    return [axes for axes in images_figure(dataset).axes if axes.get_images()]


def test_the_first_images_are_drawn_over_their_scale_with_their_classes():
    images = np.random.default_rng(0).integers(0, 256, (MOST_IMAGES + 3, 3, 4, 6), dtype="uint8")
    labels = np.arange(len(images)) % 2
    axes = drawn(Dataset(images, labels, 2, "own", 200.0, class_names=("cat", "dog")))
    assert len(axes) == MOST_IMAGES
    for one, values, label in zip(axes, images, labels, strict=False):
        shown = one.get_images()[0].get_array()
        np.testing.assert_array_equal(shown, np.minimum(np.moveaxis(values, 0, 2) / 200.0, 1.0))
        assert one.get_title() == ("cat", "dog")[label]


def test_any_number_of_axes_is_drawn():
    for shape in ((5,), (4, 6), (3, 4, 5)):
        assert len(drawn(Dataset(np.ones((7, 1, *shape)), None, 0, "own", 1.0))) == 7
