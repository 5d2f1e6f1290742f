"""Second derivatives of the mesh-free convolution, along a direction dξ.

With m = D e, e = exp E, E = −τ q: m_p = (D_p + D E_p) e and dm_p = (D_p dE + dD E_p + D (dE_p + E_p dE)) e.
"""

from __future__ import annotations

import numpy as np

from refms.definition.arrays import Array, Number, as_double
from refms.definition.mesh_free import filtered, forms, symbols

Pair = tuple[Array, Array]
"""m_even and m_odd of m_even + i m_odd."""


def moved_symbols(xi: Array, dxi: Array, grid: tuple[int, int]) -> list[Pair]:
    """Return dm along dξ, and dm_p of the seven p, of one channel."""
    a1, a2, angle, g0, gx, gy, log_time = as_double(xi)
    d1, d2, turning, d0, dx, dy, slower = as_double(dxi)
    u, w, turn, bend, ox, oy = forms(angle, grid)
    tau, on1, on2 = np.exp(log_time), int(a1 > 0), int(a2 > 0)
    gap, floor = on2 * a2 - on1 * a1, (0 * a1 + 1) / 1000  # λ2 − λ1
    E1, E2, E3 = -tau * on1 * u, -tau * on2 * w, -tau * gap * turn
    E = -tau * ((on1 * a1 + floor) * u + (on2 * a2 + floor) * w)
    dE = E1 * d1 + E2 * d2 + E3 * turning + E * slower
    dE1 = E1 * slower + tau * on1 * turn * turning
    dE2 = E2 * slower - tau * on2 * turn * turning
    dE3 = E3 * slower - tau * (on2 * d2 - on1 * d1) * turn - tau * gap * bend * turning
    e, even, odd, deven, dodd = np.exp(E), g0, gx * ox + gy * oy, d0, dx * ox + dy * oy

    def mixed(E_p: Array, dE_p: Array) -> Pair:
        """Return (dD E_p + D (dE_p + E_p dE)) e."""
        inner = dE_p + E_p * dE
        return (deven * E_p + even * inner) * e, (dodd * E_p + odd * inner) * e

    inner = [(dE * e, 0 * e), (0 * e, ox * dE * e), (0 * e, oy * dE * e)]
    outer = [mixed(E1, dE1), mixed(E2, dE2), mixed(E3, dE3)]
    return [((deven + even * dE) * e, (dodd + odd * dE) * e), *outer, *inner, mixed(E, dE)]


def mesh_free_tangent(xi: Array, dxi: Array, Y: Array, dY: Array, pi: Number = np.pi) -> Array:
    """Return the derivative of C(ξ) Y along (dξ, dY): C(ξ) dY + F⁻¹ dm F Y."""
    found = []
    for c, (one, moved) in enumerate(zip(xi, dxi, strict=True)):
        m, dm = symbols(one, Y.shape[2:])[0], moved_symbols(one, moved, Y.shape[2:])[0]
        found.append(filtered(*m, dY[:, c], pi) + filtered(*dm, Y[:, c], pi))
    return np.stack(found, axis=1)


def mesh_free_adjoint(xi: Array, Z: Array, pi: Number = np.pi) -> Array:
    """Return C(ξ)ᵀ Z: the symbol is conj m."""
    parts = [symbols(one, Z.shape[2:])[0] for one in xi]
    return np.stack([filtered(m, -odd, Z[:, c], pi) for c, (m, odd) in enumerate(parts)], axis=1)


def mesh_free_second(
    xi: Array, dxi: Array, Y: Array, dY: Array, Z: Array, pi: Number = np.pi
) -> tuple[Array, Array]:
    """Return the derivatives of ∂⟨Z, C(ξ)Y⟩/∂ξ and of C(ξ)ᵀ Z along (dξ, dY), Z at rest."""
    in_xi, in_Y, grid = [], [], Y.shape[2:]
    for c, (one, moved) in enumerate(zip(xi, dxi, strict=True)):
        y, dy, z = (as_double(array[:, c]) for array in (Y, dY, Z))
        (even, odd), *second = moved_symbols(one, moved, grid)
        pairs = zip(second, symbols(one, grid)[1:], strict=True)
        in_xi.append([(z * (filtered(*dm_p, y, pi) + filtered(*m_p, dy, pi))).sum() for dm_p, m_p in pairs])
        in_Y.append(filtered(even, -odd, z, pi))
    return np.array(in_xi), np.stack(in_Y, axis=1)
