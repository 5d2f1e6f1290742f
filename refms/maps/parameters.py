"""The same map with other parameters, held fixed or a function of others; and the same with less memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from refms.backend import zeros_like
from refms.errors import Array, InputError
from refms.maps.chain import frugal
from refms.maps.layout import EMPTY, Layout
from refms.maps.map import Along, At, Gradients, Map, Tangent, second_of
from refms.maps.step import step


def frozen(F: Map, theta: Array) -> Map:
    """Return Y ↦ F(θ, Y) with θ held fixed: a map without parameters.

    Parameters
    ----------
    F : Map
        The map.
    theta : array
        Its parameters, shape (F.layout.size,).

    Returns
    -------
    Map
        Of Y alone.

    Raises
    ------
    InputError
        If the parameters do not fit the map.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.grid import Grid
    >>> from refms.maps import activation, convolution_layer
    >>> from refms.stencils import Convolution
    >>> layer = convolution_layer(Convolution(Grid((2,)), stencil_shape=(1,)), activation("identity"))
    >>> fixed = frozen(layer, np.array([3.0, 1.0]))
    >>> fixed.layout.size, fixed.apply(np.zeros(0), np.array([[0.0], [1.0]])).ravel().tolist()
    (0, [1.0, 4.0])
    """
    F.layout.require(theta)

    def linearize(none: Array, Y: Array) -> At:
        inner = F.linearize(theta, Y)

        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            return zeros_like(inner.output) if dY is None else inner.jvp(None, dY)

        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            gY = inner.vjp(G, wrt_theta=False)[1] if wrt_input else None
            return (none if wrt_theta else None), gY

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            if not wrt_input:  # nothing varies
                return lambda dtheta, dY=None: Tangent(zeros_like(inner.output), _nothing(none)), None
            inner_along, gY = second_of(inner)(G)

            def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
                tangent = inner_along(None, dY)

                def vjp(dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                    dgY = tangent.vjp(dG, wrt_theta=False)[1] if wrt_input else None
                    return (none if wrt_theta else None), dgY

                return Tangent(tangent.output, vjp)

            return along, gY

        return At(inner.output, jvp, vjp, second)

    return Map(
        EMPTY,
        F.rows_in,
        F.rows_out,
        lambda none, Y: F.evaluate(theta, Y),
        linearize,
        lambda none, Y: F.recorded(theta, Y),
        multiply_adds=F.multiply_adds,
        stored=F.stored,
        kept=F.kept,
        frugal=None if F.frugal is None else lambda: frozen(frugal(F), theta),
        constants=(*F.constants, theta),
    )


def recomputed(F: Map) -> Map:
    """Return F with points that keep θ and Y alone and run F again in every product.

    Parameters
    ----------
    F : Map
        The map.

    Returns
    -------
    Map
        The same bits for less memory and more work: every product costs one more forward pass. A chain of
        such maps has checkpoints between them.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.maps import activation
    >>> from refms.maps.chain import chain
    >>> from refms.maps.layers.entrywise import entrywise
    >>> ten = chain(*[(f"layer{k}", entrywise(4, activation("tanh"))) for k in range(10)])
    >>> ten.stored, recomputed(ten).kept
    (80, 4)
    """

    def linearize(theta: Array, Y: Array) -> At:
        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            return F.linearize(theta, Y).jvp(dtheta, dY)

        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            return F.linearize(theta, Y).vjp(G, wrt_theta=wrt_theta, wrt_input=wrt_input)

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            def again() -> tuple[Along, Array | None]:
                return second_of(F.linearize(theta, Y))(G, wrt_input=wrt_input)

            def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
                def vjp(dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                    return again()[0](dtheta, dY).vjp(dG, wrt_theta=wrt_theta, wrt_input=wrt_input)

                return Tangent(again()[0](dtheta, dY).output, vjp)

            return along, (again()[1] if wrt_input else None)

        return At(F.evaluate(theta, Y), jvp, vjp, second)

    return replace(
        F,
        linearize=linearize,
        stored=F.rows_out + F.stored,
        kept=F.rows_out,
        reads=("input",),
        fused_step=(lambda dt: recomputed(step(F, dt))) if F.fused_step is not None else None,
        frugal=None,
    )


def reparametrize(
    F: Map,
    layout: Layout,
    along: Callable[[Array], Array],
    transposed: Callable[[Array], Array],
    value: Callable[[Array], Array] | None = None,
) -> Map:
    """Return F(Bθ + a, Y): parameters of F as an affine function of others, which may share them.

    Parameters
    ----------
    F : Map
        The map.
    layout : Layout
        Of θ.
    along, transposed : callable
        dθ ↦ B dθ and g ↦ Bᵀ g, both of dtype and backend of their argument.
    value : callable or None
        θ ↦ Bθ + a; None where a = 0.

    Returns
    -------
    Map
        dF = F_θ B dθ + F_Y dY, and the gradient with respect to θ is Bᵀ F_θᵀ G; a fused step is kept.

    Raises
    ------
    InputError
        If B dθ has not as many entries as F has parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.grid import Grid
    >>> from refms.maps import activation, convolution_layer
    >>> from refms.stencils import Convolution
    >>> layer = convolution_layer(Convolution(Grid((2,)), stencil_shape=(1,)), activation("identity"))
    >>> both = Layout((("both", (1,)),))
    >>> tied = reparametrize(layer, both, lambda t: np.repeat(t, 2), lambda g: g.sum(keepdims=True))
    >>> F = tied.at(np.array([2.0]), np.ones((2, 1)))
    >>> F.output.ravel().tolist(), F.vjp(np.ones((2, 1)))[0].tolist()
    ([4.0, 4.0], [4.0])
    """
    found = np.shape(along(np.zeros(layout.size)))
    if found != (F.layout.size,):
        raise InputError(
            f"B takes the {layout.size} parameters of the layout to shape {found}; expected "
            f"({F.layout.size},), as the map has them."
        )
    value = along if value is None else value

    def pulled(inner: Any) -> Any:
        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            gtheta, gY = inner.vjp(G, wrt_theta=wrt_theta, wrt_input=wrt_input)
            return (None if gtheta is None else transposed(gtheta)), gY

        return vjp

    def linearize(theta: Array, Y: Array) -> At:
        inner = F.linearize(value(theta), Y)

        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            return inner.jvp(None if dtheta is None else along(dtheta), dY)

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            inner_along, gY = second_of(inner)(G, wrt_input=wrt_input)

            def outer_along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
                tangent = inner_along(None if dtheta is None else along(dtheta), dY)
                return Tangent(tangent.output, pulled(tangent))

            return outer_along, gY

        return At(inner.output, jvp, pulled(inner), second)

    def fused_step(dt: float) -> Map:
        return reparametrize(step(F, dt), layout, along, transposed, value)

    return replace(
        F,
        layout=layout,
        evaluate=lambda theta, Y: F.evaluate(value(theta), Y),
        linearize=linearize,
        record=lambda theta, Y: F.recorded(value(theta), Y),
        fused_step=fused_step if F.fused_step is not None else None,
        reads=("input", "output"),
        frugal=None,
        parts=(),
        times=(),
    )


def _nothing(none: Array) -> Any:
    """Return the vjp of what does not vary: no gradients."""
    return lambda dG, *, wrt_theta=True, wrt_input=True: (none if wrt_theta else None, None)
