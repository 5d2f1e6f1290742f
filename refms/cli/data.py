"""``refms data``: what a training would read."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from refms.cli.files import claim, write_json, write_text
from refms.cli.options import DATASETS_IN_WORDS, Commands, add_command, add_options
from refms.errors import escaped, require_choice
from refms.names import PICTURE_FORMATS

if TYPE_CHECKING:
    from refms.data import Description

MOST_CLASSES = 40
"""Classes that are printed of more."""


def register(commands: Commands) -> None:
    """Add ``data`` to the command line."""
    command = add_command(commands, "data", "refms data digits -o digits.png", run)
    command.add_argument(
        "name",
        metavar="NAME",
        help=f"{DATASETS_IN_WORDS}; or a file .csv or .npz, or a folder of pictures or IDX files, alone",
    )
    add_options(command, "--data-dir")
    command.add_argument(
        "--part", choices=("train", "test"), default="train", help="of a data set from files (default: train)"
    )
    command.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="draw the first images: .png, .svg or .pdf (needs matplotlib: pip install 'refms[plot]')",
    )


def run(options: argparse.Namespace) -> int:
    """Read, print and draw; return 0."""
    from dataclasses import asdict

    from refms.data import describe_dataset, read_dataset
    from refms.data.by_name import dataset_name

    kind = ""
    if options.output is not None:
        kind = require_choice(Path(options.output).suffix[1:], PICTURE_FORMATS, "ending of the file")
        import refms.plots  # says before any work where matplotlib is missing

        claim(options, options.output)
    name = dataset_name(options.name, options.data_dir)
    dataset = read_dataset(name, options.data_dir, options.part)
    found = describe_dataset(dataset)
    print("\n".join(escaped(line) for line in _lines(found)))
    if kind:
        content = refms.plots.figure_bytes(refms.plots.images_figure(dataset), kind)
        write_text(options.output, content, force=options.force)
        print(options.output)
    write_json(options.json, {"dataset": name, "part": options.part, **asdict(found)})
    return 0


def _lines(found: Description) -> Iterator[str]:
    """Yield what is printed."""
    from refms.data.fitting import as_words
    from refms.grid import Grid

    def cells(shape: tuple[int, ...]) -> str:
        return as_words(Grid(shape))

    channels = "1 channel" if found.channels == 1 else f"{found.channels} channels"
    yield f"{found.name}: {found.count} images of {cells(found.grid)} cells, {channels}"
    yield (
        f"values: {found.dtype} from {found.smallest:g} to {found.largest:g}, divided by "
        f"{found.max_value:g}: [0, {found.max_value:g}] becomes [0, 1]"
    )
    if not found.classes:
        yield "classes: none: images for refms reconstruct, not for refms train"
    else:
        yield f"classes: {found.classes}, of which {len(found.class_counts)} have images"
    for label, count in list(found.class_counts.items())[:MOST_CLASSES]:
        yield f"  {label}: {count}"
    if len(found.class_counts) > MOST_CLASSES:
        yield f"  and {len(found.class_counts) - MOST_CLASSES} more, which --json lists"
    for one in found.halvings:
        ways = f"--pad to {cells(one.pad)}" + (f" or --crop to {cells(one.crop)}" if one.crop else "")
        yield f"halved {one.times}×: {cells(one.size) if one.size else f'not possible; {ways} first'}"
