"""Images of an epoch: mirrored with probability ½, shifted by whole cells, the same for the same seed."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from refms.data.augmentation import Augmentation, augment
from refms.data.dataset import Dataset
from refms.errors import InputError


def images(m=400, shape=(3, 4), channels=2):
    values = np.arange(channels * np.prod(shape), dtype=np.uint8).reshape(1, channels, *shape)
    return Dataset(np.repeat(values, m, axis=0), np.arange(m) % 3, 3, "ramps", 255.0)


def moved(image, shifts, mirror):
    """One image by NumPy's own padding and slicing."""
    image = image[..., ::-1] if mirror else image
    s = max(abs(one) for one in shifts)
    wide = np.pad(image, [(0, 0), *[(s, s)] * len(shifts)], mode="edge")
    # the mirror image of a shifted image is the shifted mirror image, the other way
    steps = [*shifts[:-1], -shifts[-1] if mirror else shifts[-1]]
    cut = [slice(s + a, s + a + n) for a, n in zip(steps, image.shape[1:], strict=True)]
    return wide[(slice(None), *cut)]


def test_every_image_is_one_of_the_crops_and_all_of_them_come_equally_often():
    data = images(3000)
    found = augment(data, Augmentation(flip=True, shift_cells=1), 5, 1).images
    crops = [
        moved(data.images[0], shifts, mirror).tobytes()
        for shifts in itertools.product((-1, 0, 1), repeat=2)
        for mirror in (False, True)
    ]
    counts = [sum(image.tobytes() == crop for image in found) for crop in crops]
    assert sum(counts) == 3000
    assert abs(np.array(counts) - 3000 / 18).max() < 5 * np.sqrt(3000 / 18)


def test_channels_move_together_and_labels_stay():
    data = images()
    made = augment(data, Augmentation(flip=True, shift_cells=2), 0, 3)
    np.testing.assert_array_equal(made.images[:, 1] - made.images[:, 0], 12)
    assert made.images.dtype == np.uint8
    np.testing.assert_array_equal(made.labels, data.labels)


def test_seed_and_epoch_name_the_draws():
    data, wanted = images(), Augmentation(shift_cells=1)
    first, again, later, other = (
        augment(data, wanted, *draw).images for draw in ((1, 1), (1, 1), (1, 2), (2, 1))
    )
    np.testing.assert_array_equal(first, again)
    assert (first != later).any()
    assert (first != other).any()


@pytest.mark.parametrize("shape", [(7,), (2, 3, 4)])
def test_other_dimensions_are_mirrored_along_their_last_axis(shape):
    data = images(60, shape)
    turned = [
        np.array_equal(image, data.images[0][..., ::-1])
        for image in augment(data, Augmentation(flip=True), 0, 1).images
    ]
    same = [
        np.array_equal(image, data.images[0]) for image in augment(data, Augmentation(flip=True), 0, 1).images
    ]
    assert sum(turned) + sum(same) == 60
    assert 15 < sum(turned) < 45


def test_nothing_asked_for_is_nothing_done_and_pairs_are_refused():
    data = images(3)
    assert augment(data, Augmentation(), 0, 1) is data
    with pytest.raises(InputError, match="image pairs"):
        augment(replace(data, targets=data.images), Augmentation(flip=True), 0, 1)
    with pytest.raises(InputError, match="shift_cells"):
        Augmentation(shift_cells=-1)
