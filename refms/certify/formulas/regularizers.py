"""Both regularisers: smoothness of W in space and of θ in time, with Tikhonov terms, and their gradients."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from refms.certify.formulas.tensor import Number, Tensor, filled


def in_space(W: Tensor, smoothness: Number, tikhonov: Number) -> Number:
    """Return α/2 h^d Σ_l ‖∇_h w_l‖² + τ/2 h^d Σ_l ‖w_l‖²; ∇_h takes differences across interior faces only.

    Parameters
    ----------
    W : numpy.ndarray
        Shape (c, *grid, ℓ).
    smoothness, tikhonov : number
        α and τ.

    Returns
    -------
    number
        The value.
    """
    grid = W.shape[1:-1]
    total: Number = 0
    for c, k in itertools.product(range(W.shape[0]), range(W.shape[-1])):
        for low, high, n in faces(grid):
            difference = W[(c, *high, k)] - W[(c, *low, k)]
            total = total + smoothness * (difference * difference) * n**2
    return (total + tikhonov * sum(w * w for w in W.reshape(-1).tolist())) / (2 * math.prod(grid))


def in_space_gradient(W: Tensor, smoothness: Number, tikhonov: Number) -> Tensor:
    """Return the derivative of :func:`in_space`: every face pulls its two cells together.

    Parameters
    ----------
    W : numpy.ndarray
        Shape (c, *grid, ℓ).
    smoothness, tikhonov : number
        α and τ.

    Returns
    -------
    numpy.ndarray
        Shape of W.
    """
    grid = W.shape[1:-1]
    pulls: dict[tuple[int, ...], list[tuple[tuple[int, ...], int]]] = {}
    for low, high, n in faces(grid):
        pulls.setdefault(low, []).append((high, n))
        pulls.setdefault(high, []).append((low, n))

    def entry(index: tuple[int, ...]) -> Number:
        c, *cell, k = index
        neighbours = pulls.get(tuple(cell), [])
        pull = sum((W[index] - W[(c, *other, k)]) * n**2 for other, n in neighbours)
        return (smoothness * pull + tikhonov * W[index]) / math.prod(grid)

    return filled(W.shape, entry)


def faces(grid: Sequence[int]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], int]]:
    """Yield the interior faces of a grid.

    Parameters
    ----------
    grid : sequence of int
        Cells n_j along each axis.

    Yields
    ------
    tuple
        The two cells that meet, and 1/h_j = n_j of the axis across which they do.

    Examples
    --------
    >>> list(faces((3,)))
    [((0,), (1,), 3), ((1,), (2,), 3)]
    """
    for axis, n in enumerate(grid):
        for low in itertools.product(*map(range, grid)):
            if low[axis] + 1 < n:
                yield low, (*low[:axis], low[axis] + 1, *low[axis + 1 :]), n


def in_time(
    leading: Tensor, layers: Tensor, time_step: Number, smoothness: Number, tikhonov: Number
) -> Number:
    """Return α/2 Σ_k δt ‖(θ_{k+1} − θ_k)/δt‖² + τ/2 Σ_k δt ‖θ_k‖² + τ/2 ‖leading‖².

    Parameters
    ----------
    leading : numpy.ndarray
        What stands before the layers (a learned opening), shape (q,); may be empty.
    layers : numpy.ndarray
        Shape (N, p): the vectors θ_k.
    time_step, smoothness, tikhonov : number
        δt, α and τ.

    Returns
    -------
    number
        The value.
    """
    N, p = layers.shape
    jumps = [layers[k + 1, i] - layers[k, i] for k in range(N - 1) for i in range(p)]
    rough = smoothness * sum(jump * jump for jump in jumps) / time_step
    size = time_step * sum(t * t for t in layers.reshape(-1).tolist()) + sum(t * t for t in leading.tolist())
    return (rough + tikhonov * size) / 2


def in_time_gradient(
    leading: Tensor, layers: Tensor, time_step: Number, smoothness: Number, tikhonov: Number
) -> tuple[Tensor, Tensor]:
    """Return the derivatives of :func:`in_time`.

    Parameters
    ----------
    leading, layers, time_step, smoothness, tikhonov
        As there.

    Returns
    -------
    leading, layers : numpy.ndarray
        Shapes (q,) and (N, p).
    """
    N = layers.shape[0]

    def entry(index: tuple[int, ...]) -> Number:
        k, i = index
        neighbours = [other for other in (k - 1, k + 1) if 0 <= other < N]
        pull = sum(layers[k, i] - layers[other, i] for other in neighbours)
        return smoothness * pull / time_step + tikhonov * time_step * layers[k, i]

    return filled(leading.shape, lambda index: tikhonov * leading[index]), filled(layers.shape, entry)
