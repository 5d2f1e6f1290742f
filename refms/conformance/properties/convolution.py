"""C1-C15: the convolution K(s) of eq. (2): entries, action, adjoint, derivative."""

from __future__ import annotations

import itertools
import math

import numpy as np
import scipy.ndimage

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import Outcome, agree, both, holds, residual, worst
from refms.conformance.properties.convolution_algebra import ALGEBRA
from refms.conformance.property import Family
from refms.definition.arrays import as_double
from refms.definition.convolution import convolve, offsets, shift, transpose
from refms.definition.norms import max_norm, row_sum_norm
from refms.errors import Array

law = Family("convolution").law
APPLY = ("convolution",)
EQ2 = "[LAS] eq. (2)"
PERIODIC = Domain(boundary="periodic")
RESOLVED = Domain(boundary="periodic", resolves=True)


@law(
    "C1",
    "K is linear in stencil and image, and a unit stencil shifts the image",
    "K(s) = Σ_q s_q Π_q, K(αs+βt)y = αK(s)y + βK(t)y, K(s)(αy+βx) = αK(s)y + βK(s)x; scale ‖s‖₁‖y‖_∞",
    source=EQ2,
    catches="a wrong shift for one offset, a constant added on the way, entries left out",
    needs=APPLY,
)
def _linear(a: Gate, x: Instance) -> Outcome:
    S, T, Y, X = x.stencils(), x.stencils("T"), x.image(), x.image("X")
    alpha, beta = np.asarray([1.5, -0.75], dtype=x.dtype)
    KY, TY, KX = (a.convolution(s, y, x.boundary) for s, y in ((S, Y), (T, Y), (S, X)))
    in_s = a.convolution(alpha * S + beta * T, Y, x.boundary)
    in_y = a.convolution(S, alpha * Y + beta * X, x.boundary)
    scale = 2 * (row_sum_norm(S) + row_sum_norm(T)) * (max_norm(Y) + max_norm(X))
    outcomes = [
        agree(in_s, alpha * KY + beta * TY, scale, x.dtype, "linear in s"),
        agree(in_y, alpha * KY + beta * KX, scale, x.dtype, "linear in y"),
        residual(a.convolution(0 * S, Y, x.boundary), np.zeros(KY.shape), scale, x.dtype, "K(0) = 0"),
    ]
    sign = 1 if a.profile.orientation == "correlation" else -1
    for index, offset in offsets(x.stencil):
        unit = np.zeros((1, 1, *x.stencil), dtype=x.dtype)
        unit[(0, 0, *index)] = 1
        moved = shift(Y[:, :1], tuple(sign * k for k in offset), x.boundary)
        got = a.convolution(unit, Y[:, :1], x.boundary)
        outcomes.append(residual(got, moved, max_norm(Y), x.dtype, f"unit stencil at offset {offset} shifts"))
    return worst(outcomes)


