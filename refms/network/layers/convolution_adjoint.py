"""Second derivatives of the convolution layer σ(K(s) y + b) and of the opening K(s) x."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from refms.backend import backend_of, zeros_like
from refms.errors import Array
from refms.stencils.convolution import Convolution

if TYPE_CHECKING:
    from refms.network.layers.convolution_layer import ConvolutionLayer

Direction = tuple[Array | None, Array | None]
"""Directions in the stencils, shape of S, and in the input, shape of Y; None is zero."""


@dataclass(frozen=True, eq=False)
class BilinearProduct:
    """K(S) Y at a point, with the cotangent A of its value.

    Parameters
    ----------
    convolution : Convolution
        Geometry of K.
    S : array
        Shape (c_out, c_in, *stencil).
    Y : array
        Shape (c_in·n, m).
    A : array
        Shape (c_out·n, m).

    Notes
    -----
    The product is bilinear in S and Y, so its transposes are linear in A and in the other factor:

        d⟨Π_κ Y, A⟩ = ⟨Π_κ Y, dA⟩ + ⟨Π_κ dY, A⟩,   d(K(S)ᵀ A) = K(S)ᵀ dA + K(dS)ᵀ A.
    """

    convolution: Convolution
    S: Array
    Y: Array
    A: Array

    def terms(self, direction: Direction) -> list[tuple[Array, Array]]:
        """Return the pairs (S_i, Y_i) whose Σ K(S_i) Y_i is the derivative of K(S) Y; perhaps none."""
        dS, dY = direction
        return [*([(dS, self.Y)] if dS is not None else []), *([(self.S, dY)] if dY is not None else [])]

    def vjp(self, direction: Direction, dA: Array, wrt_input: bool) -> tuple[Array, Array | None]:
        """Return the derivatives of the stencil gradient, shape of S, and of K(S)ᵀ A, shape of Y."""
        (dS, dY), conv, gS, gY = direction, self.convolution, None, None
        if wrt_input and dS is not None and dY is not None:
            gY, gS = conv.adjoint_and_gradient(dS, self.A, dY)
        elif dY is not None:
            gS = conv.stencil_gradient(self.A, dY)
        elif wrt_input and dS is not None:
            gY = conv.adjoint(dS, self.A)
        if wrt_input:
            gY, own = conv.adjoint_and_gradient(self.S, dA, self.Y, add=gY)
        else:
            own = conv.stencil_gradient(dA, self.Y)
        return (own if gS is None else own + gS), gY

    def pull_back(self, direction: Direction, dA: Array) -> Array:
        """Return the derivative of K(S)ᵀ A, shape of Y."""
        dS, _ = direction
        add = None if dS is None else self.convolution.adjoint(dS, self.A)
        return self.convolution.adjoint(self.S, dA, add=add)


@dataclass(frozen=True, eq=False)
class ConvolutionLayerAdjoint:
    """The adjoint of σ(K(S) Y + b), linearised at a cotangent G.

    Parameters
    ----------
    layer : ConvolutionLayer
        The layer.
    product : BilinearProduct
        K(S) Y with the cotangent A = D ∘ G.
    slope : array
        D = σ′(Z), shape (c_out·n, m).
    bend : array
        σ″(Z) ∘ G, shape (c_out·n, m).

    Notes
    -----
    With Z = K(S)Y + b the adjoint is (⟨Π_κ Y, A⟩, Σ A, K(S)ᵀ A), A = σ′(Z) ∘ G ([LAS] eq. (2)). Along
    (dS, db, dY, dG), with dZ = K(dS) Y + K(S) dY + db,

        dA = σ″(Z) ∘ G ∘ dZ + σ′(Z) ∘ dG,

    and the rest is bilinear (:class:`BilinearProduct`), the bias gradient Σ dA. One product costs two
    convolutions forwards and two adjoints and two stencil gradients backwards; a Gauss–Newton product half
    the latter. Tanh and the identity have second derivatives everywhere. Where σ has kinks, σ″ is that of its
    smooth pieces, so that the Hessian is the one almost everywhere: zero for ReLU and leaky ReLU.
    """

    layer: ConvolutionLayer
    product: BilinearProduct
    slope: Array
    bend: Array

    def along(self, dtheta: Array | None, dY: Array | None = None) -> ConvolutionLayerTangent:
        """Return the derivatives along (dθ, dY); dZ is kept."""
        dS, db = None, None
        if dtheta is not None:
            d = self.layer.layout.unpack(dtheta)
            dS, db = d["stencil"], d["bias"]
        terms = self.product.terms((dS, dY))
        dZ = self.layer.summed(terms, db) if terms else zeros_like(self.slope)
        return ConvolutionLayerTangent(self, (dS, dY), dZ)


@dataclass(frozen=True, eq=False)
class ConvolutionLayerTangent:
    """The derivatives of the layer and of its adjoint; formulas in :class:`ConvolutionLayerAdjoint`."""

    at: ConvolutionLayerAdjoint
    direction: Direction
    preactivation: Array

    @property
    def output(self) -> Array:
        """D ∘ dZ, a new array."""
        return self.at.slope * self.preactivation

    def vjp(self, dG: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the derivatives of the gradients with respect to (S, b), as a vector, and Y."""
        dA = self._cotangent(dG)
        dgS, dgY = self.at.product.vjp(self.direction, dA, wrt_input)
        xp = backend_of(dG).xp
        return xp.concatenate([dgS.reshape(-1), self.at.layer.sum_bias(dA)]), dgY

    def pull_back(self, dG: Array) -> Array:
        """Return the derivative of K(S)ᵀ A."""
        return self.at.product.pull_back(self.direction, self._cotangent(dG))

    def _cotangent(self, dG: Array) -> Array:
        """Return dA."""
        return self.at.bend * self.preactivation + self.at.slope * dG


