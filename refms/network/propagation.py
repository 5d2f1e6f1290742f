"""Forward propagation in time, eq. (3): y_{k+1} = y_k + δt F(θ_k, y_k), k = 0 … N-1, T = N δt."""

from __future__ import annotations

from dataclasses import dataclass

from refms.backend import backend_of, zeros_like
from refms.errors import Array
from refms.network.euler_step import linearized_step, step, stored_by_step
from refms.network.mapping import Linearization
from refms.network.second_order import ChainAdjoint, chain_adjoint
from refms.network.time_stepping import TimeStepping


@dataclass(frozen=True)
class ForwardEuler(TimeStepping):
    """N forward Euler steps with identical layers F and a parameter vector θ_k for each.

    Parameters
    ----------
    layer : Mapping
        F, with as many rows out as in.
    layers : int
        Number of layers N, which is the number of steps.
    final_time : float
        T ≥ 0; the step is δt = T / N. With T = 0 the propagation is the identity.

    Raises
    ------
    InputError
        If N < 1, T is negative or not finite, or F changes the number of rows.

    Notes
    -----
    [LAS] eq. (3), with N steps (the paper's k = 0 … N is the same with its N one smaller). Derivatives:

        dY_{k+1} = dY_k + δt (F_θ dθ_k + F_Y dY_k),
        G_k = G_{k+1} + δt F_Yᵀ G_{k+1},   gradient of θ_k: δt F_θᵀ G_{k+1}.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> from refms.network.activation import TANH
    >>> from refms.network.layers.convolution_layer import ConvolutionLayer
    >>> from refms.stencils.convolution import Convolution
    >>> steps = ForwardEuler(ConvolutionLayer(Convolution(Grid((8, 8))), TANH), layers=2, final_time=1.0)
    >>> steps.time_step, steps.layout.size
    (0.5, 20)
    """

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all layers for one example."""
        return self.layers * self.layer.multiply_adds

    @property
    def stored(self) -> int:
        """Numbers kept per example: each layer's own and the state after it."""
        return self.layers * stored_by_step(self.layer)

    def apply(self, theta: Array, Y: Array) -> Array:
        """Return y_N.

        Parameters
        ----------
        theta : array
            Shape (layout.size,).
        Y : array
            y_0, shape (rows_in, m), same precision.

        Returns
        -------
        array
            Shape (rows_in, m).
        """
        for theta_k in self.by_layer(theta):
            Y = step(self.layer, theta_k, Y, self.time_step)
        return Y

    def linearize(self, theta: Array, Y: Array) -> ForwardEulerLinearization:
        """Return the propagation linearised at (θ, y_0); parameters as for :meth:`apply`."""
        steps: list[Linearization] = []
        for theta_k in self.by_layer(theta):
            steps.append(linearized_step(self.layer, theta_k, Y, self.time_step))
            Y = steps[-1].output
        return ForwardEulerLinearization(self, tuple(steps), Y)

    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return ``layerk/…`` intermediates and the states ``y0`` … ``yN``, ``output`` last."""
        named: dict[str, Array] = {"y0": Y}
        for k, theta_k in enumerate(self.by_layer(theta)):
            inner = self.layer.trace(theta_k, Y)
            named.update({f"layer{k}/{key}": value for key, value in inner.items()})
            Y = Y + self.time_step * inner["output"]
            named[f"y{k + 1}"] = Y
        return {**named, "output": Y}


@dataclass(frozen=True, eq=False)
class ForwardEulerLinearization:
    """Forward Euler at a point: the linearisations of its steps; formulas in :class:`ForwardEuler`."""

    propagation: ForwardEuler
    steps: tuple[Linearization, ...]
    output: Array

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return dY_N for directions dθ (layout.size,) and dY_0."""
        if dtheta is None and dY is None:
            return zeros_like(self.output)
        parts = [None] * len(self.steps) if dtheta is None else self.propagation.by_layer(dtheta)
        for one, part in zip(self.steps, parts, strict=True):
            dY = one.jvp(part, dY)
        return dY

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the gradient with respect to θ and, if asked for, y_0."""
        parts: list[Array] = []
        gY: Array | None = G
        for k in reversed(range(len(self.steps))):
            gtheta, gY = self.steps[k].vjp(gY, wrt_input=wrt_input or k > 0)
            parts.append(gtheta)
        return backend_of(G).xp.concatenate(parts[::-1]), gY

    def pull_back(self, G: Array) -> Array:
        """Return the gradient with respect to y_0."""
        for one in reversed(self.steps):
            G = one.pull_back(G)
        return G

    def linearize_adjoint(self, G: Array, *, wrt_input: bool = True) -> tuple[ChainAdjoint, Array | None]:
        """Return the adjoint linearised at G, and the gradient with respect to y_0."""
        sizes = [self.propagation.layer.layout.size] * len(self.steps)
        return chain_adjoint(self.steps, sizes, G, wrt_input)
