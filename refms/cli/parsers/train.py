"""``refms train``: block-coordinate descent on a data set, one model file at the end."""

from __future__ import annotations

from refms.cli.parsers.common import Commands, add_command, add_data_options
from refms.names import BACKEND_NAMES

# option, section, key, type, help
OVERRIDES = (
    ("--size", "data", "size", int, "cells along each axis of the network's mesh"),
    ("--train", "data", "train", int, "number of training examples"),
    ("--validation", "data", "validation", int, "number of validation examples"),
    ("--split-seed", "data", "split_seed", int, "seed of the split into training and validation"),
    ("--smoothing", "data", "smoothing", float, "Gaussian smoothing, in cells of the images' own grid"),
    ("--pair", "data", "pair", str, "transfer pair whose R makes the coarse images"),
    ("--channels", "network", "channels", int, "channels of the features"),
    ("--layers", "network", "layers", int, "layers N"),
    ("--final-time", "network", "final_time", float, "final time T"),
    ("--integrator", "network", "integrator", str, "forward-euler, midpoint, rk4 or verlet"),
    ("--layer", "network", "layer", str, "convolution or antisymmetric"),
    ("--seed", "network", "seed", int, "seed of the initial parameters"),
    ("--loss", "classifier", "loss", str, "softmax, least-squares, logistic or smooth-hinge"),
    (
        "--pooling",
        "classifier",
        "pooling",
        int,
        "cells along an axis that are averaged for the classifier",
    ),
    ("--transfer-to", "regularization", "transfer_to", str, "finer or coarser: what the stencils shall suit"),
    ("--iterations", "optimization", "iterations", int, "BCD iterations"),
    ("--hessian-fraction", "optimization", "hessian_fraction", float, "share of examples in the Hessian"),
    ("--dtype", "optimization", "dtype", str, "float32 or float64"),
)
"""Options that override entries of the configuration."""


def register(commands: Commands) -> None:
    """Add ``train`` to the command line."""
    command = add_command(
        commands,
        "train",
        "Train a network by block-coordinate descent and write it to one .h5 file.",
        "refms train --dataset digits --size 4 --iterations 5 -o coarse.h5",
        runs="refms.cli.train:run",
    )
    command.add_argument(
        "config", nargs="?", metavar="CONFIG.toml", help="configuration; options override it"
    )
    add_data_options(command)
    for option, _, _, kind, text in OVERRIDES:
        command.add_argument(option, type=kind, help=text)
    command.add_argument(
        "-o", "--output", default="model.h5", metavar="OUT", help="model file (default: model.h5)"
    )
    command.add_argument(
        "--threads",
        type=int,
        default=1,
        help="threads of this process, or of each where mpiexec starts several (extra mpi); the model does "
        "not depend on their number (default: 1)",
    )
    command.add_argument(
        "--backend", choices=BACKEND_NAMES, default="numpy", help="where to compute (default: numpy)"
    )
    command.add_argument(
        "--cuda-aware",
        action="store_true",
        help="with mpiexec and CuPy: hand arrays of the GPU to an MPI that was built for that",
    )
    command.add_argument(
        "--allreduce",
        action="store_true",
        help="with mpiexec: add by one allreduce, which is faster for many processes, but the bits then "
        "depend on their number",
    )
    command.add_argument(
        "--checkpoints",
        type=int,
        default=2,
        metavar="K",
        help="keep the last K iterations beside OUT until it is written; 0 keeps none (default: 2)",
    )
    command.add_argument(
        "--resume",
        action="store_true",
        help="go on from the newest checkpoint of OUT, bit for bit as if the training had never stopped",
    )
    command.add_argument(
        "--force", action="store_true", help="replace OUT, and checkpoints of it, if they exist"
    )
    command.add_argument("--quiet", action="store_true", help="no progress rows")
