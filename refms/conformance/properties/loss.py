"""S1-S15: the softmax cross entropy of logits, its gradient and its Hessian."""

from __future__ import annotations

import decimal
import math

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import holds
from refms.conformance.properties.arrays import dot
from refms.conformance.property import Claims, agree, family
from refms.definition.arrays import as_double
from refms.definition.norms import max_norm
from refms.definition.softmax import cross_entropy, cross_entropy_gradient, cross_entropy_hessian, softmax
from refms.errors import Array

law = family("loss")
EQ5 = "[LAS] eqs. (5), (6)"


@law("S1", "cross_entropy cross_entropy_gradient cross_entropy_hessian", "shift invariance of the softmax")
def _shift(a: Gate, x: Instance) -> Claims:
    """A number added to all logits of an example changes nothing.

    E(z + a1) = E(z), and so for gradient and Hessian, with another a for every example: about 10, then 10⁴,
    0 and −10⁴ in turn; scale |E| + ‖z‖_∞ + |a|, and without |a| for z in eighths and a = 2¹⁷, whose sums are
    exact
    Catches: a shift by the largest logit of the batch, overflow, underflow of the examples that it leaves far
    below, log Σ e^z that is rounded together with a.
    """
    Z, C, V = _drawn(x, examples=max(3, x.examples))
    yield from _moved(a, Z, C, V, x.draw("shift", 1, Z.shape[1]) * 10)
    far = 1e4 * (1 - np.arange(Z.shape[1]) % 3)
    yield from _moved(a, Z, C, V, far[None].astype(x.dtype))
    eighths = np.clip(np.round(8 * Z) / 8, -64, 64).astype(x.dtype)
    there = a.cross_entropy(eighths + np.asarray(2**17, x.dtype), C)
    yield from agree("E, exact sums", there, a.cross_entropy(eighths, C), _scale(eighths, C))


def _moved(a: Gate, Z: Array, C: Array, V: Array, shift: Array) -> Claims:
    """Claim that logits may be shifted."""
    moved = Z + shift
    scale = _scale(Z, C) + max_norm(moved)
    here, there = (a.cross_entropy_hessian(z, C, V) for z in (moved, Z))
    yield from agree("E", a.cross_entropy(moved, C), a.cross_entropy(Z, C), scale)
    yield from agree("∇E", a.cross_entropy_gradient(moved, C), a.cross_entropy_gradient(Z, C), scale)
    yield from agree("∇²E v", here, there, scale * max_norm(V))


@law("S2", "cross_entropy", "bounds of log-sum-exp", half=True)
def _log_sum(a: Gate, x: Instance) -> Claims:
    """The logarithm of the sum of exponentials lies between max z and max z + log ℓ.

    max z <= E + cᵀz <= max z + log ℓ for one example with a one-hot label, up to 8 eps (|E| + ‖z‖_∞)
    Catches: a logarithm to another base, a label that is not subtracted.
    """
    Z, C, _ = _drawn(x, examples=1, scale=x.image_scale)
    E = a.cross_entropy(Z, C)
    value = E + dot(C, Z)
    slack = 8 * x.eps * (abs(E) + max_norm(Z))
    low, high = float(Z.max()), float(Z.max()) + math.log(len(Z))
    inside = low - slack <= value <= high + slack < math.inf
    yield holds(inside, "max z <= lse <= max z + log ℓ", f"{value:.9g} is not in [{low:.9g}, {high:.9g}]")


