"""Second derivatives of propagation by shears: its adjoint, linearised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from refms.backend import zeros_like
from refms.errors import Array
from refms.network.integrators.shear import State, sheared
from refms.network.second_order import linearized_adjoint

if TYPE_CHECKING:
    from refms.network.integrators.shears_linearization import ShearsLinearization


@dataclass(frozen=True, eq=False)
class ShearsAdjoint:
    """The adjoint of the propagation at one cotangent, linearised shear by shear when it is asked for.

    Parameters
    ----------
    at : ShearsLinearization
        The propagation at a point.
    G : array
        Cotangent of the output.
    wrt_input : bool
        Whether y_0 varies.

    Notes
    -----
    With H = α G_u the cotangent of F(θ_s, w), backwards from the last shear, G and dG as in the adjoint,

        dG_w ← dG_w + α F_wᵀ dG_u + D(F_wᵀ)[dθ_s, dw] H,   likewise for the gradient of θ_s,

    while the tangent at the end is taken back like a state: du ← du − α (F_θ dθ_s + F_w dw).
    """

    at: ShearsLinearization
    G: Array
    wrt_input: bool

    def along(self, dtheta: Array | None, dY: Array | None = None) -> ShearsTangent:
        """Return the derivatives along (dθ, dY), of which the tangent at the end is kept."""
        like, end = self.at.cotangents(self.G), self.at.pushed(dtheta, dY)
        y, z = (zeros_like(here) if part is None else part for here, part in zip(like, end, strict=True))
        return ShearsTangent(self, dtheta, (y, z), self.at.propagation.joined((y, z)))


@dataclass(frozen=True, eq=False)
class ShearsTangent:
    """The derivatives of the propagation and of its adjoint; formulas in :class:`ShearsAdjoint`."""

    adjoint: ShearsAdjoint
    dtheta: Array | None
    end: State
    output: Array

    def vjp(self, dG: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the derivatives of the gradients with respect to θ and, if asked for, y_0."""
        at, gradients = self.adjoint.at, list[Array]()
        steps, tangents = at.propagation, self.end
        states, dstates = at.cotangents(self.adjoint.G), at.cotangents(dG)
        own, last = steps.directions(self.dtheta), len(steps.shears) - 1
        for s, map_ in enumerate(at.backwards()):
            shear = steps.shears[last - s]
            other = replace(shear, moves=1 - shear.moves)
            value: Any = states[shear.moves]  # none is left out: cotangents begin as arrays
            dvalue: Any = dstates[shear.moves]
            moved = tangents[1 - shear.moves]
            if map_ is not None:
                varies = s < last or self.adjoint.wrt_input
                one, value = linearized_adjoint(map_, shear.factor * value, wrt_input=varies)
                tangent = one.along(own[last - s], moved if varies else None)
                moved = tangent.output
                gradient, dvalue = tangent.vjp(shear.factor * dvalue, wrt_input=wrt_input or s < last)
                gradients.append(gradient)
                other = replace(other, factor=1.0)  # the adjoint was taken at α G_u
            tangents = sheared(tangents, shear, moved, sign=-1)
            states, dstates = sheared(states, other, value), sheared(dstates, other, dvalue)
        return steps.by_shear_transposed(gradients[::-1]), steps.joined(dstates) if wrt_input else None

    def pull_back(self, dG: Array) -> Array:
        """Return the derivative of the gradient with respect to y_0."""
        gY: Array = self.vjp(dG)[1]
        return gY
