"""C1-C15: the convolution K(s) of eq. (2): entries, action, adjoint, derivative."""

from __future__ import annotations

import itertools
import math

import numpy as np
import scipy.ndimage

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import holds
from refms.conformance.properties.arrays import dot
from refms.conformance.property import Claims, agree, family
from refms.definition.arrays import as_double, norm
from refms.definition.convolution import (
    convolution_matrix,
    convolve,
    offsets,
    shift,
    stencil_gradient,
    transpose,
)
from refms.definition.norms import max_norm, row_sum_norm

law = family("convolution")
EQ2 = "[LAS] eq. (2)"
PERIODIC = Domain(boundary="periodic")
RESOLVED = Domain(boundary="periodic", resolves=True)


@law("C1", "convolution", EQ2, half=True)
def _linear(a: Gate, x: Instance) -> Claims:
    """K is linear in stencil and image, and a unit stencil shifts the image.

    K(s) = Σ_q s_q Π_q, K(αs+βt)y = αK(s)y + βK(t)y, K(s)(αy+βx) = αK(s)y + βK(s)x; scale ‖s‖₁‖y‖_∞
    Catches: a wrong shift for one offset, a constant added on the way, entries left out.
    """
    S, T, Y, X = x.stencils(), x.stencils("T"), x.image(), x.image("X")
    alpha, beta = np.asarray([1.5, -0.75], dtype=x.dtype)
    KY, TY, KX = (a.convolution(s, y, x.boundary) for s, y in ((S, Y), (T, Y), (S, X)))
    in_s = a.convolution(alpha * S + beta * T, Y, x.boundary)
    in_y = a.convolution(S, alpha * Y + beta * X, x.boundary)
    scale = 2 * (row_sum_norm(S) + row_sum_norm(T)) * (max_norm(Y) + max_norm(X))
    yield from agree("linear in s", in_s, alpha * KY + beta * TY, scale)
    yield from agree("linear in y", in_y, alpha * KY + beta * KX, scale)
    yield "K(0) = 0", a.convolution(0 * S, Y, x.boundary), np.zeros(KY.shape), scale
    sign = 1 if x.orientation == "correlation" else -1
    for index, offset in offsets(x.stencil):
        unit = np.zeros((1, 1, *x.stencil), dtype=x.dtype)
        unit[(0, 0, *index)] = 1
        moved = shift(Y[:, :1], tuple(sign * k for k in offset), x.boundary)
        got = a.convolution(unit, Y[:, :1], x.boundary)
        yield f"unit stencil at offset {offset} shifts", got, moved, max_norm(Y)


