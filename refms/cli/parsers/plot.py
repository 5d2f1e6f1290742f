"""``refms plot``: pictures of models and of results."""

from __future__ import annotations

from refms.cli.parsers.common import Commands, add_command, add_data_options
from refms.names import PICTURE_FORMATS


def register(commands: Commands) -> None:
    """Add ``plot`` to the command line."""
    command = add_command(
        commands,
        "plot",
        "Draw models (history, stencils, weights, activations) or a JSON result of refms compare, study or "
        "inspect (needs matplotlib: pip install 'refms[plot]').",
        "refms plot coarse.h5 fine.h5 --html report.html",
        runs="refms.cli.plot:run",
    )
    command.add_argument(
        "files", nargs="+", metavar="RUN", help="model files, drawn together, or one JSON result"
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
    command.add_argument("--only", metavar="NAME,…", help="these pictures alone, such as history,weights")
    command.add_argument(
        "--image",
        default="",
        metavar="N",
        help="whose activations: the N-th image of the validation part, or delta or disk, which need no data "
        "(default: the first one, where the data are at hand)",
    )
    command.add_argument(
        "--channels", metavar="K,…", help="channels of the classification weights (default: their mean)"
    )
    add_data_options(command)
    command.add_argument("--force", action="store_true", help="replace pictures and page that exist")
    command.set_defaults(part="validation")
