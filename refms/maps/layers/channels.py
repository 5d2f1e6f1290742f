"""One number per channel on all its cells: shifts and gates given with each example, learned scales."""

from __future__ import annotations

from dataclasses import replace

from refms.backend import backend_of, zeros_like
from refms.errors import Array, InputError, require_whole
from refms.grid import Grid
from refms.maps.layers.linear import linear_map
from refms.maps.layout import Layout
from refms.maps.map import Along, At, Gradients, Map, Tangent
from refms.maps.parameterless import Point, parameterless
from refms.sums import rows_together, share, sum_rows


def take_rows(rows_in: int, start: int, stop: int) -> Map:
    """Return the map to some of the rows, Y ↦ Y[start:stop].

    Parameters
    ----------
    rows_in : int
        Rows of Y.
    start, stop : int
        The first row that is taken, and the first one after it that is not.

    Returns
    -------
    Map
        Without parameters; its output is a view of Y.

    Raises
    ------
    InputError
        If no row is taken, or there are not so many.

    Examples
    --------
    >>> import numpy as np
    >>> take_rows(3, 1, 3).apply(np.zeros(0), np.array([[1.0], [2.0], [3.0]])).ravel().tolist()
    [2.0, 3.0]
    """
    if not 0 <= start < stop <= rows_in:
        raise InputError(f"rows {start} to {stop} of {rows_in}; expected 0 <= start < stop <= {rows_in}.")

    def transposed(G: Array) -> Array:
        gY = backend_of(G).xp.zeros((rows_in, G.shape[1]), dtype=G.dtype)
        gY[start:stop] = G
        return gY

    taken = linear_map(rows_in, stop - start, lambda Y: Y[start:stop], transposed, multiply_adds=0)
    return replace(taken, stored=0, view=True)


