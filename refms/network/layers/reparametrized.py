"""Convolution layers whose stencils are an affine function of the parameters: what they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from refms.errors import Array, InputError
from refms.network.layers.convolution_layer import ConvolutionLayer
from refms.network.mapping import AdjointLinearization, AdjointTangent, Linearization
from refms.network.parameters import Layout
from refms.network.second_order import linearized_adjoint


@dataclass(frozen=True)
class ReparametrizedLayer(ABC):
    """The layer F(A θ + a, Y) with F a convolution layer and A a symmetric matrix.

    Parameters
    ----------
    layer : ConvolutionLayer
        F, with as many channels in as out.

    Raises
    ------
    InputError
        If F is another map, or changes the number of channels.

    Notes
    -----
    By the chain rule dF = F_θ A dθ + F_Y dY, and the gradient with respect to θ is Aᵀ F_θᵀ G = A F_θᵀ G.
    """

    layer: ConvolutionLayer

    def __post_init__(self) -> None:
        if not isinstance(self.layer, ConvolutionLayer) or self.layer.rows_in != self.layer.rows_out:
            raise InputError(
                f"the layer is {self.layer!r}; expected a ConvolutionLayer with as many channels in as out."
            )

    @abstractmethod
    def mixed(self, stencil: Array) -> Array:
        """Return A applied to stencils (c, c, *stencil), the same shape; A leaves biases alone."""

    def shifted(self, stencil: Array) -> Array:
        """Return stencils with the constant a added; a new array, or the same one where a = 0."""
        return stencil

    @property
    def layout(self) -> Layout:
        """Parts ``stencil`` and ``bias`` as of the convolution layer."""
        return self.layer.layout

    @property
    def rows_in(self) -> int:
        """Rows of Y."""
        return self.layer.rows_in

    @property
    def rows_out(self) -> int:
        """Rows of the output, as many."""
        return self.layer.rows_out

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one application to one example."""
        return self.layer.multiply_adds

    @property
    def stored(self) -> int:
        """Numbers kept per example."""
        return self.layer.stored

    @property
    def stored_by_step(self) -> int:
        """Numbers kept per example by :meth:`linearize_step`."""
        return self.layer.stored_by_step

    def effective(self, theta: Array) -> Array:
        """Return A θ + a: the parameters of the convolution layer that this one is.

        Parameters
        ----------
        theta : array
            Shape (layout.size,).

        Returns
        -------
        array
            Shape (layout.size,), same dtype.
        """
        parts = self.layout.unpack(theta)
        return self.layout.pack({**parts, "stencil": self.shifted(self.mixed(parts["stencil"]))})

    def along(self, dtheta: Array) -> Array:
        """Return A dθ, or A g for a gradient: A is symmetric.

        Parameters
        ----------
        dtheta : array
            Shape (layout.size,).

        Returns
        -------
        array
            Shape (layout.size,), same dtype.
        """
        parts = self.layout.unpack(dtheta)
        return self.layout.pack({**parts, "stencil": self.mixed(parts["stencil"])})

    def apply(self, theta: Array, Y: Array) -> Array:
        """Return F(Aθ + a, Y); shapes as for the convolution layer."""
        return self.layer.apply(self.effective(theta), Y)

    def linearize(self, theta: Array, Y: Array) -> ReparametrizedLinearization:
        """Return the layer linearised at (θ, Y)."""
        return ReparametrizedLinearization(self, self.layer.linearize(self.effective(theta), Y))

    def apply_step(self, theta: Array, Y: Array, dt: float) -> Array:
        """Return Y + δt F(Aθ + a, Y)."""
        return self.layer.apply_step(self.effective(theta), Y, dt)

    def linearize_step(self, theta: Array, Y: Array, dt: float) -> ReparametrizedLinearization:
        """Return Y + δt F(Aθ + a, Y) linearised."""
        return ReparametrizedLinearization(self, self.layer.linearize_step(self.effective(theta), Y, dt))

    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return the intermediates of the convolution layer."""
        return self.layer.trace(self.effective(theta), Y)


@dataclass(frozen=True, eq=False)
class ReparametrizedLinearization:
    """A reparametrised layer, or a step with it, at a point."""

    layer: ReparametrizedLayer
    inner: Linearization

    @property
    def output(self) -> Array:
        """Output of the layer, or of the step."""
        return self.inner.output

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return F_θ A dθ + F_Y dY."""
        return self.inner.jvp(None if dtheta is None else self.layer.along(dtheta), dY)

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return A F_θᵀ G and F_Yᵀ G."""
        gradient, gY = self.inner.vjp(G, wrt_input=wrt_input)
        return self.layer.along(gradient), gY

    def pull_back(self, G: Array) -> Array:
        """Return F_Yᵀ G."""
        return self.inner.pull_back(G)

    def linearize_adjoint(
        self, G: Array, *, wrt_input: bool = True
    ) -> tuple[ReparametrizedAdjoint, Array | None]:
        """Return the adjoint linearised at G, and F_Yᵀ G."""
        inner, gY = linearized_adjoint(self.inner, G, wrt_input=wrt_input)
        return ReparametrizedAdjoint(self.layer, inner), gY


@dataclass(frozen=True, eq=False)
class ReparametrizedAdjoint:
    """The adjoint (θ, Y, G) ↦ (A F_θᵀ G, F_Yᵀ G), linearised: that of F along A dθ."""

    layer: ReparametrizedLayer
    inner: AdjointLinearization

    def along(self, dtheta: Array | None, dY: Array | None = None) -> ReparametrizedTangent:
        """Return the derivatives along (dθ, dY)."""
        inner = self.inner.along(None if dtheta is None else self.layer.along(dtheta), dY)
        return ReparametrizedTangent(self.layer, inner)


@dataclass(frozen=True, eq=False)
class ReparametrizedTangent:
    """The derivatives of a reparametrised layer and of its adjoint."""

    layer: ReparametrizedLayer
    inner: AdjointTangent

    @property
    def output(self) -> Array:
        """F_θ A dθ + F_Y dY."""
        return self.inner.output

    def vjp(self, dG: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the derivatives of A F_θᵀ G and F_Yᵀ G."""
        gradient, dgY = self.inner.vjp(dG, wrt_input=wrt_input)
        return self.layer.along(gradient), dgY

    def pull_back(self, dG: Array) -> Array:
        """Return the derivative of F_Yᵀ G."""
        return self.inner.pull_back(dG)
