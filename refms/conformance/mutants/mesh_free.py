"""Mistakes in the mesh-free convolution and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import columns, images
from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.errors import Array


def _set(places: Any, numbers: Any) -> Change:
    """Return the mistake of other parameters: some columns of ξ become a function of ξ."""

    def change(t: Asked) -> Array:
        xi = t.xi.copy()
        xi[:, places] = numbers(t.xi)
        return t(xi=xi)

    return change


def _transposed(t: Asked) -> Array:
    """Exchange kx and ky, by the field whose axes are exchanged."""
    turned = columns(images(t.Y, t.grid).swapaxes(-1, -2).copy())
    found = images(t(Y=turned, grid=t.grid[::-1]), t.grid[::-1])
    return columns(found.swapaxes(-1, -2).copy())


def _filtered(
    keep_nyquist: bool = False, mesh: bool = False, floor: float = 1e-3, highest: float = np.inf
) -> Change:
    """Return the mistake of another symbol."""

    def change(t: Asked) -> Array:
        a1, a2, angle, g0, gx, gy, log_time = t.xi.astype("float64").T[..., None, None]
        ky, kx = np.meshgrid(*(np.fft.fftfreq(n, 1 / n) for n in t.grid), indexing="ij")
        oy, ox = ky, kx
        if not keep_nyquist:
            oy, ox = (np.where(2 * k == -n, 0, k) for k, n in zip((ky, kx), t.grid, strict=True))
        if mesh:
            ky, kx, oy, ox = (k / n for k, n in zip((ky, kx, oy, ox), 2 * t.grid, strict=True))
        cos, sin = np.cos(angle), np.sin(angle)
        l1, l2 = np.maximum(a1, 0) + floor, np.maximum(a2, 0) + floor
        c11, c22 = l1 * cos**2 + l2 * sin**2, l1 * sin**2 + l2 * cos**2
        q = c11 * kx**2 + c22 * ky**2 + 2 * (l2 - l1) * sin * cos * ox * oy
        m = (g0 + 1j * (gx * ox + gy * oy)) * np.exp(-np.exp(log_time) * q)
        m = np.where(np.maximum(abs(kx), abs(ky)) <= highest, m, 0)
        v = np.fft.ifft2(m * np.fft.fft2(images(t.Y, t.grid).astype("float64"))).real
        return columns(v).astype(t.Y.dtype)

    return change


def _without(*places: int) -> Change:
    def change(t: Asked) -> Array:
        found: Array = t().copy()
        found[:, places] = 0
        return found

    return change


def _turned(t: Asked) -> Array:
    found: Array = t().copy()
    found[:, 2] *= -1
    return found


MISTAKES: Table = {
    "mesh_free": {
        "kx and ky exchanged": _transposed,
        "Nyquist number kept in first derivatives": _filtered(keep_nyquist=True),
        "wave numbers in units of the mesh": _filtered(mesh=True),
        "eigenvalues of the diffusion without their floor": _filtered(floor=0.0),
        "wave numbers above 8 cut off": _filtered(highest=8),
        "2π counted twice in the first derivatives": _set([4, 5], lambda xi: 2 * np.pi * xi[:, 4:6]),
        "time of the diffusion no exponential": _set(
            6, lambda xi: np.log(np.maximum(np.abs(xi[:, 6]), 1e-3))
        ),
        "absolute value for the positive part of an eigenvalue": _set([0, 1], lambda xi: np.abs(xi[:, :2])),
        "angle of the diffusion in the other sense": _set(2, lambda xi: -xi[:, 2]),
        "eigenvalues of the diffusion exchanged": _set([0, 1], lambda xi: xi[:, [1, 0]]),
        "gx and gy exchanged": _set([4, 5], lambda xi: xi[:, [5, 4]]),
        "the transposed mesh-free convolution": _set([4, 5], lambda xi: -xi[:, 4:6]),
        "parameters of the first channel for all": lambda t: t(xi=np.repeat(t.xi[:1], len(t.xi), axis=0)),
    },
    "mesh_free_gradient": {
        "gradient in the time of the diffusion left out": _without(6),
        "gradient in the eigenvalues of the diffusion left out": _without(0, 1),
        "sign of the gradient in the angle of the diffusion": _turned,
        "gradient in the time and not in its logarithm": lambda t: np.concatenate(
            [t()[:, :6], t()[:, 6:] / np.exp(t.xi[:, 6:])], axis=1
        ),
        "field and cotangent exchanged in the mesh-free gradient": lambda t: t(Y=t.Z, Z=t.Y),
        "mean for the sum over cells in the mesh-free gradient": lambda t: t() / len(t.Y),
    },
}
