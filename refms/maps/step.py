"""One step of forward Euler, Y + δt F(θ, Y), for any map; a layer may offer the whole step at once."""

from __future__ import annotations

import math

from refms.errors import Array, InputError
from refms.maps.map import Along, At, Gradients, Map, Second, Tangent, without_output


def step(F: Map, dt: float) -> Map:
    """Return one step of forward Euler, (θ, Y) ↦ Y + δt F(θ, Y); eq. (3) of [LAS].

    Parameters
    ----------
    F : Map
        With as many rows out as in; where it has a ``fused_step``, that is taken.
    dt : float
        δt.

    Returns
    -------
    Map
        dY + δt (F_θ dθ + F_Y dY) forwards, (δt F_θᵀ G, G + δt F_Yᵀ G) backwards.

    Raises
    ------
    InputError
        If F changes the number of rows, or δt is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.maps.layers.linear import matrix_map
    >>> step(matrix_map(-np.eye(1)), 0.25).apply(np.zeros(0), np.ones((1, 1))).item()
    0.75
    """
    if F.rows_in != F.rows_out:
        raise InputError(f"the map takes {F.rows_in} rows to {F.rows_out}; a time step needs equal numbers.")
    dt = float(dt)  # a NumPy number would raise the precision of float32 arrays
    if not math.isfinite(dt):
        raise InputError(f"the time step is {dt}; expected a finite number.")
    if F.fused_step is not None:
        return F.fused_step(dt)

    def linearize(theta: Array, Y: Array) -> At:
        inner = F.linearize(theta, Y)
        output, inner = Y + dt * inner.output, without_output(inner)

        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            update = dt * inner.jvp(dtheta, dY)
            return update if dY is None else dY + update

        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            gtheta, gY = inner.vjp(G, wrt_theta=wrt_theta, wrt_input=wrt_input)
            return (None if gtheta is None else dt * gtheta), (None if gY is None else G + dt * gY)

        second = None if inner.second is None else second_of_step(inner.second, dt)
        return At(output, jvp, vjp, second)

    return Map(
        F.layout,
        F.rows_in,
        F.rows_out,
        lambda theta, Y: Y + dt * F.evaluate(theta, Y),
        linearize,
        lambda theta, Y: record_step(F, dt, theta, Y),
        multiply_adds=F.multiply_adds,
        stored=F.stored + (F.rows_out if F.view or "output" in F.reads else 0),
        reads=("input",) if "input" in F.reads else (),
        constants=F.constants,
    )


def second_of_step(second: Second, dt: float) -> Second:
    """Return the second derivatives of Y + δt F from those of F.

    The adjoint of the step is (F_θᵀ (δt G), G + F_Yᵀ (δt G)); its derivative is that of F's adjoint along
    (dθ, dY, δt dG), and dG besides.
    """

    def of_step(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
        inner_along, gY = second(dt * G, wrt_input=wrt_input)

        def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
            inner = inner_along(dtheta, dY)
            update = dt * inner.output

            def vjp(dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                dgtheta, dgY = inner.vjp(dt * dG, wrt_theta=wrt_theta, wrt_input=wrt_input)
                return dgtheta, (None if dgY is None else dG + dgY)

            return Tangent(update if dY is None else dY + update, vjp)

        return along, (None if gY is None else G + gY)

    return of_step


def record_step(F: Map, dt: float, theta: Array, Y: Array) -> dict[str, Array]:
    """Return the intermediates of a step; F itself under ``increment``."""
    inner = F.recorded(theta, Y)
    increment = inner.pop("output")
    return {**inner, "increment": increment, "output": Y + dt * increment}
