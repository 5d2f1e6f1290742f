"""What a data set is said to hold is what counting says."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refms.data import Dataset, describe_dataset


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=3),
    st.lists(st.integers(0, 3), min_size=1, max_size=6),
    st.booleans(),
)
def test_a_description_is_what_counting_says(shape, labels, named):
    images = np.random.default_rng(len(labels)).integers(0, 256, (len(labels), 1, *shape), dtype="uint8")
    names = ("ant", "bee", "cat", "dog") if named else ()
    found = describe_dataset(Dataset(images, np.array(labels), 4, "own", 255.0, class_names=names))
    assert (found.count, found.channels, found.grid, found.dtype) == (len(labels), 1, tuple(shape), "uint8")
    assert (found.smallest, found.largest) == (images.min(), images.max())
    called = names or ("0", "1", "2", "3")
    assert found.class_counts == {called[k]: labels.count(k) for k in range(4) if k in labels}
    for one in found.halvings:
        factor = 2**one.times
        quotients = [n / factor for n in shape]
        assert one.size == (tuple(quotients) if all(q.is_integer() for q in quotients) else None)
        assert (one.pad == found.grid) == (one.crop == found.grid) == (one.size is not None)


def test_images_without_labels_have_no_classes():
    found = describe_dataset(Dataset(np.zeros((2, 3, 4, 4)), None, 0, "own", 1.0))
    assert (found.classes, found.class_counts, found.channels) == (0, {}, 3)
