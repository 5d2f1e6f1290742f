"""``refms evaluate``: how well a model classifies or restores the images of a data set."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from refms.cli.files import write_json
from refms.cli.options import Commands, add_command, add_options, cells_in_words, cells_of

if TYPE_CHECKING:
    from refms.model import Model

PARTS = ("validation", "train", "test", "all")


def register(commands: Commands) -> None:
    """Add ``evaluate`` to the command line."""
    command = add_command(commands, "evaluate", "refms evaluate fine.h5 --dataset digits --size 8", run)
    add_options(command, "model", "--dataset", "--data-dir")
    add_size_option(command)
    command.add_argument(
        "--part",
        choices=PARTS,
        default="validation",
        help="which images: the training's own validation or training part, the test part of a data set from "
        "files, or all",
    )
    command.add_argument(
        "--interpolate",
        action="store_true",
        help="prolong images that are coarser than the model by the P of its pre-processing",
    )
    command.add_argument(
        "--smoothing", type=float, help="smooth the images by this instead of as in training"
    )


def run(options: argparse.Namespace) -> int:
    """Evaluate and print; return 0."""
    from dataclasses import asdict, replace

    from refms.model import score
    from refms.model_file import load_model
    from refms.run.experiment import examples_of, part_of, restores_images

    model = load_model(options.model)
    require_size(model, options)
    if restores_images(model):
        return _restore(model, options)
    if options.smoothing is not None:
        steps = replace(model.preprocessing, smoothing=options.smoothing)
        model = replace(model, preprocessing=steps)
    dataset = part_of(model, options.part, options.dataset, options.data_dir)
    examples = examples_of(model, dataset, options.interpolate)
    found = score(model, examples.inputs, examples.targets)
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
            **asdict(found),
        },
    )
    return 0


def _restore(model: Model, options: argparse.Namespace) -> int:
    """Evaluate a model that restores images, and print; return 0."""
    from dataclasses import asdict

    from refms.errors import InputError
    from refms.run.image_experiment import experiment_of_model

    if options.interpolate or options.smoothing is not None:
        raise InputError(
            f"{options.model!r} restores images; --interpolate and --smoothing are for models that classify."
        )
    experiment, level = experiment_of_model(model, options.part, options.dataset, options.data_dir)
    task, data = experiment.configuration.task, experiment.configuration.data
    found = experiment.score(model.architecture.arrays.pack(model.arrays), level)
    ssim = f", SSIM {found.ssim:.4f}" if found.ssim == found.ssim else ""
    apart = ""
    if found.psnr_hidden == found.psnr_hidden:
        apart = f" ({found.psnr_hidden:.2f} dB in holes, {found.psnr_seen:.2f} dB elsewhere)"
    print(
        f"{options.model}: {task.name} on grid {model.grid.shape}, {options.part} part of {data.dataset}, "
        f"{found.examples} images: loss {found.loss:.4f}, PSNR {found.psnr:.2f} dB{apart}{ssim}"
    )
    write_json(
        options.json,
        {
            "model": options.model,
            "grid": list(model.grid.shape),
            "task": task.name,
            "dataset": data.dataset,
            "part": options.part,
            **asdict(found),
        },
    )
    return 0


def add_size_option(command: argparse.ArgumentParser) -> None:
    """Add ``--size``, see :func:`require_size`."""
    command.add_argument(
        "--size",
        type=cells_of,
        metavar="SIZE",
        help="resolution, 8 or 4x8; must be the model's",
    )


def require_size(model: Model, options: argparse.Namespace) -> None:
    """Refuse a ``--size`` that is not the model's, with the command that moves it there, if one does."""
    from refms.errors import InputError
    from refms.run.config.data import grid_of

    if options.size is None:
        return
    wanted, name = grid_of(options.size, model.grid.dimension), options.model
    if wanted == model.grid:
        return
    told = f"{name!r} lives on grid {model.grid.shape}, not on size {cells_in_words(wanted.shape)}."
    try:
        wanted.levels_to(model.grid)
    except InputError:
        raise InputError(
            f"{told} No transfer leads there; expected --size {cells_in_words(model.grid.shape)}."
        ) from None
    raise InputError(
        f"{told} Move it there first: refms transfer {name} --to {cells_in_words(wanted.shape)} -o OUT."
    )
