"""The layer σ(K(s) y + b) of eq. (2), its Euler step, and K(s) y alone: an opening, a change of channels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

from refms.backend import backend_of, zeros_as, zeros_like
from refms.elementwise import tanh_step
from refms.errors import Array
from refms.maps.activation import Activation, require_activation
from refms.maps.layout import Layout
from refms.maps.map import Along, At, Gradients, Map, Tangent
from refms.maps.step import record_step, second_of_step
from refms.stencils.convolution import Convolution
from refms.stencils.routes.route import Route
from refms.stencils.strided import StridedConvolution

Terms = list[tuple[Array, Array]]
"""Pairs (S_i, Y_i) that stand for Σ K(S_i) Y_i."""


def convolution_layer(
    convolution: Convolution, activation: Activation, *, bias_per_cell: bool = False
) -> Map:
    """Return the layer F(θ, Y) = σ(K(S) Y + b), eq. (2) of [LAS].

    Parameters
    ----------
    convolution : Convolution
        Geometry of K(S): grid, channels, stencil shape, boundary, orientation.
    activation : Activation
        σ.
    bias_per_cell : bool
        False: one bias per channel, the same in every cell. True: one per channel and cell.

    Returns
    -------
    Map
        Parameters ``stencil`` (c_out, c_in, *stencil) and ``bias`` (c_out,) or (c_out, *grid).

    Raises
    ------
    InputError
        If the activation is none.

    Notes
    -----
    With Z = K(S)Y + b and D = σ′(Z), entry by entry:

        dF = D ∘ (K(dS) Y + K(S) dY + db),
        F_Sᵀ G = Σ_examples ⟨Π_κ Y, D ∘ G⟩,   F_bᵀ G = sum of D ∘ G over the cells that share b,
        F_Yᵀ G = K(S)ᵀ (D ∘ G).

    The Euler step Y + δt F is one map that keeps the next state and D, but not σ(Z); δt is put into the few
    stencils and biases, not into the many features. Second derivatives, with A = D ∘ G:

        dA = σ″(Z) ∘ G ∘ dZ + D ∘ dG,   dZ = K(dS) Y + K(S) dY + db,

    and the rest is bilinear (:func:`second_of_product`). Where σ has kinks, σ″ is that of its smooth pieces:
    zero for ReLU and leaky ReLU.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.grid import Grid
    >>> from refms.maps.activation import TANH
    >>> layer = convolution_layer(Convolution(Grid((4, 4))), TANH)
    >>> layer.layout.parts
    (('stencil', (1, 1, 3, 3)), ('bias', (1,)))
    >>> float(layer.apply(np.zeros(10), np.ones((16, 1))).max())
    0.0
    """
    require_activation(activation)
    parameters, K = _Parameters(convolution, bias_per_cell), convolution

    def preactivation(theta: Array, Y: Array) -> tuple[Array, Route]:
        backend = backend_of(Y)
        route = K.route_for(backend.xp.result_type(theta, Y), Y.shape[1], backend)
        S, b = parameters.unpack(theta)
        return _affine(route, [(S, Y)], b), route

    def evaluate(theta: Array, Y: Array) -> Array:
        return activation.value(preactivation(theta, Y)[0])

    def linearize(theta: Array, Y: Array) -> At:
        Z, route = preactivation(theta, Y)
        output, slope = activation.value_and_derivative(Z)
        return _layer_at(parameters, activation, route, theta, Y, output, slope)

    def linearize_step(theta: Array, Y: Array, dt: float) -> At:
        (Z, route), backend = preactivation(theta, Y), backend_of(Y)
        if backend.name == "cupy" and activation.name == "tanh" and Z.dtype == Y.dtype:
            following, slope = tanh_step(backend.xp, Z, Y, dt)
        else:
            value, slope = activation.value_and_derivative(Z)
            following = _step_in_place(value, Y, dt)
        return _layer_at(parameters, activation, route, theta, Y, following, slope, dt)

    def record(theta: Array, Y: Array) -> dict[str, Array]:
        Z, route = preactivation(theta, Y)
        KY = route.combine([(parameters.unpack(theta)[0], Y)])
        return {"convolution": KY, "preactivation": Z, "output": activation.value(Z)}

    layer = Map(
        parameters.layout,
        K.rows_in,
        K.rows_out,
        evaluate,
        linearize,
        record,
        multiply_adds=K.multiply_adds,
        stored=2 * K.rows_out,  # σ(Z) and D, or the next state and D
        reads=("input",),
    )

    def step(dt: float) -> Map:
        return replace(
            layer,
            evaluate=lambda theta, Y: _step_in_place(evaluate(theta, Y), Y, dt),
            linearize=lambda theta, Y: linearize_step(theta, Y, dt),
            record=lambda theta, Y: record_step(layer, dt, theta, Y),
        )

    return replace(layer, fused_step=step) if K.rows_in == K.rows_out else layer


@dataclass(frozen=True)
class _Parameters:
    """The stencils S and the bias b of a layer as one vector θ."""

    K: Convolution
    bias_per_cell: bool

    @cached_property
    def layout(self) -> Layout:
        bias = (self.K.c_out, *self.K.grid.shape) if self.bias_per_cell else (self.K.c_out,)
        return Layout((("stencil", self.K.stencils_shape), ("bias", bias)))

    @cached_property
    def _split(self) -> tuple[int, tuple[int, ...]]:
        return math.prod(self.K.stencils_shape), self.K.stencils_shape

    def unpack(self, theta: Array) -> tuple[Array, Array]:
        """Return S and b, shape (c_out,), or as a column (c_out·n, 1) where every cell has its own."""
        size, shape = self._split
        b = theta[size:]
        return theta[:size].reshape(shape), (b[:, None] if self.bias_per_cell else b)

    def gradient(self, gS: Array | None, A: Array) -> Array | None:
        """Return the gradients of S and b as one vector; that of b sums A over what shares a bias."""
        if gS is None:
            return None
        gb = sum_bias(A, self.K.rows_out if self.bias_per_cell else self.K.c_out)
        return backend_of(A).xp.concatenate([gS.reshape(-1), gb])


def _layer_at(
    parameters: _Parameters,
    activation: Activation,
    route: Route,
    theta: Array,
    Y: Array,
    output: Array,
    slope: Array,
    dt: float | None = None,
) -> At:
    """Return the layer at a point, or with δt its step Y + δt F; formulas in :func:`convolution_layer`."""
    S, b = parameters.unpack(theta)
    scaled_S = S if dt is None else dt * S

    def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
        terms, db = [], None
        if dtheta is not None:
            dS, db = parameters.unpack(dtheta if dt is None else dt * dtheta)
            terms = [(dS, Y)]
        if dY is not None:
            terms.append((scaled_S, dY))
        return _affine(route, terms, db, slope, None if dt is None else dY)

    def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
        A = slope * G
        gS, gY = pull_back(route, scaled_S, A, Y, wrt_theta, wrt_input, None if dt is None else G)
        gtheta = parameters.gradient(gS, A)
        return (gtheta if dt is None or gtheta is None else dt * gtheta), gY

    def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
        A = slope * G
        bend = activation.second_derivative(_affine(route, [(S, Y)], b)) * G

        def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
            dS, db = (None, None) if dtheta is None else parameters.unpack(dtheta)
            terms = product_terms(S, Y, dS, dY)
            dZ = _affine(route, terms, db) if terms else zeros_like(slope)

            def vjp(dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                dA = bend * dZ + slope * dG
                dgS, dgY = second_of_product(route, S, Y, A, dS, dY, dA, wrt_theta, wrt_input)
                return parameters.gradient(dgS, dA), dgY

            return Tangent(slope * dZ, vjp)

        return along, (route.adjoint(S, A) if wrt_input else None)

    return At(output, jvp, vjp, second if dt is None else second_of_step(second, dt))


def _affine(
    route: Route, terms: Terms, b: Array | None, factor: Array | None = None, add: Array | None = None
) -> Array:
    """Return add + factor ∘ (b + Σ K(S_i) Y_i); b for each channel is part of the route's one pass."""
    if b is None or b.ndim == 1:
        return route.combine(terms, b, factor, add)
    found = route.combine(terms) + b
    found = found if factor is None else factor * found
    return found if add is None else add + found