@law("S3", "cross_entropy_gradient", EQ5)
def _gradient(a: Gate, x: Instance) -> Claims:
    """The gradient p − c sums to zero over the classes and is bounded.

    1ᵀ∇E = 0, ‖∇E‖₁ <= 2, ‖∇E‖₂ <= √2 for every example (times 1/m for the mean); ∇E = p − c; scale max(‖z‖_∞,
    1)/m of each example by itself, which lie up to three decades apart
    Catches: p without − c, another reduction, classes and examples exchanged, digits of small logits lost
    beside large ones of other examples.
    """
    Z, C, _ = _drawn(x, scale=x.image_scale)
    Z = _of_all_sizes(Z, x)
    g, unit = as_double(a.cross_entropy_gradient(Z, C)), x.share(Z.shape[1])
    reach = np.maximum(np.abs(as_double(Z)).max(axis=0), 1.0)
    bounded = np.abs(g).sum(axis=0).max() <= 2.001 * unit and np.linalg.norm(g, axis=0).max() <= 1.4143 * unit
    yield "1ᵀ∇E = 0", g.sum(axis=0), np.zeros(Z.shape[1]), unit
    yield "∇E = p − c", g / reach, unit * (softmax(Z) - as_double(C)) / reach, unit
    yield holds(bounded, "‖∇E‖₁ <= 2 and ‖∇E‖₂ <= √2", "the gradient is larger")


@law("S4", "cross_entropy_hessian", EQ5)
def _hessian(a: Gate, x: Instance) -> Claims:
    """The Hessian diag p − ppᵀ is symmetric and positive semi-definite with the nullspace 1.

    H = Hᵀ, λ >= 0, H1 = 0, rank ℓ−1, λ_max <= ½ (times 1/m for the mean); scale 1/m
    Catches: the missing term −ppᵀ, p in place of p², a wrong factor.
    """
    Z, C, _ = _drawn(x, examples=1)
    Z = Z / max(1.0, float(max_norm(Z)))
    H = _matrix(a, Z, C)
    eigenvalues = np.linalg.eigvalsh((H + H.T) / 2)
    eps = x.eps
    rank = int(np.sum(eigenvalues > 1000 * eps))
    yield from agree("H = Hᵀ", H, H.T, 1.0)
    yield "H1 = 0", H.sum(axis=1), np.zeros(len(Z)), 1.0
    yield holds(eigenvalues[0] >= -30 * eps, "λ >= 0", f"smallest eigenvalue {eigenvalues[0]:.3g}")
    yield holds(eigenvalues[-1] <= 0.5 + 30 * eps, "λ_max <= ½", f"largest eigenvalue {eigenvalues[-1]:.6g}")
    yield holds(rank == len(Z) - 1, "rank H = ℓ − 1", f"{rank} instead of {len(Z) - 1}")


@law("S5", "cross_entropy", "convexity of log-sum-exp")
def _convex(a: Gate, x: Instance) -> Claims:
    """E is convex along every segment.

    E((z+w)/2) < (E(z) + E(w))/2, strictly for w − z that is not constant; criterion: by more than 30 eps E
    for |z| <= 1 and w − z whose largest entry is 1 and whose smallest is −1
    Catches: a wrong sign, probabilities in place of their logarithm.
    """
    Z, C, _ = _drawn(x)
    # So near to zero and so far apart that the gap is above 0.001, for up to ten classes.
    Z = Z / max(1.0, float(max_norm(Z)))
    W = Z + _opposed(x.draw("other", *Z.shape))
    middle = a.cross_entropy((Z + W) / 2, C)
    chord = (a.cross_entropy(Z, C) + a.cross_entropy(W, C)) / 2
    gap, least = chord - middle, 30 * x.eps * abs(chord)
    yield holds(gap > least, "E((z+w)/2) < (E(z)+E(w))/2", f"the gap is {gap:.3g}")


@law("S6", "cross_entropy", EQ5, half=True)
def _equal_logits(a: Gate, x: Instance) -> Claims:
    """E is not negative, and log ℓ for equal logits.

    E >= 0 for one-hot labels, E(a1) = log ℓ (times m for the sum); scale log ℓ + |a|
    Catches: a constant added or left out, another reduction, a sign.
    """
    Z, C, _ = _drawn(x, scale=x.image_scale)
    equal = 0 * Z + x.draw("level", 1, Z.shape[1], scale=x.image_scale)
    count = 1 if x.reduction == "mean" else Z.shape[1]
    expected = count * math.log(len(Z))
    scale = expected + count * max_norm(equal)
    value = a.cross_entropy(Z, C)
    yield "E at equal logits", a.cross_entropy(equal, C), expected, scale
    yield holds(value >= 0, "E >= 0", f"E = {value:.6g}")


