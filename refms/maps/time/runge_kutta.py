"""Explicit Runge–Kutta propagation: forward Euler, midpoint and RK4 by their tables, with the adjoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
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
    require_choice(interpolation, INTERPOLATIONS, "interpolation")
    method = _Method(TimeSteps(layer, layers, final_time), tableau, interpolation)

    def evaluate(theta: Array, Y: Array) -> Array:
        found: Array = method.march(Y, theta, lambda s, theta_s, u: layer.evaluate(theta_s, u))
        return found

    def linearize(theta: Array, Y: Array) -> At:
        stages: list[At] = []

        def keep(s: int, theta_s: Array, u: Array) -> Array:
            stages.append(layer.linearize(theta_s, u))
            return stages[-1].output

        return _runge_kutta_at(method, stages, method.march(Y, theta, keep))

    def record(theta: Array, Y: Array) -> dict[str, Array]:
        """Return ``layerk/stagei/…`` intermediates and the states ``y0`` … ``yN``, ``output`` last."""
        named: dict[str, Array] = {"y0": Y}

        def note(s: int, theta_s: Array, u: Array) -> Array:
            k, i = divmod(s, tableau.stages)
            if k and not i:
                named[f"y{k}"] = u  # the first stage of a step sees the state before it
            inner = layer.recorded(theta_s, u)
            named.update({f"layer{k}/stage{i}/{key}": value for key, value in inner.items()})
            return inner["output"]

        output: Array = method.march(Y, theta, note)
        return {**named, f"y{layers}": output, "output": output}

    stages = layers * tableau.stages
    return Map(
        method.steps.layout,
        layer.rows_in,
        layer.rows_out,
        evaluate,
        linearize,
        record,
        multiply_adds=stages * layer.multiply_adds,
        stored=stages * (layer.stored + layer.rows_out),  # of each stage, with its state
        times=((0, method.steps),),
        constants=layer.constants,
    )


@dataclass(frozen=True, eq=False)
class _Method:
    """N steps of a method; stage i of step k has the number s = k · stages + i."""

    steps: TimeSteps
    tableau: Tableau
    interpolation: str

    @cached_property
    def matrix(self) -> Any:
        """M, which takes the parameters of the layers to those of all stages."""
        of_stages = [k for k in range(self.steps.layers) for _ in range(self.tableau.stages)]
        nodes = self.tableau.nodes * self.steps.layers
        return stage_matrix(self.steps.layers, of_stages, nodes, self.interpolation)

    def march(
        self, Y: Array | None, theta: Array | None, slope: Callable[[int, Any, Any], Array | None]
    ) -> Any:
        """Return y_N with the slopes slope(s, θ_s, u_s) of all stages, or its tangent; None is zero."""
        stages = self.tableau.stages
        thetas = None if theta is None else self.steps.at_times(self.matrix, theta)
        for first in range(0, self.steps.layers * stages, stages):

            def of_step(i: int, u: Any, first: int = first) -> Array | None:
                return slope(first + i, None if thetas is None else thetas[first + i], u)

            Y = forwards(self.tableau, self.steps.time_step, Y, of_step)
        return Y

    def sweep(
        self, G: Array, pull: Callable[[int, Array, bool], Array | None], varies: bool, wrt_input: bool
    ) -> Array | None:
        """Return the cotangent of y_0; ``pull(s, H, needed)`` is called from the last stage to the first.

        ``varies`` says whether the parameters of earlier steps are asked for.
        """
        stages, gY = self.tableau.stages, G
        for first in reversed(range(0, self.steps.layers * stages, stages)):

            def of_step(i: int, H: Array, needed: bool, first: int = first) -> Array | None:
                return pull(first + i, H, needed)

            needed = wrt_input or (varies and first > 0)
            gY = backwards(self.tableau, self.steps.time_step, gY, of_step, wrt_input=needed)
        return gY


def _runge_kutta_at(method: _Method, stages: Sequence[At], output: Array) -> At:
    """Return the propagation at a point, from its stages there."""

    def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
        def push(s: int, dtheta_s: Array | None, du: Array | None) -> Array | None:
            return None if dtheta_s is None and du is None else stages[s].jvp(dtheta_s, du)

        found: Array | None = method.march(dY, dtheta, push)
        return zeros_like(output) if found is None else found  # where δt = 0

    def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
        alongs: list[Any] = [None] * len(stages)

        def pull(s: int, H: Array, needed: bool) -> Array | None:
            alongs[s], gu = second_of(stages[s])(H, wrt_input=needed)
            return gu

        gY = method.sweep(G, pull, True, wrt_input)

        def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
            tangents: list[Tangent] = []

            def push(s: int, dtheta_s: Array | None, du: Array | None) -> Array:
                tangents.append(alongs[s](dtheta_s, du))
                return tangents[-1].output

            found = method.march(dY, dtheta, push)
            return Tangent(zeros_like(output) if found is None else found, partial(_pull, method, tangents))

        return along, gY

    return At(output, jvp, partial(_pull, method, stages), second)


def _pull(
    method: _Method, stages: Sequence[Any], G: Array, *, wrt_theta: bool = True, wrt_input: bool = True
) -> Gradients:
    """Sweep over the stages' points, or their tangents, from the last one."""
    gradients: list[Array] = []

    def pull(s: int, H: Array, needed: bool) -> Array | None:
        gradient, gu = stages[s].vjp(H, wrt_theta=wrt_theta, wrt_input=needed)
        gradients.append(gradient)
        return gu

    gY = method.sweep(G, pull, wrt_theta, wrt_input)
    if not wrt_theta:
        return None, gY
    stacked = backend_of(G).xp.stack(gradients[::-1])
    return method.steps.at_times_transposed(method.matrix, stacked), gY


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
