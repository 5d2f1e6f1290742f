"""The one contract that carries the house: a map, and its linearisation at a point.

A map F(θ, Y) answers ``linearize(θ, Y)`` with its output and a linearisation that owns what the forward
pass computed. A Gauss–Newton product ``vjp(H_loss @ jvp(v))`` then never runs the forward pass again.

A linearisation that can be differentiated once more (:class:`TwiceLinearization`) gives products with the
full Hessian by the second-order adjoint: g(θ, Y, G) = (F_θᵀ G, F_Yᵀ G) is linearised at G = ∇E, and

    ∇²(E ∘ F) v = dg along (v, ∇²E J v) = Jᵀ ∇²E J v + D(Jᵀ)[v] ∇E.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from refms.errors import Array
from refms.network.parameters import Layout


@runtime_checkable
class Linearization(Protocol):
    """F(θ, Y) at a fixed point, with its Jacobian and the Jacobian's transpose (Euclidean inner products).

    Transposes are plain, without conjugation: complex inputs only ever carry complex-step perturbations.
    """

    @property
    def output(self) -> Array:
        """F(θ, Y), shape (rows_out, m)."""

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return ∂F/∂θ dθ + ∂F/∂Y dY.

        Parameters
        ----------
        dtheta : array or None
            Direction in the parameters, shape (layout.size,); None means zero and saves its work.
        dY : array or None
            Direction in the input, shape of Y; None means zero and saves its work.

        Returns
        -------
        array
            Shape of the output.
        """

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return (∂F/∂θ)ᵀ G and (∂F/∂Y)ᵀ G.

        Parameters
        ----------
        G : array
            Cotangent, shape of the output.
        wrt_input : bool
            False skips the second result, which is then None.

        Returns
        -------
        gtheta : array
            Shape (layout.size,).
        gY : array or None
            Shape of Y.
        """

    def pull_back(self, G: Array) -> Array:
        """Return (∂F/∂Y)ᵀ G alone, shape of Y: for maps whose parameters are held fixed."""


class AdjointTangent(Protocol):
    """The derivatives of F and of its adjoint along one direction (dθ, dY)."""

    @property
    def output(self) -> Array:
        """∂F/∂θ dθ + ∂F/∂Y dY, shape of the output."""

    def vjp(self, dG: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the derivatives of (∂F/∂θ)ᵀ G and (∂F/∂Y)ᵀ G along (dθ, dY, dG).

        Parameters
        ----------
        dG : array
            Direction in the cotangent, shape of the output.
        wrt_input : bool
            False skips the second result, which is then None.

        Returns
        -------
        dgtheta : array
            Shape (layout.size,).
        dgY : array or None
            Shape of Y.
        """

    def pull_back(self, dG: Array) -> Array:
        """Return the derivative of (∂F/∂Y)ᵀ G alone, shape of Y."""


class AdjointLinearization(Protocol):
    """The adjoint (θ, Y, G) ↦ (F_θᵀ G, F_Yᵀ G), linearised at a point and at one cotangent G."""

    def along(self, dtheta: Array | None, dY: Array | None = None) -> AdjointTangent:
        """Return the derivatives along (dθ, dY); parameters as for :meth:`Linearization.jvp`."""


@runtime_checkable
class TwiceLinearization(Linearization, Protocol):
    """A linearisation whose adjoint can be linearised in turn: what the full Hessian needs."""

    def linearize_adjoint(
        self, G: Array, *, wrt_input: bool = True
    ) -> tuple[AdjointLinearization, Array | None]:
        """Return the adjoint linearised at the cotangent G, and (∂F/∂Y)ᵀ G.

        Parameters
        ----------
        G : array
            Cotangent, shape of the output.
        wrt_input : bool
            False where Y does not vary: directions then have no dY, and the second result is None.

        Returns
        -------
        adjoint : AdjointLinearization
            Keeps for each example at most as many numbers again as the linearisation.
        gY : array or None
            Shape of Y.
        """


@runtime_checkable
class Mapping(Protocol):
    """A map F(θ, Y) from feature columns (rows_in, m) to feature columns (rows_out, m)."""

    @property
    def layout(self) -> Layout:
        """Names and shapes of the parameters θ."""

    @property
    def rows_in(self) -> int:
        """Rows of Y."""

    @property
    def rows_out(self) -> int:
        """Rows of F(θ, Y)."""

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of ``apply`` for one example, the measure of work."""

    @property
    def stored(self) -> int:
        """Numbers that a linearisation keeps for one example, the measure of memory."""

    def apply(self, theta: Array, Y: Array) -> Array:
        """Return F(θ, Y), shape (rows_out, m), keeping nothing for derivatives."""

    def linearize(self, theta: Array, Y: Array) -> Linearization:
        """Return F linearised at (θ, Y)."""

    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return every named intermediate of F(θ, Y) in the order of computation, ``"output"`` last."""