@law("S7", "cross_entropy cross_entropy_gradient", "symmetry")
def _permuted(a: Gate, x: Instance) -> Claims:
    """Classes may be renamed and examples reordered.

    permuting the rows of z and c keeps E and permutes ∇E; permuting the columns likewise; scale |E| + ‖z‖_∞
    Catches: a class or an example that is treated differently.
    """
    Z, C, _ = _drawn(x)
    value, g, scale = a.cross_entropy(Z, C), a.cross_entropy_gradient(Z, C), _scale(Z, C)
    rng = np.random.default_rng(x.seed)
    for axis in (0, 1):
        order = rng.permutation(Z.shape[axis])
        z, c = np.take(Z, order, axis), np.take(C, order, axis)
        yield from agree(f"E, axis {axis}", a.cross_entropy(z, c), value, scale)
        yield from agree(f"∇E along {axis}", a.cross_entropy_gradient(z, c), np.take(g, order, axis), scale)


@law("S8", "cross_entropy cross_entropy_gradient", "logistic regression")
def _logistic(a: Gate, x: Instance) -> Claims:
    """For two classes it is the logistic loss.

    ℓ = 2: E = log(1 + e^{-t}), ∇E = ∓1/(1 + e^t), t the difference of the logits; scale |E| + ‖z‖_∞
    Catches: a factor two, a sign.
    """
    Z = x.draw("Z", 2, x.examples, scale=3 * x.image_scale)
    true = np.arange(x.examples) % 2
    C = (np.arange(2)[:, None] == true).astype(x.dtype)
    t = as_double(Z)[true, np.arange(x.examples)] - as_double(Z)[1 - true, np.arange(x.examples)]
    unit = x.share(Z.shape[1])
    slopes = unit / (1 + np.exp(t))
    expected = np.where(C == 1, -slopes, slopes)
    yield "E", a.cross_entropy(Z, C), unit * np.logaddexp(0, -t).sum(), _scale(Z, C)
    yield "∇E", a.cross_entropy_gradient(Z, C), expected, unit * _reach(Z)


@law("S9", "cross_entropy_hessian", "Fisher information of the categorical distribution")
def _fisher(a: Gate, x: Instance) -> Claims:
    """The Hessian is the Fisher matrix.

    H = Σ_c p_c (p − e_c)(p − e_c)ᵀ for every example (times 1/m for the mean); scale ‖v‖_∞ max(‖z‖_∞, 1)/m of
    each example by itself, which lie up to three decades apart
    Catches: the Hessian of another example, a label that enters the Hessian, digits of small logits lost
    beside large ones of other examples.
    """
    Z, C, V = _drawn(x, scale=x.image_scale)
    Z = _of_all_sizes(Z, x)
    p, expected = softmax(Z), np.zeros(Z.shape)
    for c in range(len(Z)):
        residue = p - np.eye(len(Z))[:, c : c + 1]
        expected += p[c] * residue * (residue * as_double(V)).sum(axis=0)
    unit = x.share(Z.shape[1])
    reach = np.maximum(np.abs(as_double(Z)).max(axis=0), 1.0) * np.abs(as_double(V)).max(axis=0)
    got = as_double(a.cross_entropy_hessian(Z, C, V))
    yield "∇²E v against Σ p_c (p−e_c)(p−e_c)ᵀv", got / reach, unit * expected / reach, unit


