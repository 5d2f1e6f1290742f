"""O1-O8: derivatives of the loss of a network, and its Gauss-Newton matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.orders import steps_table
from refms.conformance.measures.outcome import EPS, holds, residual, varies, within, worst
from refms.conformance.operations import Parameters
from refms.conformance.oracles import network as oracle
from refms.conformance.property import Claims, Family, agree
from refms.definition.arrays import as_double, norm
from refms.definition.complex_step import derivative
from refms.definition.softmax import softmax
from refms.errors import Array

FAMILY = Family("gauss-newton")
law = FAMILY.law
EQ6 = "[LAS] eq. (6)"
SMALL = Domain(small=True)
GN = ("gauss_newton",)


@law(
    "O1",
    ("loss", "gradient"),
    source="Taylor's theorem",
    domain=Domain(small=True, activations=("tanh", "identity")),
)
def _taylor(a: Gate, x: Instance) -> Claims:
    """The Taylor remainder of the loss is of second order.

    |f(x+tv) − f(x) − t∇fᵀv| = O(t²) in the mean square over three v, f by plain loops in double precision;
    criterion: slope at least 1.7 over the six smallest steps above round-off; and f(x) itself, scale |f| + m
    h^d‖W‖₁ growth
    Catches: a gradient that is wrong by more than about √eps.
    """
    p, X, C = _drawn(a, x)
    g = a.gradient(p, X, C, x.problem)
    start = oracle.loss(p, X, C, x.problem, a.profile).real
    value = residual(a.loss(p, X, C, x.problem), start, _loss_scale(start, p, X, x), x.dtype, "f(x)")
    # The terms of second and third order may cancel at some step along one direction, not along three.
    directions = [_of_size_one(x, x.parameters(name)) for name in ("v", "v2", "v3")]
    firsts = np.array([oracle.inner(g, v) for v in directions])
    points: list[tuple[float, float]] = []
    noise, rows = EPS[x.dtype] * oracle.size(x.per_unit(g)), []
    # f is a difference of logits, so that its own rounding errors are of their size.
    count = 1 if a.profile.reduction == "mean" else len(X)
    size = abs(start) + count * float(np.abs(oracle.output(p, X, x.problem, a.profile).real).max())

    def f(t: complex, v: Parameters) -> complex:
        return oracle.loss(_moved(p, v, t), X, C, x.problem, a.profile)

    seconds = np.array([_curvature(partial(f, v=v)) for v in directions])

    def remainders(k: int) -> tuple[str, float, float, float, float, float]:
        t = 2.0**-k
        change = np.array([f(t, v).real for v in directions]) - start
        first, second = change - t * firsts, change - t * firsts - t * t / 2 * seconds
        R0, R1, R2 = (norm(R) for R in (change, first, second))
        return f"2^-{k}", t, R0, R1, R2, 300 * (2.0**-52 * size + t * noise)

    for k in range(23, 0, -1):
        rows.append(remainders(k))
        _, t, _, remainder, _, floor = rows[-1]
        if remainder > floor:
            points.append((t, remainder))
        if len(points) == 6:
            break
    rows += [remainders(larger) for larger in range(k - 3, 0, -3)]
    detail = _taylor_table(rows)
    if len(points) < 4:
        small = holds(any(firsts), "the remainder is round-off at every step", "∇fᵀv = 0")
        yield value
        yield replace(small, detail=detail)
        return
    log_t, error = np.log2(np.array(points)).T
    slope = float(((log_t - log_t.mean()) * error).sum() / ((log_t - log_t.mean()) ** 2).sum())
    yield value
    yield within(slope, 1.7, 20.0, "slope of the remainder of order 1", detail)


@law("O2", ("gradient",), source="analytic continuation", domain=SMALL)
def _complex_step(a: Gate, x: Instance) -> Claims:
    """The gradient is the complex-step derivative of the loss.

    ∇fᵀv = Im f(x + i·10⁻³⁰v)·10³⁰, f by plain loops in complex numbers, along v in all and in each of the
    parameters; scale ‖∇f‖‖v‖ growth, parameters counted in units of their size
    Catches: any gradient that is wrong by more than a few eps: a factor 1.001, a term left out.
    """
    p, X, C = _drawn(a, x)
    v, g = x.parameters("v"), a.gradient(p, X, C, x.problem)
    found, lines = [], [f"{'v in':>10}{'∇fᵀv':>24}{'by complex step':>24}{'ρ':>10}"]
    for name in ("all", *p):
        along = {key: v[key] if name in ("all", key) else 0 * v[key] for key in v}
        expected = derivative(lambda q: oracle.loss(q, X, C, x.problem, a.profile), p, along)
        scale = _product_of_sizes(x, g, along) * oracle.growth(p, x.problem)
        got = oracle.inner(g, along)
        found.append(residual(got, expected, scale, x.dtype, f"∇fᵀv, v in {name}"))
        lines.append(f"{name:>10}{got:24.15e}{expected:24.15e}{found[-1].rho:10.2g}")
    yield replace(worst(found), detail="\n".join(lines))
    yield holds(oracle.size(g) > 0, "the gradient is not zero", "only zeros came back")


@law("O3", ("jacobian_product", "jacobian_transpose"), source="chain rule, [LAS] eqs. (1)-(5)", domain=SMALL)
def _jacobian(a: Gate, x: Instance) -> Claims:
    """The Jacobian of the logits and its transpose belong together.

    Jv = complex step through the logits by plain loops; ⟨Jv, u⟩ = ⟨v, Jᵀu⟩; scale ‖J‖‖v‖‖u‖ growth
    Catches: δt missing in one of both, a transposed or flipped kernel, bias summed over the wrong axis.
    """
    p, X, _ = _drawn(a, x)
    v, u = x.parameters("v"), x.draw("u", x.classes, len(X))
    Jv = as_double(a.jacobian_product(p, v, X, x.problem))
    back = a.jacobian_transpose(p, u, X, x.problem)
    expected = derivative(lambda q: oracle.output(q, X, x.problem, a.profile), p, v)
    growth = oracle.growth(p, x.problem)
    size = norm(expected) + oracle.size(x.in_units(v))
    left, right = float((Jv * as_double(u)).sum()), oracle.inner(v, back)
    scale = (size * norm(u) + _product_of_sizes(x, back, v)) * growth
    yield "Jv", Jv, expected, size * growth
    yield from agree("⟨Jv,u⟩ = ⟨v,Jᵀu⟩", left, right, scale)


@law("O4", GN, source="[LAS] Sec. 4", domain=SMALL)
def _product(a: Gate, x: Instance) -> Claims:
    """The Gauss-Newton matrix is JᵀHJ, and the Hessian in the classifier.

    wᵀGv = (Jw)ᵀH(Jv) with Jv, Jw by complex step, wᵀGv = vᵀGw, vᵀGv >= 0; on (W, μ), where the logits are
    linear, vᵀGv = d²f/dt² by Cauchy's integral; scale ‖Jv‖‖Jw‖ growth
    Catches: the softmax term −ppᵀ missing, J in place of Jᵀ, 1/m, a gradient in place of a product.
    """
    p, X, C = _drawn(a, x)
    v, w = x.parameters("v"), x.parameters("w")
    Gv, Gw = (a.gauss_newton(p, direction, X, C, x.problem) for direction in (v, w))
    Jv, Jw = (derivative(lambda q: oracle.output(q, X, x.problem, a.profile), p, one) for one in (v, w))
    probabilities = softmax(oracle.output(p, X, x.problem, a.profile).real)
    unit = 1.0 / len(X) if a.profile.reduction == "mean" else 1.0
    expected = unit * float((Jw * _curved(probabilities, Jv)).sum())
    growth = oracle.growth(p, x.problem)
    sizes = [norm(J) + oracle.size(x.in_units(one)) for J, one in ((Jv, v), (Jw, w))]
    scale = unit * sizes[0] * sizes[1] * growth
    square = oracle.inner(v, Gv)
    yield "wᵀGv = (Jw)ᵀH(Jv)", oracle.inner(w, Gv), expected, scale
    yield from agree("wᵀGv = vᵀGw", oracle.inner(w, Gv), oracle.inner(v, Gw), scale)
    yield holds(square >= -30 * EPS[x.dtype] * scale, "vᵀGv >= 0", f"{square:.3g}")
    on_classifier = {key: v[key] if key in ("W", "mu") else 0 * v[key] for key in v}
    second = _second_derivative(a, x, p, on_classifier, X, C)
    got = oracle.inner(on_classifier, a.gauss_newton(p, on_classifier, X, C, x.problem))
    tolerance = max(1.0, 1e3 * 2.0**-52 / EPS[x.dtype])  # Cauchy's integral is good to 1e3 eps
    yield "vᵀGv = d²f/dt² on (W, μ)", got, second, tolerance * scale


@law("O5", ("gauss_newton", "gradient"), source="information geometry", domain=SMALL, cost=2)
def _fisher(a: Gate, x: Instance) -> Claims:
    """The Gauss-Newton matrix is the Fisher matrix.

    vᵀGv = mean over the examples of Σ_c p_c (∇f(x_j, e_c)ᵀv)², with gradients of single examples; scale ‖Jv‖²
    growth
    Catches: a Gauss-Newton product that belongs to another loss or network than the gradient.
    """
    p, X, C = _drawn(a, x)
    v = x.parameters("v")
    got = oracle.inner(v, a.gauss_newton(p, v, X, C, x.problem))
    probabilities = softmax(oracle.output(p, X, x.problem, a.profile).real)
    unit = 1.0 / len(X) if a.profile.reduction == "mean" else 1.0
    total, size = 0.0, 0.0
    for j in range(len(X)):
        for c in range(x.classes):
            label = (np.arange(x.classes) == c).astype(x.dtype)[:, None]
            g = a.gradient(p, X[j : j + 1].copy(), label, x.problem)
            total += unit * float(probabilities[c, j]) * oracle.inner(g, v) ** 2
            size += unit * float(probabilities[c, j]) * _product_of_sizes(x, g, v) ** 2
    scale = size * oracle.growth(p, x.problem)
    yield from agree("vᵀGv = Fisher", got, total, scale)


@law("O6", GN, source="G = JᵀHJ with rank H = m(ℓ−1)", domain=Domain(small=True, smallest=3), cost=2)
def _rank(a: Gate, x: Instance) -> Claims:
    """The Gauss-Newton matrix has rank at most m(ℓ−1).

    m(ℓ−1)+2 random directions V: VᵀGV is symmetric and has at most m(ℓ−1) eigenvalues above 1000 eps of the
    largest, and at least one
    Catches: a multiple of the identity, a regulariser or the Hessian in place of G.
    """
    m = min(x.examples, 2)
    p, X, C = _drawn(a, x, m)
    rank = m * (x.classes - 1)
    V = [x.parameters(f"v{k}") for k in range(rank + 2)]
    products = [a.gauss_newton(p, v, X, C, x.problem) for v in V]
    G = np.array([[oracle.inner(w, Gv) for Gv in products] for w in V])
    values = np.abs(np.linalg.eigvalsh((G + G.T) / 2))
    large = int(np.sum(values > 1000 * EPS[x.dtype] * values.max()))
    yield from agree("VᵀGV is symmetric", G, G.T, float(np.abs(G).max()) * oracle.growth(p, x.problem))
    yield holds(1 <= large <= rank, "1 <= rank G <= m(ℓ−1)", f"rank {large}, m(ℓ−1) = {rank}")


@law("O7", ("gauss_newton", "gradient"), source="unbiased subsampling, [LAS] Sec. 4", domain=SMALL)
def _batches(a: Gate, x: Instance) -> Claims:
    """Products on disjoint batches average to the product on all examples.

    mean: (1/B) Σ_b G_b v = G v for B batches of equal size; sum: Σ_b; gradients likewise; scale ‖J‖²‖v‖
    growth
    Catches: a sampled Hessian that is divided by the number of all examples.
    """
    (p, X, C), v = _drawn(a, x, 4), x.parameters("v")
    parts = [(X[k : k + 2].copy(), C[:, k : k + 2].copy()) for k in (0, 2)]
    weight = 0.5 if a.profile.reduction == "mean" else 1.0
    growth = oracle.growth(p, x.problem)
    for name in ("gauss_newton", "gradient"):
        if name == "gradient":
            whole = a.gradient(p, X, C, x.problem)
            split = [a.gradient(p, *part, x.problem) for part in parts]
        else:
            whole = a.gauss_newton(p, v, X, C, x.problem)
            split = [a.gauss_newton(p, v, *part, x.problem) for part in parts]
        yield varies(np.concatenate([array.ravel() for array in whole.values()]), name)
        whole, split = x.per_unit(whole), [x.per_unit(one) for one in split]
        scale = max(oracle.size(one) for one in split) * growth
        for key in whole:
            mean = weight * sum(one[key] for one in split)
            yield f"{name}, {key}", whole[key], mean, scale


@law("O8", ("gauss_newton", "gradient"), source="shift invariance of the softmax", domain=SMALL)
def _null_directions(a: Gate, x: Instance) -> Claims:
    """A common change of all classes has no slope and no curvature.

    the same vector added to all columns of W, or the same number to all of μ: ∇fᵀd = 0 and Gd = 0, but not
    for others; scale ‖∇f‖‖d‖ growth and ‖J‖²‖d‖ growth
    Catches: W in another order than its gradient, a softmax over the examples.
    """
    p, X, C = _drawn(a, x)
    g, v = a.gradient(p, X, C, x.problem), x.parameters("v")
    common = {key: 0 * v[key] for key in v}
    common["W"] = np.repeat(v["W"][:, :1], x.classes, axis=1)
    common["mu"] = np.repeat(v["mu"][:1], x.classes)
    Gv = a.gauss_newton(p, v, X, C, x.problem)
    Gd = a.gauss_newton(p, common, X, C, x.problem)
    growth, ratio = oracle.growth(p, x.problem), oracle.size(x.in_units(common)) / oracle.size(x.in_units(v))
    scale = (oracle.size(x.per_unit(Gv)) * ratio + 1) * growth
    along = oracle.inner(g, common)
    yield "∇fᵀd = 0", along, 0.0, _product_of_sizes(x, g, common) * growth
    yield "Gd = 0", oracle.size(x.per_unit(Gd)), 0.0, scale
    yield holds(oracle.size(g) > 0 and oracle.size(Gv) > 0, "∇f and Gv are not zero", "only zeros came back")


def _drawn(a: Gate, x: Instance, examples: int | None = None) -> tuple[dict[str, Array], Array, Array]:
    """Return parameters, images and labels."""
    X = x.image("X", examples=examples)
    return oracle.temper(x.parameters(), X, x.problem, a.profile), X, x.one_hot(examples=examples)


def _of_size_one(x: Instance, v: Parameters) -> dict[str, Array]:
    """Return a direction divided by its size in the units of the parameters."""
    size = oracle.size(x.in_units(v))
    return {key: as_double(array) / size for key, array in v.items()}


def _moved(p: Parameters, v: Parameters, t: complex) -> dict[str, Array]:
    return {key: as_double(p[key]) + t * as_double(v[key]) for key in p}


def _product_of_sizes(x: Instance, g: Parameters, v: Parameters) -> float:
    """Return ‖g‖‖v‖ with all parameters in their units, the bound of ⟨g, v⟩ that knows no units."""
    return oracle.size(x.per_unit(g)) * oracle.size(x.in_units(v))


def _loss_scale(f: float, p: Parameters, X: Array, x: Instance) -> float:
    """Return |f| + m h^d‖W‖₁ growth (h^d where it is declared), the size of the logits' rounding errors."""
    columns = float(np.abs(as_double(p["W"])).sum(axis=0).max())
    return abs(f) + len(X) * columns * x.volume * oracle.reach(p, X, x.problem)


