"""The mesh-free convolution as a layer: v̂ = m ŵ in Fourier space, the same parameters on every mesh."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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

    ŵ is transformed once, at the point. Complex arguments carry complex-step perturbations: everything is
    bilinear, and done part by part.

    Examples
    --------
    >>> import numpy as np
    >>> mesh_free_map(Grid((1, 8)), channels=2).layout.parts
    (('xi', (2, 7)),)
    """
    c = require_whole(channels, "channels", 1)
    require_two_axes(grid)
    rows, layout = c * grid.cells, Layout((("xi", (c, len(PARAMETERS))),))
    transform, filter_, correlate = _products(grid, c)

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
        spectrum = transform(w)

        def jvp(dtheta: Array | None, dw: Array | None = None) -> Array:
            changes = [] if dw is None else [filter_(m, transform(dw))]
            if dtheta is not None:
                changes.append(filter_(weigh(m_p.__getitem__, dtheta), spectrum))
            return sum(changes[1:], changes[0])

        def pull(G: Parts, wrt_theta: bool, wrt_input: bool) -> Gradients:
            gtheta = None
            if wrt_theta:
                P = correlate(G, spectrum)
                gtheta = gradient(lambda p: _real(m_p[p], P))
            return gtheta, (filter_(_conjugate(m), G) if wrt_input else None)

        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            return pull(transform(G), wrt_theta, wrt_input)

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            G_hat, m_pq = transform(G), symbol(theta, 2)[2]
            P = correlate(G_hat, spectrum)

            def along(dtheta: Array | None, dw: Array | None = None) -> Tangent:
                def vjp(dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                    gtheta, gw = pull(transform(dG), wrt_theta, wrt_input)
                    if gtheta is not None and dw is not None:
                        dP = correlate(G_hat, transform(dw))
                        gtheta = gtheta + gradient(lambda p: _real(m_p[p], dP))
                    if gtheta is not None and dtheta is not None:
                        gtheta = gtheta + gradient(lambda p: _real(weigh(lambda q: m_pq[p, q], dtheta), P))
                    if gw is not None and dtheta is not None:
                        gw = gw + filter_(_conjugate(weigh(m_p.__getitem__, dtheta)), G_hat)
                    return gtheta, gw

                silent = dtheta is None and dw is None
                return Tangent(zeros_like(w) if silent else jvp(dtheta, dw), vjp)

            return along, (filter_(_conjugate(m), G_hat) if wrt_input else None)

        return At(filter_(m, spectrum), jvp, vjp, second)

    return Map(
        layout,
        rows,
        rows,
        lambda theta, w: filter_(symbol(theta, 0)[0], transform(w)),
        linearize,
        multiply_adds=20 * rows,
        stored=rows + 2 * c * grid.shape[0] * (grid.shape[1] // 2 + 1),  # the output and ŵ
    )


Parts = list[tuple[complex | float, Array]]
"""A field as Σ factor · spectrum of real fields: one, or for a complex field those of both its parts."""


def _products(grid: Grid, channels: int) -> tuple[Any, Any, Any]:
    """Return w ↦ ŵ, (m, ŵ) ↦ F⁻¹ (m ŵ), and (Ĝ, ŵ) ↦ P = conj(Ĝ) ŵ / n^d summed over examples, (2, c, …)."""
    shape = (channels, *grid.shape)
    weights = [1.0 if k in (0, grid.shape[1] / 2) else 2.0 for k in range(grid.shape[1] // 2 + 1)]

    def transform(w: Array) -> Parts:
        xp = backend_of(w).xp
        return [(f, xp.fft.rfftn(part.reshape(*shape, -1), axes=(1, 2))) for f, part in _real_parts(w)]

    def filter_(m: Array, w: Parts) -> Array:
        xp = backend_of(m).xp

        def of_parts(part: Array, spectrum: Array) -> Array:
            v = xp.fft.irfftn((part[0] + 1j * part[1])[..., None] * spectrum, s=grid.shape, axes=(1, 2))
            return xp.ascontiguousarray(v.reshape(channels * grid.cells, -1))

        return _sum(f * g * of_parts(*pair) for f, g, pair in _pairs(_real_parts(m), w))

    def correlate(G: Parts, w: Parts) -> Array:
        def of_parts(one: Array, other: Array) -> Array:
            xp = backend_of(one).xp
            P = (one.conj() * other).sum(axis=-1)
            P *= xp.asarray(weights, dtype=P.real.dtype) / grid.cells  # frequencies that rfftn leaves out
            return xp.stack([P.real, P.imag])

        return _sum(f * g * of_parts(*pair) for f, g, pair in _pairs(G, w))

    return transform, filter_, correlate


def _real_parts(array: Array) -> Parts:
    """Return a real array, or both parts of a complex one, so that products are exact in either."""
    if array.dtype.kind != "c":
        return [(1.0, array)]
    return [(1.0, array.real.copy()), (1j, array.imag.copy())]


def _pairs(a: Parts, b: Parts) -> Iterator[tuple[Any, Any, tuple[Array, Array]]]:
    return ((f, g, (one, other)) for f, one in a for g, other in b)


def _sum(terms: Iterator[Array]) -> Array:
    first, *others = terms
    return sum(others, first)


def _conjugate(m: Array) -> Array:
    return backend_of(m).xp.stack([m[0], -m[1]])


def _real(m: Array, P: Array) -> Array:
    """Return Re(m P)."""
    return m[0] * P[0] - m[1] * P[1]