@law("C2", "convolution_matrix", EQ2, PERIODIC)
def _counts(a: Gate, x: Instance) -> Claims:
    """The explicit matrix has the entries, row sums, trace and norm of its stencil.

    stored values = Π min(n_K, n) n^d per pair of channels, row sums Σs, trace n^d s_0, ‖K‖_F² = n^d ‖s‖²;
    where n < n_K entries that meet add
    Catches: wrap-around collisions that overwrite, rows left out, explicit zeros dropped or doubled.
    """
    S = x.stencils()
    K, stored = a.convolution_matrix(S, x.grid)
    per_row = math.prod(min(size, n) for size, n in zip(x.stencil, x.grid, strict=True))
    expected = per_row * x.cells * x.c_in * x.c_out
    s_sum = as_double(S).reshape(x.c_out, -1).sum(axis=1)
    defined = convolution_matrix(S, x.grid, orientation=x.orientation)
    yield holds(stored == expected, "number of stored values", f"{stored} instead of {expected}")
    yield "row sums", K.astype("float64").sum(axis=1), np.repeat(s_sum, x.cells), row_sum_norm(S)
    yield "entries against shifts of unit images", K, defined, row_sum_norm(S)
    if all(size <= n for size, n in zip(x.stencil, x.grid, strict=True)):
        centre = tuple(size // 2 for size in x.stencil)
        corner = as_double(K[: x.cells, : x.cells])
        size = x.cells * row_sum_norm(S)
        frobenius = math.sqrt(x.cells) * norm(S)
        yield "trace of block (0,0)", np.trace(corner), x.cells * float(S[(0, 0, *centre)]), size
        yield "Frobenius norm", norm(K), frobenius, frobenius


@law("C8", "stencil_gradient convolution", EQ2, half=True)
def _stencil_derivative(a: Gate, x: Instance) -> Claims:
    """The derivative with respect to the stencil is the correlation of Z with shifted images.

    ∂⟨Z,K(S)Y⟩/∂S_{o,c,q} = ⟨Z_o, Π_q Y_c⟩ summed over the examples; Euler: ⟨gradient, S⟩ = ⟨Z, K(S)Y⟩
    Catches: a transposed or flipped stencil gradient, a mean in place of the sum over examples.
    """
    S, Y, Z = x.stencils(), x.image(), x.image("Z", x.c_out)
    gradient = a.stencil_gradient(Z, Y, x.stencil, x.boundary)
    expected = stencil_gradient(as_double(Z), Y, x.stencil, x.boundary, x.orientation)
    scale = norm(Z) * norm(Y)
    left, right = dot(gradient, S), dot(Z, a.convolution(S, Y, x.boundary))
    yield "∂⟨Z,KY⟩/∂s against shifts, scale ‖Z‖‖Y‖", gradient, expected, scale
    yield "Euler's identity, scale c_out ‖s‖₁‖Z‖‖Y‖", left, right, row_sum_norm(S) * x.c_out * scale


@law("C9", "convolution", EQ2, RESOLVED, half=True)
def _orientation(a: Gate, x: Instance) -> Claims:
    """A delta image comes back as the flipped stencil, and SciPy agrees.

    y = Kδ_{i0} holds s_{i0-i} (the flipped stencil) around i0; K(s)y = scipy.ndimage.correlate(y, s,
    mode='wrap')
    Catches: convolution in place of correlation, and the reverse; an origin off by one.
    """
    s, Y = x.single(), x.image(channels=1)
    correlation = x.orientation == "correlation"
    at = tuple(int(k) for k in np.random.default_rng(x.seed).integers(0, x.grid))
    delta, expected = np.zeros((1, 1, *x.grid), dtype=x.dtype), np.zeros((1, 1, *x.grid))
    delta[(0, 0, *at)] = x.image_scale
    height = float(delta.max())
    for index, offset in offsets(x.stencil):
        i = tuple((p - q if correlation else p + q) % n for p, q, n in zip(at, offset, x.grid, strict=True))
        expected[(0, 0, *i)] += height * float(s[(0, 0, *index)])
    peer = scipy.ndimage.correlate if correlation else scipy.ndimage.convolve
    wrapped = np.stack([peer(as_double(y[0]), as_double(s[0, 0]), mode="wrap")[None] for y in Y])
    yield "delta image, scale ‖s‖₁", a.convolution(s, delta), expected, row_sum_norm(s) * height
    yield "SciPy, scale ‖s‖₁‖y‖_∞", a.convolution(s, Y), wrapped, row_sum_norm(s) * max_norm(Y)


@law("C10", "convolution convolution_adjoint", EQ2, half=True)
def _channels(a: Gate, x: Instance) -> Claims:
    """Channel c enters and channel o leaves through the stencil s_oc; the adjoint exchanges them.

    block (o, c) of K is K(s_oc); block (c, o) of Kᵀ is K(flip s_oc); blocks outside stay zero
    Catches: channels exchanged, in K or in its adjoint.
    """
    c_out, c_in = x.c_out + 1, x.c_in
    Y, Z = x.image(), x.image("Z", c_out)
    rng = np.random.default_rng(x.seed)
    o, c = int(rng.integers(c_out)), int(rng.integers(c_in))
    S = np.zeros((c_out, c_in, *x.stencil), dtype=x.dtype)
    S[o, c] = x.single()[0, 0]
    scale = row_sum_norm(S)
    forth = convolve(S, Y, x.boundary, x.orientation)
    back = convolve(transpose(S), Z, x.boundary, x.orientation)
    got, adjoint = a.convolution(S, Y, x.boundary), a.convolution_adjoint(S, Z, x.boundary)
    yield "one block of K, scale ‖s‖₁‖y‖_∞", got, forth, scale * max_norm(Y)
    yield "one block of Kᵀ, scale ‖s‖₁‖z‖_∞", adjoint, back, scale * max_norm(Z)


@law("C11", "convolution", "symmetries of the grid", Domain(square=True), half=True)
def _equivariant(a: Gate, x: Instance) -> Claims:
    """K follows the symmetries of the grid and keeps the examples apart.

    flip and rotation of image and stencil together flip and rotate K(s)y; so does the order of the examples
    Catches: axes treated differently, an origin off by one, examples that mix.
    """
    S, Y = x.stencils(), x.image()
    KY = a.convolution(S, Y, x.boundary)
    scale = row_sum_norm(S) * max_norm(Y)
    axes = tuple(range(2, 2 + x.d))
    for axis in axes:
        got = a.convolution(np.flip(S, axis).copy(), np.flip(Y, axis).copy(), x.boundary)
        yield from agree(f"flip of axis {axis - 2}", got, np.flip(KY, axis), scale)
    for plane in itertools.combinations(axes, 2):
        got = a.convolution(np.rot90(S, 1, plane).copy(), np.rot90(Y, 1, plane).copy(), x.boundary)
        yield from agree(f"rotation in the plane {plane}", got, np.rot90(KY, 1, plane), scale)
    got = a.convolution(S, Y[::-1].copy(), x.boundary)
    yield from agree("order of the examples", got, KY[::-1], scale)


@law("C12", "convolution", "boundary conditions", Domain(boundary="zero"), half=True)
def _zero_boundary(a: Gate, x: Instance) -> Claims:
    """With a zero boundary the image continues as zeros.

    K_zero(n) = E K_periodic(n + 2r) Eᵀ with E the crop; inside, at distance r from the edges, K_zero =
    K_periodic
    Catches: padding of the wrong width or with the wrong values.
    """
    S, Y = x.stencils(), x.image()
    got = a.convolution(S, Y, "zero")
    reach = [size // 2 for size in x.stencil]
    wide = np.pad(as_double(Y), [(0, 0), (0, 0), *((r, r) for r in reach)])
    crop = (..., *(slice(r, r + n) for r, n in zip(reach, x.grid, strict=True)))
    expected = convolve(S, wide, orientation=x.orientation)[crop]
    inside = (..., *(slice(r, max(n - r, r)) for r, n in zip(reach, x.grid, strict=True)))
    periodic = convolve(S, Y, orientation=x.orientation)
    scale = row_sum_norm(S) * max_norm(Y)
    yield "crop of the padded image, scale ‖s‖₁‖y‖_∞", got, expected, scale
    if periodic[inside].size > 0:
        yield "interior rows equal periodic ones", got[inside], periodic[inside], scale


@law("C13", "convolution convolution_matrix", EQ2)
def _routes(a: Gate, x: Instance) -> Claims:
    """Four independent routes give the same K(s)y.

    explicit matrix = stencil loop = FFT (periodic) = patches times stencils; scale ‖s‖₁‖y‖_∞
    Catches: a fast route that is not the definition.
    """
    S, Y = x.stencils(), x.image()
    got, scale = a.convolution(S, Y, x.boundary), row_sum_norm(S) * max_norm(Y)
    K, _ = a.convolution_matrix(S, x.grid, x.boundary)
    product = (as_double(Y).reshape(len(Y), -1) @ as_double(K).T).reshape(got.shape)
    last = tuple(range(2, 2 + x.d))
    oriented = as_double(S if x.orientation == "correlation" else np.flip(S, last))
    beyond = [(0, 0), (0, 0), *((size // 2, size // 2) for size in x.stencil)]
    padded = np.pad(as_double(Y), beyond, mode="wrap" if x.boundary == "periodic" else "constant")
    windows = np.lib.stride_tricks.sliding_window_view(padded, x.stencil, axis=last)
    summed = (1, *range(2 + x.d, 2 + 2 * x.d)), (1, *last)
    patches = np.moveaxis(np.tensordot(windows, oriented, axes=summed), -1, 1)
    loop = convolve(S, Y, x.boundary, x.orientation)
    yield "stencil loop", got, loop, scale
    yield "patches times stencils", got, patches, scale
    yield "explicit matrix", product, loop, scale


@law("C14", "convolution convolution_adjoint stencil_gradient", "definition of the adjoint", half=True)
def _dot_test(a: Gate, x: Instance) -> Claims:
    """Adjoint and stencil gradient pass the dot test.

    ⟨K(S)Y, Z⟩ = ⟨Y, K(S)ᵀZ⟩ = ⟨S, gradient⟩; scale c_out ‖s‖₁‖Y‖‖Z‖
    Catches: an adjoint or a gradient that belongs to another map.
    """
    S, Y, Z = x.stencils(), x.image(), x.image("Z", x.c_out)
    forth = dot(a.convolution(S, Y, x.boundary), Z)
    back = dot(Y, a.convolution_adjoint(S, Z, x.boundary))
    gradient = dot(S, a.stencil_gradient(Z, Y, x.stencil, x.boundary))
    scale = x.c_out * row_sum_norm(S) * norm(Y) * norm(Z)
    yield from agree("⟨KY,Z⟩ = ⟨Y,KᵀZ⟩", forth, back, scale)
    yield from agree("⟨KY,Z⟩ = ⟨S,gradient⟩", forth, gradient, scale)


@law("C15", "convolution", "rounding-error analysis of inner products (Higham, ch. 3)")
def _backward_error(a: Gate, x: Instance) -> Claims:
    """Every entry is as accurate as a sum of its products can promise.

    |computed − K y|_i <= γ_m (|K||y|)_i for every entry, m = c_in n_K^d, γ_m = m eps/(1 − m eps); criterion:
    no entry exceeds its bound
    Catches: needless cancellation, a lower precision inside.
    """
    S, Y = x.stencils(), x.image()
    got = as_double(a.convolution(S, Y, x.boundary))
    exact = convolve(S, Y, x.boundary, x.orientation)
    sizes = convolve(np.abs(S), np.abs(Y), x.boundary, x.orientation)
    m = x.c_in * math.prod(x.stencil) + (1 if x.dtype == "float32" else 2 * x.c_in * math.prod(x.stencil))
    eps = x.eps
    bound = m * eps / (1 - m * eps) * sizes
    beyond = int(np.count_nonzero(~(np.abs(got - exact) <= bound)))
    found = f"{beyond} of {got.size} entries exceed it"
    yield holds(beyond == 0, "|error| <= γ_m |K||y| in every entry", found)
