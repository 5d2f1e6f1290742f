"""Normalisation over the channels of a group and all cells of one example: group norm, layer norm."""

from __future__ import annotations

from refms.backend import backend_of, zeros_like
from refms.errors import Array, InputError, require_whole
from refms.grid import Grid
from refms.maps.layout import EMPTY
from refms.maps.map import Along, At, Gradients, Map, Tangent


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

    def parts(Y: Array) -> Array:
        return Y.reshape(groups, rows // groups, -1)

    def mean(v: Array) -> Array:
        return v.mean(axis=1, keepdims=True)

    def standardize(Y: Array) -> tuple[Array, Array]:
        """Return x̂, shape of Y, and ρ, shape (groups, m)."""
        x = parts(Y)
        centred = x - mean(x)
        rho = 1 / backend_of(Y).xp.sqrt(mean(centred * centred) + eps)
        centred *= rho
        return centred.reshape(Y.shape), rho[:, 0]

    def linearize(theta: Array, Y: Array) -> At:
        output, rho = standardize(Y)

        def project(v: Array) -> Array:
            """Return v − mean v − x̂ mean(x̂ ⊙ v)."""
            unit = parts(output)
            return v - mean(v) - unit * mean(unit * v)

        def jacobian(V: Array) -> Array:
            return (rho[:, None] * project(parts(V))).reshape(V.shape)

        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            return zeros_like(output) if dY is None else jacobian(dY)

        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            return (theta if wrt_theta else None), (jacobian(G) if wrt_input else None)

        def bend(dY: Array, dunit: Array, G: Array) -> Array:
            """Return D(J)[dx] g."""
            unit, dx, dunit, g, r = parts(output), parts(dY), parts(dunit), parts(G), rho[:, None]
            turned = dunit * mean(unit * g) + unit * mean(dunit * g)
            return (-r * (r * mean(unit * dx) * project(g) + turned)).reshape(G.shape)

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
                dunit = jvp(None, dY)

                def pull(dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                    gtheta, gY = vjp(dG, wrt_theta=wrt_theta, wrt_input=wrt_input)
                    return gtheta, (gY if gY is None or dY is None else gY + bend(dY, dunit, G))

                return Tangent(dunit, pull)

            return along, (jacobian(G) if wrt_input else None)

        return At(output, jvp, vjp, second)

    def evaluate(theta: Array, Y: Array) -> Array:
        return standardize(Y)[0]

    return Map(EMPTY, rows, rows, evaluate, linearize, multiply_adds=3 * rows, stored=rows + groups)