@law("S10", "cross_entropy cross_entropy_gradient cross_entropy_hessian", EQ5, Domain(soft=True))
def _soft_labels(a: Gate, x: Instance) -> Claims:
    """Soft labels count with their sum.

    ∇E = (Σc) p − c and ∇²E = (Σc)(diag p − ppᵀ) for labels c >= 0 that need not sum to one; scale Σc · ‖z‖_∞
    Catches: Σc taken to be one.
    """
    Z, _, V = _drawn(x, scale=x.image_scale)
    C = np.abs(x.draw("soft", *Z.shape, scale=x.stencil_scale))
    total, unit, reduction = as_double(C).sum(axis=0), x.share(Z.shape[1]), x.reduction
    value, slope = (f(Z, as_double(C), reduction) for f in (cross_entropy, cross_entropy_gradient))
    curved = cross_entropy_hessian(Z, as_double(C), V, reduction)
    weight = float(total.max()) * _reach(Z)
    yield "E", a.cross_entropy(Z, C), value, weight * max(Z.shape[1] * unit, 1.0) * len(Z)
    yield "∇E", a.cross_entropy_gradient(Z, C), slope, unit * weight
    yield "∇²E v", a.cross_entropy_hessian(Z, C, V), curved, unit * weight * max_norm(V)


@law("S11", "cross_entropy", EQ5)
def _monotone(a: Gate, x: Instance) -> Claims:
    """E falls as the true logit grows.

    E(z + t e_true) is strictly decreasing in t
    Catches: labels exchanged, a sign.
    """
    Z, C, _ = _drawn(x)
    Z = Z / 3
    values = [a.cross_entropy(Z + np.asarray(t, dtype=x.dtype) * C, C) for t in (-2.0, -1.0, 0.0, 1.0, 2.0)]
    falling = bool(np.all(np.diff(values) < 0))
    yield holds(falling, "E falls", f"values {', '.join(f'{v:.4g}' for v in values)}")


@law("S12", "cross_entropy cross_entropy_gradient cross_entropy_hessian", "stable evaluation")
def _extreme(a: Gate, x: Instance) -> Claims:
    """Extreme logits give finite and right results.

    z = (M, 0, −M) with M = 10³, 10⁶ and a quarter of the largest number: E = 0, M, 2M for the three labels,
    ∇E = p − c with p = (1, 0, 0); scale M
    Catches: overflow of e^z, logarithm of zero, 0 · ∞.
    """
    for M in (1e3, 1e6, float(np.finfo(x.dtype).max) / 4):
        Z = np.array([[M], [0.0], [-M]], dtype=x.dtype)
        top = float(Z[0, 0])
        for true, expected in ((0, 0.0), (1, top), (2, 2 * top)):
            C = np.eye(3, dtype=x.dtype)[:, true : true + 1]
            flat = a.cross_entropy_hessian(Z, C, np.ones((3, 1), dtype=x.dtype))
            yield f"E/M for M = {M:.3g}", a.cross_entropy(Z, C) / top, expected / top, 1.0
            yield f"∇E for M = {M:.3g}", a.cross_entropy_gradient(Z, C), np.eye(3)[:, :1] - C, 1.0
            yield f"∇²E 1 for M = {M:.3g}", flat, np.zeros((3, 1)), 1.0


@law("S13", "cross_entropy", EQ5)
def _many_digits(a: Gate, x: Instance) -> Claims:
    """E agrees with fifty decimal digits to a few units in the last place.

    one example, one-hot label, against decimal arithmetic; scale (|E| + ‖z‖_∞)/10, so that ρ = 30 is 3 ulp
    Catches: cancellation, a lower precision inside.
    """
    Z, C, _ = _drawn(x, examples=1, scale=x.image_scale)
    with decimal.localcontext() as context:
        context.prec = 50
        z = [decimal.Decimal(float(value)) for value in Z[:, 0]]
        true = z[int(np.argmax(C[:, 0]))]
        total = sum((value - max(z)).exp() for value in z)
        exact = float(max(z) - true + total.ln())  # type: ignore[union-attr]
    scale = (abs(exact) + max_norm(Z)) / 10
    yield "E", a.cross_entropy(Z, C), exact, scale


