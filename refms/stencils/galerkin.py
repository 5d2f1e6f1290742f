"""Stencils between resolutions: s_H from K_H = R K_h P, and back ([LAS] eqs. (8) and (9)).

K_H is again a convolution matrix, and its stencil depends on the fine one through one small matrix an axis,
A_{Q,q} = c_{q-2Q} with c the correlation of R's row with P's column. K_H itself is never formed.
"""

from __future__ import annotations

from functools import reduce
from numbers import Integral

import numpy as np

from refms.backend import backend_of
from refms.errors import Array, InputError, SingularTransferError, precision, require_choice, require_whole
from refms.stencils.transfer import TRANSFER_PAIRS, TransferPair, transfer_pair


def stencil_map(pair: str | TransferPair, size: int, levels: int = 1) -> Array:
    """Return the one-dimensional matrix A of s_H = A s_h.

    Parameters
    ----------
    pair : str or TransferPair
        The pair (R, P).
    size : int
        n_K = 2r + 1, the odd size of s_h; its entries belong to the offsets q = -r, …, r.
    levels : int
        How many levels at once: the product of the maps of the single levels.

    Returns
    -------
    numpy.ndarray
        Shape (size of s_H, size), float64, on the host. One level maps half-width r to ⌊(r + w)/2⌋,
        w = ``pair.half_width``, so only r = w - 1 and r = w stay the same; but r = 0 does, too, if RP = γI,
        for then a 1x1 stencil is only multiplied by γ.

    Raises
    ------
    InputError
        If size is even or not positive, or levels is not positive.

    Notes
    -----
    (R K(s_h) P)_{I,J} = Σ_q s_q Σ {r_a p_b : 2I + a + q = 2J + b} = Σ_q c_{q-2(J-I)} s_q with
    c_k = Σ_{b-a=k} r_a p_b. If P reproduces constants and linears, and R keeps them, then the rows
    (1, …, 1) and (-r, …, r) are left eigenvectors with eigenvalues 1 and 1/2: the sum of a stencil is
    kept, its first moment halves.

    Examples
    --------
    >>> from refms.stencils.transfer import transfer_pair
    >>> stencil_map(transfer_pair("averaging-bilinear"), 3).tolist()
    [[0.5, 0.125, 0.0], [0.5, 0.75, 0.5], [0.0, 0.125, 0.5]]
    """
    pair = transfer_pair(pair)
    levels = _require_size_and_levels(size, levels)
    sizes = [size]
    for _ in range(levels - 1):
        sizes.append(_coarse_size(pair, sizes[-1]))
    return reduce(lambda A, B: B @ A, [_one_level(pair, n) for n in sizes])


def stencil_map_condition(pair: str | TransferPair, size: int, d: int = 1, levels: int = 1) -> float:
    """Return cond_2(A^levels)^d, by which ``prolong_stencil`` may amplify perturbations of stencils.

    It is infinite where the pair does not map stencils of this size one to one onto stencils of this size.

    >>> from refms.stencils.transfer import transfer_pair
    >>> round(stencil_map_condition(transfer_pair("averaging-constant"), 3, d=2), 1)
    10.2
    """
    pair = transfer_pair(pair)
    levels = _require_size_and_levels(size, levels)
    if not _is_closed(pair, size):
        return np.inf
    return float(np.linalg.cond(stencil_map(pair, size, levels))) ** d


