"""The one contract that carries every network: a map F(θ, Y), and F at a point.

A map is its parameter layout and ``at(θ, Y)``: F at a point, which owns what the forward pass computed. A
Gauss–Newton product ``vjp(H_loss @ jvp(v))`` then never runs the forward pass again. ``second``
differentiates once more: g(θ, Y, G) = (F_θᵀ G, F_Yᵀ G) is linearised at G = ∇E, and products with the full
Hessian are

    ∇²(E ∘ F) v = dg along (v, ∇²E J v) = Jᵀ ∇²E J v + D(Jᵀ)[v] ∇E.

Transposes are plain, without conjugation: complex inputs only ever carry complex-step perturbations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from refms.backend import backend_of, zeros_like
from refms.display import short_repr
from refms.errors import Array, InputError, require_same_precision, require_shape
from refms.maps.layout import Layout

if TYPE_CHECKING:
    from refms.maps.time.steps import TimeSteps

Gradients = tuple[Array | None, Array | None]
"""With respect to θ, shape (layout.size,), and Y, shape of Y; None where it was not asked for."""


Jvp = Callable[..., Array]
"""(dθ, dY) ↦ F_θ dθ + F_Y dY, shape of the output; None stands for zero and saves its work."""

Vjp = Callable[..., Gradients]
"""(G, *, wrt_theta=True, wrt_input=True) ↦ (F_θᵀ G, F_Yᵀ G); what is not asked for is None."""


Pieces = Callable[..., tuple[list[Array], Array | None]]
"""As a Vjp, but F_θᵀ G as a list of parts that follow each other, none where it is not asked for."""


class Tangent(NamedTuple):
    """What ``along(dθ, dY)`` returns: the derivatives of F and of its adjoint at a cotangent G.

    Parameters
    ----------
    output : array
        F_θ dθ + F_Y dY, shape of the output.
    vjp : callable
        dG ↦ the derivatives of F_θᵀ G and F_Yᵀ G along (dθ, dY, dG), with ``wrt_theta`` and ``wrt_input`` as
        the ``vjp`` of :class:`At`.
    pieces : callable or None
        As of :class:`At`.

    Examples
    --------
    F(Y) = Y² entry by entry has F_Yᵀ G = 2YG, which changes by 2 dY G + 2Y dG:

    >>> import numpy as np
    >>> Y, G, dY, dG = (np.full((1, 1), x) for x in (3.0, 5.0, 1.0, 0.0))
    >>> tangent = Tangent(2 * Y * dY, lambda dG, **wrt: (np.zeros(0), 2 * dY * G + 2 * Y * dG))
    >>> tangent.vjp(dG)[1].item()
    10.0
    """

    output: Array
    vjp: Vjp
    pieces: Pieces | None = None


Along = Callable[..., Tangent]
"""(dθ, dY) ↦ the derivatives of F and of its adjoint along it; None stands for zero."""

Second = Callable[..., tuple[Along, Array | None]]
"""(G, *, wrt_input=True) ↦ the adjoint at the cotangent G, to be differentiated along (dθ, dY), and F_Yᵀ G.

