"""The Euler step y + δt σ(K(s) y + b) of a convolution layer as one map: fewer passes, less memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from refms.backend import backend_of, zeros_like
from refms.errors import Array
from refms.network.layers.convolution_adjoint import layer_adjoint
from refms.network.second_order import EulerStepAdjoint, step_adjoint

if TYPE_CHECKING:
    from refms.network.layers.convolution_layer import ConvolutionLayer


@dataclass(frozen=True, eq=False)
class ConvolutionStepLinearization:
    """A step at (S, b, Y), which keeps σ′ and the next state, but not σ.

    Parameters
    ----------
    layer : ConvolutionLayer
        F.
    theta, Y : array
        Stencils and biases as one vector, and the input of the layer.
    output : array
        Y + δt σ(Z).
    slope : array
        D = σ′(Z).
    dt : float
        δt.

    Notes
    -----
    With Z = K(S)Y + b and D = σ′(Z), eqs. (2) and (3) of [LAS]; δt is put into the few stencils and biases,
    not into the many features:

        dY + D ∘ (K(δt dS) Y + K(δt S) dY + δt db),
        δt ⟨Π_κ Y, D ∘ G⟩,   δt Σ D ∘ G,   G + K(δt S)ᵀ (D ∘ G).
    """

    layer: ConvolutionLayer
    theta: Array
    Y: Array
    output: Array
    slope: Array
    dt: float

    @property
    def S(self) -> Array:
        """The stencils, a view of θ."""
        return self.layer.layout.unpack(self.theta)["stencil"]

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return the derivative of the step, shape of Y."""
        if dtheta is None and dY is None:
            return zeros_like(self.output)
        terms, bias = [], None
        if dtheta is not None:
            d = self.layer.layout.unpack(self.dt * dtheta)
            terms, bias = [(d["stencil"], self.Y)], d["bias"]
        if dY is not None:
            terms.append((self.dt * self.S, dY))
        return self.layer.summed(terms, bias, self.slope, dY)

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the gradients with respect to θ (layout.size,) and, if asked for, Y."""
        conv, DG = self.layer.convolution, self.slope * G
        if wrt_input:
            gY, gS = conv.adjoint_and_gradient(self.dt * self.S, DG, self.Y, add=G)
        else:
            gY, gS = None, conv.stencil_gradient(DG, self.Y)
        xp = backend_of(G).xp
        return self.dt * xp.concatenate([gS.reshape(-1), self.layer.sum_bias(DG)]), gY

    def pull_back(self, G: Array) -> Array:
        """Return G + K(δt S)ᵀ (D ∘ G)."""
        return self.layer.convolution.adjoint(self.dt * self.S, self.slope * G, add=G)

    def linearize_adjoint(self, G: Array, *, wrt_input: bool = True) -> tuple[EulerStepAdjoint, Array | None]:
        """Return the step's adjoint linearised at G, and G + K(δt S)ᵀ (D ∘ G)."""
        layer = layer_adjoint(self.layer, self.theta, self.Y, self.slope, self.dt * G, wrt_input)
        return step_adjoint(layer, G, self.dt)
