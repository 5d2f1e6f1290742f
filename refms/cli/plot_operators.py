"""What ``refms plot matrix``, ``symbol``, ``pair`` and ``hierarchy`` draw."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refms.cli.options import cells_of
from refms.errors import FileError, InputError, require_whole

if TYPE_CHECKING:
    from refms.errors import Array
    from refms.plots.captions import Captioned

PAIR = "averaging-bilinear"
MOST_LEVELS = 8
"""Levels that a picture has room for."""


def add_operator_options(command: argparse.ArgumentParser) -> None:
    """Add the options of operators to ``plot``."""
    group = command.add_argument_group(
        "operators",
        "In place of RUN. matrix [FILE]: K, R, P and K_H = R K P entry by entry, or the one matrix in a file "
        "of refms matrix (.h5, .npz, .mtx). symbol [FILE]: of K and of K_H, over the torus and one against "
        "the other, or the one in such an .h5 file. "
        "pair [NAME]: R, P, R P and the stencil map. hierarchy [FILE …]: K on several meshes, or models of "
        "one network. FILE is an .npy file with one stencil or (c_out, c_in, rows, columns); without it K is "
        "that of Example 1 of [LAS].",
    )
    group.add_argument("--pair", metavar="NAME", help=f"transfer pair (default: {PAIR})")
    group.add_argument(
        "--grid",
        type=cells_of,
        metavar="N",
        help="cells of the finest mesh (default: 4, for a hierarchy 16, for a pair 8)",
    )
    group.add_argument("--levels", type=int, metavar="L", help="meshes of a hierarchy (default: 3)")


def refuse_operator_options(options: argparse.Namespace) -> None:
    """Refuse options that say nothing about runs."""
    if given := [name for name in ("pair", "grid", "levels") if getattr(options, name) is not None]:
        raise InputError(f"--{given[0]} belongs to {', '.join(OPERATORS)}; leave it out for runs.")


def draw_operator(options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Mapping[str, Any]], str]]:
    """Return the figures of an operator, and what makes a page of some; print what they show."""
    from refms.plots.report import operator_page

    what, *files = options.files
    _refuse(options, {"pair", "grid", "levels"} - TAKES[what], what)
    drawn, table = OPERATORS[what](files, options)
    print(table or "\n".join(one.caption for one in drawn.values()))
    captions = {name: one.caption for name, one in drawn.items()}
    figures = {name: one.figure for name, one in drawn.items()}
    return figures, lambda chosen: operator_page(" ".join(options.files), chosen, captions)


def _matrix(files: Sequence[str], options: argparse.Namespace) -> tuple[dict[str, Captioned], str]:
    from refms.cli.plot import is_model
    from refms.exchange.matrix_files import is_matrix, read_matrix
    from refms.plots.operators import galerkin_figure, matrix_figure

    if files and (is_matrix(files[0]) or is_model(files[0])):
        path = _one(files)
        _refuse(options, TAKES["matrix"], "the matrix in a file")
        return {"matrix": matrix_figure(read_matrix(path), Path(path).stem)}, ""
    return {"matrix": galerkin_figure(_stencils(files), _grid(options, 4), _pair(options))}, ""


def _symbol(files: Sequence[str], options: argparse.Namespace) -> tuple[dict[str, Captioned], str]:
    from refms.cli.plot import is_model
    from refms.exchange.matrix_files import is_matrix
    from refms.io import read_artifact_contained
    from refms.io.matrices import symbol_of
    from refms.plots.operators import symbol_figure, torus_figure

    if files and (is_matrix(files[0]) or is_model(files[0])):
        path = _one(files)
        _refuse(options, TAKES["symbol"], "the symbol in a file")
        if is_matrix(path):
            raise FileError(f"{path!r} holds no symbol; expected the .h5 file of refms matrix, or a stencil.")
        try:
            return {"symbol": torus_figure(symbol_of(read_artifact_contained(path)), Path(path).stem)}, ""
        except InputError as error:
            raise FileError(f"{path!r}: {error}") from error
    return {"symbol": symbol_figure(_stencils(files), _pair(options))}, ""


def _draw_pair(files: Sequence[str], options: argparse.Namespace) -> tuple[dict[str, Captioned], str]:
    from refms.plots.operators import pair_figure
    from refms.run.config.data import grid_of
    from refms.stencils.transfer import transfer_pair

    if files and options.pair is not None:
        raise InputError("the pair is named twice; leave out --pair.")
    pair = transfer_pair(_one(files)) if files else _pair(options)
    (cells,) = grid_of(8 if options.grid is None else options.grid, 1).shape
    return {"pair": pair_figure(pair, cells=cells)}, ""


def _hierarchy(files: Sequence[str], options: argparse.Namespace) -> tuple[dict[str, Captioned], str]:
    from refms.cli.plot import is_model, short_name
    from refms.model_file import load_model
    from refms.multiscale.hierarchy import model_hierarchy, stencil_hierarchy
    from refms.plots.operators import hierarchy_figure, models_figure

    if files and all(map(is_model, files)):
        _refuse(options, TAKES["hierarchy"], "models")
        models = {short_name(path, list(files)): load_model(path) for path in files}
        if len(models) < len(files):
            raise InputError("a model was given twice; give each of them once.")
        found = model_hierarchy(list(models.values()))
        return {"hierarchy": models_figure(models, found)}, str(found)
    levels = require_whole(3 if options.levels is None else options.levels, "--levels", 1, MOST_LEVELS)
    found = stencil_hierarchy(_stencils(files), _grid(options, 16), _pair(options), levels)
    return {"hierarchy": hierarchy_figure(found)}, str(found)


OPERATORS = {"matrix": _matrix, "symbol": _symbol, "pair": _draw_pair, "hierarchy": _hierarchy}
TAKES = {
    "matrix": {"pair", "grid"},
    "symbol": {"pair"},
    "pair": {"pair", "grid"},
    "hierarchy": {"pair", "grid", "levels"},
}
"""Options that say something about each, unless it comes from a file."""


def _refuse(options: argparse.Namespace, names: Collection[str], what: str) -> None:
    """Refuse options that say nothing about what is drawn."""
    if given := [name for name in sorted(names) if getattr(options, name) is not None]:
        raise InputError(f"--{given[0]} says nothing about {what}; leave it out.")


def _one(files: Sequence[str]) -> str:
    if len(files) != 1:
        raise InputError(f"{len(files)} files were given; expected one.")
    return files[0]


def _pair(options: argparse.Namespace) -> Any:
    from refms.stencils.transfer import transfer_pair

    return transfer_pair(PAIR if options.pair is None else options.pair)


def _grid(options: argparse.Namespace, usual: int) -> Any:
    from refms.run.config.data import grid_of

    return grid_of(usual if options.grid is None else options.grid, 2)


def _stencils(files: Sequence[str]) -> Array:
    """Return stencils (c_out, c_in, *stencil) of two axes from a file, or Example 1."""
    import numpy as np

    from refms.conformance.properties.galerkin import EXAMPLE_1_FINE
    from refms.data.npy import read_npy
    from refms.errors import precision

    if not files:
        return np.array(EXAMPLE_1_FINE)[None, None]
    path = _one(files)
    S = read_npy(path)
    precision(S, repr(path))
    S = S[None, None] if S.ndim == 2 else S
    odd = S.ndim == 4 and all(n % 2 for n in S.shape[2:])
    if not odd or 0 in S.shape or not np.isfinite(S).all():
        raise FileError(
            f"{path!r} holds an array of shape {tuple(S.shape)}; expected finite stencils of odd sizes, one "
            "or (c_out, c_in, rows, columns)."
        )
    return S
