"""``refms transfer``: a trained model on another mesh or with more layers, without training."""

from __future__ import annotations

import argparse

from refms.artifacts.model_file import load_model, save_model
from refms.cli.files import write_json
from refms.errors import InputError
from refms.grid import Grid
from refms.multiscale.depth import to_depth
from refms.multiscale.resolution import transfer


def run(options: argparse.Namespace) -> int:
    """Transfer and write; return 0."""
    if options.to is None and options.depth is None:
        raise InputError("nothing to do; give --to SIZE, --depth N, or both.")
    model = load_model(options.model)
    if options.to is not None:
        grid = Grid((options.to,) * model.grid.dimension)
        model = transfer(model, grid, options.pair, options.stencils, options.least_squares, options.weights)
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
            "weights": options.weights,
        },
    )
    return 0
