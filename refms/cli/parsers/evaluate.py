"""``refms evaluate``: accuracy and loss of a model on a data set."""

from __future__ import annotations

from refms.cli.parsers.common import Commands, add_command, add_data_options

PARTS = ("validation", "train", "test", "all")


def register(commands: Commands) -> None:
    """Add ``evaluate`` to the command line."""
    command = add_command(
        commands,
        "evaluate",
        "Print accuracy and loss of a model on a data set at the model's resolution.",
        "refms evaluate fine.h5 --dataset digits --size 8",
        runs="refms.cli.evaluate:run",
    )
    command.add_argument("model", metavar="MODEL", help="file written by refms train or refms transfer")
    add_data_options(command)
    command.add_argument("--size", type=int, help="resolution at which to evaluate; must be the model's")
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
