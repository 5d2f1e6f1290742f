"""Explicit Runge–Kutta propagation: forward Euler, midpoint and RK4 by their tables, with the adjoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from refms.backend import backend_of, zeros_like
from refms.errors import Array, require_choice
from refms.network.integrators.stage_parameters import INTERPOLATIONS, stage_matrix
from refms.network.integrators.stages import backwards, forwards
from refms.network.integrators.tableau import Tableau
from refms.network.mapping import AdjointLinearization, AdjointTangent, Linearization, Mapping
from refms.network.second_order import linearized_adjoint
from refms.network.time_stepping import TimeStepping

Stages = tuple[Linearization, ...]
"""F linearised at the stages of a step."""


@dataclass(frozen=True)
class RungeKutta(TimeStepping):
    """N steps of an explicit Runge–Kutta method for y′ = F(θ(t), y).

    Parameters
    ----------
    layer, layers, final_time
        As for :class:`~refms.network.time_stepping.TimeStepping`.
    tableau : Tableau
        The method.
    interpolation : str
        How θ(t) is had at the stages, see :func:`~refms.network.integrators.stage_parameters.stage_matrix`.

    Raises
    ------
    InputError
        As for ``TimeStepping``, or if the interpolation is unknown.

    Notes
    -----
    Eq. (4) of [LAS] by another method than its eq. (3). With θ_i the parameters at stage i, u_i its state:

        u_i = y_k + δt Σ_{j<i} a_ij k_j,   k_i = F(θ_i, u_i),   y_{k+1} = y_k + δt Σ_i b_i k_i,

        du_i = dy_k + δt Σ_{j<i} a_ij dk_j,   dk_i = F_θ dθ_i + F_Y du_i,   dy_{k+1} = dy_k + δt Σ_i b_i dk_i.

    Transposed, stage after stage from the last one, with H_i the cotangent of k_i and Γ_i that of u_i:

        H_i = δt (b_i G_{k+1} + Σ_{j>i} a_ji Γ_j),   Γ_i = F_Yᵀ H_i,   gradient of θ_i: F_θᵀ H_i,
        G_k = G_{k+1} + Σ_i Γ_i.

    The stages' parameters are Θ_stages = M Θ with the matrix M of ``stage_matrix``, their gradients go back
    by Mᵀ: the discrete steps are differentiated, so the gradient is that of the discrete objective.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> from refms.network.activation import TANH
    >>> from refms.network.integrators.tableau import RK4
    >>> from refms.network.layers.convolution_layer import ConvolutionLayer
    >>> from refms.stencils.convolution import Convolution
    >>> steps = RungeKutta(ConvolutionLayer(Convolution(Grid((8, 8))), TANH), 2, 1.0, RK4)
    >>> steps.layout.size, steps.multiply_adds == 8 * steps.layer.multiply_adds
    (20, True)
    """

    tableau: Tableau
    interpolation: str = "linear"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(self.interpolation, INTERPOLATIONS, "interpolation")

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all stages of all steps for one example."""
        return self.layers * self.tableau.stages * self.layer.multiply_adds

    @property
    def stored(self) -> int:
        """Numbers kept per example: each stage's own and its state, or the state after the step."""
        return self.layers * self.tableau.stages * (self.layer.stored + self.rows_out)

    @cached_property
    def stage_matrix(self) -> Any:
        """The matrix M, csr_array of shape (N · stages, N), stage after stage."""
        s = self.tableau.stages
        steps = [k for k in range(self.layers) for _ in range(s)]
        return stage_matrix(self.layers, steps, self.tableau.nodes * self.layers, self.interpolation)

    def by_stage(self, theta: Array) -> Array:
        """Return the parameters of all stages, M Θ.

        Parameters
        ----------
        theta : array
            Shape (layout.size,).

        Returns
        -------
        array
            Shape (N, stages, layer.layout.size), a new array in the precision of theta.
        """
        Theta = self.by_layer(theta)
        M = backend_of(theta).csr_from_host(self.stage_matrix.astype(str(theta.dtype)))
        return (M @ Theta).reshape(self.layers, self.tableau.stages, -1)

    def by_stage_transposed(self, gradients: Array) -> Array:
        """Return the gradient with respect to θ from those of the stages' parameters, Mᵀ.

        Parameters
        ----------
        gradients : array
            Shape (N · stages, layer.layout.size).

        Returns
        -------
        array
            Shape (layout.size,).
        """
        M = backend_of(gradients).csr_from_host(self.stage_matrix.T.tocsr().astype(str(gradients.dtype)))
        return (M @ gradients).reshape(-1)

    def directions(self, dtheta: Array | None) -> Any:
        """Return directions of the stages' parameters, step by step; each of them None where dθ is."""
        if dtheta is None:
            return [[None] * self.tableau.stages] * self.layers
        return self.by_stage(dtheta)

    def apply(self, theta: Array, Y: Array) -> Array:
        """Return y_N; parameters as for :meth:`TimeStepping.apply`."""
        for stages in self.by_stage(theta):
            Y = self.step(Y, partial(_applied, self.layer, stages))
        return Y

    def step(self, Y: Array | None, slope: Callable[[int, Any], Array | None]) -> Any:
        """Return one step from Y; see :func:`~refms.network.integrators.stages.forwards`."""
        return forwards(self.tableau, self.time_step, Y, slope)

    def linearize(self, theta: Array, Y: Array) -> RungeKuttaLinearization:
        """Return the propagation linearised at (θ, y_0); parameters as for :meth:`apply`."""
        steps: list[list[Linearization]] = []
        for stages in self.by_stage(theta):
            steps.append([])
            Y = self.step(Y, partial(_linearized, self.layer, stages, steps[-1]))
        return RungeKuttaLinearization(self, tuple(map(tuple, steps)), Y)

    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return ``layerk/stagei/…`` intermediates and the states ``y0`` … ``yN``, ``output`` last."""
        named: dict[str, Array] = {"y0": Y}
        for k, stages in enumerate(self.by_stage(theta)):
            Y = self.step(Y, partial(_traced, self.layer, stages, named, f"layer{k}"))
            named[f"y{k + 1}"] = Y
        return {**named, "output": Y}


@dataclass(frozen=True, eq=False)
class RungeKuttaLinearization:
    """A Runge–Kutta propagation at a point: F at every stage linearised; formulas in :class:`RungeKutta`."""

    propagation: RungeKutta
    steps: tuple[tuple[Linearization, ...], ...]
    output: Array

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return dY_N for directions dθ (layout.size,) and dY_0."""
        for stages, parts in zip(self.steps, self.propagation.directions(dtheta), strict=True):
            dY = self.propagation.step(dY, partial(_pushed, stages, parts))
        return zeros_like(self.output) if dY is None else dY

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the gradient with respect to θ and, if asked for, y_0."""
        return _all_pulled(self.propagation, self.steps, G, wrt_input)

    def pull_back(self, G: Array) -> Array:
        """Return the gradient with respect to y_0."""
        steps = self.propagation
        for stages in reversed(self.steps):
            G = backwards(steps.tableau, steps.time_step, G, partial(_pulled_back, stages))
        return G

    def linearize_adjoint(
        self, G: Array, *, wrt_input: bool = True
    ) -> tuple[RungeKuttaAdjoint, Array | None]:
        """Return the adjoint linearised at G, and the gradient with respect to y_0."""
        steps, adjoints = self.propagation, list[list[AdjointLinearization]]()
        gY: Array | None = G
        for k in reversed(range(steps.layers)):
            adjoints.append([])
            pull = partial(_adjoint, self.steps[k], adjoints[-1])
            gY = backwards(steps.tableau, steps.time_step, gY, pull, wrt_input=wrt_input or k > 0)
        return RungeKuttaAdjoint(steps, tuple(tuple(one[::-1]) for one in adjoints[::-1])), gY


@dataclass(frozen=True, eq=False)
class RungeKuttaAdjoint:
    """The adjoint of the propagation, linearised at one cotangent.

    Parameters
    ----------
    propagation : RungeKutta
        The propagation.
    steps : tuple of tuple of AdjointLinearization
        Of each step, the adjoint of every stage's F at the cotangent H_i of its slope k_i.

    Notes
    -----
    The formulas of :class:`RungeKutta`, differentiated once more: du_i and dk_i forwards, all kept by the
    stages; backwards dH_i from dG and dΓ_j as H_i from G and Γ_j, and

        dΓ_i = F_Yᵀ dH_i + D(F_Yᵀ)[dθ_i, du_i] H_i,   likewise for the gradient of θ_i.
    """

    propagation: RungeKutta
    steps: tuple[tuple[AdjointLinearization, ...], ...]

    def along(self, dtheta: Array | None, dY: Array | None = None) -> RungeKuttaTangent:
        """Return the derivatives along (dθ, dY), with every du_i kept."""
        tangents: list[list[AdjointTangent]] = []
        for stages, parts in zip(self.steps, self.propagation.directions(dtheta), strict=True):
            tangents.append([])
            dY = self.propagation.step(dY, partial(_along, stages, parts, tangents[-1]))
        dY = zeros_like(tangents[-1][0].output) if dY is None else dY
        return RungeKuttaTangent(self.propagation, tuple(map(tuple, tangents)), dY)


@dataclass(frozen=True, eq=False)
class RungeKuttaTangent:
    """The derivatives of the propagation and of its adjoint; formulas in :class:`RungeKuttaAdjoint`."""

    propagation: RungeKutta
    steps: tuple[tuple[AdjointTangent, ...], ...]
    output: Array

    def vjp(self, dG: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the derivatives of the gradients with respect to θ and, if asked for, y_0."""
        return _all_pulled(self.propagation, self.steps, dG, wrt_input)

    def pull_back(self, dG: Array) -> Array:
        """Return the derivative of the gradient with respect to y_0."""
        gY: Array = self.vjp(dG)[1]
        return gY


