"""``refms matrix resize``: the matrix of a resizing of images, in one's own words or as a library does it."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from refms.cli.matrix.result import add_output, claim_output, conclude, require_entries
from refms.cli.options import Commands, add_command, cells_of
from refms.errors import InputError, require_choice
from refms.names import DTYPES, RESIZE_BOUNDARIES, RESIZE_KERNELS

if TYPE_CHECKING:
    from refms.errors import Array
    from refms.grid import Grid

KERNEL = "linear"
"""The kernel where none is asked for."""


def register(operators: Commands) -> None:
    """Add ``resize`` to the operators."""
    command = add_command(
        operators,
        "resize",
        "refms matrix resize --grid 12x8 --to 8x5 --like torch-bicubic-antialias -o K.npz",
        run,
        "Write the matrix A_1 ⊗ A_2 that resizes images by any ratio: R where they become smaller, P where "
        "they become larger. (A_1)_Ij is k((x_I - j)/a) divided by the sum of its row, with "
        "x_I = (I + 1/2) n/n' - 1/2 and a = max(1, n/n') if antialiased, else 1. Which library does what is "
        "measured in validation/peers/RESIZE.md of the repository.",
    )
    command.add_argument("--grid", type=cells_of, required=True, metavar="N", help="cells, such as 8 or 6x8")
    command.add_argument("--to", type=cells_of, required=True, metavar="M", help="cells afterwards")
    command.add_argument("--channels", type=int, default=1, metavar="C", help="each by itself (default: 1)")
    command.add_argument(
        "--like",
        metavar="METHOD",
        help="as a library does it, such as torch-bilinear, pillow-box or opencv-area (a name that is none "
        "is answered with all of them); in place of the next five",
    )
    command.add_argument("--kernel", choices=RESIZE_KERNELS, help=f"k (default: {KERNEL})")
    command.add_argument(
        "--antialias", action="store_true", help="widen k where there are fewer cells afterwards"
    )
    command.add_argument(
        "--align-corners", action="store_true", help="x_I = I (n - 1)/(n' - 1), for linear and cubic"
    )
    command.add_argument(
        "--boundary", choices=RESIZE_BOUNDARIES, help="what counts beyond the image (default: clamp)"
    )
    command.add_argument("--cubic", type=float, metavar="A", help="parameter of cubic (default: -0.5)")
    command.add_argument(
        "--dtype", choices=DTYPES, default=DTYPES[0], help=f"precision (default: {DTYPES[0]})"
    )
    add_output(command)


def run(options: argparse.Namespace) -> int:
    """Make the matrix, print what it is and write it; return 0, or 1 if its transpose is not the adjoint."""
    from refms.run.config.data import grid_of
    from refms.stencils.resize import resize_matrix

    claim_output(options)
    grid, to = (
        grid_of(size, len(size) if isinstance(size, tuple) else 2) for size in (options.grid, options.to)
    )
    chosen = _chosen(options)
    widest = [max(2, math.ceil(6 * max(1, n / m))) for n, m in zip(grid.shape, to.shape, strict=False)]
    require_entries(options.channels * to.cells * math.prod(widest))
    A = resize_matrix(grid, to, **chosen, channels=options.channels, dtype=options.dtype)
    facts = {"grid": list(grid.shape), "to": list(to.shape), "channels": options.channels, **chosen}
    said = ", ".join(f"{name}={value!r}" for name, value in chosen.items())
    print(f"resize_matrix({grid}, {to}, {said})")
    letter = "R" if to.cells < grid.cells else "P"
    return conclude(options, letter, A, lambda Y: _definition(Y, grid, to, chosen), facts)


def _chosen(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of ``resize_matrix`` that make the kernel."""
    from refms.stencils.resize_methods import RESIZE_METHODS

    asked = {
        name: getattr(options, name)
        for name in ("kernel", "antialias", "align_corners", "boundary", "cubic")
        if getattr(options, name) not in (None, False)
    }
    if options.like is None:
        kernel = asked.get("kernel", KERNEL)
        if "cubic" in asked and kernel != "cubic":
            raise InputError(f"--cubic belongs to --kernel cubic; leave it out for {kernel}.")
        if "antialias" in asked and kernel not in ("box", "linear", "cubic"):
            raise InputError(f"--antialias widens box, linear and cubic alone; leave it out for {kernel}.")
        return {"kernel": KERNEL, "antialias": False, **asked}
    if asked:
        words = " and ".join(f"--{name.replace('_', '-')}" for name in asked)
        raise InputError(f"--like says everything about the kernel; leave out {words}.")
    return {"antialias": False, **RESIZE_METHODS[require_choice(options.like, RESIZE_METHODS, "method")]}


def _definition(Y: Array, grid: Grid, to: Grid, chosen: dict[str, Any]) -> Array:
    """Return resized columns by the formula in fractions."""
    from fractions import Fraction

    from refms.definition.arrays import columns, images
    from refms.definition.resize import resize

    corners, alpha = chosen.get("align_corners", False), Fraction(chosen.get("cubic", -0.5))
    said = chosen["kernel"], chosen["antialias"], chosen.get("boundary", "clamp")
    return columns(resize(images(Y, grid.shape), to.shape, *said, corners, alpha))
