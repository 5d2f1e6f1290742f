"""``refms matrix conv``: the matrix of a layer Conv2d or ConvTranspose2d."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from refms.cli.matrix.result import add_output, claim_output, conclude, require_entries
from refms.cli.options import Commands, add_command, cells_of
from refms.errors import InputError, require_whole
from refms.names import DTYPES, PADDING_MODES

if TYPE_CHECKING:
    from refms.errors import Array
    from refms.grid import Grid
    from refms.stencils.conv import Axis


def register(operators: Commands) -> None:
    """Add ``conv`` to the operators."""
    command = add_command(
        operators,
        "conv",
        "refms matrix conv --grid 8 --stencil 3 --channels 2x4 --stride 2 --padding 1 -o K.npz",
        run,
        "Write the matrix K of a Conv layer, from columns of images (channel slowest, then rows, then "
        "columns) to such columns: K is the sum over the entries k of the stencil of S_k ⊗ E_k1 B ⊗ E_k2 B, "
        "with B the padding and E_k the selection of every STRIDE-th cell, DILATION·k on. The bias is no "
        "part of K. Weights with one or three stencil axes make a Conv1d or a Conv3d, as a grid 4x4x4 does.",
    )
    command.add_argument("--grid", type=cells_of, required=True, metavar="N", help="cells, such as 8 or 6x8")
    given = command.add_argument_group("weights")
    given.add_argument(
        "--weights",
        metavar="FILE",
        help=".npy file with the layer's weight, shape (c_out, c_in/groups, *stencil), or (c_in, "
        "c_out/groups, *stencil) with --transposed; or one stencil; in place of the next four",
    )
    given.add_argument("--stencil", type=cells_of, metavar="K", help="size of a random stencil (default: 3)")
    given.add_argument(
        "--channels", type=cells_of, metavar="C", help="channels, the same or INxOUT such as 2x4 (default: 1)"
    )
    given.add_argument(
        "--seed", type=int, metavar="N", help="of random weights, standard normal (default: 0)"
    )
    given.add_argument("--dtype", choices=DTYPES, help="of random weights (default: float64)")
    each = "one number, or one for each axis: 2x1"
    command.add_argument("--stride", type=cells_of, default=1, metavar="S", help=f"default: 1; {each}")
    command.add_argument("--dilation", type=cells_of, default=1, metavar="D", help=f"default: 1; {each}")
    command.add_argument("--groups", type=int, default=1, metavar="G", help="of channels (default: 1)")
    command.add_argument(
        "--padding",
        type=padding_of,
        default=0,
        metavar="P",
        help=f"cells on both sides (default: 0); {each}; or same: as many cells as strides",
    )
    command.add_argument(
        "--padding-mode", choices=PADDING_MODES, default="zeros", help="what is there (default: zeros)"
    )
    command.add_argument("--transposed", action="store_true", help="the layer ConvTranspose, padded by zeros")
    command.add_argument(
        "--output-padding", type=cells_of, metavar="P", help=f"of --transposed (default: 0); {each}"
    )
    add_output(command)


def padding_of(text: str) -> Any:
    """Return what ``same``, ``1`` or ``1x2`` says."""
    return text if text in ("same", "valid") else cells_of(text)


def run(options: argparse.Namespace) -> int:
    """Make the matrix, print what it is and write it; return 0, or 1 if its transpose is not the adjoint."""
    from refms.stencils.conv import conv_axes, conv_matrix, conv_transpose_matrix, transposed_axes

    claim_output(options)
    S, grid = _weights_and_grid(options)
    given = {name: getattr(options, name) for name in ("stride", "padding", "dilation")}
    if options.transposed:
        if isinstance(options.padding, str) or options.padding_mode != "zeros":
            raise InputError("a transposed layer has --padding in numbers and --padding-mode zeros alone.")
        given["output_padding"] = options.output_padding or 0
        axes = transposed_axes(S, grid, **given)
    elif options.output_padding is not None:
        raise InputError("--output-padding belongs to --transposed; leave it out, or pad with --padding.")
    else:
        given["padding_mode"] = options.padding_mode
        axes = conv_axes(S, grid, **given)
    require_entries(S.size * math.prod(axis.m for axis in axes), *(axis.wide for axis in axes))
    K = (conv_transpose_matrix if options.transposed else conv_matrix)(
        S, grid, **given, groups=options.groups
    )
    facts = {"weights": list(S.shape), "grid": list(grid.shape), **given, "groups": options.groups}
    symbol = None if options.transposed else _symbol(S, axes, grid, options.groups)
    return conclude(options, "K", K, _forward(S, axes, grid, options), facts, symbol)


def _weights_and_grid(options: argparse.Namespace) -> tuple[Array, Grid]:
    """Return the weight from its file, or a random one, and the grid with as many axes."""
    import numpy as np

    from refms.data.npy import read_npy
    from refms.run.config.data import grid_of

    random = {name: getattr(options, name) for name in ("stencil", "channels", "seed", "dtype")}
    if options.weights is not None:
        if words := [f"--{name}" for name, value in random.items() if value is not None]:
            raise InputError(f"--weights says everything about the weight; leave out {' and '.join(words)}.")
        S = read_npy(options.weights)
        S = S[None, None] if S.ndim in (1, 2) else S  # no weight has so few axes
        return S, grid_of(options.grid, max(S.ndim - 2, 1))
    grid = grid_of(options.grid, len(options.grid) if isinstance(options.grid, tuple) else 2)
    stencil = _numbers(3 if options.stencil is None else options.stencil, grid.dimension, "--stencil")
    c_in, c_out = _numbers(1 if options.channels is None else options.channels, 2, "--channels")
    groups = require_whole(options.groups, "groups", 1)
    if c_in % groups or c_out % groups:
        raise InputError(f"{c_in} and {c_out} channels are no multiples of the {groups} groups.")
    first, second = (c_in, c_out // groups) if options.transposed else (c_out, c_in // groups)
    require_entries(first * second * math.prod(stencil))
    rng = np.random.default_rng(require_whole(options.seed or 0, "--seed"))
    S = rng.standard_normal((first, second, *stencil)).astype(options.dtype or DTYPES[0])
    return S, grid


def _numbers(value: int | tuple[int, ...], count: int, name: str) -> list[int]:
    values = value if isinstance(value, tuple) else (value,) * count
    if len(values) != count:
        such = "x".join("2468"[:count])
        raise InputError(f"{name} has {len(values)} numbers; expected one or {count}, such as {such}.")
    return [require_whole(one, name, 1) for one in values]


def _forward(S: Array, axes: list[Axis], grid: Grid, options: argparse.Namespace) -> Any:
    """Return the layer by slices of the images, which shares nothing with the matrix."""
    from refms.definition import conv as definition
    from refms.definition.arrays import columns, images

    stride, dilation = [a.stride for a in axes], [a.dilation for a in axes]
    padding, groups = [(a.before, a.after) for a in axes], options.groups
    if not options.transposed:
        mode = options.padding_mode
        return lambda Y: columns(
            definition.conv(S, images(Y, grid.shape), stride, padding, mode, dilation, groups)
        )
    more = [a.wide - (a.m - 1) * a.stride - a.dilation * (a.k - 1) - 1 for a in axes]
    return lambda Z: columns(
        definition.conv_transpose(S, images(Z, grid.shape), stride, padding, more, dilation, groups)
    )


def _symbol(S: Array, axes: list[Axis], grid: Grid, groups: int) -> Array | None:
    """Return λ(ω) if K is block-circulant: circular padding, stride 1, and as many cells as before."""
    from refms.stencils.conv import centred_stencil
    from refms.stencils.symbol import symbol

    s = centred_stencil(S, axes, groups) if all(axis.mode == "circular" for axis in axes) else None
    return None if s is None else symbol(s, grid)