@law("S14", "cross_entropy cross_entropy_gradient", "1 − p_i = Σ_{j≠i} p_j")
def _confident(a: Gate, x: Instance) -> Claims:
    """A confident example keeps the digits of its small loss.

    z_i − z_j = 20 or 50, and up to 3 more, for the true class i: E = log(1 + Σ_{j≠i} e^{z_j−z_i}), ∇E_j = p_j
    and ∇E_i = −Σ_{j≠i} p_j, of about 1.9e-22 for 50; scale E
    Catches: log Σ e^z − z_i and p − c, which are 0 or −0 there, as log_softmax of PyTorch, JAX or SciPy is.
    """
    true = x.seed % x.classes
    C = (np.arange(x.classes)[:, None] == true).astype(x.dtype)
    for gap in (20, 50):
        below = gap + np.random.default_rng([x.seed, gap]).integers(4, size=(x.classes, 1))
        Z = np.where(C == 1, 0, -below).astype(x.dtype)
        e = np.where(C == 1, 0.0, np.exp(-below.astype("float64")))
        E, p = math.log1p(e.sum()), e / (1 + e.sum())
        where = f"where the true logit leads by {gap} and"
        yield f"E {where} log Σ e^z − z_i cancels", a.cross_entropy(Z, C), E, E
        yield f"∇E {where} p_i − 1 cancels", a.cross_entropy_gradient(Z, C), p - C * p.sum(), E


@law("S15", "cross_entropy cross_entropy_gradient", "arithmetic of NaN")
def _undefined(a: Gate, x: Instance) -> Claims:
    """NaN among the logits gives NaN.

    z_ij = NaN: E is NaN, and so is all of ∇E for example j; that of others is as it was, scale of S3
    Catches: NaN that is taken for a small logit, or for zero, and hides what went wrong before.
    """
    Z, C, _ = _drawn(x, examples=3)
    broken, (i, j) = Z.copy(), (x.seed % len(Z), x.seed % 3)
    broken[i, j] = np.nan
    E, g = a.cross_entropy(broken, C), a.cross_entropy_gradient(broken, C)
    others = [k for k in range(3) if k != j]
    yield holds(np.isnan(E), "E is NaN", f"it is {E:.3g}")
    yield holds(np.isfinite(a.cross_entropy(Z, C)), "E is finite without it", "it is not")
    yield holds(np.isnan(g[:, j]).all(), "∇E of the example is NaN", f"it is {g[:, j]}")
    yield "∇E of the others", g[:, others], a.cross_entropy_gradient(Z, C)[:, others], x.share(3) * _reach(Z)


def _drawn(x: Instance, examples: int | None = None, scale: float = 1.0) -> tuple[Array, Array, Array]:
    """Return logits, one-hot labels and a direction of the size of the instance's stencils, all (ℓ, m)."""
    m = examples or x.examples
    Z, V = x.draw("Z", x.classes, m, scale=3 * scale), x.draw("V", x.classes, m, scale=x.stencil_scale)
    return Z, x.one_hot(examples=m), V


def _of_all_sizes(Z: Array, x: Instance) -> Array:
    """Return logits whose examples are of sizes over three decades."""
    sizes = 10.0 ** -x.rng("sizes of examples").uniform(0, 3, Z.shape[1])
    return (Z * sizes).astype(x.dtype)


def _opposed(D: Array) -> Array:
    """Return directions of which every column has the smallest entry −1 and the largest 1."""
    low, high = D.min(axis=0), D.max(axis=0)
    return (2 * (D - low) / (high - low) - 1).astype(D.dtype)


def _reach(Z: Array) -> float:
    """Return max(‖z‖_∞, 1), by which rounding of z enters the probabilities."""
    return max(float(max_norm(Z)), 1.0)


def _scale(Z: Array, C: Array) -> float:
    return float(C.sum()) * 2 * _reach(Z)


def _matrix(a: Gate, Z: Array, C: Array) -> Array:
    """Return the Hessian of one example by its products with unit vectors."""
    units = np.eye(len(Z), dtype=Z.dtype)
    products = [a.cross_entropy_hessian(Z, C, e[:, None].copy()) for e in units]
    return as_double(np.concatenate(products, axis=1))
