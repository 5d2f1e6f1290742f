"""``refms transfer``: a trained model on another mesh or with more layers, without training."""

from __future__ import annotations

import argparse

from refms.artifacts.model_file import load_model, save_model
from refms.cli.options import Commands, add_command, write_json
from refms.errors import InputError
from refms.grid import Grid
from refms.multiscale.depth import to_depth
from refms.multiscale.resolution import STENCIL_RULES, transfer
from refms.operators.transfer import TRANSFER_PAIRS


def register(commands: Commands) -> None:
    """Add ``transfer`` to the command line."""
    command = add_command(
        commands,
        "transfer",
        "Prolong or restrict a trained model to another resolution or depth, without training.",
        "refms transfer coarse.h5 --to 8 --pair averaging-bilinear -o fine.h5",
    )
    command.add_argument("model", metavar="MODEL", help="file written by refms train or refms transfer")
    command.add_argument("--to", type=int, metavar="SIZE", help="cells along each axis of the new mesh")
    command.add_argument(
        "--pair",
        default="averaging-bilinear",
        metavar="PAIR",
        help=f"transfer pair: {', '.join(p.name for p in TRANSFER_PAIRS)}",
    )
    command.add_argument(
        "--stencils",
        choices=STENCIL_RULES,
        default="galerkin",
        help="galerkin: K_H = R K_h P; keep: unchanged stencils, the baseline",
    )
    command.add_argument(
        "--least-squares", action="store_true", help="allow it where the stencil map is singular"
    )
    command.add_argument("--depth", type=int, metavar="N", help="number of layers to interpolate to in time")
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="file for the new model")
    command.add_argument("--force", action="store_true", help="replace OUT if it exists")
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Transfer and write; return 0."""
    if options.to is None and options.depth is None:
        raise InputError("nothing to do; give --to SIZE, --depth N, or both.")
    model = load_model(options.model)
    if options.to is not None:
        grid = Grid((options.to,) * model.grid.dimension)
        model = transfer(model, grid, options.pair, options.stencils, options.least_squares)
    if options.depth is not None:
        model = to_depth(model, options.depth)
    save_model(options.output, model, overwrite=options.force)
    print(
        f"{options.output}: grid {model.grid.shape}, {model.network.layers} layers, stencils "
        f"{'x'.join(map(str, model.network.stencil_shape))}, largest entry {abs(model.stencils).max():.3g}"
    )
    write_json(
        options.json,
        {
            "model": options.output,
            "from": options.model,
            "grid": list(model.grid.shape),
            "layers": model.network.layers,
            "pair": options.pair,
            "stencils": options.stencils,
        },
    )
    return 0
