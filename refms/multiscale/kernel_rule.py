"""Parameters on a coarser level, T_l θ: kept as they are, or stencils by K_H = R K_h P."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from refms.backend import backend_of
from refms.errors import Array, InputError, require_choice
from refms.maps.architectures.architecture import Architecture
from refms.maps.map import Map
from refms.maps.parameters import reparametrize
from refms.stencils.galerkin import stencil_map
from refms.stencils.transfer import transfer_pair

KERNEL_RULES = ("keep", "galerkin")


def on_level(
    architecture: Architecture,
    level: int,
    rule: str = "keep",
    pair: str = "averaging-constant",
    steps: int | None = None,
) -> Map:
    """Return the network on the mesh of a level as a map of the parameters θ of a finer one.

    Parameters
    ----------
    architecture : Architecture
        The network on level 0.
    level : int
        l ≥ 0.
    rule : str
        ``"keep"``: T_l = I, as in [MST]. ``"galerkin"``: the stencils that move are those of K_H = R K_h P,
        T_l = (A ⊗ … ⊗ A)^l; all others stay.
    pair : str
        Name of the pair with R and P.
    steps : int or None
        From how many levels above θ comes; None for level 0.

    Returns
    -------
    Map
        (θ, Y_l) ↦ N_l(T θ, Y_l), so that gradients are Tᵀ g.

    Raises
    ------
    InputError
        If the mesh cannot be halved so often, or the pair changes the size of a stencil.

    Notes
    -----
    For smooth fields, averaging and a linear layer, ‖g_h − g_2h‖ = O(h) with kept stencils and O(h²) with
    Galerkin's: off-centre taps see first moments, which A carries over exactly.
    Full-Multiscale carries θ to a finer level by T⁻¹, which multiplies the roughest component of a stencil by
    4 a level in two dimensions (``averaging-constant``): stencils that were trained on noise may not survive
    it, and ``"keep"`` is the rule for stages then.

    Examples
    --------
    >>> from refms import Grid
    >>> from refms.maps.architectures.espcn import ESPCN
    >>> net = ESPCN(Grid((8, 8)), image_channels=1, widths=(2,))
    >>> coarse = on_level(net, 1)
    >>> coarse.rows_in, coarse.layout == net.map.layout
    (16, True)
    """
    require_choice(rule, KERNEL_RULES, "kernel rule")
    network = architecture.on(architecture.grid.coarsen(level)).map
    steps = level if steps is None else steps
    if steps == 0 or rule == "keep":
        return network

    def move(theta: Array, transposed: bool) -> Array:
        return move_kernels(theta, architecture, pair, steps, transposed=transposed)

    return reparametrize(network, network.layout, lambda theta: move(theta, False), lambda g: move(g, True))


def move_kernels(
    theta: Array, architecture: Architecture, pair: str, steps: int, *, transposed: bool = False
) -> Array:
    """Return T θ or Tᵀ θ; with negative ``steps`` T⁻¹ θ, from a level to a finer one (Full-Multiscale)."""
    architecture.arrays.layout.require(theta, "theta")  # a fixed opening, for one, is not part of a model's θ
    d, found = architecture.grid.dimension, theta.copy()
    for place, shape in _moving(architecture):
        if math.prod(shape[-d:]) == 1:
            continue
        A = backend_of(theta).from_host(_powers(pair, shape[-d:], steps).astype(theta.real.dtype))
        rows = theta[place].reshape(-1, A.shape[0])
        found[place] = (rows @ (A if transposed else A.T)).reshape(-1)
    return found


def _moving(architecture: Architecture) -> list[tuple[slice, tuple[int, ...]]]:
    """Return where the stencils that move stand in θ, and their shapes."""
    arrays, start, found = architecture.arrays, 0, []
    moving = {
        part for name, move in architecture.moves.items() if move.stencil for part in arrays.parts(name)
    }
    for part, shape in arrays.layout.parts:
        size = math.prod(shape)
        if part in moving:
            found.append((slice(start, start + size), shape))
        start += size
    return found


@lru_cache(maxsize=64)
def _powers(pair: str, shape: tuple[int, ...], steps: int) -> Any:
    """Return (A ⊗ … ⊗ A)^steps, square: the pair must keep the sizes."""
    found: Any = np.ones((1, 1))
    for size in shape:
        A = stencil_map(transfer_pair(pair), size, abs(steps))
        if A.shape[0] != A.shape[1]:
            raise InputError(
                f"pair {pair!r} takes stencils of {size} cells to {A.shape[0]} in {abs(steps)} level(s); "
                "expected the same size: 'averaging-constant' keeps 3, 'averaging-bilinear' 3 and 5."
            )
        found = np.kron(found, A if steps > 0 else _inverse(A, pair))
    return found


def _inverse(A: Any, pair: str) -> Any:
    try:
        return np.linalg.inv(A)
    except np.linalg.LinAlgError as error:
        raise InputError(
            f"stencils of {len(A)} cells cannot be carried to a finer mesh by pair {pair!r}, whose map is "
            "singular; expected 'averaging-constant' or 'averaging-bilinear', or the kernel rule 'keep'."
        ) from error
