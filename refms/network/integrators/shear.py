"""A shear: one half of the state is moved by a function of the other, u ← u + α F(θ, w)."""

from __future__ import annotations

from dataclasses import dataclass

from refms.errors import Array
from refms.network.mapping import Mapping

State = tuple[Array | None, Array | None]
"""The two halves (y, z), or tangents or cotangents of them, each (rows of the layer, m); None is zero."""


@dataclass(frozen=True)
class Shear:
    """One half of the state moved by a function of the other, u ← u + α F(θ, w).

    Parameters
    ----------
    moves : int
        0: u = y and w = z. 1: u = z and w = y.
    map : Mapping or None
        F; None for F(θ, w) = w, which has no parameters.
    factor : float
        α.
    step : int
        The parameters are those of the time t = (step + node) δt.
    node : float
        0 to 1.
    """

    moves: int
    map: Mapping | None
    factor: float
    step: int
    node: float = 0.0


def sheared(state: State, shear: Shear, value: Array | None, sign: int = 1) -> State:
    """Return the state after a shear, or with ``sign`` -1 before it.

    Parameters
    ----------
    state : tuple of array or None
        (y, z), or a tangent.
    shear : Shear
        Which half moves, and how far.
    value : array or None
        F(θ, w), or its derivative.
    sign : int
        1 or -1.

    Returns
    -------
    tuple of array or None
        Of which the half that stays is the same array.
    """
    u = state[shear.moves]
    if value is not None:
        update = (sign * shear.factor) * value
        u = update if u is None else u + update
    return (u, state[1]) if shear.moves == 0 else (state[0], u)
