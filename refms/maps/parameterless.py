"""Maps of their input alone: the closures of a map from its value and products at a point, once for all."""

from __future__ import annotations

from collections.abc import Callable

from refms.backend import zeros_as
from refms.errors import Array
from refms.maps.layout import EMPTY
from refms.maps.map import Along, At, Gradients, Map, Tangent, second_of_linear

Product = Callable[[Array], Array]
Bend = Callable[[Array, Array, Array], Array]
"""(dY, J dY, G) ↦ D(Jᵀ)[dY] G."""

Point = tuple[Array, Product, Product, Bend | None]
"""F(Y), dY ↦ J dY, G ↦ Jᵀ G, and how the latter changes with Y; None where it does not."""


def parameterless(
    rows_in: int,
    rows_out: int,
    evaluate: Product,
    at: Callable[[Array], Point],
    *,
    multiply_adds: int = 0,
    stored: int = 0,
    reads: tuple[str, ...] = ("input", "output"),
    constants: tuple[Array, ...] = (),
) -> Map:
    """Return the map Y ↦ F(Y) without parameters: d(Jᵀ G) = Jᵀ dG + D(Jᵀ)[dY] G."""
    return Map(
        EMPTY,
        rows_in,
        rows_out,
        lambda theta, Y: evaluate(Y),
        lambda theta, Y: at_of(at(Y), theta),
        multiply_adds=multiply_adds,
        stored=stored,
        reads=reads,
        constants=constants,
    )


def at_of(point: Point, theta: Array) -> At:
    """Return a map at a point from its value and products; θ, of size 0, is its gradient."""
    output, forward, adjoint, bend = point
    zeros = zeros_as(output)

    def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
        return zeros() if dY is None else forward(dY)

    def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
        return (theta if wrt_theta else None), (adjoint(G) if wrt_input else None)

    if bend is None:
        return At(output, jvp, vjp, second_of_linear(jvp, vjp))
    curved: Bend = bend

    def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
        def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
            doutput = jvp(None, dY)

            def pull(dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                none, gY = vjp(dG, wrt_theta=wrt_theta, wrt_input=wrt_input)
                return none, (gY if gY is None or dY is None else gY + curved(dY, doutput, G))

            return Tangent(doutput, pull)

        return along, (adjoint(G) if wrt_input else None)

    return At(output, jvp, vjp, second)