@law(
    "C2",
    "The explicit matrix has the entries, row sums, trace and norm of its stencil",
    "stored values = Π min(n_K, n) n^d per pair of channels, row sums Σs, trace n^d s_0, ‖K‖_F² = n^d ‖s‖²; "
    "where n < n_K entries that meet add",
    source=EQ2,
    catches="wrap-around collisions that overwrite, rows left out, explicit zeros dropped or doubled",
    needs=("convolution_matrix",),
    domain=PERIODIC,
)
def _counts(a: Gate, x: Instance) -> Outcome:
    S = x.stencils()
    K, stored = a.convolution_matrix(S, x.grid)
    per_row = math.prod(min(size, n) for size, n in zip(x.stencil, x.grid, strict=True))
    expected = per_row * x.cells * x.c_in * x.c_out
    s_sum = as_double(S).reshape(x.c_out, -1).sum(axis=1)
    outcomes = [
        holds(stored == expected, "number of stored values", f"{stored} instead of {expected}"),
        residual(
            K.astype("float64").sum(axis=1), np.repeat(s_sum, x.cells), row_sum_norm(S), x.dtype, "row sums"
        ),
        residual(K, _dense(a, S, x), row_sum_norm(S), x.dtype, "entries against shifts of unit images"),
    ]
    if all(size <= n for size, n in zip(x.stencil, x.grid, strict=True)):
        centre = tuple(size // 2 for size in x.stencil)
        corner = as_double(K[: x.cells, : x.cells])
        size = x.cells * row_sum_norm(S)
        norm = math.sqrt(x.cells) * float(np.linalg.norm(as_double(S)))
        outcomes += [
            residual(
                np.trace(corner), x.cells * float(S[(0, 0, *centre)]), size, x.dtype, "trace of block (0,0)"
            ),
            residual(np.linalg.norm(as_double(K)), norm, norm, x.dtype, "Frobenius norm"),
        ]
    return worst(outcomes)


@law(
    "C8",
    "The derivative with respect to the stencil is the correlation of Z with shifted images",
    "∂⟨Z,K(S)Y⟩/∂S_{o,c,q} = ⟨Z_o, Π_q Y_c⟩ summed over the examples; Euler: ⟨gradient, S⟩ = ⟨Z, K(S)Y⟩",
    source=EQ2,
    catches="a transposed or flipped stencil gradient, a mean in place of the sum over examples",
    needs=("stencil_gradient", "convolution"),
)
def _stencil_derivative(a: Gate, x: Instance) -> Outcome:
    S, Y, Z = x.stencils(), x.image(), x.image("Z", x.c_out)
    gradient = a.stencil_gradient(Z, Y, x.stencil, x.boundary)
    expected = np.zeros(S.shape)
    sign = 1 if a.profile.orientation == "correlation" else -1
    for index, offset in offsets(x.stencil):
        moved = shift(as_double(Y), tuple(sign * k for k in offset), x.boundary)
        for o, c in itertools.product(range(x.c_out), range(x.c_in)):
            expected[(o, c, *index)] = float((as_double(Z)[:, o] * moved[:, c]).sum())
    scale = float(np.linalg.norm(as_double(Z)) * np.linalg.norm(as_double(Y)))
    left = float((as_double(gradient) * as_double(S)).sum())
    right = float((as_double(Z) * as_double(a.convolution(S, Y, x.boundary))).sum())
    return both(
        residual(gradient, expected, scale, x.dtype, "∂⟨Z,KY⟩/∂s against shifts, scale ‖Z‖‖Y‖"),
        residual(
            left,
            right,
            row_sum_norm(S) * x.c_out * scale,
            x.dtype,
            "Euler's identity, scale c_out ‖s‖₁‖Z‖‖Y‖",
        ),
    )


@law(
    "C9",
    "A delta image comes back as the flipped stencil, and SciPy agrees",
    "y = Kδ_{i0} holds s_{i0-i} (the flipped stencil) around i0; K(s)y = scipy.ndimage.correlate(y, s, "
    "mode='wrap')",
    source=EQ2,
    catches="convolution in place of correlation, and the reverse; an origin off by one",
    needs=APPLY,
    domain=RESOLVED,
)
def _orientation(a: Gate, x: Instance) -> Outcome:
    s, Y = x.single(), x.image(channels=1)
    correlation = a.profile.orientation == "correlation"
    at = tuple(int(k) for k in np.random.default_rng(x.seed).integers(0, x.grid))
    delta, expected = np.zeros((1, 1, *x.grid), dtype=x.dtype), np.zeros((1, 1, *x.grid))
    delta[(0, 0, *at)] = x.image_scale
    height = float(delta.max())
    for index, offset in offsets(x.stencil):
        i = tuple((p - q if correlation else p + q) % n for p, q, n in zip(at, offset, x.grid, strict=True))
        expected[(0, 0, *i)] += height * float(s[(0, 0, *index)])
    peer = scipy.ndimage.correlate if correlation else scipy.ndimage.convolve
    wrapped = np.stack([peer(as_double(y[0]), as_double(s[0, 0]), mode="wrap")[None] for y in Y])
    return both(
        residual(
            a.convolution(s, delta), expected, row_sum_norm(s) * height, x.dtype, "delta image, scale ‖s‖₁"
        ),
        residual(
            a.convolution(s, Y), wrapped, row_sum_norm(s) * max_norm(Y), x.dtype, "SciPy, scale ‖s‖₁‖y‖_∞"
        ),
    )


@law(
    "C10",
    "Channel c enters and channel o leaves through the stencil s_oc; the adjoint exchanges them",
    "block (o, c) of K is K(s_oc); block (c, o) of Kᵀ is K(flip s_oc); blocks outside stay zero",
    source=EQ2,
    catches="channels exchanged, in K or in its adjoint",
    needs=("convolution", "convolution_adjoint"),
)
def _channels(a: Gate, x: Instance) -> Outcome:
    c_out, c_in = x.c_out + 1, x.c_in
    Y, Z = x.image(), x.image("Z", c_out)
    rng = np.random.default_rng(x.seed)
    o, c = int(rng.integers(c_out)), int(rng.integers(c_in))
    S = np.zeros((c_out, c_in, *x.stencil), dtype=x.dtype)
    S[o, c] = x.single()[0, 0]
    scale = row_sum_norm(S)
    forth = convolve(S, Y, x.boundary, a.profile.orientation)
    back = convolve(transpose(S), Z, x.boundary, a.profile.orientation)
    got, adjoint = a.convolution(S, Y, x.boundary), a.convolution_adjoint(S, Z, x.boundary)
    return both(
        residual(got, forth, scale * max_norm(Y), x.dtype, "one block of K, scale ‖s‖₁‖y‖_∞"),
        residual(adjoint, back, scale * max_norm(Z), x.dtype, "one block of Kᵀ, scale ‖s‖₁‖z‖_∞"),
    )


@law(
    "C11",
    "K follows the symmetries of the grid and keeps the examples apart",
    "flip and rotation of image and stencil together flip and rotate K(s)y; so does the order of the "
    "examples",
    source="symmetries of the grid",
    catches="axes treated differently, an origin off by one, examples that mix",
    needs=APPLY,
    domain=Domain(square=True),
)
def _equivariant(a: Gate, x: Instance) -> Outcome:
    S, Y = x.stencils(), x.image()
    KY = a.convolution(S, Y, x.boundary)
    scale = row_sum_norm(S) * max_norm(Y)
    axes = tuple(range(2, 2 + x.d))
    outcomes = []
    for axis in axes:
        got = a.convolution(np.flip(S, axis).copy(), np.flip(Y, axis).copy(), x.boundary)
        outcomes.append(agree(got, np.flip(KY, axis), scale, x.dtype, f"flip of axis {axis - 2}"))
    for plane in itertools.combinations(axes, 2):
        got = a.convolution(np.rot90(S, 1, plane).copy(), np.rot90(Y, 1, plane).copy(), x.boundary)
        outcomes.append(agree(got, np.rot90(KY, 1, plane), scale, x.dtype, f"rotation in the plane {plane}"))
    got = a.convolution(S, Y[::-1].copy(), x.boundary)
    return both(*outcomes, agree(got, KY[::-1], scale, x.dtype, "order of the examples"))


@law(
    "C12",
    "With a zero boundary the image continues as zeros",
    "K_zero(n) = E K_periodic(n + 2r) Eᵀ with E the crop; inside, at distance r from the edges, K_zero = "
    "K_periodic",
    source="boundary conditions",
    catches="padding of the wrong width or with the wrong values",
    needs=APPLY,
    domain=Domain(boundary="zero"),
)
def _zero_boundary(a: Gate, x: Instance) -> Outcome:
    S, Y = x.stencils(), x.image()
    got = a.convolution(S, Y, "zero")
    reach = [size // 2 for size in x.stencil]
    wide = np.pad(as_double(Y), [(0, 0), (0, 0), *((r, r) for r in reach)])
    crop = (slice(None), slice(None), *(slice(r, r + n) for r, n in zip(reach, x.grid, strict=True)))
    expected = convolve(S, wide, orientation=a.profile.orientation)[crop]
    inside = (
        slice(None),
        slice(None),
        *(slice(r, max(n - r, r)) for r, n in zip(reach, x.grid, strict=True)),
    )
    periodic = convolve(S, Y, orientation=a.profile.orientation)
    scale = row_sum_norm(S) * max_norm(Y)
    return both(
        residual(got, expected, scale, x.dtype, "crop of the padded image, scale ‖s‖₁‖y‖_∞"),
        residual(got[inside], periodic[inside], scale, x.dtype, "interior rows equal periodic ones"),
    )


@law(
    "C13",
    "Four independent routes give the same K(s)y",
    "explicit matrix = stencil loop = FFT (periodic) = patches times stencils; scale ‖s‖₁‖y‖_∞",
    source=EQ2,
    catches="a fast route that is not the definition",
    needs=("convolution", "convolution_matrix"),
)
def _routes(a: Gate, x: Instance) -> Outcome:
    S, Y = x.stencils(), x.image()
    got, scale = a.convolution(S, Y, x.boundary), row_sum_norm(S) * max_norm(Y)
    K, _ = a.convolution_matrix(S, x.grid, x.boundary)
    product = (as_double(Y).reshape(len(Y), -1) @ as_double(K).T).reshape(got.shape)
    oriented = (
        as_double(S) if a.profile.orientation == "correlation" else transpose(as_double(S)).swapaxes(0, 1)
    )
    padded = np.pad(
        as_double(Y),
        [(0, 0), (0, 0), *((size // 2, size // 2) for size in x.stencil)],
        mode="wrap" if x.boundary == "periodic" else "constant",
    )
    windows = np.lib.stride_tricks.sliding_window_view(padded, x.stencil, axis=tuple(range(2, 2 + x.d)))
    last = tuple(range(2, 2 + x.d))
    patches = np.moveaxis(
        np.tensordot(windows, oriented, axes=((1, *range(2 + x.d, 2 + 2 * x.d)), (1, *last))), -1, 1
    )
    loop = convolve(S, Y, x.boundary, a.profile.orientation)
    return both(
        residual(got, loop, scale, x.dtype, "stencil loop"),
        residual(got, patches, scale, x.dtype, "patches times stencils"),
        residual(product, loop, scale, x.dtype, "explicit matrix"),
    )


@law(
    "C14",
    "Adjoint and stencil gradient pass the dot test",
    "⟨K(S)Y, Z⟩ = ⟨Y, K(S)ᵀZ⟩ = ⟨S, gradient⟩; scale c_out ‖s‖₁‖Y‖‖Z‖",
    source="definition of the adjoint",
    catches="an adjoint or a gradient that belongs to another map",
    needs=("convolution", "convolution_adjoint", "stencil_gradient"),
)
def _dot_test(a: Gate, x: Instance) -> Outcome:
    S, Y, Z = x.stencils(), x.image(), x.image("Z", x.c_out)
    forth = float((as_double(a.convolution(S, Y, x.boundary)) * as_double(Z)).sum())
    back = float((as_double(Y) * as_double(a.convolution_adjoint(S, Z, x.boundary))).sum())
    gradient = float((as_double(S) * as_double(a.stencil_gradient(Z, Y, x.stencil, x.boundary))).sum())
    scale = x.c_out * row_sum_norm(S) * float(np.linalg.norm(as_double(Y)) * np.linalg.norm(as_double(Z)))
    return both(
        agree(np.asarray(forth), np.asarray(back), scale, x.dtype, "⟨KY,Z⟩ = ⟨Y,KᵀZ⟩"),
        agree(np.asarray(forth), np.asarray(gradient), scale, x.dtype, "⟨KY,Z⟩ = ⟨S,gradient⟩"),
    )


@law(
    "C15",
    "Every entry is as accurate as a sum of its products can promise",
    "|computed − K y|_i <= γ_m (|K||y|)_i for every entry, m = c_in n_K^d, γ_m = m eps/(1 − m eps); "
    "criterion: no entry exceeds its bound",
    source="rounding-error analysis of inner products (Higham, ch. 3)",
    catches="needless cancellation, a lower precision inside",
    needs=APPLY,
)
def _backward_error(a: Gate, x: Instance) -> Outcome:
    S, Y = x.stencils(), x.image()
    got = as_double(a.convolution(S, Y, x.boundary))
    exact = convolve(S, Y, x.boundary, a.profile.orientation)
    sizes = convolve(np.abs(S), np.abs(Y), x.boundary, a.profile.orientation)
    m = x.c_in * math.prod(x.stencil) + (1 if x.dtype == "float32" else 2 * x.c_in * math.prod(x.stencil))
    eps = float(np.finfo(x.dtype).eps)
    bound = m * eps / (1 - m * eps) * sizes
    beyond = int(np.count_nonzero(~(np.abs(got - exact) <= bound)))
    return holds(
        beyond == 0, "|error| <= γ_m |K||y| in every entry", f"{beyond} of {got.size} entries exceed it"
    )


CONVOLUTION = (
    _linear,
    _counts,
    *ALGEBRA,
    _stencil_derivative,
    _orientation,
    _channels,
    _equivariant,
    _zero_boundary,
    _routes,
    _dot_test,
    _backward_error,
)
"""The family in order."""


def _dense(a: Gate, S: Array, x: Instance) -> Array:
    """Return the dense K(S) by the definition."""
    rows = x.c_in * x.cells
    units = np.eye(rows).reshape(rows, x.c_in, *x.grid)
    return convolve(S, units, x.boundary, a.profile.orientation).reshape(rows, -1).T
