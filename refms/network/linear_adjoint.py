"""Second derivatives of maps that are linear in their input and have no parameters: there are none."""

from __future__ import annotations

from dataclasses import dataclass

from refms.errors import Array
from refms.network.mapping import Linearization


@dataclass(frozen=True, eq=False)
class LinearAdjoint:
    """The adjoint of Y ↦ A Y, G ↦ Aᵀ G, which does not depend on Y: its derivative is itself.

    Parameters
    ----------
    linear : Linearization
        The map, at any point.
    """

    linear: Linearization

    def along(self, dtheta: Array | None, dY: Array | None = None) -> LinearTangent:
        """Return A dY, and Aᵀ for the tangent of the cotangent."""
        return LinearTangent(self.linear, self.linear.jvp(None, dY))


@dataclass(frozen=True, eq=False)
class LinearTangent:
    """A dY, and the transpose, which does not depend on the point."""

    linear: Linearization
    output: Array

    def vjp(self, dG: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the empty vector and Aᵀ dG."""
        return self.linear.vjp(dG, wrt_input=wrt_input)

    def pull_back(self, dG: Array) -> Array:
        """Return Aᵀ dG."""
        return self.linear.pull_back(dG)