def restrict_stencil(
    S: Array,
    pair: str | TransferPair,
    d: int | None = None,
    levels: int = 1,
    *,
    orientation: str = "correlation",
) -> Array:
    """Return the coarse stencil s_H with K(s_H) = R K(s_h) P, exactly and for every grid.

    Parameters
    ----------
    S : array
        Fine stencils, shape (…, n_1, …, n_d) with odd n_j, which may differ; float or complex. The leading
        axes (channels, layers) pass through.
    pair : str or TransferPair
        The pair (R, P).
    d : int or None
        How many of the last axes are stencil axes; None means all but the two channel axes.
    levels : int
        How many levels at once.
    orientation : str
        How K reads S: ``"correlation"`` or ``"convolution"``. It matters for pairs whose c is not symmetric,
        ``nearest`` alone among the named ones.

    Returns
    -------
    array
        Coarse stencils of the natural size (see ``stencil_map``), in S's dtype and on its backend.

    Raises
    ------
    InputError
        If a size is even, S is not finite, d or levels does not fit, or orientation is unknown.

    Notes
    -----
    Eq. (8) of [LAS]: vec(s_H) = (A ⊗ … ⊗ A) vec(s_h), applied one axis at a time. On grids so small that
    stencil entries meet after wrapping around, R K(s_h) P = K(s_H) still holds: there they add.

    Examples
    --------
    >>> from refms.stencils.transfer import transfer_pair
    >>> laplacian = np.array([1.0, -2.0, 1.0])
    >>> restrict_stencil(laplacian, transfer_pair("averaging-bilinear"), d=1).tolist()
    [0.25, -0.5, 0.25]
    """
    maps = {axis: stencil_map(pair, S.shape[axis], levels) for axis in _stencil_axes(S, d)}
    return _apply_along(S, maps, orientation)


def prolong_stencil(
    S: Array,
    pair: str | TransferPair,
    d: int | None = None,
    levels: int = 1,
    least_squares: bool = False,
    *,
    orientation: str = "correlation",
) -> Array:
    """Return the fine stencil s_h, of the same size, with R K(s_h) P = K(s_H).

    Parameters
    ----------
    S : array
        Coarse stencils, shape (…, n_1, …, n_d) with odd n_j.
    pair, d, levels, orientation
        As for :func:`restrict_stencil`.
    least_squares : bool
        Where there is no unique solution, take level by level the stencil of least 2-norm among those that
        minimise ‖R K(s_h) P - K(s_H)‖ in the 2-norm of the stencil entries. It is the solution where
        there is one.

    Returns
    -------
    array
        Fine stencils, shape of S, in S's dtype and on its backend.

    Raises
    ------
    SingularTransferError
        If the pair does not map stencils of a size n_j one to one onto stencils of that size.
    InputError
        If a size is even, S is not finite, d or levels does not fit, or orientation is unknown.

    Notes
    -----
    Eq. (9) of [LAS]: solves (A ⊗ … ⊗ A) vec(s_h) = vec(s_H). A^-1 is computed in float64 on the host and
    applied in S's precision; perturbations of S are amplified by up to ``stencil_map_condition``.

    Examples
    --------
    >>> from refms.stencils.transfer import transfer_pair
    >>> coarse = np.array([0.25, -0.5, 0.25])
    >>> prolong_stencil(coarse, transfer_pair("averaging-bilinear"), d=1).round(15).tolist()
    [1.0, -2.0, 1.0]
    """
    inverses, pair = {}, transfer_pair(pair)
    for axis in _stencil_axes(S, d):
        size = S.shape[axis]
        levels = _require_size_and_levels(size, levels)
        if _is_closed(pair, size):
            inverse = np.linalg.inv(_one_level(pair, size))
        elif least_squares:
            inverse = _least_squares_inverse(pair, size)
        else:
            raise _singular(pair, size, axis)
        inverses[axis] = np.linalg.matrix_power(inverse, levels)
    return _apply_along(S, inverses, orientation)


def _one_level(pair: TransferPair, size: int) -> Array:
    """Return A_{Q,q} = c_{q-2Q} for one level, shape (natural coarse size, size)."""
    c, r, r_coarse = pair.correlation, size // 2, _coarse_size(pair, size) // 2
    return np.array([
        [c.get(q - 2 * Q, 0.0) for q in range(-r, r + 1)] for Q in range(-r_coarse, r_coarse + 1)
    ])  # fmt: skip


