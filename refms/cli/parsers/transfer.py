"""``refms transfer``: a trained model on another mesh or with more layers, without training."""

from __future__ import annotations

from refms.cli.parsers.common import Commands, add_command, add_data_options
from refms.names import SMOOTHING_RULES, STENCIL_RULES, WEIGHT_RULES


def register(commands: Commands) -> None:
    """Add ``transfer`` to the command line."""
    command = add_command(
        commands,
        "transfer",
        "Prolong or restrict a trained model to another resolution or depth, without training.",
        "refms transfer coarse.h5 --to 8 --pair averaging-bilinear -o fine.h5",
        runs="refms.cli.transfer:run",
    )
    command.add_argument("model", metavar="MODEL", help="file written by refms train or refms transfer")
    command.add_argument("--to", type=int, metavar="SIZE", help="cells along each axis of the new mesh")
    command.add_argument(
        "--pair",
        default="averaging-bilinear",
        metavar="PAIR",
        help="transfer pair (default: averaging-bilinear; a name that is none is answered with all of them)",
    )
    command.add_argument(
        "--stencils",
        choices=STENCIL_RULES,
        default="galerkin",
        help="galerkin: K_H = R K_h P; keep: unchanged stencils, the baseline",
    )
    command.add_argument(
        "--weights",
        choices=WEIGHT_RULES,
        default="pair",
        help="pair: classification weights by P and R, as images; adjoint: so that h^d<w, y> is conserved",
    )
    command.add_argument(
        "--smoothing",
        choices=SMOOTHING_RULES,
        default="keep",
        help="of the new model's images; keep: as it was; matched: with the variance of R and P more (less "
        "downwards); agreeing: where the logits of training images are closest to the old model's",
    )
    add_data_options(command)
    command.add_argument(
        "--least-squares", action="store_true", help="allow it where the stencil map is singular"
    )
    command.add_argument("--depth", type=int, metavar="N", help="number of layers to interpolate to in time")
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="file for the new model")
    command.add_argument("--force", action="store_true", help="replace OUT if it exists")