def convolution_map(convolution: Convolution | StridedConvolution, *, bias: bool = False) -> Map:
    """Return F(θ, Y) = K(S) Y, or K(S) Y + b: an opening L, a change of channels; no activation.

    Parameters
    ----------
    convolution : Convolution or StridedConvolution
        Geometry of K, c_in to c_out channels; or of D K, every second cell of it.
    bias : bool
        Whether one number b per output channel is added.

    Returns
    -------
    Map
        With the parameter ``stencil`` (c_out, c_in, *stencil) and, with a bias, ``bias`` (c_out,):
        dF = K(dS) Y + K(S) dY + db.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.grid import Grid
    >>> L = convolution_map(Convolution(Grid((4,)), c_out=2, stencil_shape=(1,)))
    >>> L.apply(np.array([1.0, 3.0]), np.ones((4, 1))).ravel().tolist()
    [1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0]
    """
    K = convolution
    size, shape = math.prod(K.stencils_shape), K.stencils_shape

    def split(theta: Array | None) -> tuple[Array | None, Array | None]:
        if theta is None:
            return None, None
        return theta[:size].reshape(shape), (theta[size:] if bias else None)

    def product(theta: Array, Y: Array) -> tuple[Array, Route]:
        backend = backend_of(Y)
        route = K.route_for(backend.xp.result_type(theta, Y), Y.shape[1], backend)
        S, b = split(theta)
        return route.combine([(S, Y)], b), route

    def gradient(gS: Array | None, G: Array) -> Array | None:
        if gS is None or not bias:
            return None if gS is None else gS.reshape(-1)
        return backend_of(G).xp.concatenate([gS.reshape(-1), sum_bias(G, K.c_out)])

    def linearize(theta: Array, Y: Array) -> At:
        S = theta[:size].reshape(shape)
        output, route = product(theta, Y)
        zeros = zeros_as(output)

        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            dS, db = split(dtheta)
            return route.combine(product_terms(S, Y, dS, dY), db)

        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            gS, gY = pull_back(route, S, G, Y, wrt_theta, wrt_input)
            return gradient(gS, G), gY

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
                dS, db = split(dtheta)
                terms = product_terms(S, Y, dS, dY)

                def vjp(dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                    dgS, dgY = second_of_product(route, S, Y, G, dS, dY, dG, wrt_theta, wrt_input)
                    return gradient(dgS, dG), dgY

                return Tangent(route.combine(terms, db) if terms else zeros(), vjp)

            return along, (route.adjoint(S, G) if wrt_input else None)

        return At(output, jvp, vjp, second)

    return Map(
        Layout((("stencil", shape), *([("bias", (K.c_out,))] if bias else []))),
        K.rows_in,
        K.rows_out,
        lambda theta, Y: product(theta, Y)[0],
        linearize,
        multiply_adds=K.multiply_adds,
        stored=K.rows_out,
        reads=("input",),
    )


def sum_bias(A: Array, biases: int) -> Array:
    """Return the transpose of adding a bias: sums over what shares one, examples and perhaps cells."""
    return A.reshape(biases, -1).sum(axis=1)


def product_terms(S: Array, Y: Array, dS: Array | None, dY: Array | None) -> Terms:
    """Return the pairs whose Σ K(S_i) Y_i is the derivative K(dS) Y + K(S) dY; perhaps none."""
    return [*([(dS, Y)] if dS is not None else []), *([(S, dY)] if dY is not None else [])]


def pull_back(
    route: Route,
    S: Array,
    A: Array,
    Y: Array,
    wrt_theta: bool,
    wrt_input: bool,
    add: Array | None = None,
) -> Gradients:
    """Return ⟨Π_κ Y, A⟩ and add + K(S)ᵀ A, the transposes of K(S) Y in S and in Y."""
    if wrt_theta and wrt_input:
        gY, gS = route.adjoint_and_gradient(S, A, Y, add=add)
        return gS, gY
    gS = route.gradient(A, Y) if wrt_theta else None
    return gS, (route.adjoint(S, A, add=add) if wrt_input else None)


def second_of_product(
    route: Route,
    S: Array,
    Y: Array,
    A: Array,
    dS: Array | None,
    dY: Array | None,
    dA: Array,
    wrt_theta: bool,
    wrt_input: bool,
) -> Gradients:
    """Return the derivatives of ⟨Π_κ Y, A⟩ and of K(S)ᵀ A along (dS, dY, dA), for K(S) Y is bilinear.

    d⟨Π_κ Y, A⟩ = ⟨Π_κ Y, dA⟩ + ⟨Π_κ dY, A⟩,   d(K(S)ᵀ A) = K(S)ᵀ dA + K(dS)ᵀ A.
    """
    gS, gY = None, None
    if wrt_theta and wrt_input and dS is not None and dY is not None:
        gY, gS = route.adjoint_and_gradient(dS, A, dY)
    else:
        gS = route.gradient(A, dY) if wrt_theta and dY is not None else None
        gY = route.adjoint(dS, A) if wrt_input and dS is not None else None
    own, gY = pull_back(route, S, dA, Y, wrt_theta, wrt_input, add=gY)
    return (own if gS is None or own is None else own + gS), gY


def _step_in_place(value: Array, Y: Array, dt: float) -> Array:
    """Return Y + δt · value, in the memory of a value that nobody else holds; Y has no wider dtype."""
    value *= dt
    value += Y
    return value
