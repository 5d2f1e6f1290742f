"""The Störmer–Verlet method for the Hamiltonian network y′ = σ(K z + b), z′ = −σ(Kᵀ y + b)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from refms.backend import backend_of, zeros_like
from refms.errors import Array, InputError
from refms.network.integrators.shear import Shear, State
from refms.network.integrators.shears import ShearPropagation
from refms.network.layers.convolution_layer import ConvolutionLayer
from refms.network.layers.transposed import TransposedLayer


@dataclass(frozen=True)
class Verlet(ShearPropagation):
    """N Verlet steps for two halves of the channels that move each other.

    Parameters
    ----------
    layer : ConvolutionLayer
        σ(K(S) · + b) from z to y, with c/2 channels in and out; y and z are the first and second c/2
        channels of the features.
    layers, final_time
        As for :class:`~refms.network.time_stepping.TimeStepping`.
    reversible : bool
        True: derivatives need no stored states, see ``ShearPropagation``.

    Raises
    ------
    InputError
        As for ``TimeStepping``, or if the layer is no convolution.

    Notes
    -----
    Of second order, explicit, symmetric in time. With K_k = K(θ(t_k)), σ_k(u) = σ(K_k u + b_k), σ_kᵀ(u) =
    σ(K_kᵀ u + b_k), and z_{-½} = z_0 (so that the first step of z is half as long):

        z_{½} = z_0 − δt/2 σ_0ᵀ(y_0),   z_{k+½} = z_{k−½} − δt σ_kᵀ(y_k),
        y_{k+1} = y_k + δt σ_{k+½}(z_{k+½}),   z_N = z_{N−½} − δt/2 σ_Nᵀ(y_N).

    θ(t) is linear between layers and constant beyond t_{N−1}: θ_{k+½} = (θ_k + θ_{k+1})/2, θ_N = θ_{N−1}.

    The Jacobian of the right-hand side, [[0, D_1 K], [−D_2 Kᵀ, 0]] with D = σ′ ≥ 0, has imaginary
    eigenvalues only (it is similar to an antisymmetric matrix where D > 0), and every step has determinant 1.
    Where σ is the identity, ‖y‖² + ‖z‖² of the exact flow is constant, and the steps are stable for
    δt ‖K‖₂ < 2.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> from refms.network.activation import TANH
    >>> from refms.stencils.convolution import Convolution
    >>> steps = Verlet(ConvolutionLayer(Convolution(Grid((8, 8)), 2, 2), TANH), layers=64, final_time=1.0)
    >>> steps.rows_in, steps.stored, Verlet(steps.layer, 64, 1.0, reversible=True).stored
    (256, 49664, 256)
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.layer, ConvolutionLayer):
            raise InputError(
                f"the layer is a {type(self.layer).__name__}; expected a ConvolutionLayer, for the other "
                "half of the state takes the transpose of its K."
            )

    @property
    def rows_in(self) -> int:
        """Rows of (y_0, z_0), twice the layer's."""
        return 2 * self.layer.rows_in

    @property
    def rows_out(self) -> int:
        """Rows of (y_N, z_N), twice the layer's."""
        return 2 * self.layer.rows_out

    @cached_property
    def shears(self) -> tuple[Shear, ...]:
        """2N + 1 shears: half a step of z, N of y with N−1 of z between them, half a step of z."""
        N, dt = self.layers, self.time_step
        assert isinstance(self.layer, ConvolutionLayer)
        other = TransposedLayer(self.layer)
        found = [Shear(1, other, -dt / 2, 0)]
        for k in range(N):
            found.append(Shear(0, self.layer, dt, k, 0.5))
            found.append(Shear(1, other, -dt if k < N - 1 else -dt / 2, k, 1.0))
        return tuple(found)

    def split(self, Y: Array) -> State:
        """Return the halves (y, z) of the rows, as views."""
        half = Y.shape[0] // 2
        return Y[:half], Y[half:]

    def joined(self, state: State) -> Array:
        """Return (y, z) as one array."""
        y, z = state
        some = y if z is None else z
        parts = [zeros_like(some) if half is None else half for half in (y, z)]
        return backend_of(some).xp.concatenate(parts)