# What a step does at stage i; the first parameters are bound, the others are those that the stages give.


def _applied(layer: Mapping, thetas: Array, i: int, u: Array) -> Array:
    return layer.apply(thetas[i], u)


def _linearized(layer: Mapping, thetas: Array, found: list[Linearization], i: int, u: Array) -> Array:
    found.append(layer.linearize(thetas[i], u))
    return found[-1].output


def _traced(layer: Mapping, thetas: Array, named: dict[str, Array], prefix: str, i: int, u: Array) -> Array:
    inner = layer.trace(thetas[i], u)
    named.update({f"{prefix}/stage{i}/{key}": value for key, value in inner.items()})
    return inner["output"]


def _pushed(stages: Stages, directions: Any, i: int, du: Array | None) -> Array | None:
    return None if directions[i] is None and du is None else stages[i].jvp(directions[i], du)


def _along(stages: Any, directions: Any, found: list[AdjointTangent], i: int, du: Array | None) -> Array:
    found.append(stages[i].along(directions[i], du))
    return found[-1].output


def _pulled_back(stages: Stages, i: int, H: Array, needed: bool) -> Array:
    return stages[i].pull_back(H)


def _pulled(stages: Any, gradients: list[Array], i: int, H: Array, needed: bool) -> Array | None:
    gradient, gu = stages[i].vjp(H, wrt_input=needed)
    gradients.append(gradient)
    return gu


def _adjoint(
    stages: Stages, found: list[AdjointLinearization], i: int, H: Array, needed: bool
) -> Array | None:
    adjoint, gu = linearized_adjoint(stages[i], H, wrt_input=needed)
    found.append(adjoint)
    return gu


def _all_pulled(whole: RungeKutta, steps: Any, G: Array, wrt_input: bool) -> tuple[Array, Array | None]:
    """Return the gradients with respect to θ and y_0 of all steps, from the last stage to the first."""
    gradients: list[Array] = []
    gY: Array | None = G
    for k in reversed(range(whole.layers)):
        pull = partial(_pulled, steps[k], gradients)
        gY = backwards(whole.tableau, whole.time_step, gY, pull, wrt_input=wrt_input or k > 0)
    return whole.by_stage_transposed(backend_of(G).xp.stack(gradients[::-1])), gY
