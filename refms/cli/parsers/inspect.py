"""``refms inspect``: spectra, conjugate gradients and model quality where a model stands."""

from __future__ import annotations

from refms.cli.parsers.common import Commands, add_command, add_data_options
from refms.names import BLOCK_NAMES


def register(commands: Commands) -> None:
    """Add ``inspect`` to the command line."""
    command = add_command(
        commands,
        "inspect",
        "Write spectra of a model's Gauss-Newton matrix and Hessian, CG residuals and model quality.",
        "refms inspect coarse.h5 --block propagation --examples 50 -o inspection",
        runs="refms.cli.inspect:run",
    )
    command.add_argument("model", metavar="MODEL", help="file written by refms train or refms transfer")
    command.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="folder for inspect.json and inspect.h5"
    )
    add_data_options(command)
    command.add_argument("--size", type=int, help="resolution of the images; must be the model's")
    command.add_argument(
        "--examples",
        type=int,
        default=200,
        metavar="N",
        help="first N images of the training part (default: 200); time grows with them",
    )
    command.add_argument(
        "--block",
        action="append",
        choices=BLOCK_NAMES,
        help="look at this block; may be given more than once (default: all three)",
    )
    command.add_argument(
        "--eigenvalues", type=int, default=4, metavar="K", help="eigenvalues at each end (default: 4)"
    )
    command.add_argument(
        "--steps", type=int, default=32, metavar="K", help="products a probe for a density (default: 32)"
    )
    command.add_argument(
        "--probes", type=int, default=4, metavar="K", help="random probes of a density (default: 4)"
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the probes (default: 0)")
    command.add_argument("--force", action="store_true", help="replace an earlier inspection in OUT")
