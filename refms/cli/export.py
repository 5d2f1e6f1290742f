"""``refms export``: the weights of a model for PyTorch or any program that reads .npz."""

from __future__ import annotations

import argparse

from refms.cli.files import claim, write_json
from refms.cli.import_ import add_map, names_of
from refms.cli.options import Commands, add_command, add_options


def register(commands: Commands) -> None:
    """Add ``export`` to the command line."""
    command = add_command(commands, "export", "refms export coarse.h5 -o weights.npz", run)
    add_options(command, "model")
    add_map(command)
    command.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="file for the weights, .npz or .pt"
    )


def run(options: argparse.Namespace) -> int:
    """Export and print the names; return 0."""
    from refms.errors import escaped
    from refms.exchange.weight_files import require_weight_file, write_weights
    from refms.exchange.weights import LAYOUT, export_weights
    from refms.model_file import load_model

    require_weight_file(options.output)
    claim(options, options.output)
    weights = export_weights(load_model(options.model), names_of(options.map))
    write_weights(options.output, weights, overwrite=options.force)
    print(f"{options.output}: {LAYOUT}")
    for name, array in weights.items():
        print(f"  {escaped(name)} {array.shape} {array.dtype}")
    arrays = {name: {"shape": list(a.shape), "dtype": str(a.dtype)} for name, a in weights.items()}
    write_json(
        options.json,
        {
            "weights": options.output,
            "from": options.model,
            "orientation": "correlation",
            "layout": LAYOUT,
            "arrays": arrays,
        },
    )
    return 0
