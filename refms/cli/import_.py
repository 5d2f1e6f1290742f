"""``refms import``: weights of a network trained elsewhere as a model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from refms.cli.files import claim, write_json
from refms.cli.options import Commands, add_command, cells_of

if TYPE_CHECKING:
    from refms.errors import Array
    from refms.maps.architectures.architecture import Architecture


def register(commands: Commands) -> None:
    """Add ``import`` to the command line."""
    command = add_command(
        commands,
        "import",
        "refms import weights.npz --architecture residual --option channels=8 --size 4 -o imported.h5",
        run,
    )
    command.add_argument("weights", metavar="WEIGHTS", help="a state_dict in .pt, or its arrays in .npz")
    command.add_argument(
        "--architecture",
        required=True,
        metavar="NAME",
        help="residual, unet, espcn, residual-image, or yours",
    )
    command.add_argument(
        "--option",
        action="append",
        default=[],
        type=option_of,
        metavar="KEY=VALUE",
        help="a field of the architecture, as often as needed: channels=8, boundary=zero, widths=[8,8]; "
        "PyTorch pads by zeros if not told otherwise",
    )
    command.add_argument(
        "--size", type=cells_of, required=True, metavar="SIZE", help="cells of the mesh, 8 or 4x8"
    )
    add_map(command)
    command.add_argument(
        "--pooling",
        type=int,
        default=1,
        metavar="K",
        help="cells along each axis that are averaged before the classifier; 0: all (default: 1, none)",
    )
    command.add_argument(
        "--loss", metavar="NAME", help="of the reading (default: softmax, for images least-squares)"
    )
    for name, default in (("scale", 1.0), ("shift", 0.0)):
        command.add_argument(
            f"--{name}",
            type=float,
            default=default,
            help="images are read as scale · v / max - shift with v of 0 to max: for Normalize(mean, std) "
            f"scale = 1/std, shift = mean/std (default: {default:g})",
        )
    command.add_argument(
        "--fold-batch-norm",
        nargs="?",
        type=float,
        const=1e-5,
        metavar="EPS",
        help="fold each BatchNorm, as it is evaluated, into the convolution that stands before it in "
        "WEIGHTS, which it has to follow directly in the net (EPS: its eps, by default 1e-5)",
    )
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="file for the model")


def add_map(command: argparse.ArgumentParser) -> None:
    """Add ``--map``."""
    command.add_argument(
        "--map",
        metavar="FILE",
        help='TOML with a table [names]: "their name" = "refms name", or "layers.{k}.weight" = "stencils" '
        "for every layer k; refms' own names, also with . for / and weight for stencil, need no entry",
    )


def run(options: argparse.Namespace) -> int:
    """Import and write; return 0."""
    from dataclasses import replace

    from refms.data.preprocessing import Preprocessing
    from refms.errors import escaped
    from refms.exchange.batch_norm import fold_batch_norms
    from refms.exchange.weight_files import read_weights
    from refms.exchange.weights import import_weights
    from refms.model_file import save_model

    claim(options, options.output)
    weights, folded = read_weights(options.weights), dict[str, str]()
    if options.fold_batch_norm is not None:
        weights, folded = fold_batch_norms(weights, options.fold_batch_norm)
    network = _network(options, weights)
    names, steps = names_of(options.map), Preprocessing(options.scale, options.shift)
    model = import_weights(weights, network, names, pooling=options.pooling, loss=options.loss)
    model = replace(model, preprocessing=steps)
    save_model(options.output, model, overwrite=options.force)
    for norm, conv in folded.items():
        print(escaped(f"{norm} is folded into {conv}"))
    numbers = sum(array.size for array in model.arrays.values())
    print(
        f"{options.output}: {options.architecture} on grid {model.grid.shape}, {numbers:,} numbers of "
        f"{model.dtype}, reads {type(model.reading).__name__.lower()}"
    )
    write_json(
        options.json,
        {
            "model": options.output,
            "from": options.weights,
            "architecture": options.architecture,
            "grid": list(model.grid.shape),
            "dtype": model.dtype,
            "numbers": numbers,
            "folded": folded,
            "names": model.record["imported"]["names"],
        },
    )
    return 0


def option_of(text: str) -> tuple[str, Any]:
    """Return a key and its value: what TOML says it is, else the text.

    >>> option_of("widths=[8, 4]"), option_of("boundary=zero")
    (('widths', [8, 4]), ('boundary', 'zero'))
    """
    from refms.io.strict_toml import parse_value

    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is no option; expected KEY=VALUE")
    return key, parse_value(value, key)


def names_of(path: str | None) -> dict[str, str]:
    """Return the table [names] of a TOML file."""
    from refms.errors import FileError
    from refms.io.strict_toml import read_toml

    if path is None:
        return {}
    names = read_toml(path).get("names")
    if not isinstance(names, dict) or not all(isinstance(ours, str) for ours in names.values()):
        raise FileError(
            f'{path!r} has no table [names] of "their name" = "refms name"; names with dots need the quotes.'
        )
    return names


def _network(options: argparse.Namespace, weights: dict[str, Array]) -> Architecture:
    """Return the network on its mesh, of as many dimensions as the largest weight has stencil axes."""
    from refms.run.config.data import grid_of
    from refms.run.config.network import registered_network

    dimension = min(max((array.ndim for array in weights.values()), default=0) - 2, 3)
    grid = grid_of(options.size, dimension if dimension > 0 else 2)
    return registered_network(options.architecture, dict(options.option), grid)
