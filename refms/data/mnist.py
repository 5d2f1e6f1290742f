"""MNIST: 60,000 + 10,000 handwritten digits of 28×28 cells, from the four original files."""

from __future__ import annotations

import os
from pathlib import Path

from refms.data.dataset import Dataset
from refms.data.idx_dataset import possible_paths, read_labelled_images
from refms.data.location import dataset_folder
from refms.errors import FileError, require_choice

_STEMS = {"train": "train", "test": "t10k"}
_HELP = (
    "The four files train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and "
    "t10k-labels-idx1-ubyte.gz are published by Y. LeCun, C. Cortes and C. Burges as the MNIST database "
    "(https://ossci-datasets.s3.amazonaws.com/mnist/ carries them); put them, as they are or unpacked, into "
    "one folder."
)


def load_mnist(folder: str | os.PathLike[str] | None = None, part: str = "train") -> Dataset:
    """Return one part of MNIST, or of ten classes in its format.

    Parameters
    ----------
    folder : str, path or None
        Folder with the four files, gzip or plain, or the folder around its ``mnist/``; None takes the folder
        that the environment variable ``REFMS_DATA`` names.
    part : str
        ``"train"`` (60,000 images) or ``"test"`` (10,000).

    Returns
    -------
    Dataset
        Images uint8 0 to 255 of shape (m, 1, 28, 28), row first; labels 0 to 9.

    Raises
    ------
    FileError
        If a file is missing or damaged, if there are not as many labels as images, or a label is above 9.
    InputError
        If ``part`` is another word.
    """
    require_choice(part, _STEMS, "part of the data set")
    home = dataset_folder("mnist", folder, help_text=_HELP)
    image_path = _find(home, f"{_STEMS[part]}-images", "idx3-ubyte")
    label_path = _find(home, f"{_STEMS[part]}-labels", "idx1-ubyte")
    images, labels = read_labelled_images(image_path, label_path)
    if labels.max() > 9:
        raise FileError(f"{str(label_path)!r} holds the label {labels.max()}; expected 0 to 9.")
    return Dataset(images[:, None], labels, classes=10, name=f"mnist {part}", max_value=255.0)


def _find(home: Path, stem: str, kind: str) -> Path:
    paths = possible_paths(home, stem, kind)
    found = [path for path in paths if path.is_file()]
    if not found:
        raise FileError(f"{str(home)!r} holds no {paths[0].name} (nor the unpacked {paths[1].name}). {_HELP}")
    return found[0]