def _curved(probabilities: Array, V: Array) -> Array:
    """Return (diag p − ppᵀ) v for every example."""
    return probabilities * V - probabilities * (probabilities * V).sum(axis=0)


def _taylor_table(rows: list[tuple[str, float, float, float, float, float]]) -> str:
    """Return steps, remainders and round-off as text, the largest step first."""
    labels, steps, R0, R1, R2, floors = zip(*sorted(rows, key=lambda row: -row[1]), strict=True)
    table = steps_table("t", labels, steps, {"R0": R0, "R1": R1, "R2": R2}, {"round-off": floors})
    meaning = (
        "R0 = |f(x+tv) − f(x)|, R1 = |f(x+tv) − f(x) − t∇fᵀv|, R2 = |f(x+tv) − f(x) − t∇fᵀv − ½t²f″|,",
        "norms over three v; R1 counts above round-off.",
    )
    return "\n".join([table, *meaning])


def _curvature(f: Callable[[complex], complex]) -> float:
    """Return f''(0) of a function that is real for real numbers, by Cauchy's integral over half a circle."""
    count, radius = 16, 0.1
    nodes = np.exp(2j * np.pi * np.arange(count // 2 + 1) / count)
    weights = np.where((np.arange(count // 2 + 1) % (count // 2)) == 0, 1, 2)
    values = np.array([f(radius * node) for node in nodes])
    return float(2 * (weights * (values * nodes**-2).real).sum() / count / radius**2)


def _second_derivative(a: Gate, x: Instance, p: Parameters, v: Parameters, X: Array, C: Array) -> float:
    """Return d²/dt² f(x + tv) at 0 along (W, μ) by Cauchy's integral.

    On the circle logits change by 1/2 at most; the softmax has its nearest poles where two of them differ by
    iπ, so that 32 nodes are exact to double precision.
    """
    Y, values = oracle.features(p, X, x.problem, a.profile), []
    change = np.abs(oracle.logits(as_double(v["W"]), as_double(v["mu"]), Y, a.profile)).max()
    count, radius = 32, 0.5 / max(1.0, float(change))
    nodes = np.exp(2j * np.pi * np.arange(count) / count)
    for step in radius * nodes:
        W, mu = (as_double(p[key]) + step * as_double(v[key]) for key in ("W", "mu"))
        values.append(oracle.cross_entropy(oracle.logits(W, mu, Y, a.profile), as_double(C), a.profile))
    return float((2 * (np.array(values) * nodes**-2).mean() / radius**2).real)
