"""Second derivatives of composed maps: chains and Euler steps, written once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from refms.backend import backend_of
from refms.errors import Array, InputError, require_shape
from refms.network.mapping import AdjointLinearization, AdjointTangent, Linearization, TwiceLinearization


def linearized_adjoint(
    F: Linearization, G: Array, *, wrt_input: bool = True
) -> tuple[AdjointLinearization, Array | None]:
    """Return the adjoint of a linearised map linearised at G, and (∂F/∂Y)ᵀ G.

    Parameters
    ----------
    F : Linearization
        The map at a point.
    G, wrt_input
        As for :meth:`~refms.network.mapping.TwiceLinearization.linearize_adjoint`.

    Returns
    -------
    tuple
        As there.

    Raises
    ------
    InputError
        If the map has no second derivatives.
    """
    if not isinstance(F, TwiceLinearization):
        raise InputError(
            f"{type(F).__name__} has no second derivatives (no method linearize_adjoint); expected a map "
            "that has them, or a Gauss–Newton product (second_order=False)."
        )
    return F.linearize_adjoint(G, wrt_input=wrt_input)


@dataclass(frozen=True, eq=False)
class ChainAdjoint:
    """The adjoint of maps one after the other, linearised.

    Parameters
    ----------
    adjoints : tuple of AdjointLinearization
        Of the single maps, first map first; maps before the first one that varies are left out.
    sizes : tuple of int
        Number of parameters of each of these maps.

    Notes
    -----
    With maps F_i, states Y_{i+1} = F_i(θ_i, Y_i) and cotangents G_i = J_Yiᵀ G_{i+1} the chain rule is
    differentiated once more. Forwards, dY_{i+1} = J_θi dθ_i + J_Yi dY_i, and every dY_i is kept; backwards,

        dG_i = J_Yiᵀ dG_{i+1} + D(J_Yiᵀ)[dθ_i, dY_i] G_{i+1},
        dg_i = J_θiᵀ dG_{i+1} + D(J_θiᵀ)[dθ_i, dY_i] G_{i+1}   for the gradient g_i = J_θiᵀ G_{i+1}.
    """

    adjoints: tuple[AdjointLinearization, ...]
    sizes: tuple[int, ...]

    def along(self, dtheta: Array | None, dY: Array | None = None) -> ChainTangent:
        """Return the derivatives along (dθ, dY), with every dY_i kept."""
        if dtheta is not None:
            require_shape(dtheta, (sum(self.sizes),), "dtheta", "one number per parameter")
        tangents: list[AdjointTangent] = []
        start = 0
        for adjoint, size in zip(self.adjoints, self.sizes, strict=True):
            part = None if dtheta is None or size == 0 else dtheta[start : start + size]
            start += size
            tangents.append(adjoint.along(part, dY))
            dY = tangents[-1].output
        return ChainTangent(tuple(tangents))


@dataclass(frozen=True, eq=False)
class ChainTangent:
    """The derivatives of a chain and of its adjoint; formulas in :class:`ChainAdjoint`."""

    tangents: tuple[AdjointTangent, ...]

    @property
    def output(self) -> Array:
        """Derivative of the last map's output."""
        return self.tangents[-1].output

    def vjp(self, dG: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return dg, all maps joined, and dG_0."""
        parts: list[Array] = []
        dgY: Array | None = dG
        for index in reversed(range(len(self.tangents))):
            dgtheta, dgY = self.tangents[index].vjp(dgY, wrt_input=wrt_input or index > 0)
            parts.append(dgtheta)
        return backend_of(dG).xp.concatenate(parts[::-1]), dgY

    def pull_back(self, dG: Array) -> Array:
        """Return dG_0."""
        for one in reversed(self.tangents):
            dG = one.pull_back(dG)
        return dG


def chain_adjoint(
    steps: Sequence[Linearization], sizes: Sequence[int], G: Array, wrt_input: bool
) -> tuple[ChainAdjoint, Array | None]:
    """Return the adjoint of a chain linearised at G, and the gradient with respect to its input.

    Parameters
    ----------
    steps : sequence of Linearization
        The maps at their points, first map first.
    sizes : sequence of int
        Number of parameters of each.
    G, wrt_input
        As for :meth:`~refms.network.mapping.TwiceLinearization.linearize_adjoint`.

    Returns
    -------
    tuple
        As there.
    """
    adjoints: list[AdjointLinearization] = []
    gY: Array | None = G
    for index in reversed(range(len(steps))):
        varies = wrt_input or any(sizes[:index])
        adjoint, gY = linearized_adjoint(steps[index], gY, wrt_input=varies)
        adjoints.append(adjoint)
        if not varies:  # nothing before this map varies
            break
    first = len(steps) - len(adjoints)
    return ChainAdjoint(tuple(adjoints[::-1]), tuple(sizes[first:])), gY


@dataclass(frozen=True, eq=False)
class EulerStepAdjoint:
    """The adjoint of the step y + δt F(θ, y), linearised.

    Parameters
    ----------
    layer : AdjointLinearization
        The adjoint of F at the cotangent δt G.
    dt : float
        δt.

    Notes
    -----
    The adjoint of the step is (F_θᵀ (δt G), G + F_Yᵀ (δt G)); its derivative is that of F's adjoint along
    (dθ, dY, δt dG), and dG besides.
    """

    layer: AdjointLinearization
    dt: float

    def along(self, dtheta: Array | None, dY: Array | None = None) -> EulerStepTangent:
        """Return the derivatives along (dθ, dY)."""
        inner = self.layer.along(dtheta, dY)
        update = self.dt * inner.output
        return EulerStepTangent(inner, update if dY is None else dY + update, self.dt)


@dataclass(frozen=True, eq=False)
class EulerStepTangent:
    """The derivatives of a step and of its adjoint; formulas in :class:`EulerStepAdjoint`."""

    layer: AdjointTangent
    output: Array
    dt: float

    def vjp(self, dG: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the derivatives of the gradients with respect to θ and Y."""
        dgtheta, dgY = self.layer.vjp(self.dt * dG, wrt_input=wrt_input)
        return dgtheta, (None if dgY is None else dG + dgY)

    def pull_back(self, dG: Array) -> Array:
        """Return the derivative of the gradient with respect to Y."""
        return dG + self.layer.pull_back(self.dt * dG)


def step_adjoint(
    layer: tuple[AdjointLinearization, Array | None], G: Array, dt: float
) -> tuple[EulerStepAdjoint, Array | None]:
    """Return the adjoint of a step at G, and its gradient with respect to Y, from its layer's at δt G."""
    adjoint, gY = layer
    return EulerStepAdjoint(adjoint, dt), (None if gY is None else G + gY)
