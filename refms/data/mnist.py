"""MNIST: 60,000 + 10,000 handwritten digits of 28×28 cells, from the four original files."""

from __future__ import annotations

import os

from refms.data.dataset import Dataset
from refms.data.idx_dataset import note_scale, read_part
from refms.data.location import dataset_folder
from refms.errors import FileError, require_choice

_HELP = (
    "The four files train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and "
    "t10k-labels-idx1-ubyte.gz are published by Y. LeCun, C. Cortes and C. Burges as the MNIST database "
    "(https://ossci-datasets.s3.amazonaws.com/mnist/ carries them); put them, as they are or unpacked, into "
    "one folder."
)


def load_mnist(
    folder: str | os.PathLike[str] | None = None, part: str = "train", *, max_bytes: int = 2**31
) -> Dataset:
    """Return one part of MNIST, or of ten classes in its format.

    Parameters
    ----------
    folder : str, path or None
        Folder with the four files, gzip or plain, or the folder around its ``mnist/``; None takes the folder
        that the environment variable ``REFMS_DATA`` names.
    part : str
        ``"train"`` (60,000 images) or ``"test"`` (10,000).
    max_bytes : int
        Largest array to accept, in bytes.

    Returns
    -------
    Dataset
        Images uint8 0 to 255 of shape (m, 1, 28, 28), row first; labels 0 to 9.

    Raises
    ------
    FileError
        If a file is missing or damaged, a packed and a plain one differ, there are not as many labels as
        images, or a label is above 9.
    InputError
        If ``part`` is another word.

    Warns
    -----
    InputWarning
        If no image reaches half of 255.
    """
    require_choice(part, ("train", "test"), "part of the data set")
    home, name = dataset_folder("mnist", folder, help_text=_HELP), f"mnist {part}"
    images, labels = read_part(home, part, _HELP, (2,), max_bytes=max_bytes)
    if labels.max() > 9:
        raise FileError(f"{str(home)!r} holds the label {labels.max()} of {name!r}; expected 0 to 9.")
    note_scale(images, name)
    return Dataset(images[:, None], labels, classes=10, name=name, max_value=255.0)
