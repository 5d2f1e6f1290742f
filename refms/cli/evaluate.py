"""``refms evaluate``: accuracy and loss of a model on a data set."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from refms.cli.datasets import read_dataset, split_by
from refms.cli.files import write_json
from refms.data.dataset import Dataset, one_hot
from refms.errors import InputError
from refms.io.model_file import load_model
from refms.model import Model, score
from refms.run.config import Configuration


def run(options: argparse.Namespace) -> int:
    """Evaluate and print; return 0."""
    model = load_model(options.model)
    require_size(model, options)
    if options.smoothing is not None:
        steps = dataclasses.replace(model.preprocessing, smoothing=options.smoothing)
        model = dataclasses.replace(model, preprocessing=steps)
    dataset = chosen_part(model, options)
    if dataset.classes != model.mu.shape[0]:
        raise InputError(f"{dataset.name!r} has {dataset.classes} classes, the model {model.mu.shape[0]}.")
    labels = one_hot(dataset.labels, dataset.classes, str(model.W.dtype))
    found = score(model, model.prepare(dataset, options.interpolate), labels)
    print(
        f"{options.model}: grid {model.grid.shape}, {options.part} part of {dataset.name}, "
        f"{found.examples} images: accuracy {found.accuracy:.4f}, loss {found.loss:.4f}"
    )
    write_json(
        options.json,
        {
            "model": options.model,
            "grid": list(model.grid.shape),
            "dataset": dataset.name,
            "part": options.part,
            "smoothing": model.preprocessing.smoothing,
            "interpolated": model.grid.levels_to(dataset.grid) < 0,
            **dataclasses.asdict(found),
        },
    )
    return 0


def require_size(model: Model, options: argparse.Namespace) -> None:
    """Refuse a resolution that is not the model's.

    Parameters
    ----------
    model : Model
        The model.
    options : argparse.Namespace
        ``model``, its file, and ``size``, or None for the model's own.

    Raises
    ------
    InputError
        With the command that moves the model.
    """
    if options.size is not None and any(n != options.size for n in model.grid.shape):
        raise InputError(
            f"{options.model!r} lives on grid {model.grid.shape}, not on size {options.size}. Move it there "
            f"first: refms transfer {options.model} --to {options.size} -o OUT."
        )


def chosen_part(model: Model, options: argparse.Namespace) -> Dataset:
    """Return the images to evaluate on.

    Parameters
    ----------
    model : Model
        Its record says how its training split the data.
    options : argparse.Namespace
        ``dataset``, ``data_dir`` and ``part``.

    Returns
    -------
    Dataset
        The chosen part.
    """
    stored: Any = model.record.get("configuration", {})
    section = Configuration.from_dict(stored).data
    name = options.dataset or section.dataset
    dataset = read_dataset(name, options.data_dir, "test" if options.part == "test" else "train")
    if options.part in ("test", "all"):
        return dataset
    return split_by(section, dataset)[0 if options.part == "train" else 1]
