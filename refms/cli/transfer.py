"""``refms transfer``: a trained model on another mesh or with more layers, without training."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from refms.cli.files import claim, write_json
from refms.cli.options import Commands, add_command, add_options, cells_of
from refms.names import SMOOTHING_RULES, STENCIL_RULES, WEIGHT_RULES

if TYPE_CHECKING:
    from refms.model import Model


_MOST_LEVELS = 20


def register(commands: Commands) -> None:
    """Add ``transfer`` to the command line."""
    command = add_command(
        commands, "transfer", "refms transfer coarse.h5 --to 8 --pair averaging-bilinear -o fine.h5", run
    )
    add_options(command, "model")
    mesh = command.add_mutually_exclusive_group()
    mesh.add_argument(
        "--to",
        type=cells_of,
        metavar="SIZE",
        help="cells along every axis of the new mesh, or along each: 8x16",
    )
    mesh.add_argument(
        "--levels", type=int, metavar="K", help="halve the mesh width of every axis K times; -K: double it"
    )
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
        help="pair: classification weights by P and R, as images; adjoint: so that h^d<w, y> is conserved "
        "(default: adjoint on the way up by averaging-bilinear, else pair)",
    )
    command.add_argument(
        "--smoothing",
        choices=SMOOTHING_RULES,
        default="keep",
        help="of the new model's images; keep: as it was; matched: with the variance of R and P more (less "
        "downwards); agreeing: where the logits of training images are closest to the old model's",
    )
    add_options(command, "--dataset", "--data-dir")
    command.add_argument(
        "--least-squares", action="store_true", help="allow it where the stencil map is singular"
    )
    command.add_argument("--depth", type=int, metavar="N", help="number of layers to interpolate to in time")
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="file for the new model")
    command.add_argument("--force", action="store_true", help="replace OUT if it exists")


def run(options: argparse.Namespace) -> int:
    """Transfer and write; return 0."""
    from refms.errors import InputError
    from refms.model_file import load_model, save_model
    from refms.multiscale.depth import to_depth

    if options.to is None and options.levels is None and options.depth is None:
        raise InputError("nothing to do; give --to SIZE or --levels K, --depth N, or both.")
    claim(options, options.output)
    model, weights = load_model(options.model), options.weights
    if options.to is not None or options.levels is not None:
        model = _on_mesh(model, options)
        weights = model.record["transfers"][-1]["weights"]
    if options.depth is not None:
        model = to_depth(model, options.depth)
    save_model(options.output, model, overwrite=options.force)
    print(f"{options.output}: grid {model.grid.shape}{_layers_in_words(model)}")
    write_json(
        options.json,
        {
            "model": options.output,
            "from": options.model,
            "grid": list(model.grid.shape),
            "layers": getattr(model.architecture, "layers", None),
            "pair": options.pair,
            "stencils": options.stencils,
            "weights": weights,
            "smoothing": model.preprocessing.smoothing,
        },
    )
    return 0


def _layers_in_words(model: Model) -> str:
    """Return how many layers there are, the size of their stencils and the largest entry."""
    stencils = [layer.stencil for layer in model.layers]
    if not stencils:
        return ""
    sizes = {"x".join(map(str, S.shape[2:])): None for S in stencils}
    largest = max(float(abs(S).max()) for S in stencils)
    return f", {len(stencils)} layers, stencils {' and '.join(sizes)}, largest entry {largest:.3g}"


def _on_mesh(model: Model, options: argparse.Namespace) -> Model:
    """Return the model on the mesh that is asked for, with the smoothing that is asked for."""
    from dataclasses import replace

    from refms.errors import require_whole
    from refms.multiscale.agreement import agreement
    from refms.multiscale.matched_smoothing import matched_between
    from refms.multiscale.resolution import transfer
    from refms.run.config.data import grid_of
    from refms.run.experiment import part_of
    from refms.stencils.transfer import transfer_pair

    if options.to is not None:
        grid = grid_of(options.to, model.grid.dimension)
    else:
        levels = require_whole(abs(options.levels), "--levels, without its sign,", 0, _MOST_LEVELS)
        grid = model.grid.refine(levels) if options.levels > 0 else model.grid.coarsen(levels)
    pair = transfer_pair(options.pair)
    moved = transfer(model, grid, pair, options.stencils, options.least_squares, options.weights)
    if options.smoothing == "keep" or grid == model.grid:
        return moved
    images, told = part_of(model, "train", options.dataset, options.data_dir), ""
    if options.smoothing == "agreeing":
        found = agreement(model, moved, pair, images)
        sigma, told = found.smoothing, f"; logits differ by {100 * found.distance:.1f} %"
    else:
        sigma = matched_between(model.grid, grid, model.preprocessing.smoothing, pair, images.grid)
    print(f"images are to be smoothed with σ = {sigma:.3g} cells{told}")
    return replace(moved, preprocessing=replace(moved.preprocessing, smoothing=sigma))
