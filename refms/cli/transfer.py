"""``refms transfer``: a trained model on another mesh or with more layers, without training."""

from __future__ import annotations

import argparse
from dataclasses import replace

from refms.cli.datasets import training_part
from refms.cli.files import write_json
from refms.errors import InputError
from refms.grid import Grid
from refms.io.model_file import load_model, save_model
from refms.model import Model
from refms.multiscale.agreement import agreement
from refms.multiscale.depth import to_depth
from refms.multiscale.matched_smoothing import matched_between
from refms.multiscale.resolution import transfer
from refms.stencils.transfer import transfer_pair


def run(options: argparse.Namespace) -> int:
    """Transfer and write; return 0."""
    if options.to is None and options.depth is None:
        raise InputError("nothing to do; give --to SIZE, --depth N, or both.")
    model = load_model(options.model)
    if options.to is not None:
        model = _on_mesh(model, options)
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
            "smoothing": model.preprocessing.smoothing,
        },
    )
    return 0


def _on_mesh(model: Model, options: argparse.Namespace) -> Model:
    """Return the model on the mesh that is asked for, with the smoothing that is asked for."""
    grid = Grid((options.to,) * model.grid.dimension)
    pair = transfer_pair(options.pair)
    moved = transfer(model, grid, pair, options.stencils, options.least_squares, options.weights)
    if options.smoothing == "keep" or grid == model.grid:
        return moved
    images, told = training_part(model, options.dataset, options.data_dir), ""
    if options.smoothing == "agreeing":
        found = agreement(model, moved, pair, images)
        sigma, told = found.smoothing, f"; logits differ by {100 * found.distance:.1f} %"
    else:
        sigma = matched_between(model.grid, grid, model.preprocessing.smoothing, pair, images.grid)
    print(f"images are to be smoothed with σ = {sigma:.3g} cells{told}")
    return replace(moved, preprocessing=replace(moved.preprocessing, smoothing=sigma))
