"""C3-C7: the matrix K(s) as a block-circulant one: shifts, spectrum, algebra, norms."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Instance
from refms.conformance.measures.outcome import holds
from refms.conformance.properties.convolution import EQ2, PERIODIC, RESOLVED, law
from refms.conformance.property import Claims, agree
from refms.definition.arrays import as_double
from refms.definition.convolution import convolve, offsets, shift, transpose
from refms.definition.norms import max_norm, row_sum_norm
from refms.definition.symbol import frequencies, symbol
from refms.errors import Array


@law("C3", "convolution", EQ2, PERIODIC, half=True)
def _circulant(a: Gate, x: Instance) -> Claims:
    """K is block-circulant: it commutes with shifts, and one row determines it.

    K_{i+e,j+e} = K_{i,j}: K S_e = S_e K for every unit shift, and the first row holds s; scale ‖s‖₁‖y‖_∞
    Catches: another treatment of the edges (zero, reflection), a wrong stride.
    """
    S, Y = x.stencils(), x.image()
    scale = row_sum_norm(S) * max_norm(Y)
    KY = a.convolution(S, Y)
    for axis in range(x.d):
        e = tuple(int(k == axis) for k in range(x.d))
        moved = a.convolution(S, shift(Y, e))
        yield from agree(f"commutes with the shift along axis {axis}", moved, shift(KY, e), scale)
    row = _first_row(a, S, x)
    value = np.einsum("mck,ock->mo", as_double(Y).reshape(len(Y), x.c_in, -1), row)
    first = KY.reshape(*KY.shape[:2], -1)[:, :, 0]
    yield "the first row holds the stencil", first, value, scale


@law("C4", "convolution", "[LAS] eq. (2); circulant matrices", PERIODIC)
def _spectrum(a: Gate, x: Instance) -> Claims:
    """The Fourier modes diagonalise K, with the symbol as eigenvalues.

    K(s)y = F⁻¹ λ F y with λ(ω) = Σ_q s_q e^{iω·q}; ‖K(s)‖₂ = max|λ|; KᵀK = KKᵀ for one channel
    Catches: edges, alignment and flips, seen in the frequencies.
    """
    S, Y = x.stencils(), x.image()
    axes, omega = tuple(range(2, 2 + x.d)), frequencies(x.grid)
    hat = np.fft.fftn(as_double(Y), axes=axes).reshape(len(Y), x.c_in, -1)
    hat = np.einsum("koc,mck->mok", symbol(S, omega, x.orientation), hat)
    through = np.fft.ifftn(hat.reshape(len(Y), x.c_out, *x.grid), axes=axes)
    s = S[:1, :1]
    K = _matrix(a, s, x.grid)
    radius = max_norm(symbol(s, omega))
    scale = row_sum_norm(s)
    yield "FFT route, scale ‖s‖₁‖y‖_∞", a.convolution(S, Y), through.real, row_sum_norm(S) * max_norm(Y)
    yield "‖K‖₂ = max|λ|, scale ‖s‖₁", np.linalg.norm(K, 2), radius, scale
    yield "KᵀK = KKᵀ, scale ‖s‖₁²", K.T @ K, K @ K.T, scale**2


@law("C5", "convolution convolution_adjoint", "algebra of circulant matrices", PERIODIC)
def _algebra(a: Gate, x: Instance) -> Claims:
    """Products and transposes of convolution matrices are convolution matrices.

    K(s)K(t) = K(t)K(s) = K(s∗t), s∗t the full convolution of the stencils; K(s)ᵀ = K(flip s)
    Catches: a flip in one of two routes, an adjoint that forgets to flip.
    """
    s, t, Y = x.single(), x.single("t"), x.image(channels=1)
    wide = np.zeros((1, 1, *(2 * size - 1 for size in x.stencil)))
    for (i, _), (j, _) in itertools.product(offsets(x.stencil), offsets(x.stencil)):
        at = tuple(p + q for p, q in zip(i, j, strict=True))
        wide[(0, 0, *at)] += float(s[(0, 0, *i)]) * float(t[(0, 0, *j)])
    expected = convolve(wide, Y, orientation=x.orientation)
    scale = row_sum_norm(s) * row_sum_norm(t) * max_norm(Y)
    back = a.convolution_adjoint(s, Y)
    flipped = a.convolution(np.ascontiguousarray(transpose(s)), Y)
    yield "K(s)K(t)y = K(s∗t)y", a.convolution(s, a.convolution(t, Y)), expected, scale
    yield "K(t)K(s)y = K(s∗t)y", a.convolution(t, a.convolution(s, Y)), expected, scale
    yield from agree("K(s)ᵀy = K(flip s)y", back, flipped, row_sum_norm(s) * max_norm(Y))


@law("C6", "convolution", "norms of circulant matrices", RESOLVED)
def _norms(a: Gate, x: Instance) -> Claims:
    """The norms of K are those of its stencil.

    ‖K‖₁ = ‖K‖_∞ = ‖s‖₁ for one channel and n >= n_K; ‖K‖₂ <= ‖s‖₁, with equality for s >= 0
    Catches: entries lost or doubled at the edges, a scaled stencil.
    """
    s = x.single()
    K, positive = _matrix(a, s, x.grid), _matrix(a, np.abs(s), x.grid)
    size = row_sum_norm(s)
    bounded = float(np.linalg.norm(K, 2)) <= size * (1 + 30 * x.eps)
    yield "‖K‖₁ = ‖s‖₁", np.linalg.norm(K, 1), size, size
    yield "‖K‖_∞ = ‖s‖₁", np.linalg.norm(K, np.inf), size, size
    yield "‖K(|s|)‖₂ = ‖s‖₁", np.linalg.norm(positive, 2), size, size
    yield holds(bounded, "‖K‖₂ <= ‖s‖₁", "the 2-norm is larger")


@law("C7", "convolution", "symbol of symmetric and antisymmetric stencils", PERIODIC)
def _symmetric_spectra(a: Gate, x: Instance) -> Claims:
    """Symmetric stencils have a real, antisymmetric ones an imaginary spectrum.

    s = flip s: K cos(ω·i) = Σ s_q cos(ω·q) cos(ω·i); s = -flip s: K cos(ω·i) = -Σ s_q sin(ω·q) sin(ω·i)
    Catches: an offset by one cell, a flip (the sign of the antisymmetric part).
    """
    s = x.single()
    back = s[(slice(None), slice(None)) + (slice(None, None, -1),) * x.d]
    even, odd = (s + back) / 2, (s - back) / 2
    k = np.random.default_rng(x.seed).integers(0, 4, x.d)
    omega = 2 * np.pi * k / np.asarray(x.grid)
    phase = sum(
        np.expand_dims(w * np.arange(n), tuple(j for j in range(x.d) if j != axis))
        for axis, (w, n) in enumerate(zip(omega, x.grid, strict=True))
    )
    wave = x.image_scale * np.cos(phase)
    given = wave[None, None].astype(x.dtype)
    sign = 1.0 if x.orientation == "correlation" else -1.0
    real = sum(float(even[(0, 0, *i)]) * math.cos(float(omega @ q)) for i, q in offsets(x.stencil))
    imaginary = sum(float(odd[(0, 0, *i)]) * math.sin(float(omega @ q)) for i, q in offsets(x.stencil))
    crossed = -sign * imaginary * x.image_scale * np.sin(phase)
    scale = row_sum_norm(s) * x.image_scale
    yield "symmetric s, scale ‖s‖₁", a.convolution(even, given)[0, 0], real * wave, scale
    yield "antisymmetric s, scale ‖s‖₁", a.convolution(odd, given)[0, 0], crossed, scale


def _matrix(a: Gate, s: Array, grid: tuple[int, ...]) -> Array:
    """Return the dense K(s) of one channel by its action on unit images."""
    n = math.prod(grid)
    units = np.eye(n, dtype=s.dtype).reshape(n, 1, *grid)
    return as_double(a.convolution(s, units)).reshape(n, n).T


def _first_row(a: Gate, S: Array, x: Instance) -> Array:
    """Return row 0 of every block of K, (c_out, c_in, n), written down from the stencils."""
    row = np.zeros((*S.shape[:2], *x.grid))
    sign = 1 if x.orientation == "correlation" else -1
    for index, offset in offsets(x.stencil):
        cell = tuple((sign * q) % n for q, n in zip(offset, x.grid, strict=True))
        at: tuple[Any, ...] = (slice(None), slice(None), *cell)
        row[at] += S[(slice(None), slice(None), *index)]
    return row.reshape(*S.shape[:2], -1)
