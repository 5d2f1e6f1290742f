"""Explicit Runge–Kutta propagation: forward Euler, midpoint and RK4 by their tables, with the adjoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from refms.backend import backend_of, zeros_like
from refms.errors import Array, require_choice
from refms.maps.map import Along, At, Gradients, Map, Tangent, second_of
from refms.maps.time.interpolation import INTERPOLATIONS, stage_matrix
from refms.maps.time.steps import TimeSteps
from refms.maps.time.tableau import Tableau


def runge_kutta(
    layer: Map, layers: int, final_time: float, tableau: Tableau, interpolation: str = "linear"
) -> Map:
    """Return N steps of an explicit Runge–Kutta method for y′ = F(θ(t), y).

    Parameters
    ----------
    layer, layers, final_time
        As for :func:`~refms.maps.time.euler.forward_euler`.
    tableau : Tableau
        The method.
    interpolation : str
        What θ(t) is at the stages, see :func:`~refms.maps.time.interpolation.stage_matrix`.

    Returns
    -------
    Map
        From y_0 to y_N, its parameters named ``layerk/…``.

    Raises
    ------
    InputError
        As for ``forward_euler``, or if the interpolation is unknown.

    Notes
    -----
    Eq. (4) of [LAS] by another method than its eq. (3). With θ_i the parameters at stage i, u_i its state:

        u_i = y_k + δt Σ_{j<i} a_ij k_j,   k_i = F(θ_i, u_i),   y_{k+1} = y_k + δt Σ_i b_i k_i,

        du_i = dy_k + δt Σ_{j<i} a_ij dk_j,   dk_i = F_θ dθ_i + F_Y du_i,   dy_{k+1} = dy_k + δt Σ_i b_i dk_i.

    Transposed, stage after stage from the last one, with H_i the cotangent of k_i and Γ_i that of u_i:

        H_i = δt (b_i G_{k+1} + Σ_{j>i} a_ji Γ_j),   Γ_i = F_Yᵀ H_i,   gradient of θ_i: F_θᵀ H_i,
        G_k = G_{k+1} + Σ_i Γ_i.

    Differentiated once more, backwards dH_i from dG and dΓ_j as H_i from G and Γ_j, and

        dΓ_i = F_Yᵀ dH_i + D(F_Yᵀ)[dθ_i, du_i] H_i,   likewise for the gradient of θ_i.

    The stages' parameters are M Θ with the matrix M of ``stage_matrix``, their gradients go back by Mᵀ: the
    discrete steps are differentiated, so the gradient is that of the discrete objective.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> from refms.maps.activation import TANH
    >>> from refms.maps.layers.convolution import convolution_layer
    >>> from refms.maps.time.tableau import RK4
    >>> from refms.stencils.convolution import Convolution
    >>> F = convolution_layer(Convolution(Grid((8, 8))), TANH)
    >>> steps = runge_kutta(F, 2, 1.0, RK4)
    >>> steps.layout.size, steps.multiply_adds == 8 * F.multiply_adds
    (20, True)
    """
    steps = TimeSteps(layer, layers, final_time)
    require_choice(interpolation, INTERPOLATIONS, "interpolation")
    s, dt = tableau.stages, steps.time_step
    M = stage_matrix(
        layers, [k for k in range(layers) for _ in range(s)], tableau.nodes * layers, interpolation
    )

    def by_stage(theta: Array | None) -> Any:
        """Return the parameters of all stages, or directions of them, step by step."""
        return [[None] * s] * layers if theta is None else steps.at_times(M, theta).reshape(layers, s, -1)

    def march(Y: Array | None, stages: Any, slope: Callable[..., Array | None]) -> Any:
        """Return all steps from Y with k_i = slope(k, i, θ_i, u_i)."""
        for k, thetas in enumerate(stages):

            def slope_of(i: int, u: Any, k: int = k, thetas: Any = thetas) -> Array | None:
                return slope(k, i, thetas[i], u)

            Y = forwards(tableau, dt, Y, slope_of)
        return Y

    def evaluate(theta: Array, Y: Array) -> Array:
        found: Array = march(Y, by_stage(theta), lambda k, i, theta_i, u: layer.evaluate(theta_i, u))
        return found

    def backward(at: Sequence[Any], G: Array, wrt_theta: bool, wrt_input: bool) -> Gradients:
        """Sweep over the stages' linearisations, or tangents, from the last one."""
        gradients: list[Array] = []
        gY: Array | None = G
        for k in reversed(range(layers)):

            def pull(i: int, H: Array, needed: bool, k: int = k) -> Array | None:
                gradient, gu = at[k * s + i].vjp(H, wrt_theta=wrt_theta, wrt_input=needed)
                gradients.append(gradient)
                return gu

            needed = wrt_input or (wrt_theta and k > 0)
            gY = backwards(tableau, dt, gY, pull, wrt_input=needed)
        if not wrt_theta:
            return None, gY
        return steps.at_times_transposed(M, backend_of(G).xp.stack(gradients[::-1])), gY

    def linearize(theta: Array, Y: Array) -> At:
        at: list[At] = []

        def keep(k: int, i: int, theta_i: Array, u: Array) -> Array:
            at.append(layer.linearize(theta_i, u))
            return at[-1].output

        output = march(Y, by_stage(theta), keep)

        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            def push(k: int, i: int, dtheta_i: Array | None, du: Array | None) -> Array | None:
                return None if dtheta_i is None and du is None else at[k * s + i].jvp(dtheta_i, du)

            found: Array | None = march(dY, by_stage(dtheta), push)
            return zeros_like(output) if found is None else found  # where δt = 0

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            alongs: list[Along | None] = [None] * len(at)
            gY: Array | None = G
            for k in reversed(range(layers)):

                def pull(i: int, H: Array, needed: bool, k: int = k) -> Array | None:
                    alongs[k * s + i], gu = second_of(at[k * s + i])(H, wrt_input=needed)
                    return gu

                gY = backwards(tableau, dt, gY, pull, wrt_input=wrt_input or k > 0)

            def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
                tangents: list[Tangent] = []

                def push(k: int, i: int, dtheta_i: Array | None, du: Array | None) -> Array:
                    tangents.append(alongs[k * s + i](dtheta_i, du))  # type: ignore[misc]  # all are set above
                    return tangents[-1].output

                found = march(dY, by_stage(dtheta), push)
                return Tangent(zeros_like(output) if found is None else found, _vjp_of(tangents))

            return along, gY

        return At(output, jvp, _vjp_of(at), second)

    def _vjp_of(at: Sequence[Any]) -> Any:
        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            return backward(at, G, wrt_theta, wrt_input)

        return vjp

    def record(theta: Array, Y: Array) -> dict[str, Array]:
        """Return ``layerk/stagei/…`` intermediates and the states ``y0`` … ``yN``, ``output`` last."""
        named: dict[str, Array] = {"y0": Y}
        for k, thetas in enumerate(by_stage(theta)):

            def slope(i: int, u: Array, k: int = k, thetas: Any = thetas) -> Array:
                inner = layer.recorded(thetas[i], u)
                named.update({f"layer{k}/stage{i}/{key}": value for key, value in inner.items()})
                return inner["output"]

            Y = forwards(tableau, dt, Y, slope)
            named[f"y{k + 1}"] = Y
        return {**named, "output": Y}

    return Map(
        steps.layout,
        layer.rows_in,
        layer.rows_out,
        evaluate,
        linearize,
        record,
        multiply_adds=layers * s * layer.multiply_adds,
        stored=layers * s * (layer.stored + layer.rows_out),  # of each stage, with its state
        time=steps,
        constants=layer.constants,
    )


