"""Penalties on stencils that would not cross to the finer mesh: quadratic, measured by the named pair."""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sp

from refms.backend import NUMPY, Backend
from refms.errors import Array, InputError, require_choice
from refms.names import TRANSFER_PENALTIES
from refms.network.architectures.residual import Residual
from refms.objective.regularizers import Quadratic
from refms.operators.galerkin import prolong_stencil
from refms.operators.kronecker import delivered, identity, kronecker
from refms.operators.patches import offsets_of
from refms.operators.transfer import TransferPair, transfer_pair


def transfer_regularizer(
    network: Residual,
    weight: float,
    pair: str | TransferPair,
    kind: str = "norm",
    smoothing: float = 1.0,
    dtype: str = "float64",
    backend: Backend = NUMPY,
) -> Quadratic:
    """Return the penalty on the layers' stencils by what prolongation makes of them.

    Parameters
    ----------
    network : Residual
        Gives the layers, their stencils, and what stands before them in θ.
    weight : float
        β ≥ 0.
    pair : str or TransferPair
        The transfer pair (R, P) that shall prolong the trained stencils.
    kind, smoothing
        See :func:`stencil_penalty`.
    dtype : str
        ``"float64"`` or ``"float32"``.
    backend : Backend
        Where Q shall live.

    Returns
    -------
    Quadratic
        A form in θ; biases and the opening are free.

    Raises
    ------
    InputError
        If the weight is negative or not finite, or a name is unknown.
    SingularTransferError
        If the pair cannot prolong stencils of this size.

    Notes
    -----
    R = β/2 · Σ_k δt Σ_{oi} s_{k,oi}ᵀ M s_{k,oi} with M from :func:`stencil_penalty`: the midpoint rule in
    time, as for the other terms in θ, so that β does not depend on the depth.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> net = Residual(Grid((4,)), channels=1, layers=1, stencil_shape=(1,), opening_shape=(1,))
    >>> transfer_regularizer(net, 0.5, "averaging-constant").Q.toarray().tolist()
    [[0.5, 0.0], [0.0, 0.0]]
    """
    if not (np.isfinite(weight) and weight >= 0):
        raise InputError(f"the weight of the transfer penalty is {weight}; expected a finite number >= 0.")
    steps = network.propagation
    shapes = network.parameter_shapes
    M = stencil_penalty(network.stencil_shape, pair, kind, smoothing, orientation=network.orientation)
    on_stencils = kronecker(identity(network.channels**2), sp.csr_array(M))
    on_layer = sp.block_diag([on_stencils, sp.csr_array((network.channels, network.channels))])
    on_layers = kronecker(identity(network.layers), sp.csr_array(weight * steps.time_step * on_layer))
    leading = math.prod(shapes["opening"]) if network.opening == "learned" else 0
    Q = sp.csr_array(sp.block_diag([sp.csr_array((leading, leading)), on_layers]))
    return Quadratic(delivered(Q, dtype, backend))


def stencil_penalty(
    shape: tuple[int, ...],
    pair: str | TransferPair,
    kind: str = "norm",
    smoothing: float = 1.0,
    *,
    orientation: str = "correlation",
) -> Array:
    """Return the symmetric M of the penalty sᵀ M s on one coarse stencil s.

    Parameters
    ----------
    shape : tuple of int
        Odd extents of the stencil.
    pair : str or TransferPair
        The pair (R, P).
    kind : str
        ``"norm"``: the size of the prolonged stencil; ``"consistency"``: how far its symbol is from the
        coarse one where smoothed images live.
    smoothing : float
        σ of the images in fine cells, for ``"consistency"``.
    orientation : str
        How K reads stencils.

    Returns
    -------
    numpy.ndarray
        Shape (p, p) with p = Π shape, float64, positive semi-definite.

    Raises
    ------
    InputError
        If a name is unknown or the smoothing is negative or not finite.
    SingularTransferError
        If the pair cannot prolong stencils of this size.

    Notes
    -----
    With s_h = A⁻¹ s ([LAS] eq. (9)) and the symbols λ_h(ω) = Σ_κ (s_h)_κ e^{iω·κ}, ω ∈ [-π, π]^d on the fine
    mesh, λ_H(Ω) = Σ_κ s_κ e^{iΩ·κ} on the coarse one:

    * ``"norm"``: sᵀ M s = ‖A⁻¹ s‖², M = A⁻ᵀ A⁻¹. By Parseval it is the mean of |λ_h(ω)|² over all ω, or over
      the frequencies of any grid with at least n_K cells an axis: the penalty holds down the amplification of
      high frequencies, of which the coarse mesh sees nothing. In fine coordinates, s = A s_h, it is the plain
      Tikhonov term ‖s_h‖²: to train a coarse net in fine coordinates with Tikhonov regularisation is to
      train it with this penalty, in other unknowns.
    * ``"consistency"``: sᵀ M s = E |λ_h(ω) − λ_H(2ω)|², the mean over frequencies with the density
      ∝ e^{-σ²|ω|²}, the power of the Gaussian smoothing (for σ = 0 all are equal). A wave of frequency ω on
      the fine mesh is one of 2ω on the coarse one, so this is the consistency error of K_h with K_H on
      smoothed images; what both meshes agree on is free. With E e^{iω·q} = e^{-|q|²/(4σ²)} it is an explicit
      sum over pairs of offsets, q = κ − κ′, κ − 2κ′ and 2κ − 2κ′.

    Examples
    --------
    >>> stencil_penalty((1,), "averaging-constant").tolist()
    [[1.0]]
    """
    require_choice(kind, TRANSFER_PENALTIES, "kind of transfer penalty")
    pair = pair if isinstance(pair, TransferPair) else transfer_pair(pair)
    p, d = math.prod(shape), len(shape)
    units = np.eye(p).reshape(p, *shape)
    inverse = prolong_stencil(units, pair, d=d, orientation=orientation).reshape(p, p).T  # A⁻¹
    if kind == "norm":
        return inverse.T @ inverse
    if not (np.isfinite(smoothing) and smoothing >= 0):
        raise InputError(f"the smoothing of the images is {smoothing}; expected 0 or more fine cells.")
    axes = np.meshgrid(*[offsets_of(n) for n in shape], indexing="ij")
    kappa = np.stack([axis.ravel() for axis in axes], axis=1)
    fine, mixed, coarse = (
        _mean_of_waves(first[:, None, :] - second[None, :, :], smoothing)
        for first, second in ((kappa, kappa), (kappa, 2 * kappa), (2 * kappa, 2 * kappa))
    )
    crossed = inverse.T @ mixed
    return inverse.T @ fine @ inverse - crossed - crossed.T + coarse


def _mean_of_waves(q: Array, sigma: float) -> Array:
    """Return E e^{iω·q} = e^{-|q|²/(4σ²)} for Gaussian ω of variance 1/(2σ²) an axis; δ_{q0} for σ = 0."""
    squares = (q**2).sum(axis=-1)
    if sigma == 0.0:
        return (squares == 0).astype("float64")
    mean: Array = np.exp(-squares / (4 * sigma**2))
    return mean