def channel_shift(grid: Grid, channels: int) -> Map:
    """Return (y; e) ↦ y + e ⊗ 1_n: a number for each channel and example is added to all its cells.

    Parameters
    ----------
    grid : Grid
        With n cells.
    channels : int
        Channels c of y.

    Returns
    -------
    Map
        From c·n + c rows to c·n; the adjoint of the second part are the sums over cells.

    Examples
    --------
    >>> import numpy as np
    >>> channel_shift(Grid((2,)), 1).apply(np.zeros(0), np.array([[1.0], [2.0], [10.0]])).ravel().tolist()
    [11.0, 12.0]
    """
    c, n, R = require_whole(channels, "channels", 1), grid.cells, rows_together(grid.cells)

    def multiply(Y: Array) -> Array:
        y, e = Y[: c * n].reshape(c, n // R, -1), Y[c * n :].reshape(c, 1, -1)
        return (y + share(e, R)).reshape(c * n, -1)

    def transposed(G: Array) -> Array:
        sums = sum_rows(G.reshape(c, n, G.shape[1]))[:, 0]
        return backend_of(G).xp.concatenate([G, sums])

    return linear_map(c * n + c, c * n, multiply, transposed, multiply_adds=c * n)


def channel_gate(grid: Grid, channels: int) -> Map:
    """Return (y; q) ↦ y ⊙ (q ⊗ 1_n): every channel of each example times a number, such as a dropout mask.

    Parameters
    ----------
    grid : Grid
        With n cells.
    channels : int
        Channels c of y.

    Returns
    -------
    Map
        From c·n + c rows to c·n, without parameters, bilinear: dF = dy ⊙ q + y ⊙ dq,
        F_yᵀ G = q ⊙ G, F_qᵀ G = sums over cells of y ⊙ G.

    Examples
    --------
    >>> import numpy as np
    >>> channel_gate(Grid((2,)), 1).apply(np.zeros(0), np.array([[1.0], [2.0], [2.0]])).ravel().tolist()
    [2.0, 4.0]
    """
    c, n, R = require_whole(channels, "channels", 1), grid.cells, rows_together(grid.cells)

    def split(Y: Array) -> tuple[Array, Array]:
        return Y[: c * n].reshape(c, n // R, -1), share(Y[c * n :].reshape(c, 1, -1), R)

    def product(y: Array, q: Array, m: int) -> Array:
        return (y * q).reshape(c * n, m)

    def adjoint(y: Array, q: Array, G: Array) -> Array:
        m, G = G.shape[1], G.reshape(c, n // R, -1)
        sums = sum_rows((y * G).reshape(c, n, m))[:, 0]
        return backend_of(G).xp.concatenate([product(G, q, m), sums])

    def at(Y: Array) -> Point:
        (y, q), m = split(Y), Y.shape[1]

        def forward(dY: Array) -> Array:
            dy, dq = split(dY)
            return product(dy, q, m) + product(y, dq, m)

        return (
            product(y, q, m),
            forward,
            lambda G: adjoint(y, q, G),
            lambda dY, _, G: adjoint(*split(dY), G),
        )

    return parameterless(
        c * n + c,
        c * n,
        lambda Y: product(*split(Y), Y.shape[1]),
        at,
        multiply_adds=c * n,
        stored=c * n,
        reads=("input",),
    )


def channel_scale(grid: Grid, channels: int) -> Map:
    """Return y ↦ γ_c y + β_c: the learned weights after a normalisation.

    Parameters
    ----------
    grid : Grid
        With n cells.
    channels : int
        Channels c.

    Returns
    -------
    Map
        Parameters ``gamma`` (c,) and ``beta`` (c,): dF = dγ y + γ dy + dβ, F_yᵀ G = γ G,
        F_γᵀ G = sums of y ⊙ G over cells and examples, F_βᵀ G = sums of G.

    Examples
    --------
    >>> import numpy as np
    >>> channel_scale(Grid((2,)), 1).apply(np.array([2.0, 1.0]), np.array([[1.0], [3.0]])).ravel().tolist()
    [3.0, 7.0]
    """
    c, n = require_whole(channels, "channels", 1), grid.cells

    def column(numbers: Array) -> Array:
        return numbers.reshape(c, 1, 1)

    def evaluate(theta: Array, Y: Array) -> Array:
        y = Y.reshape(c, n, -1)
        return (column(theta[:c]) * y + column(theta[c:])).reshape(Y.shape)

    def linearize(theta: Array, Y: Array) -> At:
        gamma, y = column(theta[:c]), Y.reshape(c, n, -1)

        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            changes = [] if dY is None else [gamma * dY.reshape(y.shape)]
            if dtheta is not None:
                changes.append(column(dtheta[:c]) * y + column(dtheta[c:]))
            return sum(changes[1:], changes[0]).reshape(Y.shape)

        def of_parameters(y: Array, G: Array) -> Array:
            return (y * G.reshape(y.shape)).sum(axis=(1, 2))

        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            gtheta = None
            if wrt_theta:
                sums = G.reshape(y.shape).sum(axis=(1, 2))
                gtheta = backend_of(G).xp.concatenate([of_parameters(y, G), sums])
            return gtheta, ((gamma * G.reshape(y.shape)).reshape(Y.shape) if wrt_input else None)

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
                def pull(dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                    gtheta, gY = vjp(dG, wrt_theta=wrt_theta, wrt_input=wrt_input)
                    if gtheta is not None and dY is not None:
                        gtheta[:c] += of_parameters(dY.reshape(y.shape), G)
                    if gY is not None and dtheta is not None:
                        gY = gY + (column(dtheta[:c]) * G.reshape(y.shape)).reshape(Y.shape)
                    return gtheta, gY

                silent = dtheta is None and dY is None
                return Tangent(zeros_like(Y) if silent else jvp(dtheta, dY), pull)

            return along, (vjp(G, wrt_theta=False)[1] if wrt_input else None)

        return At(evaluate(theta, Y), jvp, vjp, second)

    layout = Layout((("gamma", (c,)), ("beta", (c,))))
    return Map(layout, c * n, c * n, evaluate, linearize, multiply_adds=c * n, stored=c * n, reads=("input",))
