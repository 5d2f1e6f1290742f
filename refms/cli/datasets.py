"""Data sets by name, for ``refms train`` and ``refms evaluate``."""

from __future__ import annotations

from refms.data.dataset import Dataset, split
from refms.data.digits import load_digits
from refms.data.idx_dataset import load_idx, require_dataset
from refms.data.mnist import load_mnist
from refms.errors import InputError
from refms.model import Model
from refms.names import IDX_PREFIX
from refms.run.config import Configuration, DataSection


def read_dataset(name: str, folder: str | None, part: str = "train") -> Dataset:
    """Return a data set by name.

    Parameters
    ----------
    name : str
        ``"digits"``, ``"mnist"``, or ``"idx:FOLDER"`` for any data set in IDX files.
    folder : str or None
        Where the files lie; the digits need none.
    part : str
        ``"train"`` or ``"test"``, for data sets from files.

    Returns
    -------
    Dataset
        The images.

    Raises
    ------
    InputError
        If the name is unknown, or the data set has no such part.
    FileError
        If its files are missing or damaged.
    """
    require_dataset(name)
    if name == "digits":
        if part == "test":
            raise InputError("the digits have no separate test part; use --part train, validation or all.")
        return load_digits()
    if name == "mnist":
        return load_mnist(folder, part)
    return load_idx(name.removeprefix(IDX_PREFIX), folder, part)


def training_part(model: Model, name: str | None, folder: str | None) -> Dataset:
    """Return the images with which a model was trained.

    Parameters
    ----------
    model : Model
        Its record says which they were.
    name, folder : str or None
        Another data set, and where the files lie, see :func:`read_dataset`.

    Returns
    -------
    Dataset
        The training part.
    """
    section = Configuration.from_dict(dict(model.record.get("configuration", {}))).data
    return split_by(section, read_dataset(name or section.dataset, folder))[0]


def split_by(section: DataSection, dataset: Dataset) -> tuple[Dataset, Dataset]:
    """Return the training and the validation part that a configuration asks for.

    Parameters
    ----------
    section : DataSection
        Sizes (0 takes five sixths and the rest, as 50,000 and 10,000 of 60,000) and seed.
    dataset : Dataset
        What to split.

    Returns
    -------
    tuple of Dataset
        Training and validation.

    Raises
    ------
    InputError
        If there are not so many examples.
    """
    train = section.train or dataset.count * 5 // 6
    try:
        return split(dataset, train, section.validation or dataset.count - train, section.split_seed)
    except InputError as error:
        raise InputError(
            f"[data] train is {section.train}, validation is {section.validation}: {error}"
        ) from error
