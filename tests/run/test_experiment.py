"""The memory budget holds for images: before they are read, and before they become columns."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from peak_memory import memory_below
from PIL import Image

from refms.data.dataset import Dataset
from refms.errors import FileError, InputError
from refms.run.config import Configuration
from refms.run.experiment import dataset_of, experiment_of, part_of

MEMORY = 2**24


def configured(**data):
    sections = {"optimization": {"memory": MEMORY}, "network": {"channels": 1, "layers": 1}}
    return Configuration.from_dict({**sections, "data": data})


def test_a_small_file_of_many_images_is_refused_before_it_is_unpacked(tmp_path):
    """16 MiB of images in 16 kB: with the copies of a split they would exceed the budget of 16 MiB."""
    head = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (2**14, 32, 32))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + bytes(MEMORY)))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(b"")
    says = f"declares {MEMORY} bytes .* the limit is {MEMORY // 2}"
    with memory_below(2**20), pytest.raises(FileError, match=says):
        dataset_of(configured(dataset="idx:."), str(tmp_path))


def test_images_whose_columns_would_exceed_the_budget_are_refused():
    """1,000 images of 32 x 32 bytes fit, but as float32 they need five sixths of 4 MiB; 10,000 do not fit."""
    few, many = (
        Dataset(np.ones((m, 1, 32, 32), "uint8"), np.arange(m) % 2, 2, "ones", 1.0) for m in (1000, 10_000)
    )
    assert experiment_of(configured(), few).examples.count == 833
    with pytest.raises(InputError, match=f"8333 images .* the memory budget is {MEMORY}; take fewer"):
        experiment_of(configured(), many)
    assert experiment_of(configured(train=1000, validation=10), many).examples.count == 1000
    assert experiment_of(configured(size=8), many).examples.count == 8333


def test_classes_keep_the_numbers_of_the_training_where_they_have_names(tmp_path):
    """A list without one of the classes would number the others anew."""
    rng = np.random.default_rng(0)
    names = ("ant", "bee", "cat")
    for i, array in enumerate(rng.integers(0, 256, (3, 4, 4), dtype="uint8")):
        Image.fromarray(array).save(tmp_path / f"{i}.png")
    lines = [f"{i}.png,{name}" for i, name in enumerate(names)]
    for name, chosen in (("all", lines), ("two", lines[1:]), ("more", [*lines, "0.png,dog"])):
        (tmp_path / f"{name}.csv").write_text("\n".join(chosen))
    configuration = configured(dataset="csv:all.csv?channels=none")
    model = experiment_of(configuration, dataset_of(configuration, str(tmp_path))).model
    found = part_of(model, "all", "csv:two.csv?channels=none", str(tmp_path))
    assert (found.labels.tolist(), found.classes) == ([1, 2], 3)
    with pytest.raises(InputError, match="'dog'"):
        part_of(model, "all", "csv:more.csv?channels=none", str(tmp_path))


def test_images_of_some_of_the_classes_are_evaluated(tmp_path):
    images, labels = np.zeros((6, 4, 4)), np.arange(6) % 3
    np.savez(
        tmp_path / "own.npz", images=images, labels=labels, test_images=images[:2], test_labels=labels[:2]
    )
    configuration = configured(dataset="npz:own.npz?channels=none")
    model = experiment_of(configuration, dataset_of(configuration, str(tmp_path))).model
    found = part_of(model, "test", folder=str(tmp_path))
    assert (found.labels.tolist(), found.classes) == ([0, 1], 3)
    assert model.examples(found).targets.shape == (3, 2)
