"""The layer F(y, s, b) = σ(K(s) y + b) of eq. (2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from refms.backend import backend_of, zeros_like
from refms.elementwise import tanh_step
from refms.errors import Array, require_same_precision, require_shape
from refms.network.activation import Activation
from refms.network.layers.convolution_adjoint import ConvolutionLayerAdjoint, layer_adjoint
from refms.network.layers.convolution_step import ConvolutionStepLinearization
from refms.network.parameters import Layout
from refms.stencils.convolution import Convolution


@dataclass(frozen=True)
class ConvolutionLayer:
    """A convolution with bias and activation, F(θ, Y) = σ(K(S) Y + b).

    Parameters
    ----------
    convolution : Convolution
        Geometry of K(S): grid, channels, stencil shape, boundary, orientation.
    activation : Activation
        σ.
    bias_per_cell : bool
        False: one bias per channel, the same in every cell. True: one per channel and cell.

    Notes
    -----
    With Z = K(S)Y + b and D = σ′(Z), entry by entry ([LAS] eq. (2)):

        dF = D ∘ (K(dS) Y + K(S) dY + db),
        (∂F/∂S)ᵀ G = Σ_examples ⟨Π_κ Y, D ∘ G⟩,   (∂F/∂b)ᵀ G = sum of D ∘ G over the cells that share b,
        (∂F/∂Y)ᵀ G = K(S)ᵀ (D ∘ G).

    Examples
    --------
    >>> import numpy as np
    >>> from refms.grid import Grid
    >>> from refms.network.activation import TANH
    >>> layer = ConvolutionLayer(Convolution(Grid((4, 4))), TANH)
    >>> layer.layout.parts
    (('stencil', (1, 1, 3, 3)), ('bias', (1,)))
    >>> float(layer.apply(np.zeros(10), np.ones((16, 1))).max())
    0.0
    """

    convolution: Convolution
    activation: Activation
    bias_per_cell: bool = False

    @property
    def layout(self) -> Layout:
        """Parts ``stencil`` (c_out, c_in, *stencil) and ``bias`` (c_out,) or (c_out, *grid)."""
        conv = self.convolution
        bias = (conv.c_out, *conv.grid.shape) if self.bias_per_cell else (conv.c_out,)
        return Layout((("stencil", conv.stencils_shape), ("bias", bias)))

    @property
    def rows_in(self) -> int:
        """Rows c_in·n of Y."""
        return self.convolution.rows_in

    @property
    def rows_out(self) -> int:
        """Rows c_out·n of the output."""
        return self.convolution.rows_out

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one application to one example."""
        return self.convolution.multiply_adds

    @property
    def stored(self) -> int:
        """Numbers kept per example: the output and σ′ (the input belongs to whoever made it)."""
        return 2 * self.rows_out

    def apply(self, theta: Array, Y: Array) -> Array:
        """Return σ(K(S) Y + b).

        Parameters
        ----------
        theta : array
            Shape (layout.size,).
        Y : array
            Shape (c_in·n, m), same precision as theta.

        Returns
        -------
        array
            Shape (c_out·n, m).

        Raises
        ------
        InputError
            If shapes or precisions do not fit.
        """
        return self.activation.value(self.before_activation(theta, Y))

    def linearize(self, theta: Array, Y: Array) -> ConvolutionLayerLinearization:
        """Return the layer linearised at (θ, Y).

        Parameters
        ----------
        theta, Y : array
            As for :meth:`apply`.

        Returns
        -------
        ConvolutionLayerLinearization
            Holds σ(Z), σ′(Z) and references to θ and Y.
        """
        value, slope = self.activation.value_and_derivative(self.before_activation(theta, Y))
        return ConvolutionLayerLinearization(self, theta, Y, value, slope)

    @property
    def stored_by_step(self) -> int:
        """Numbers kept per example by :meth:`linearize_step`: the state and σ′."""
        return 2 * self.rows_out

    def apply_step(self, theta: Array, Y: Array, dt: float) -> Array:
        """Return Y + δt σ(K(S) Y + b); parameters as for :meth:`apply`, δt a number."""
        return _stepped(self.apply(theta, Y), Y, dt)

    def linearize_step(self, theta: Array, Y: Array, dt: float) -> ConvolutionStepLinearization:
        """Return Y + δt σ(K(S) Y + b) linearised; parameters as for :meth:`apply`, δt a number."""
        Z, backend = self.before_activation(theta, Y), backend_of(Y)
        if backend.name == "cupy" and self.activation.name == "tanh" and Z.dtype == Y.dtype:
            following, slope = tanh_step(backend.xp, Z, Y, dt)
        else:
            value, slope = self.activation.value_and_derivative(Z)
            following = _stepped(value, Y, dt)
        return ConvolutionStepLinearization(self, theta, Y, following, slope, dt)

    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return ``convolution`` K(S)Y, ``preactivation`` K(S)Y + b and ``output``.

        Parameters
        ----------
        theta, Y : array
            As for :meth:`apply`.

        Returns
        -------
        dict of str to array
            Each of shape (c_out·n, m).
        """
        Z = self.before_activation(theta, Y)
        KY = self.convolution.apply(self.layout.unpack(theta)["stencil"], Y)
        return {"convolution": KY, "preactivation": Z, "output": self.activation.value(Z)}

    def sum_bias(self, G: Array) -> Array:
        """Return the transpose of adding a bias: sums over what shares one, examples and perhaps cells.

        Parameters
        ----------
        G : array
            Shape (c_out·n, m).

        Returns
        -------
        array
            Shape (c_out,) or (c_out·n,).
        """
        if self.bias_per_cell:
            return G.sum(axis=1)
        return G.reshape(self.convolution.c_out, -1).sum(axis=1)

    def summed(
        self,
        terms: Sequence[tuple[Array, Array]],
        bias: Array | None,
        factor: Array | None = None,
        add: Array | None = None,
    ) -> Array:
        """Return add + factor ∘ (b + Σ K(S_i) Y_i) for a bias of this layer's kind.

        Parameters
        ----------
        terms, factor, add
            As for :meth:`~refms.stencils.convolution.Convolution.combine`.
        bias : array or None
            Shape (c_out,) or (c_out, *grid).

        Returns
        -------
        array
            Shape (c_out·n, m).
        """
        if bias is None or not self.bias_per_cell:
            return self.convolution.combine(terms, bias, factor, add)
        found = self.convolution.combine(terms) + bias.reshape(-1, 1)
        found = found if factor is None else factor * found
        return found if add is None else add + found

    def before_activation(self, theta: Array, Y: Array) -> Array:
        """Return Z = K(S) Y + b; parameters as for :meth:`apply`."""
        require_same_precision(theta=theta, Y=Y)
        require_shape(Y, (self.rows_in, None), "Y", "(channels * cells, examples)")
        parts = self.layout.unpack(theta)
        return self.summed([(parts["stencil"], Y)], parts["bias"])


@dataclass(frozen=True, eq=False)
class ConvolutionLayerLinearization:
    """A convolution layer linearised at (S, b, Y); see the formulas of :class:`ConvolutionLayer`."""

    layer: ConvolutionLayer
    theta: Array
    Y: Array
    output: Array
    slope: Array

    @property
    def S(self) -> Array:
        """The stencils, a view of θ."""
        return self.layer.layout.unpack(self.theta)["stencil"]

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return D ∘ (K(dS) Y + K(S) dY + db), shape (c_out·n, m)."""
        if dtheta is None and dY is None:
            return zeros_like(self.output)
        terms, bias = [], None
        if dtheta is not None:
            d = self.layer.layout.unpack(dtheta)
            terms, bias = [(d["stencil"], self.Y)], d["bias"]
        if dY is not None:
            terms.append((self.S, dY))
        return self.layer.summed(terms, bias, self.slope)

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the parameter gradient (layout.size,) and K(S)ᵀ(D ∘ G), shape of Y."""
        conv = self.layer.convolution
        G = self.slope * G
        if wrt_input:
            gY, gS = conv.adjoint_and_gradient(self.S, G, self.Y)
        else:
            gY, gS = None, conv.stencil_gradient(G, self.Y)
        xp = backend_of(G).xp
        return xp.concatenate([gS.reshape(-1), self.layer.sum_bias(G)]), gY

    def pull_back(self, G: Array) -> Array:
        """Return K(S)ᵀ(D ∘ G), shape of Y."""
        return self.layer.convolution.adjoint(self.S, self.slope * G)

    def linearize_adjoint(
        self, G: Array, *, wrt_input: bool = True
    ) -> tuple[ConvolutionLayerAdjoint, Array | None]:
        """Return the adjoint linearised at G, and K(S)ᵀ(D ∘ G)."""
        return layer_adjoint(self.layer, self.theta, self.Y, self.slope, G, wrt_input)


def _stepped(value: Array, Y: Array, dt: float) -> Array:
    """Return Y + δt · value, in the memory of a value that nobody else holds; Y has no wider dtype."""
    value *= dt
    value += Y
    return value