With ``wrt_input=False`` Y does not vary: directions have no dY, and F_Yᵀ G is None.
"""


@dataclass(frozen=True, eq=False, slots=True)
class At:
    """F at a point (θ, Y), with its Jacobian and the Jacobian's transpose in Euclidean inner products.

    Parameters
    ----------
    output : array
        F(θ, Y), shape (rows_out, m).
    jvp : callable
        (dθ, dY) ↦ F_θ dθ + F_Y dY, shape of the output; None stands for zero and saves its work.
    vjp : callable
        G ↦ (F_θᵀ G, F_Yᵀ G), shapes (layout.size,) and of Y; ``wrt_theta=False`` or ``wrt_input=False``
        leaves one out, which is then None.
    second : callable or None
        G ↦ (along, F_Yᵀ G), where ``along(dθ, dY)`` returns a :class:`Tangent`; None stands for zero. With
        ``wrt_input=False`` Y does not vary, and F_Yᵀ G is None. None: no second derivatives.
    pieces : callable or None
        What ``vjp`` joins to one vector, where it does: combinators within combinators join it once.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.maps.layers.linear import matrix_map
    >>> F = matrix_map(np.array([[1.0, 2.0]])).at(np.zeros(0), np.ones((2, 1)))
    >>> F.output.tolist(), F.vjp(np.ones((1, 1)), wrt_theta=False)[1].tolist()
    ([[3.0]], [[1.0], [2.0]])
    """

    output: Array
    jvp: Jvp
    vjp: Vjp
    second: Second | None = None
    pieces: Pieces | None = None

    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class Map:
    """A map F(θ, Y) from feature columns (rows_in, m) to feature columns (rows_out, m).

    Layers and combinators are functions that return one. ``evaluate``, ``linearize`` and ``record`` are their
    closures, which trust their arguments; :meth:`apply`, :meth:`at` and :meth:`trace` are the doors, which
    look at θ and Y once.

    Parameters
    ----------
    layout : Layout
        Names and shapes of the parameters θ.
    rows_in, rows_out : int
        Rows of Y and of F(θ, Y).
    evaluate : callable
        (θ, Y) ↦ F(θ, Y), a new array, keeping nothing for derivatives.
    linearize : callable
        (θ, Y) ↦ F at the point, an :class:`At`; its ``jvp`` is never asked with two Nones.
    record : callable or None
        (θ, Y) ↦ named intermediates, ``"output"`` last; None where there is the output only.
    multiply_adds : int
        Of one evaluation of one example: the measure of work.
    stored : int
        Numbers that an :class:`At` keeps for one example, and for a while beside: the measure of memory.
    kept : int or None
        Of these, the numbers that it keeps all the time; None for all.
    reads : tuple of str
        Whether the derivatives of a point need the arrays ``"input"`` and ``"output"``; a chain keeps between
        its maps what one of them needs.
    view : bool
        Whether the output shares the memory of the input.
    fused_step : callable or None
        δt ↦ the map Y + δt F(θ, Y), where that is faster or smaller than F and the step apart.
    frugal : callable or None
        () ↦ a map with the same results that keeps less and works more.
    parts : tuple of (str, Map)
        Of a chain: its maps by name.
    times : tuple of (int, TimeSteps)
        Of each propagation in time inside of it: where its parameters begin in θ, and its steps.
    constants : tuple of array
        Arrays inside of it, whose precision and backend Y must have.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.maps.layers.linear import matrix_map
    >>> F = matrix_map(np.array([[1.0, 2.0]]))
    >>> F.rows_in, F.rows_out, F.apply(np.zeros(0), np.ones((2, 1))).tolist()
    (2, 1, [[3.0]])
    """

    layout: Layout
    rows_in: int
    rows_out: int
    evaluate: Callable[[Array, Array], Array]
    linearize: Callable[[Array, Array], At]
    record: Callable[[Array, Array], dict[str, Array]] | None = None
    multiply_adds: int = 0
    stored: int = 0
    kept: int | None = None
    reads: tuple[str, ...] = ("input", "output")
    view: bool = False
    fused_step: Callable[[float], Map] | None = None
    frugal: Callable[[], Map] | None = None
    parts: tuple[tuple[str, Map], ...] = ()
    times: tuple[tuple[int, TimeSteps], ...] = ()
    constants: tuple[Array, ...] = ()

    __repr__ = short_repr

    @property
    def time(self) -> TimeSteps | None:
        """The steps of the only propagation in time; None where there is none or several."""
        return self.times[0][1] if len(self.times) == 1 else None

    def apply(self, theta: Array, Y: Array) -> Array:
        """Return F(θ, Y), shape (rows_out, m), keeping nothing for derivatives.

        Parameters
        ----------
        theta : array
            Shape (layout.size,).
        Y : array
            Shape (rows_in, m), same precision and backend.

        Returns
        -------
        array
            Shape (rows_out, m).

        Raises
        ------
        InputError
            If shapes, precisions or backends do not fit.
        """
        self.require(theta, Y)
        return self.evaluate(theta, Y)

    def at(self, theta: Array, Y: Array) -> At:
        """Return F at (θ, Y); parameters and errors as for :meth:`apply`, here and in its derivatives."""
        self.require(theta, Y)
        return _checked(self, self.linearize(theta, Y), Y.shape[1])

    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return every named intermediate of F(θ, Y) in the order of computation, ``"output"`` last."""
        self.require(theta, Y)
        return self.recorded(theta, Y)

    def recorded(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return the named intermediates; trusts its arguments."""
        return {"output": self.evaluate(theta, Y)} if self.record is None else self.record(theta, Y)

    def require(self, theta: Array, Y: Array) -> None:
        """Refuse parameters and inputs that do not fit."""
        self.layout.require(theta)
        require_shape(Y, (self.rows_in, None), "Y", "(channels * cells, examples)")
        inside = {f"constant {i}": array for i, array in enumerate(self.constants)}
        require_same_precision(theta=theta, Y=Y, **inside)
        backend_of(theta, Y, *self.constants)


def without_output(F: At) -> At:
    """Return a point that lets go of its output, as soon as the next map has seen it."""
    return At(None, F.jvp, F.vjp, F.second, F.pieces)


def second_of(F: At) -> Second:
    """Return what differentiates the adjoint of F once more, or refuse a map that has none."""
    if F.second is None:
        raise InputError(
            "the map has no second derivatives (its `second` is None); expected a map that has them, or a "
            "Gauss–Newton product (second_order=False)."
        )
    return F.second


def second_of_linear(jvp: Jvp, vjp: Vjp) -> Second:
    """Return the second derivatives of a map that is linear in Y and has no parameters: there are none."""

    def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
        return lambda dtheta, dY=None: Tangent(jvp(None, dY), vjp), (vjp(G)[1] if wrt_input else None)

    return second


def _checked(map_: Map, F: At, examples: int) -> At:
    """Return F at a point with derivatives that look at their arguments."""
    rows, columns = (map_.rows_in, examples), (map_.rows_out, examples)

    def require_kind(array: Array, name: str) -> None:
        require_same_precision(**{name: array}, output=F.output)
        if array.dtype.kind == "c" and F.output.dtype.kind != "c":  # a real route takes no complex array
            raise InputError(f"{name} is {array.dtype} at a real point; make θ or Y complex, too.")

    def require_cotangent(G: Array, name: str) -> None:
        require_shape(G, columns, name, "the shape of the output")
        require_kind(G, name)

    def require(dtheta: Array | None, dY: Array | None) -> None:
        if dtheta is not None:
            map_.layout.require(dtheta, "dtheta")
            require_kind(dtheta, "dtheta")
        if dY is not None:
            require_shape(dY, rows, "dY", "the shape of Y")
            require_kind(dY, "dY")

    def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
        require(dtheta, dY)
        return zeros_like(F.output) if dtheta is None and dY is None else F.jvp(dtheta, dY)

    def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
        require_cotangent(G, "G")
        return F.vjp(G, wrt_theta=wrt_theta, wrt_input=wrt_input) if wrt_theta or wrt_input else (None, None)

    def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
        require_cotangent(G, "G")
        along, gY = second_of(F)(G, wrt_input=wrt_input)

        def checked_along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
            require(dtheta, dY)
            tangent = along(dtheta, dY)

            def vjp(dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                require_cotangent(dG, "dG")
                return tangent.vjp(dG, wrt_theta=wrt_theta, wrt_input=wrt_input)

            return Tangent(tangent.output, vjp)

        return checked_along, gY

    return At(F.output, jvp, vjp, None if F.second is None else second)