def _coarse_size(pair: TransferPair, size: int) -> int:
    """Return the size of the smallest centred stencil that holds every Q with some c_{q-2Q} ≠ 0."""
    r = size // 2
    reached = (abs(q - k) // 2 for k in pair.correlation for q in range(-r, r + 1) if (q - k) % 2 == 0)
    return 2 * max(reached, default=0) + 1


def _is_closed(pair: TransferPair, size: int) -> bool:
    """Return whether stencils of this size are mapped one to one onto stencils of this size."""
    return _coarse_size(pair, size) == size and _rank(pair, size) == size


def _rank(pair: TransferPair, size: int) -> int:
    return int(np.linalg.matrix_rank(_one_level(pair, size)))


def _least_squares_inverse(pair: TransferPair, size: int) -> Array:
    """Return the (size, size) matrix that takes s_H to the least-squares s_h of one level.

    Where A s_h and s_H differ in size, the smaller is understood as padded with zeros.
    """
    A = _one_level(pair, size)
    spread = (A.shape[0] - size) // 2
    if spread < 0:
        return np.linalg.pinv(np.pad(A, ((-spread, -spread), (0, 0))))
    return np.linalg.pinv(A)[:, spread : spread + size]


def _singular(pair: TransferPair, size: int, axis: int) -> SingularTransferError:
    rank, coarse = _rank(pair, size), _coarse_size(pair, size)
    if coarse > size:
        reason = f"R K P spreads them over {coarse} entries, so few coarse stencils of size {size} can be met"
    else:
        reason = f"their stencil map has rank {rank} of {size} and condition inf"
    sizes = ", ".join(map(str, pair.closed_sizes)) or "none"
    others = ", ".join(other.name for other in TRANSFER_PAIRS if size in other.closed_sizes) or "none"
    message = (
        f"stencils of size {size} (axis {axis}) cannot be prolonged by the pair {pair.name!r}: {reason}. "
        f"Sizes that work with this pair: {sizes}; "
        f"pairs that work with size {size}: {others}. "
        "Choose one of these, or ask for the least-squares stencil with least_squares=True."
    )
    return SingularTransferError(message, rank=rank, size=size, condition=np.inf)


def _stencil_axes(S: Array, d: int | None) -> range:
    """Return the axes of S that are stencil axes; S must be finite."""
    precision(S, "S")
    dimension = S.ndim - 2 if d is None else d
    if not 1 <= dimension <= min(S.ndim, 3):
        raise InputError(
            f"S has shape {tuple(S.shape)} and d is {d}; expected (c_out, c_in, *stencil) with one to three "
            "stencil axes. Say d=1, 2 or 3 for bare stencils and for stencils with other leading axes."
        )
    if not bool(backend_of(S).xp.isfinite(S).all()):
        raise InputError(
            "S holds NaN or infinity; expected finite stencils. Look for the step that made them."
        )
    return range(S.ndim - dimension, S.ndim)


def _require_size_and_levels(size: int, levels: int) -> int:
    """Return the levels as a Python int, of stencils of an odd size."""
    if not isinstance(size, Integral) or size < 1 or size % 2 == 0:
        raise InputError(f"stencil size {size}; expected an odd one, centred at offset 0, such as 3.")
    return require_whole(levels, "levels", 1)


def _apply_along(S: Array, matrices: dict[int, Array], orientation: str) -> Array:
    """Return S after multiplying each given axis by its host matrix, in S's dtype and on its backend."""
    require_choice(orientation, ("correlation", "convolution"), "orientation")
    backend, step, dtype = backend_of(S), (1 if orientation == "correlation" else -1), str(S.dtype)
    for axis, matrix in matrices.items():
        M = backend.from_host(matrix[::step, ::step].astype(dtype))
        S = backend.xp.moveaxis(backend.xp.tensordot(M, S, axes=(1, axis)), 0, axis)
    return backend.xp.ascontiguousarray(S)
