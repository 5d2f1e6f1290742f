"""Explicit Runge–Kutta propagation: forward Euler, midpoint and RK4 by their tables, with the adjoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from refms.backend import backend_of, zeros_like
from refms.errors import Array, require_choice
from refms.network.integrators.stage_parameters import INTERPOLATIONS, stage_matrix
from refms.network.integrators.tableau import Tableau
from refms.network.mapping import Linearization
from refms.network.time_stepping import TimeStepping


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
    >>> from refms.operators.convolution import Convolution
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

    def apply(self, theta: Array, Y: Array) -> Array:
        """Return y_N; parameters as for :meth:`TimeStepping.apply`."""
        for stages in self.by_stage(theta):
            slopes: list[Array] = []
            for row, theta_i in zip(self.tableau.a, stages, strict=True):
                slopes.append(self.layer.apply(theta_i, moved(Y, self.time_step, row, slopes)))
            Y = moved(Y, self.time_step, self.tableau.b, slopes)
        return Y

    def linearize(self, theta: Array, Y: Array) -> RungeKuttaLinearization:
        """Return the propagation linearised at (θ, y_0); parameters as for :meth:`apply`."""
        steps = []
        for stages in self.by_stage(theta):
            slopes: list[Linearization] = []
            for row, theta_i in zip(self.tableau.a, stages, strict=True):
                u = moved(Y, self.time_step, row, [one.output for one in slopes])
                slopes.append(self.layer.linearize(theta_i, u))
            Y = moved(Y, self.time_step, self.tableau.b, [one.output for one in slopes])
            steps.append(RungeKuttaStepLinearization(self.tableau, self.time_step, tuple(slopes), Y))
        return RungeKuttaLinearization(self, tuple(steps), Y)

    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return ``layerk/stagei/…`` intermediates and the states ``y0`` … ``yN``, ``output`` last."""
        named: dict[str, Array] = {"y0": Y}
        for k, stages in enumerate(self.by_stage(theta)):
            slopes: list[Array] = []
            for i, (row, theta_i) in enumerate(zip(self.tableau.a, stages, strict=True)):
                inner = self.layer.trace(theta_i, moved(Y, self.time_step, row, slopes))
                named.update({f"layer{k}/stage{i}/{key}": value for key, value in inner.items()})
                slopes.append(inner["output"])
            Y = moved(Y, self.time_step, self.tableau.b, slopes)
            named[f"y{k + 1}"] = Y
        return {**named, "output": Y}


def moved(Y: Array, dt: float, weights: Sequence[float], slopes: Sequence[Array]) -> Array:
    """Return Y + δt Σ_i weight_i slope_i; Y itself where all weights are zero.

    Parameters
    ----------
    Y : array
        Any shape.
    dt : float
        δt.
    weights : sequence of float
        One for each slope.
    slopes : sequence of array
        Shape of Y.

    Returns
    -------
    array
        Shape and dtype of Y.
    """
    for weight, slope in zip(weights, slopes, strict=True):
        if weight:
            Y = Y + (dt * weight) * slope
    return Y


@dataclass(frozen=True, eq=False)
class RungeKuttaStepLinearization:
    """One step at a point, as a map of its stages' parameters and y_k; formulas in :class:`RungeKutta`."""

    tableau: Tableau
    dt: float
    slopes: tuple[Linearization, ...]
    output: Array

    def jvp(self, dstages: Sequence[Array | None], dY: Array | None) -> Array | None:
        """Return dy_{k+1} for directions of the stages' parameters and of y_k; None means zero."""
        dslopes: list[Array | None] = []
        for row, slope, dtheta in zip(self.tableau.a, self.slopes, dstages, strict=True):
            du = _moved_tangent(dY, self.dt, row, dslopes)
            dslopes.append(None if dtheta is None and du is None else slope.jvp(dtheta, du))
        return _moved_tangent(dY, self.dt, self.tableau.b, dslopes)

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[list[Array], Array | None]:
        """Return the gradients of the stages' parameters, first stage first, and of y_k if asked for."""
        a, b, dt = self.tableau.a, self.tableau.b, self.dt
        gradients: list[Array] = []
        states: dict[int, Array] = {}
        for i in reversed(range(self.tableau.stages)):
            H = _summed([(dt * b[i], G), *((dt * a[j][i], states[j]) for j in states)])
            needed = wrt_input or i > 0
            if H is None:
                H = zeros_like(G)
            gtheta, gu = self.slopes[i].vjp(H, wrt_input=needed)
            gradients.append(gtheta)
            if gu is not None:
                states[i] = gu
        return gradients[::-1], (
            _summed([(1.0, G), *((1.0, g) for g in states.values())]) if wrt_input else None
        )

    def pull_back(self, G: Array) -> Array:
        """Return the gradient with respect to y_k."""
        a, b, dt = self.tableau.a, self.tableau.b, self.dt
        states: dict[int, Array] = {}
        for i in reversed(range(self.tableau.stages)):
            H = _summed([(dt * b[i], G), *((dt * a[j][i], states[j]) for j in states)])
            if H is not None:
                states[i] = self.slopes[i].pull_back(H)
        return _summed([(1.0, G), *((1.0, g) for g in states.values())])


@dataclass(frozen=True, eq=False)
class RungeKuttaLinearization:
    """A Runge–Kutta propagation at a point: its steps linearised; formulas in :class:`RungeKutta`."""

    propagation: RungeKutta
    steps: tuple[RungeKuttaStepLinearization, ...]
    output: Array

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return dY_N for directions dθ (layout.size,) and dY_0."""
        stages = self.propagation.tableau.stages
        nothing: list[Any] = [[None] * stages] * len(self.steps)
        parts = nothing if dtheta is None else self.propagation.by_stage(dtheta)
        for one, part in zip(self.steps, parts, strict=True):
            dY = one.jvp(list(part), dY)
        return zeros_like(self.output) if dY is None else dY

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the gradient with respect to θ and, if asked for, y_0."""
        parts: list[Array] = []
        gY: Array | None = G
        for k in reversed(range(len(self.steps))):
            gradients, gY = self.steps[k].vjp(gY, wrt_input=wrt_input or k > 0)
            parts = gradients + parts
        return self.propagation.by_stage_transposed(backend_of(G).xp.stack(parts)), gY

    def pull_back(self, G: Array) -> Array:
        """Return the gradient with respect to y_0."""
        for one in reversed(self.steps):
            G = one.pull_back(G)
        return G


def _moved_tangent(
    dY: Array | None, dt: float, weights: Sequence[float], dslopes: Sequence[Array | None]
) -> Array | None:
    """Return dY + δt Σ_i weight_i dslope_i, None meaning zero."""
    terms = [(dt * weight, slope) for weight, slope in zip(weights, dslopes, strict=True)]
    return _summed([(1.0, dY), *terms])


def _summed(terms: Sequence[tuple[float, Array | None]]) -> Any:
    """Return the sum of weight · array, leaving out zeros; None if nothing is left."""
    total: Array | None = None
    for weight, array in terms:
        if weight and array is not None:
            term = array if weight == 1.0 else weight * array
            total = term if total is None else total + term
    return total
