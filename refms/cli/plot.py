"""``refms plot``: pictures of models, results and operators, as files and as one HTML page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refms.cli.files import claim, claim_folder, write_json, write_text
from refms.cli.options import Commands, add_command, add_list_option, add_options
from refms.cli.plot_operators import OPERATORS, add_operator_options, draw_operator, refuse_operator_options
from refms.errors import FileError, InputError, presentable, require_choice
from refms.names import PICTURE_FORMATS, SYNTHETIC_IMAGES

if TYPE_CHECKING:
    from refms.errors import Array
    from refms.model import Model
    from refms.plots import Restored

_HDF5 = b"\x89HDF"

Drawn = tuple[dict[str, Any], Callable[[Mapping[str, Any]], str]]
"""Figures by name, and what makes a page of some of them."""


def register(commands: Commands) -> None:
    """Add ``plot`` to the command line."""
    command = add_command(commands, "plot", "refms plot coarse.h5 fine.h5 --html report.html", run)
    command.add_argument(
        "files",
        nargs="+",
        metavar="RUN",
        help=f"model files, drawn together, one JSON result, or {', '.join(OPERATORS)}: see below",
    )
    command.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="folder for the pictures (default: NAME-plots for the first RUN, none with --html)",
    )
    command.add_argument(
        "--format", choices=PICTURE_FORMATS, default="svg", help="of the pictures (default: svg)"
    )
    command.add_argument("--html", metavar="FILE", help="also write one page with tables and all pictures")
    add_list_option(command, "--only", "NAME,…", "these pictures alone, such as history,weights")
    command.add_argument(
        "--image",
        metavar="N",
        help="whose activations: the N-th image of the validation part, or delta or disk, which need no data "
        "(default: the first one, where the data are at hand)",
    )
    add_list_option(
        command, "--channels", "K,…", "channels of the classification weights (default: their mean)"
    )
    add_options(command, "--dataset", "--data-dir")
    command.add_argument("--force", action="store_true", help="replace pictures and page that exist")
    add_operator_options(command)


def run(options: argparse.Namespace) -> int:
    """Draw and write; return 0."""
    import refms.plots  # noqa: F401  says before any work where matplotlib is missing

    if options.html is not None:
        claim(options, options.html)
    folder = _folder(options)
    if options.files[0] in OPERATORS:
        figures, as_page = draw_operator(options)
    else:
        figures, as_page = _of_runs(options)
    if options.only is not None:
        figures = {require_choice(name, figures, "picture"): figures[name] for name in options.only}
    written = [] if folder is None else _write_pictures(folder, figures, options)
    if options.html is not None:
        write_text(options.html, as_page(figures), force=options.force)
        written.append(options.html)
    print("\n".join(written))
    write_json(options.json, {"runs": options.files, "figures": list(figures), "files": written})
    return 0


def _of_runs(options: argparse.Namespace) -> Drawn:
    refuse_operator_options(options)
    for path in options.files:
        if Path(path).suffix in (".npy", ".npz", ".mtx"):
            raise InputError(
                f"{path!r} is drawn as a matrix or a symbol: refms plot matrix {path}, for example."
            )
    models = [is_model(path) for path in options.files]
    if all(models):
        return _of_models(options)
    if len(models) == 1:
        return _of_result(options.files[0])
    raise InputError(
        f"{len(models)} files were given, not all of them models; models are drawn together, each result "
        "alone."
    )


def _of_models(options: argparse.Namespace) -> Drawn:
    from refms.model_file import load_model
    from refms.plots import model_figures
    from refms.plots.report import model_page
    from refms.run.experiment import restores_images

    models = {short_name(path, options.files): load_model(path) for path in options.files}
    if len(models) < len(options.files):
        raise InputError("a model was given twice; give each of them once.")
    readers = {key: model for key, model in models.items() if not restores_images(model)}
    if options.image and not readers:
        raise InputError(
            "--image chooses whose activations are drawn, and no model here classifies; leave it out."
        )
    pictures = _restored({key: one for key, one in models.items() if key not in readers}, options)
    figures = model_figures(models, _images(readers, options), _channels(options.channels), pictures)
    return figures, lambda chosen: model_page(models, chosen)


def _of_result(path: str) -> Drawn:
    from refms.plots import RESULT_FIGURES
    from refms.plots.report import result_page
    from refms.plots.results import read_result

    result = read_result(path)
    try:
        figures = RESULT_FIGURES[result["kind"]](result)
    except InputError as error:
        raise FileError(f"{path!r}: {error}") from error
    return figures, lambda chosen: result_page(Path(path).name, result, chosen)


def _images(models: Mapping[str, Model], options: argparse.Namespace) -> dict[str, Array]:
    """Return the image whose activations are drawn, as each model wants it; none where there are no data."""
    import numpy as np

    from refms.data.dataset import subset
    from refms.plots.activations import synthetic_image
    from refms.run.experiment import part_of

    if options.image in SYNTHETIC_IMAGES:
        return {key: synthetic_image(options.image, model) for key, model in models.items()}
    place = options.image or "0"
    if not _is_place(place):
        others = " or ".join(SYNTHETIC_IMAGES)
        raise InputError(f"--image is {presentable(place, 40)!r}; expected a number 0, 1, … or {others}.")
    images = {}
    for key, model in models.items():
        try:
            dataset = part_of(model, "validation", options.dataset, options.data_dir)
            if int(place) >= dataset.count:
                raise InputError(f"--image is {place}; expected 0 to {dataset.count - 1}.")
            images[key] = model.prepare(subset(dataset, np.array([int(place)])), interpolate=True)
        except InputError as error:
            if options.image:
                raise
            print(f"refms: no activations of {key}: {error} --image disk needs no data.", file=sys.stderr)
    return images


def _is_place(word: str) -> bool:
    """Return whether a word is a number 0, 1, … that a file may have as many things of."""
    return word.isdecimal() and len(word) < 20


def _channels(given: Sequence[str] | None) -> list[int]:
    words = given or ()
    if not all(map(_is_place, words)):
        raise InputError(f"--channels is {presentable(','.join(words), 40)!r}; expected numbers such as 0,2.")
    return [int(word) for word in words]


def _restored(models: Mapping[str, Model], options: argparse.Namespace) -> dict[str, Restored]:
    """Return what models make of validation images, where the data are at hand."""
    from refms.plots import Restored
    from refms.run.image_experiment import experiment_of_model
    from refms.run.image_score import restore

    found = {}
    for key, model in models.items():
        try:
            experiment, level = experiment_of_model(model, "validation", options.dataset, options.data_dir)
        except InputError as error:
            print(f"refms: no restored images of {key}: {error}", file=sys.stderr)
            continue
        theta = model.architecture.arrays.pack(model.arrays)
        images = restore(experiment.problem, theta, experiment.validation_draw, level)
        found[key] = Restored(model.grid, *images)
    return found


def is_model(path: str) -> bool:
    """Return whether a file begins as model files do."""
    from refms.io.files import first_bytes

    return first_bytes(path, len(_HDF5)) == _HDF5


def short_name(path: str, paths: list[str]) -> str:
    """Return a short name of a model: its file's stem, or the path where two have the same stem."""
    stem = Path(path).stem
    alone = sum(Path(other).stem == stem for other in paths) == 1
    return stem if alone else str(Path(path).with_suffix("")).replace("/", "-")


def _folder(options: argparse.Namespace) -> Path | None:
    """Claim the folder of the pictures, if there are to be any."""
    if options.output is None and options.html is not None:
        return None
    path = options.output or f"{Path(options.files[0]).stem}-plots"
    return claim_folder(options, path, "pictures")


def _write_pictures(folder: Path, figures: Mapping[str, Any], options: argparse.Namespace) -> list[str]:
    """Write one file a figure; none if one of them exists and may not be replaced."""
    from refms.plots import figure_bytes

    targets = {name: folder / f"{name}.{options.format}" for name in figures}
    for target in targets.values():
        if target.exists() and not options.force:
            raise FileError(f"{str(target)!r} exists; choose another folder, or --force to replace it.")
    contents = {target: figure_bytes(figures[name], options.format) for name, target in targets.items()}
    for target, content in contents.items():
        write_text(target, content, force=options.force)
    return [str(target) for target in targets.values()]