def forwards(tableau: Tableau, dt: float, Y: Array | None, slope: Callable[[int, Any], Array | None]) -> Any:
    """Return y_{k+1} = y_k + δt Σ_i b_i k_i with k_i = slope(i, u_i), u_i = y_k + δt Σ_{j<i} a_ij k_j.

    The same for tangents; None stands for zero.
    """
    slopes: list[Array | None] = []
    for i, row in enumerate(tableau.a):
        slopes.append(slope(i, weighted_sum(Y, dt, row, slopes)))
    return weighted_sum(Y, dt, tableau.b, slopes)


def backwards(
    tableau: Tableau,
    dt: float,
    G: Array | None,
    pull: Callable[[int, Array, bool], Array | None],
    *,
    wrt_input: bool = True,
) -> Any:
    """Return the transpose of :func:`forwards` applied to G, the cotangent of y_{k+1}.

    ``pull`` is called from the last stage to the first with the stage, the cotangent H_i of its slope and
    whether the cotangent Γ_i of its state u_i is needed, which it returns:
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
    """Return start + δt Σ_i weight_i array_i; None stands for zero, and zeros are left out."""
    total = start
    for weight, array in zip(weights, arrays, strict=True):
        factor = dt * weight
        if factor and array is not None:
            term = array if factor == 1.0 else factor * array
            total = term if total is None else total + term
    return total
