"""Normalisation over the channels of a group and all cells of one example: group norm, layer norm."""

from __future__ import annotations

from refms.backend import backend_of
from refms.errors import Array, InputError, require_whole
from refms.grid import Grid
from refms.maps.map import Map
from refms.maps.parameterless import Point, parameterless
from refms.sums import rows_together, share, sum_rows


def normalization(grid: Grid, channels: int, groups: int = 1, epsilon: float = 1e-5) -> Map:
    """Return x ↦ ρ (x − μ), for each example and group of channels by itself.

    Parameters
    ----------
    grid : Grid
        The cells.
    channels : int
        Channels c.
    groups : int
        Groups of c/groups channels each: 1 is layer norm, c instance norm.
    epsilon : float
        ε > 0, added to the variance, inside the root.

    Returns
    -------
    Map
        From c·n rows to c·n, without parameters; ``channel_scale`` has the learned weights.

    Raises
    ------
    InputError
        If the groups do not divide the channels, or ε is not positive.

    Notes
    -----
    Over the N numbers of a group, with ρ = 1/√(mean (x − μ)² + ε) and x̂ = ρ (x − μ),

        J v = ρ (v − mean v − x̂ mean(x̂ ⊙ v)) = Jᵀ v,
        D(J)[dx] g = −ρ² mean(x̂ ⊙ dx) (g − mean g − x̂ mean(x̂ ⊙ g)) − ρ (dx̂ mean(x̂ ⊙ g) + x̂ mean(dx̂ ⊙ g)),

    dx̂ = J dx. Statistics are means over cells, so they converge as h → 0. J 1 = 0 and J x̂ = ρ³ ε x̂.
    Batch normalisation couples examples, so that a loss would be no mean over them; it is not offered.

    Examples
    --------
    >>> import numpy as np
    >>> layer = normalization(Grid((2,)), channels=1, epsilon=1e-12)
    >>> layer.apply(np.zeros(0), np.array([[1.0], [3.0]])).round(6).ravel().tolist()
    [-1.0, 1.0]
    """
    channels = require_whole(channels, "channels", 1)
    groups = require_whole(groups, "groups", 1)
    if channels % groups:
        raise InputError(f"{channels} channels in {groups} groups; expected a divisor of the channels.")
    if not 0 < epsilon < float("inf"):
        raise InputError(f"epsilon is {epsilon}; expected a positive number, such as 1e-5.")
    rows, eps = channels * grid.cells, float(epsilon)
    R = rows_together(rows // groups)

    def parts(Y: Array) -> Array:
        return Y.reshape(groups, rows // groups // R, -1)

    def mean(v: Array) -> Array:
        """Return the mean over rows of R together, shape (groups, 1, R·m)."""
        return share(small_mean(v), R)

    def small_mean(v: Array) -> Array:
        total = sum_rows(sum_rows(v).reshape(groups, R, -1))
        return total / v.dtype.type(rows // groups)

    def standardize(Y: Array) -> tuple[Array, Array]:
        """Return x̂, shape of Y, and ρ, shape (groups, m)."""
        x = parts(Y)
        centred = x - mean(x)
        rho = 1 / backend_of(Y).xp.sqrt(small_mean(centred * centred) + eps)
        centred *= share(rho, R)
        return centred.reshape(Y.shape), rho[:, 0]

    def at(Y: Array) -> Point:
        output, rho = standardize(Y)

        def project(v: Array) -> Array:
            """Return v − mean v − x̂ mean(x̂ ⊙ v), a new array."""
            unit, xp = parts(output), backend_of(v).xp
            found = unit * v
            xp.multiply(unit, mean(found), out=found)
            found += mean(v)
            return xp.subtract(v, found, out=found)

        def jacobian(V: Array) -> Array:
            found = project(parts(V))
            found *= share(rho[:, None], R)
            return found.reshape(V.shape)

        def bend(dY: Array, dunit: Array, G: Array) -> Array:
            """Return D(J)[dx] g."""
            unit, dx, dunit, g, r = parts(output), parts(dY), parts(dunit), parts(G), share(rho[:, None], R)
            turned = dunit * mean(unit * g) + unit * mean(dunit * g)
            return (-r * (r * mean(unit * dx) * project(g) + turned)).reshape(G.shape)

        return output, jacobian, jacobian, bend

    return parameterless(
        rows, rows, lambda Y: standardize(Y)[0], at, multiply_adds=3 * rows, stored=rows + groups
    )
