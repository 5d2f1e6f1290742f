"""The mesh-free convolution as a layer: v̂ = m ŵ in Fourier space, the same parameters on every mesh."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refms.backend import backend_of, zeros_like
from refms.errors import Array, require_whole
from refms.grid import Grid
from refms.maps.layout import Layout
from refms.maps.map import Along, At, Gradients, Map, Tangent
from refms.stencils.mesh_free import PARAMETERS, mesh_free_symbol, require_two_axes


def mesh_free_map(grid: Grid, channels: int) -> Map:
    """Return w ↦ v, every channel by itself, v̂(k) = m(k) ŵ(k); a 1×1 convolution before it mixes channels.

    Parameters
    ----------
    grid : Grid
        Two-dimensional, periodic.
    channels : int
        Channels c.

    Returns
    -------
    Map
        With the parameter ``xi`` (c, 7); see :func:`~refms.stencils.mesh_free.mesh_free_symbol`.

    Raises
    ------
    InputError
        If the grid has not two axes.

    Notes
    -----
    The transpose in w has the symbol conj m. With P = conj(Ĝ) ŵ / n^d summed over examples, a parameter p has
    the gradient Re Σ_k m_p P. Differentiated once more, dm = Σ_q m_q dq and dm_p = Σ_q m_pq dq,

        d(F_wᵀ G) = F⁻¹ (conj(dm) Ĝ + conj(m) dĜ),   d(F_pᵀ G) = Re Σ_k (dm_p P + m_p dP).

    Complex arguments carry complex-step perturbations: everything is bilinear, and done part by part.

    Examples
    --------
    >>> import numpy as np
    >>> mesh_free_map(Grid((1, 8)), channels=2).layout.parts
    (('xi', (2, 7)),)
    """
    c = require_whole(channels, "channels", 1)
    require_two_axes(grid)
    rows, layout = c * grid.cells, Layout((("xi", (c, len(PARAMETERS))),))
    filter_, correlate = _products(grid, c)

    def symbol(theta: Array, order: int) -> tuple[Any, ...]:
        return mesh_free_symbol(theta.reshape(c, -1), grid, order, half=True)

    def weigh(derivatives: Callable[[str], Array], dtheta: Array) -> Array:
        """Return Σ_q (…)_q dq."""
        dxi = dtheta.reshape(c, -1)
        total: Any = sum(derivatives(q) * dxi[:, i, None, None] for i, q in enumerate(PARAMETERS))
        return total

    def gradient(sums: Callable[[str], Array]) -> Array:
        """Return Re Σ_k of a product for each parameter, as one vector."""
        found = [sums(p) for p in PARAMETERS]
        xp = backend_of(found[0]).xp
        return xp.stack([one.sum(axis=(1, 2)) for one in found], axis=1).reshape(-1)

    def linearize(theta: Array, w: Array) -> At:
        m, m_p = symbol(theta, 1)

        def jvp(dtheta: Array | None, dw: Array | None = None) -> Array:
            changes = [] if dw is None else [filter_(m, dw)]
            if dtheta is not None:
                changes.append(filter_(weigh(m_p.__getitem__, dtheta), w))
            return sum(changes[1:], changes[0])

        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            gtheta = None
            if wrt_theta:
                P = correlate(G, w)
                gtheta = gradient(lambda p: _real(m_p[p], P))
            return gtheta, (filter_(_conjugate(m), G) if wrt_input else None)

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            P, m_pq = correlate(G, w), symbol(theta, 2)[2]

            def along(dtheta: Array | None, dw: Array | None = None) -> Tangent:
                def pull(dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                    gtheta, gw = vjp(dG, wrt_theta=wrt_theta, wrt_input=wrt_input)
                    if gtheta is not None and dw is not None:
                        dP = correlate(G, dw)
                        gtheta = gtheta + gradient(lambda p: _real(m_p[p], dP))
                    if gtheta is not None and dtheta is not None:
                        gtheta = gtheta + gradient(lambda p: _real(weigh(lambda q: m_pq[p, q], dtheta), P))
                    if gw is not None and dtheta is not None:
                        gw = gw + filter_(_conjugate(weigh(m_p.__getitem__, dtheta)), G)
                    return gtheta, gw

                silent = dtheta is None and dw is None
                return Tangent(zeros_like(w) if silent else jvp(dtheta, dw), pull)

            return along, (filter_(_conjugate(m), G) if wrt_input else None)

        return At(filter_(m, w), jvp, vjp, second)

    return Map(
        layout,
        rows,
        rows,
        lambda theta, w: filter_(symbol(theta, 0)[0], w),
        linearize,
        multiply_adds=20 * rows,
        stored=rows,
    )


def _products(grid: Grid, channels: int) -> tuple[Any, Any]:
    """Return (m, w) ↦ F⁻¹ (m ŵ), and (G, w) ↦ P = conj(Ĝ) ŵ / n^d summed over examples, as (2, c, …)."""
    shape = (channels, *grid.shape)
    weights = [1.0 if k in (0, grid.shape[1] / 2) else 2.0 for k in range(grid.shape[1] // 2 + 1)]

    def transform(w: Array) -> Array:
        return backend_of(w).xp.fft.rfftn(w.reshape(*shape, -1), axes=(1, 2))

    def filter_(m: Array, w: Array) -> Array:
        xp = backend_of(m, w).xp
        v = xp.fft.irfftn((m[0] + 1j * m[1])[..., None] * transform(w), s=grid.shape, axes=(1, 2))
        return xp.ascontiguousarray(v.reshape(w.shape))

    def correlate(G: Array, w: Array) -> Array:
        xp = backend_of(G, w).xp
        P = (transform(G).conj() * transform(w)).sum(axis=-1)
        P *= xp.asarray(weights, dtype=w.dtype) / grid.cells  # the frequencies that rfftn leaves out
        return xp.stack([P.real, P.imag])

    return _bilinear(filter_), _bilinear(correlate)


def _bilinear(product: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """Return a bilinear product of real arrays for complex ones, too, exact in their imaginary parts."""

    def of_parts(a: Array, b: Array) -> Array:
        if a.dtype.kind == "c":
            return of_parts(a.real.copy(), b) + 1j * of_parts(a.imag.copy(), b)
        if b.dtype.kind == "c":
            return product(a, b.real.copy()) + 1j * product(a, b.imag.copy())
        return product(a, b)

    return of_parts


def _conjugate(m: Array) -> Array:
    return backend_of(m).xp.stack([m[0], -m[1]])


def _real(m: Array, P: Array) -> Array:
    """Return Re(m P)."""
    return m[0] * P[0] - m[1] * P[1]
