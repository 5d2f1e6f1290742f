"""Layers that use one stencil twice, or transposed: σ(Kᵀy + b), σ((K − Kᵀ − γI)y + b), −Kᵀσ(Ky + b)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from refms.backend import backend_of
from refms.errors import Array, InputError, is_real
from refms.maps.activation import Activation
from refms.maps.chain import chain
from refms.maps.layers.convolution import convolution_layer, convolution_map
from refms.maps.map import Map
from refms.maps.parameters import reparametrize
from refms.stencils.convolution import Convolution
from refms.stencils.routes.route import flip


def transposed_layer(convolution: Convolution, activation: Activation) -> Map:
    """Return the layer σ(K(S)ᵀ Y + b).

    Parameters
    ----------
    convolution : Convolution
        Geometry of K(S), with as many channels in as out.
    activation : Activation
        σ.

    Returns
    -------
    Map
        Parameters ``stencil`` and ``bias`` as those of σ(K(S) Y + b).

    Raises
    ------
    InputError
        If the channels differ.

    Notes
    -----
    K(S)ᵀ = K(τS) with the permutation (τS)_{o,c,κ} = S_{c,o,−κ}, its own inverse and so symmetric.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> from refms.maps.activation import IDENTITY
    >>> F = transposed_layer(Convolution(Grid((4,)), 1, 1, (3,)), IDENTITY)
    >>> theta = F.layout.pack({"stencil": np.array([[[0.0, 0.0, 1.0]]]), "bias": np.zeros(1)})
    >>> F.apply(theta, np.array([[0.0], [1.0], [0.0], [0.0]])).ravel().tolist()
    [0.0, 0.0, 1.0, 0.0]
    """
    _require_square(convolution)
    F = convolution_layer(convolution, activation)
    turn = _on_stencil(F, transposed_stencils)
    return reparametrize(F, F.layout, turn, turn)


def antisymmetric_layer(convolution: Convolution, activation: Activation, damping: float = 0.0) -> Map:
    """Return the layer σ((K(S) − K(S)ᵀ − γI) Y + b), stable by construction.

    Parameters
    ----------
    convolution : Convolution
        Geometry of K(S), with as many channels in as out.
    activation : Activation
        σ.
    damping : float
        γ ≥ 0, in units of 1/time.

    Returns
    -------
    Map
        Parameters ``stencil`` and ``bias`` as those of σ(K(S) Y + b).

    Raises
    ------
    InputError
        If the channels differ, or γ is negative or not finite.

    Notes
    -----
    K(S) − K(S)ᵀ = K(S − τS) is antisymmetric to the last bit, with eigenvalues on the imaginary axis; those
    of the Jacobian D (K − Kᵀ), D = σ′ > 0, are there, too, for it is similar to the antisymmetric matrix
    D^½ (K − Kᵀ) D^½. Forward Euler amplifies such modes by |1 + iδtω| > 1, hence γ: |1 + δt(iω − γ)| ≤ 1
    where δt(ω² + γ²) ≤ 2γ.

    S and S + (symmetric stencils) give the same layer. With R K P for K the layer's matrix becomes
    R(K − Kᵀ)P: antisymmetric, and the one of the transferred S, for every pair whose stencil map commutes
    with the flip, such as all with R ∝ Pᵀ. γ is kept, as it is the same in every cell of any mesh.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> from refms.maps.activation import IDENTITY
    >>> F = antisymmetric_layer(Convolution(Grid((4,)), 1, 1, (3,)), IDENTITY)
    >>> theta = F.layout.pack({"stencil": np.array([[[0.0, 0.0, 1.0]]]), "bias": np.zeros(1)})
    >>> F.apply(theta, np.array([[0.0], [1.0], [0.0], [0.0]])).ravel().tolist()
    [1.0, 0.0, -1.0, 0.0]
    """
    _require_square(convolution)
    if not (is_real(damping) and 0 <= damping < math.inf):
        raise InputError(f"damping of the layer is {damping!r}; expected a finite number >= 0.")
    F = convolution_layer(convolution, activation)
    along = _on_stencil(F, antisymmetric_stencils)
    value = _on_stencil(F, lambda S: antisymmetric_stencils(S, damping))
    return reparametrize(F, F.layout, along, along, value)


def antisymmetric_stencils(S: Array, damping: float = 0.0) -> Array:
    """Return the stencils of K(S) − K(S)ᵀ − γI, S − τS minus γ in the centre of each channel's own one."""
    difference = S - transposed_stencils(S)
    if not damping:
        return difference
    centre = np.zeros(S.shape[2:])
    centre[tuple(size // 2 for size in centre.shape)] = damping
    unit = np.eye(S.shape[0]).reshape(*S.shape[:2], *[1] * centre.ndim) * centre
    return difference - backend_of(S).from_host(unit.astype(str(S.dtype)))


def symmetric_layer(convolution: Convolution, activation: Activation) -> Map:
    """Return the layer −K(S)ᵀ σ(K(S) Y + b) of Haber and Ruthotto, whose Jacobian −Kᵀ D K is symmetric.

    Parameters
    ----------
    convolution : Convolution
        Geometry of K(S), with as many channels in as out.
    activation : Activation
        σ with σ′ ≥ 0.

    Returns
    -------
    Map
        Parameters ``stencil`` and ``bias`` as those of σ(K(S) Y + b).

    Raises
    ------
    InputError
        If the channels differ.

    Notes
    -----
    E. Haber, L. Ruthotto, *Stable architectures for deep neural networks*: y′ = −Kᵀσ(Ky + b) is a gradient
    flow for σ′ ≥ 0, stable for every K. As a map it is K(−τS) ∘ σ(K(S)· + b), one S in both places: with
    B: (S, b) ↦ (S, b, −τS), the gradients of both add up through Bᵀ: (g_S − τ g_{−τS}, g_b).

    Examples
    --------
    >>> from refms.grid import Grid
    >>> from refms.maps.activation import IDENTITY
    >>> F = symmetric_layer(Convolution(Grid((4,)), 1, 1, (3,)), IDENTITY)
    >>> theta = F.layout.pack({"stencil": np.array([[[0.0, -1.0, 1.0]]]), "bias": np.zeros(1)})
    >>> F.apply(theta, np.array([[0.0], [1.0], [0.0], [0.0]])).ravel().tolist()
    [1.0, -2.0, 1.0, 0.0]
    """
    _require_square(convolution)
    inner = convolution_layer(convolution, activation)
    F = chain(("inner", inner), ("outer", convolution_map(convolution)))
    size, shape = math.prod(convolution.stencils_shape), convolution.stencils_shape

    def turned(S: Array) -> Array:
        return -transposed_stencils(S.reshape(shape)).reshape(-1)

    def along(theta: Array) -> Array:
        return backend_of(theta).xp.concatenate([theta, turned(theta[:size])])

    def transposed(g: Array) -> Array:
        both = g[: inner.layout.size].copy()
        both[:size] += turned(g[inner.layout.size :])
        return both

    return replace(reparametrize(F, inner.layout, along, transposed), fused_step=None)


def transposed_stencils(S: Array) -> Array:
    """Return the stencils of K(S)ᵀ: flipped, their channels transposed; for either orientation.

    Examples
    --------
    >>> transposed_stencils(np.array([[[1.0, 2.0, 3.0]]])).tolist()
    [[[3.0, 2.0, 1.0]]]
    """
    return flip(S).swapaxes(0, 1)


def _on_stencil(F: Map, change: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Return (S, b) ↦ (change(S), b) on parameter vectors."""
    shape = dict(F.layout.parts)["stencil"]
    size = math.prod(shape)

    def on_vector(theta: Array) -> Array:
        S = change(theta[:size].reshape(shape))
        return backend_of(theta).xp.concatenate([S.reshape(-1), theta[size:]])

    return on_vector


def _require_square(convolution: Convolution) -> None:
    if convolution.c_in != convolution.c_out:
        raise InputError(
            f"the layer takes {convolution.c_in} channels to {convolution.c_out}; expected as many in as out."
        )
