"""Penalties on stencils that would not cross to another mesh: quadratic, measured by the named pair."""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sp

from refms.backend import NUMPY, Backend
from refms.errors import Array, InputError, require_choice, require_nonnegative
from refms.maps.architectures.residual import Residual
from refms.names import TRANSFER_GOALS, TRANSFER_PENALTIES
from refms.objective.regularizers import Quadratic
from refms.stencils.galerkin import prolong_stencil, restrict_stencil
from refms.stencils.kronecker import deliver, identity, kronecker
from refms.stencils.routes.neighbours import offsets_of
from refms.stencils.transfer import TransferPair, transfer_pair


def transfer_regularizer(
    network: Residual,
    weight: float,
    pair: str | TransferPair,
    kind: str = "consistency",
    to: str = "finer",
    smoothing: float = 1.0,
    dtype: str = "float64",
    backend: Backend = NUMPY,
) -> Quadratic:
    """Return the penalty on the layers' stencils by what the transfer to another mesh makes of them.

    Parameters
    ----------
    network : Residual
        Gives stencils, channels, layers and δt.
    weight : float
        β ≥ 0.
    pair : str or TransferPair
        The transfer pair (R, P).
    kind : str
        ``"consistency"`` or ``"norm"``, see :func:`stencil_penalty`.
    to : str
        ``"finer"`` or ``"coarser"``: the other mesh.
    smoothing : float
        σ ≥ 0 of the images, in cells of the finer mesh; for ``"consistency"``.
    dtype : str
        ``"float64"`` or ``"float32"``.
    backend : Backend
        Where Q lives.

    Returns
    -------
    Quadratic
        A form in θ; biases and a learned opening are free.

    Raises
    ------
    InputError
        If a number is negative or not finite, or a name is unknown.
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
    >>> transfer_regularizer(net, 0.5, "averaging-constant", "norm").Q.toarray().tolist()
    [[0.5, 0.0], [0.0, 0.0]]
    """
    require_nonnegative(weight, "the weight of the transfer penalty")
    steps, shapes = network.propagation.time, network.arrays.shapes
    assert steps is not None  # a propagation has its steps
    M = stencil_penalty(network.stencil_shape, pair, kind, to, smoothing, orientation=network.orientation)
    on_stencils = kronecker(identity(network.channels**2), sp.csr_array(M))
    on_layer = sp.block_diag([on_stencils, sp.csr_array((network.channels, network.channels))])
    on_layers = kronecker(identity(network.layers), sp.csr_array(weight * steps.time_step * on_layer))
    leading = math.prod(shapes["opening"]) if network.opening == "learned" else 0
    Q = sp.csr_array(sp.block_diag([sp.csr_array((leading, leading)), on_layers]))
    return Quadratic(deliver(Q, dtype, backend))


def stencil_penalty(
    shape: tuple[int, ...],
    pair: str | TransferPair,
    kind: str = "consistency",
    to: str = "finer",
    smoothing: float = 1.0,
    *,
    orientation: str = "correlation",
) -> Array:
    """Return the symmetric M of the penalty sᵀ M s on one stencil s.

    On the way to the finer mesh s = s_H and s_h = A⁻¹ s ([LAS] eq. (9)); to the coarser one s = s_h and
    s_H = A s. With λ_h(ω) = Σ_κ (s_h)_κ e^{iω·κ} for ω ∈ [-π, π]^d, and λ_H(Ω) = Σ_κ (s_H)_κ e^{iΩ·κ}:

    * ``"norm"``: sᵀ M s = ‖s_h‖², so M = A⁻ᵀ A⁻¹ to the finer mesh, and I to the coarser one. By Parseval it
      is the mean of |λ_h(ω)|² over all ω, or over the frequencies of any grid with at least n_K cells an
      axis: the penalty holds down the gain of high frequencies, of which the coarse mesh sees nothing. In
      fine coordinates, s = A s_h, it is the plain Tikhonov term: to train a coarse net in the unknowns s_h
      with Tikhonov regularisation is to train it with this penalty, and conjugate gradients in s_h are those
      in s preconditioned by A Aᵀ, see
      :class:`~refms.objective.preconditioners.fine_coordinates.FineCoordinates`.
    * ``"consistency"``: sᵀ M s = E |λ_h(ω) − λ_H(2ω)|², the mean over frequencies with the density
      ∝ e^{-σ²|ω|²}, the power of the Gaussian smoothing (for σ = 0 all are equal). A wave of frequency ω on
      the fine mesh is one of 2ω on the coarse one, so this is the consistency error of K_h with K_H on
      smoothed images; what both meshes agree on is free. With E e^{iω·q} = e^{-|q|²/(4σ²)} it is an explicit
      sum over pairs of offsets, q = κ − κ′, κ − 2κ′ and 2κ − 2κ′.

    Examples
    --------
    >>> stencil_penalty((1,), "summing-constant", "norm").tolist()  # s_h = s / 2
    [[0.25]]
    """
    require_choice(kind, TRANSFER_PENALTIES, "kind of transfer penalty")
    require_choice(to, TRANSFER_GOALS, "goal of the transfer")
    if not (np.isfinite(smoothing) and smoothing >= 0):
        raise InputError(f"the smoothing of the images is {smoothing}; expected 0 or more fine cells.")
    pair = transfer_pair(pair)
    p, d = math.prod(shape), len(shape)
    here = np.eye(p).reshape(p, *shape)
    move = prolong_stencil if to == "finer" else restrict_stencil
    there = move(here, pair, d=d, orientation=orientation)
    fine, coarse = (there, here) if to == "finer" else (here, there)
    F, C = (stencils.reshape(p, -1).T for stencils in (fine, coarse))  # s -> s_h, s -> s_H
    if kind == "norm":
        return F.T @ F
    kappa_h, kappa_H = _offsets(fine.shape[1:]), 2 * _offsets(coarse.shape[1:])
    mixed = F.T @ _mean_of_waves(kappa_h, kappa_H, smoothing) @ C
    on_fine = F.T @ _mean_of_waves(kappa_h, kappa_h, smoothing) @ F
    on_coarse = C.T @ _mean_of_waves(kappa_H, kappa_H, smoothing) @ C
    return on_fine - mixed - mixed.T + on_coarse


def _offsets(shape: tuple[int, ...]) -> Array:
    """Return the offsets κ of a stencil's entries, shape (entries, d)."""
    axes = np.meshgrid(*[offsets_of(n) for n in shape], indexing="ij")
    return np.stack([axis.ravel() for axis in axes], axis=1)


def _mean_of_waves(first: Array, second: Array, sigma: float) -> Array:
    """Return E e^{iω·(κ − κ′)} = e^{-|κ − κ′|²/(4σ²)} for ω of variance 1/(2σ²) an axis; δ for σ = 0."""
    squares = ((first[:, None, :] - second[None, :, :]) ** 2).sum(axis=-1)
    if sigma == 0.0:
        return (squares == 0).astype("float64")
    mean: Array = np.exp(-squares / (4 * sigma**2))
    return mean
