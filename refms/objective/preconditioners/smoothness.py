"""Differences squared, plus a shift, inverted by cosine transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from refms.backend import backend_of
from refms.errors import Array, InputError

if TYPE_CHECKING:
    from refms.linear.product import Product


def smoothness_inverse(
    extents: tuple[int, ...], outer: int, inner: int, stiffness: tuple[float, ...], shift: float, like: Array
) -> Product:
    """Return the inverse of I ⊗ (Σ_a stiffness_a D_aᵀD_a + shift) ⊗ I by cosine transforms.

    The cosine vectors of the DCT-II diagonalise DᵀD of Neumann differences on N cells, with the eigenvalues
    2 − 2 cos(πk/N).

    Examples
    --------
    >>> D = np.diff(np.eye(3), axis=0)
    >>> solve = smoothness_inverse((3,), 1, 1, (2.0,), 0.5, np.zeros(1))
    >>> bool(np.allclose((2 * D.T @ D + 0.5 * np.eye(3)) @ solve(np.array([1.0, 2.0, 4.0])), [1, 2, 4]))
    True
    """
    if not shift > 0:
        raise InputError(f"the shift of a preconditioner is {shift}; expected a positive number.")
    backend = backend_of(like)
    eigenvalues, transforms = np.full(extents, float(shift)), []
    for axis, (extent, weight) in enumerate(zip(extents, stiffness, strict=True)):
        along = weight * (2 - 2 * np.cos(np.pi * np.arange(extent) / extent))
        eigenvalues += along.reshape([extent if a == axis else 1 for a in range(len(extents))])
        matrix = scipy.fft.dct(np.eye(extent), axis=0, norm="ortho")
        transforms.append(backend.from_host(matrix.astype(like.dtype)))
    factor = backend.from_host((1 / eigenvalues)[None, ..., None].astype(like.dtype))

    def product(r: Array) -> Array:
        field = r.reshape(outer, *extents, inner)
        for axis, matrix in enumerate(transforms, start=1):
            field = _along(matrix, field, axis)
        field = field * factor
        for axis, matrix in enumerate(transforms, start=1):
            field = _along(matrix.T, field, axis)
        return field.reshape(-1)

    return product


def _along(matrix: Array, field: Array, axis: int) -> Array:
    """Return a matrix times a field along one axis."""
    xp = backend_of(field).xp
    shape = field.shape
    lead, rest = int(np.prod(shape[:axis])), int(np.prod(shape[axis + 1 :]))
    return xp.matmul(matrix, field.reshape(lead, shape[axis], rest)).reshape(shape)
