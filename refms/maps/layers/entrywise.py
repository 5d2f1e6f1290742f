"""Functions of single numbers: an activation by itself, multiples, features of a time."""

from __future__ import annotations

import numpy as np

from refms.errors import Array, InputError, require_whole
from refms.maps.activation import Activation, require_activation
from refms.maps.branches import concatenate
from refms.maps.chain import chain
from refms.maps.layers.linear import linear_map, operator_map
from refms.maps.map import Map
from refms.maps.parameterless import Point, parameterless


def entrywise(rows: int, activation: Activation) -> Map:
    """Return Y ↦ σ(Y), entry by entry.

    Parameters
    ----------
    rows : int
        Rows of Y.
    activation : Activation
        σ.

    Returns
    -------
    Map
        Without parameters. With D = σ′(Y): dF = D ∘ dY, F_Yᵀ G = D ∘ G, and differentiated once more
        σ″(Y) ∘ dY ∘ G + D ∘ dG.

    Raises
    ------
    InputError
        If the activation is none.

    Examples
    --------
    >>> from refms.maps.activation import activation
    >>> entrywise(2, activation("relu")).apply(np.zeros(0), np.array([[-1.0], [2.0]])).ravel().tolist()
    [0.0, 2.0]
    """
    require_activation(activation)

    def at(Y: Array) -> Point:
        output, slope = activation.value_and_derivative(Y)
        return (
            output,
            lambda dY: slope * dY,
            lambda G: slope * G,
            lambda dY, _, G: activation.second_derivative(Y) * dY * G,
        )

    return parameterless(
        rows, rows, activation.value, at, multiply_adds=rows, stored=2 * rows, reads=("input",)
    )


def multiple(rows: int, factor: float) -> Map:
    """Return Y ↦ a Y with a fixed number a.

    Parameters
    ----------
    rows : int
        Rows of Y.
    factor : float
        a.

    Returns
    -------
    Map
        Without parameters.

    Examples
    --------
    >>> multiple(1, 0.5).apply(np.zeros(0), np.ones((1, 1))).item()
    0.5
    """
    a = float(factor)
    return linear_map(rows, rows, lambda Y: a * Y, lambda G: a * G, multiply_adds=rows)


def time_features(frequencies: int, order: str = "cos-sin") -> Map:
    """Return the features of a time, t ↦ (cos ω_j t; sin ω_j t), one column per example.

    Parameters
    ----------
    frequencies : int
        Their number H; ω_j = 10000^{−j/H} for j < H.
    order : str
        ``"cos-sin"`` or ``"sin-cos"``: which H rows come first.

    Returns
    -------
    Map
        One row to 2H rows, without parameters; [MST], the released networks.

    Raises
    ------
    InputError
        If there is no frequency, or the order is unknown.

    Examples
    --------
    >>> time_features(1).apply(np.zeros(0), np.zeros((1, 1))).ravel().tolist()
    [1.0, 0.0]
    """
    H = require_whole(frequencies, "frequencies", 1)
    if order not in ("cos-sin", "sin-cos"):
        raise InputError(f"order is {order!r}; expected 'cos-sin' or 'sin-cos'.")
    omega = 10000.0 ** (-np.arange(H)[:, None] / H)
    waves = {"cos": entrywise(H, _COS), "sin": entrywise(H, _SIN)}
    both = concatenate(*[("", waves[name]) for name in order.split("-")])
    return chain(("", operator_map(omega)), ("", both))


_COS = Activation("cos", True, lambda xp, Z: xp.cos(Z), lambda xp, Z: -xp.sin(Z), lambda xp, Z: -xp.cos(Z))
_SIN = Activation("sin", True, lambda xp, Z: xp.sin(Z), lambda xp, Z: xp.cos(Z), lambda xp, Z: -xp.sin(Z))
