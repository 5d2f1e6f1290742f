"""Patches of the embedded photographs, and images as columns in [-1, 1]."""

from __future__ import annotations

import numpy as np
import pytest

from refms.data import Dataset, clean_images, load_photographs, read_dataset
from refms.errors import InputError, InputWarning
from refms.grid import Grid, nchw_from_columns


def test_test_patches_lie_apart_from_training_patches():
    train, test = read_dataset("photographs"), read_dataset("photographs", part="test")
    assert train.images.shape == (336, 3, 64, 64)
    assert test.images.shape == (24, 3, 64, 64)
    rows = {bytes(image[:, 0].tobytes()) for image in train.images}
    assert not any(image[:, row].tobytes() in rows for image in test.images for row in range(64))


def test_columns_are_scaled_and_restricted_by_means():
    data = load_photographs("test")
    fine, coarse = clean_images(data), clean_images(data, Grid((16, 16)))
    images = nchw_from_columns(fine, Grid((64, 64)))
    assert np.allclose(images, data.images / 127.5 - 1, rtol=0, atol=1e-15)
    means = images.reshape(24, 3, 16, 4, 16, 4).mean(axis=(3, 5))
    assert np.allclose(nchw_from_columns(coarse, Grid((16, 16))), means, rtol=0, atol=1e-14)


def test_images_without_anything_in_them_deserve_a_note():
    black = Dataset(np.zeros((3, 1, 4, 4)), None, 0, "black", max_value=1.0)
    with pytest.warns(InputWarning, match="every value of the 3 images of 'black' is 0"):
        assert (clean_images(black) == -1).all()


def test_finer_meshes_and_other_ranges_are_refused():
    images = np.full((1, 1, 4, 4), 2.0)
    with pytest.raises(InputError, match="max_value"):
        clean_images(Dataset(images, None, 0, "bright", max_value=1.0))
    data = Dataset(images, None, 0, "right", max_value=2.0)
    for grid in (Grid((8, 8)), Grid((3, 3))):
        with pytest.raises(InputError):
            clean_images(data, grid)