def layer_adjoint(
    layer: ConvolutionLayer, theta: Array, Y: Array, slope: Array, G: Array, wrt_input: bool
) -> tuple[ConvolutionLayerAdjoint, Array | None]:
    """Return the adjoint of a convolution layer linearised at G, and K(S)ᵀ (D ∘ G).

    Parameters
    ----------
    layer : ConvolutionLayer
        The layer.
    theta, Y : array
        Its parameters, shape (layout.size,), and its input, shape (c_in·n, m).
    slope : array
        D = σ′(Z), shape (c_out·n, m).
    G : array
        Cotangent, shape (c_out·n, m).
    wrt_input : bool
        False leaves out the second result.

    Returns
    -------
    tuple
        The adjoint, and an array of the shape of Y or None.
    """
    A, S = slope * G, layer.layout.unpack(theta)["stencil"]
    bend = layer.activation.second_derivative(layer.before_activation(theta, Y)) * G
    adjoint = ConvolutionLayerAdjoint(layer, BilinearProduct(layer.convolution, S, Y, A), slope, bend)
    return adjoint, (layer.convolution.adjoint(S, A) if wrt_input else None)


@dataclass(frozen=True, eq=False)
class ConvolutionOpeningAdjoint:
    """The adjoint of the opening K(S) X, linearised; it is bilinear, see :class:`BilinearProduct`."""

    product: BilinearProduct

    def along(self, dtheta: Array | None, dY: Array | None = None) -> ConvolutionOpeningTangent:
        """Return the derivatives along (dS as a vector, dX)."""
        dS = None if dtheta is None else dtheta.reshape(self.product.S.shape)
        return ConvolutionOpeningTangent(self.product, (dS, dY))


@dataclass(frozen=True, eq=False)
class ConvolutionOpeningTangent:
    """The derivatives of the opening and of its adjoint along one direction."""

    product: BilinearProduct
    direction: Direction

    @property
    def output(self) -> Array:
        """K(dS) X + K(S) dX, a new array."""
        terms = self.product.terms(self.direction)
        return self.product.convolution.combine(terms) if terms else zeros_like(self.product.A)

    def vjp(self, dG: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the derivatives of the stencil gradient, as a vector, and of K(S)ᵀ G."""
        dgS, dgY = self.product.vjp(self.direction, dG, wrt_input)
        return dgS.reshape(-1), dgY

    def pull_back(self, dG: Array) -> Array:
        """Return the derivative of K(S)ᵀ G."""
        return self.product.pull_back(self.direction, dG)
