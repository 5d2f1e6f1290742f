"""The stages of an explicit Runge–Kutta step, forwards and backwards, for whatever goes through them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from refms.backend import zeros_like
from refms.errors import Array
from refms.network.integrators.tableau import Tableau


def forwards(tableau: Tableau, dt: float, Y: Array | None, slope: Callable[[int, Any], Array | None]) -> Any:
    """Return y_{k+1} = y_k + δt Σ_i b_i k_i with k_i = slope(i, u_i), u_i = y_k + δt Σ_{j<i} a_ij k_j.

    Parameters
    ----------
    tableau : Tableau
        a and b.
    dt : float
        δt.
    Y : array or None
        y_k, or a tangent of it; None is zero.
    slope : callable
        Number of a stage and its state (or its tangent) -> its slope, or None for zero.

    Returns
    -------
    array or None
        Shape of Y.
    """
    slopes: list[Array | None] = []
    for i, row in enumerate(tableau.a):
        slopes.append(slope(i, weighted_sum(Y, dt, row, slopes)))
    return weighted_sum(Y, dt, tableau.b, slopes)


def backwards(
    tableau: Tableau,
    dt: float,
    G: Array,
    pull: Callable[[int, Array, bool], Array | None],
    *,
    wrt_input: bool = True,
) -> Any:
    """Return the transpose of :func:`forwards` applied to a cotangent of y_{k+1}.

    Parameters
    ----------
    tableau, dt
        As forwards.
    G : array
        Cotangent of y_{k+1}, or its derivative.
    pull : callable
        Called from the last stage to the first with the number of a stage, the cotangent H_i of its slope and
        whether the cotangent Γ_i of its state u_i is needed; gives Γ_i or None.
    wrt_input : bool
        False: the cotangent of y_k is not needed.

    Returns
    -------
    array or None
        Cotangent of y_k.

    Notes
    -----
    H_i = δt (b_i G + Σ_{j>i} a_ji Γ_j), and the cotangent of y_k is G + Σ_i Γ_i.
    """
    states: dict[int, Array | None] = {}
    for i in reversed(range(tableau.stages)):
        weights = [tableau.b[i], *(tableau.a[j][i] for j in states)]
        H = weighted_sum(None, dt, weights, [G, *states.values()])
        states[i] = pull(i, zeros_like(G) if H is None else H, wrt_input or i > 0)
    return weighted_sum(G, 1.0, [1.0] * len(states), list(states.values())) if wrt_input else None


def weighted_sum(
    start: Array | None, dt: float, weights: Sequence[float], arrays: Sequence[Array | None]
) -> Any:
    """Return start + δt Σ_i weight_i array_i; None stands for zero, and zeros are left out.

    Parameters
    ----------
    start : array or None
        Any shape.
    dt : float
        δt.
    weights : sequence of float
        One for each array.
    arrays : sequence of array or None
        Shape of start.

    Returns
    -------
    array or None
        The same array as ``start`` where nothing is added.

    Examples
    --------
    >>> import numpy as np
    >>> weighted_sum(None, 0.5, [2.0, 0.0], [np.ones(2), None]).tolist()
    [1.0, 1.0]
    """
    total = start
    for weight, array in zip(weights, arrays, strict=True):
        factor = dt * weight
        if factor and array is not None:
            term = array if factor == 1.0 else factor * array
            total = term if total is None else total + term
    return total
