"""Trained networks across resolutions: restriction, prolongation, and Algorithm 1 of [LAS]."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from refms.errors import Array, InputError, require_choice, require_whole
from refms.grid import Grid, as_grid
from refms.maps.architectures.architecture import Move
from refms.model import Model
from refms.multiscale.weights import better_weights, move_pooling, move_weights
from refms.names import STENCIL_RULES
from refms.objective.reading import Classes
from refms.stencils.galerkin import prolong_stencil, restrict_stencil
from refms.stencils.transfer import TransferPair, transfer_pair


def transfer(
    model: Model,
    grid: Grid | tuple[int, ...] | int,
    pair: str | TransferPair,
    stencils: str = "galerkin",
    least_squares: bool = False,
    weights: str | None = None,
) -> Model:
    """Return a trained model on a coarser or finer grid, without any training.

    Parameters
    ----------
    model : Model
        The trained model.
    grid : Grid, tuple of int or int
        Where to, one number for as many cells on each axis; reached by halving or doubling every axis, which
        need not have equal extents.
    pair : str or TransferPair
        The transfer pair (R, P).
    stencils : str
        ``"galerkin"``: K_H = R K_h P for the layers (and for an opening larger than one cell);
        ``"keep"``: unchanged, the baseline of [LAS] Sec. 4.
    least_squares : bool
        Allow least squares where the stencil map is singular.
    weights : str or None
        Rule for W: ``"pair"``, w_h = P w_H and w_H = R w_h as values, or ``"adjoint"``, see
        :func:`~refms.multiscale.weights.move_weights`. None takes the one that keeps the logits better,
        :func:`~refms.multiscale.weights.better_weights`: the adjoint on the way up by ``averaging-bilinear``,
        elsewhere the pair.

    Returns
    -------
    Model
        New arrays; μ and b are kept, T is kept.

    Raises
    ------
    InputError
        If the grids are not related by doubling, a name is unknown, or blocks of pooling would be cut.
    SingularTransferError
        If the pair cannot prolong stencils of this size and least squares were not asked for.

    Notes
    -----
    Stencils move by [LAS] eq. (9), weights as the rule says. A 1×1 opening is kept: it mixes
    channels cell by cell, so that R (L x) = L (R x) for any R.

    With ``weights="adjoint"``, T → 0, and y_H = R y_h (up) or y_h = P y_H (down) the logits are the same on
    both grids, for every pair, without pooling. With ``weights="pair"`` this holds where R = 2^{-d} Pᵀ; with
    other pairs the logits differ by O(h^q), q the order of the pair.

    With pooling W lives on blocks, and these stay the same regions of Ω: W is kept, and a block has 2^d times
    as many cells on the next finer mesh. A mean over a block is the mean of its cells'
    means, so where R takes the mean of two cells the logits agree for T → 0 whatever P is.

    Layers with Kᵀ (antisymmetric ones, and verlet's second half) need R K_hᵀ P = K_Hᵀ. That holds for pairs
    whose stencil map commutes with the flip: all with R ∝ Pᵀ, and all named ones but ``nearest``. The damping
    of an antisymmetric layer is kept.

    R, P and so K_H = R K_h P are periodic. In a network with zero boundary the identity holds in those cells
    whose stencils, fine and coarse, do not reach the edge.

    Examples
    --------
    >>> from refms.maps.architectures.residual import Residual
    >>> from refms.model import initial_model
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2), Classes(10))
    >>> transfer(model, 8, "averaging-bilinear").arrays["W"].shape
    (128, 10)
    """
    require_choice(stencils, STENCIL_RULES, "rule for the stencils")
    pair = transfer_pair(pair)
    grid = as_grid((grid,) * model.grid.dimension if isinstance(grid, int) else grid)
    d, levels = grid.dimension, model.grid.levels_to(grid)

    architecture, arrays = model.architecture, dict[str, Array]()
    for name in architecture.arrays.names:
        array, move = model.arrays[name], architecture.moves.get(name, Move())
        one_cell = math.prod(array.shape[-d:]) == 1
        if not move.stencil or (move.pointwise and one_cell) or stencils == "keep" or levels == 0:
            arrays[name] = array.copy()
        else:
            orientation = getattr(architecture, "orientation", "correlation")
            arrays[name] = move_stencils(array, d, levels, pair, least_squares, orientation)
    sizes = {
        name: tuple(arrays[name].shape[-d:]) for name, move in architecture.moves.items() if move.stencil
    }
    there = architecture.on(grid, sizes)
    for name, shape in there.arrays.shapes.items():
        if arrays[name].shape != shape:
            raise InputError(
                f"{name!r} has shape {arrays[name].shape} on the mesh {model.grid.shape}, {shape} on "
                f"{grid.shape}; expected a stencil, or numbers independent of the mesh: no others move."
            )
    reading = model.reading
    if isinstance(reading, Classes):
        pooling, left = move_pooling(reading.pooling, levels)
        weights = weights or better_weights(pair, left)
        arrays["W"] = move_weights(model.arrays["W"], model.classifier.grid, left, pair, weights)
        arrays["mu"] = model.arrays["mu"].copy()
        reading = replace(reading, pooling=pooling)
    note = {
        "from": list(model.grid.shape),
        "to": list(grid.shape),
        "pair": pair.name,
        "stencils": stencils,
        "weights": weights or "pair",
    }
    return replace(
        model,
        architecture=there,
        arrays=arrays,
        reading=reading,
        record={**model.record, "transfers": [*model.record.get("transfers", []), note]},
    )


def move_stencils(
    S: Array,
    d: int,
    levels: int,
    pair: TransferPair,
    least_squares: bool = False,
    orientation: str = "correlation",
) -> Array:
    """Return stencils prolonged by ``levels`` > 0 or restricted by -``levels`` doublings, eq. (9)."""
    if levels > 0:
        return prolong_stencil(
            S, pair, d=d, levels=levels, least_squares=least_squares, orientation=orientation
        )
    return restrict_stencil(S, pair, d=d, levels=-levels, orientation=orientation)


def coarse_to_fine(
    model: Model,
    solve: Callable[[Model], Model],
    levels: int,
    pair: str | TransferPair,
    stencils: str = "galerkin",
    least_squares: bool = False,
    weights: str | None = None,
) -> Iterator[Model]:
    """Run Algorithm 1 of [LAS]: solve on the coarsest grid, prolong, solve again, up to the finest.

    Parameters
    ----------
    model : Model
        Initial point on the coarsest grid.
    solve : callable
        Solves (6) on the grid of the model it is given, starting from it, and returns the solved model.
    levels : int
        Number of grids, at least 1.
    pair : str or TransferPair
        The transfer pair.
    stencils, least_squares, weights
        As for :func:`transfer`.

    Returns
    -------
    iterator of Model
        The solved model of each grid, coarsest first; a grid is solved when its model is asked for.

    Raises
    ------
    InputError
        If ``levels`` is not positive, or the initial model cannot be transferred: at once, before anything is
        solved.
    SingularTransferError
        As for :func:`transfer`, at once.

    Examples
    --------
    >>> from refms.maps.architectures.residual import Residual
    >>> from refms.model import initial_model
    >>> start = initial_model(Residual(Grid((4, 4)), channels=2), Classes(10))
    >>> run = coarse_to_fine(start, lambda model: model, 3, "averaging-bilinear")  # solves nothing
    >>> [solved.grid.shape for solved in run]
    [(4, 4), (8, 8), (16, 16)]
    """
    levels = require_whole(levels, "levels", 1)

    def finer(coarse: Model) -> Model:
        return transfer(coarse, coarse.grid.refine(), pair, stencils, least_squares, weights)

    def solved(start: Model) -> Iterator[Model]:
        for level in range(levels):
            start = solve(start if level == 0 else finer(start))
            yield start

    if levels > 1:
        finer(model)  # refuses now what would otherwise be refused after the first training
    return solved(model)
