"""O1-O8: derivatives of the loss of a network, and its Gauss-Newton matrix."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.orders import steps_table
from refms.conformance.measures.outcome import holds, residual, varies, within, worst
from refms.conformance.operations import Parameters
from refms.conformance.oracles import network as oracle
from refms.conformance.property import Claims, agree, family
from refms.definition.arrays import as_double, norm
from refms.definition.complex_step import derivative
from refms.definition.softmax import cross_entropy, cross_entropy_hessian, softmax
from refms.errors import Array

law = family("gauss-newton")
SMALL = Domain(small=True)


@law("O1", "loss gradient", "Taylor's theorem", replace(SMALL, activations=("tanh", "identity")))
def _taylor(a: Gate, x: Instance) -> Claims:
    """The Taylor remainder of the loss is of second order.

    |f(x+tv) − f(x) − t∇fᵀv| = O(t²) in the mean square over three v, f by plain loops in double precision;
    criterion: slope at least 1.7 over the six smallest steps above round-off, or less than four such steps;
    and f(x) itself, scale |f| + m h^d‖W‖₁ growth
    Catches: a gradient that is wrong by more than about √eps.
    """
    p, X, C = _drawn(x)
    g, start = a.gradient(p, X, C, x.problem), oracle.loss(p, X, C, x).real
    yield "f(x)", a.loss(p, X, C, x.problem), start, abs(start) + oracle.loss_scale(p, X, x)
    # The terms of second and third order may cancel at some step along one direction, not along three.
    directions = [_of_size_one(x, x.parameters(name)) for name in ("v", "v2", "v3")]
    lines = [partial(_on_line, x, p, v, X, C) for v in directions]
    firsts = np.array([oracle.inner(g, v) for v in directions])
    seconds = np.array([_second_derivative(f, 16, 0.1) for f in lines])
    # f is a difference of logits, so that its own rounding errors are of their size.
    size = abs(start) + len(X) * x.share(len(X)) * float(np.abs(oracle.output(p, X, x).real).max())
    noise = x.eps * oracle.size(x.per_unit(g))

    def remainders(k: int) -> tuple[float, ...]:
        t = 2.0**-k
        change = np.array([f(t).real for f in lines]) - start
        first, second = change - t * firsts, change - t * firsts - t * t / 2 * seconds
        return k, t, norm(change), norm(first), norm(second), 300 * (2.0**-52 * size + t * noise)

    rows, points = [], []
    for k in range(23, 0, -1):
        rows.append(remainders(k))
        _, t, _, remainder, _, floor = rows[-1]
        points += [] if remainder <= floor else [(t, remainder)]  # and NaN counts
        if len(points) == 6:
            break
    detail = _taylor_table([*rows, *(remainders(larger) for larger in range(k - 3, 0, -3))])
    if len(points) < 4:  # an error of first order would be above round-off, tε‖∇f‖, at all steps
        small = holds(any(firsts), "the remainder is round-off but at the largest steps", "∇fᵀv = 0")
        yield replace(small, detail=detail)
    else:
        log_t, error = np.log2(points).T
        slope = float(((log_t - log_t.mean()) * error).sum() / ((log_t - log_t.mean()) ** 2).sum())
        yield within(slope, 1.7, 20.0, "slope of the remainder of order 1", detail)


@law("O2", "gradient", "analytic continuation", SMALL)
def _complex_step(a: Gate, x: Instance) -> Claims:
    """The gradient is the complex-step derivative of the loss.

    ∇fᵀv = Im f(x + i·10⁻³⁰v)·10³⁰, f by plain loops in complex numbers, along v in all and in each of the
    parameters; scale ‖∇f‖‖v‖ growth, parameters counted in units of their size
    Catches: any gradient that is wrong by more than a few eps: a factor 1.001, a term left out.
    """
    p, X, C = _drawn(x)
    v, g = x.parameters("v"), a.gradient(p, X, C, x.problem)
    found, lines = [], [f"{'v in':>10}{'∇fᵀv':>24}{'by complex step':>24}{'ρ':>10}"]
    for name in ("all", *p):
        along = v if name == "all" else _only(v, name)
        expected = derivative(lambda q: oracle.loss(q, X, C, x), p, along)
        scale = _product_of_sizes(x, g, along) * oracle.growth(p, x)
        got = oracle.inner(g, along)
        found.append(residual(got, expected, scale, x.dtype, f"∇fᵀv, v in {name}"))
        lines.append(f"{name:>10}{got:24.15e}{expected:24.15e}{found[-1].rho:10.2g}")
    yield replace(worst(found), detail="\n".join(lines))
    yield holds(oracle.size(g) > 0, "the gradient is not zero", "only zeros came back")


@law("O3", "jacobian_product jacobian_transpose", "chain rule, [LAS] eqs. (1)-(5)", SMALL)
def _jacobian(a: Gate, x: Instance) -> Claims:
    """The Jacobian of the logits and its transpose belong together.

    Jv = complex step through the logits by plain loops; ⟨Jv, u⟩ = ⟨v, Jᵀu⟩; scale ‖J‖‖v‖‖u‖ growth
    Catches: δt missing in one of both, a transposed or flipped kernel, bias summed over the wrong axis.
    """
    p, X, _ = _drawn(x)
    v, u = x.parameters("v"), x.draw("u", x.classes, len(X))
    Jv, back = a.jacobian_product(p, v, X, x.problem), a.jacobian_transpose(p, u, X, x.problem)
    expected, growth = _along(p, v, X, x), oracle.growth(p, x)
    size = norm(expected) + oracle.size(x.in_units(v))
    left, right = float((as_double(Jv) * as_double(u)).sum()), oracle.inner(v, back)
    yield "Jv", Jv, expected, size * growth
    scale = (size * norm(u) + _product_of_sizes(x, back, v)) * growth
    yield from agree("⟨Jv,u⟩ = ⟨v,Jᵀu⟩", left, right, scale)


@law("O4", "gauss_newton", "[LAS] Sec. 4", SMALL)
def _product(a: Gate, x: Instance) -> Claims:
    """The Gauss-Newton matrix is JᵀHJ, and the Hessian in the classifier.

    wᵀGv = (Jw)ᵀH(Jv) with Jv, Jw by complex step, wᵀGv = vᵀGw, vᵀGv >= 0; on (W, μ), where the logits are
    linear, vᵀGv = d²f/dt² by Cauchy's integral; scale ‖Jv‖‖Jw‖ growth
    Catches: the softmax term −ppᵀ missing, J in place of Jᵀ, 1/m, a gradient in place of a product.
    """
    p, X, C = _drawn(x)
    v, w = x.parameters("v"), x.parameters("w")
    Gv, Gw = (a.gauss_newton(p, one, X, C, x.problem) for one in (v, w))
    Jv, Jw = (_along(p, one, X, x) for one in (v, w))
    Z, growth = oracle.output(p, X, x).real, oracle.growth(p, x)
    expected = float((Jw * cross_entropy_hessian(Z, C, Jv, x.reduction)).sum())
    sizes = [norm(J) + oracle.size(x.in_units(one)) for J, one in ((Jv, v), (Jw, w))]
    scale = x.share(len(X)) * sizes[0] * sizes[1] * growth
    square = oracle.inner(v, Gv)
    yield "wᵀGv = (Jw)ᵀH(Jv)", oracle.inner(w, Gv), expected, scale
    yield from agree("wᵀGv = vᵀGw", oracle.inner(w, Gv), oracle.inner(v, Gw), scale)
    yield holds(square >= -30 * x.eps * scale, "vᵀGv >= 0", f"{square:.3g}")
    u = _only(v, "W", "mu")
    # On the circle logits change by 1/2 at most; the softmax has its nearest poles where two of them differ
    # by iπ, so that 32 nodes are exact to double precision.
    dZ = oracle.logits(as_double(u["W"]), as_double(u["mu"]), oracle.features(p, X, x), x)
    radius = 0.5 / max(1.0, float(np.abs(dZ).max()))
    second = _second_derivative(lambda t: complex(cross_entropy(Z + t * dZ, C, x.reduction)), 32, radius)
    tolerance = max(1.0, 1e3 * 2.0**-52 / x.eps)  # Cauchy's integral is good to 1e3 eps
    got = oracle.inner(u, a.gauss_newton(p, u, X, C, x.problem))
    yield "vᵀGv = d²f/dt² on (W, μ)", got, second, tolerance * scale


@law("O5", "gauss_newton gradient", "information geometry", SMALL, cost=2)
def _fisher(a: Gate, x: Instance) -> Claims:
    """The Gauss-Newton matrix is the Fisher matrix.

    vᵀGv = mean over the examples of Σ_c p_c (∇f(x_j, e_c)ᵀv)², with gradients of single examples; scale ‖Jv‖²
    growth
    Catches: a Gauss-Newton product that belongs to another loss or network than the gradient.
    """
    p, X, C = _drawn(x)
    v = x.parameters("v")
    got = oracle.inner(v, a.gauss_newton(p, v, X, C, x.problem))
    weights = x.share(len(X)) * softmax(oracle.output(p, X, x).real)
    total, size = 0.0, 0.0
    for j, c in itertools.product(range(len(X)), range(x.classes)):
        label = (np.arange(x.classes) == c).astype(x.dtype)[:, None]
        g = a.gradient(p, X[j : j + 1].copy(), label, x.problem)
        total += float(weights[c, j]) * oracle.inner(g, v) ** 2
        size += float(weights[c, j]) * _product_of_sizes(x, g, v) ** 2
    yield from agree("vᵀGv = Fisher", got, total, size * oracle.growth(p, x))


@law("O6", "gauss_newton", "G = JᵀHJ with rank H = m(ℓ−1)", Domain(small=True, smallest=3), cost=2)
def _rank(a: Gate, x: Instance) -> Claims:
    """The Gauss-Newton matrix has rank at most m(ℓ−1).

    m(ℓ−1)+2 random directions V: VᵀGV is symmetric and has at most m(ℓ−1) eigenvalues above 1000 eps of the
    largest, and at least one
    Catches: a multiple of the identity, a regulariser or the Hessian in place of G.
    """
    m = min(x.examples, 2)
    p, X, C = _drawn(x, m)
    rank = m * (x.classes - 1)
    V = [x.parameters(f"v{k}") for k in range(rank + 2)]
    products = [a.gauss_newton(p, v, X, C, x.problem) for v in V]
    G = np.array([[oracle.inner(w, Gv) for Gv in products] for w in V])
    values = np.abs(np.linalg.eigvalsh((G + G.T) / 2))
    large = int(np.sum(values > 1000 * x.eps * values.max()))
    yield from agree("VᵀGV is symmetric", G, G.T, float(np.abs(G).max()) * oracle.growth(p, x))
    yield holds(1 <= large <= rank, "1 <= rank G <= m(ℓ−1)", f"rank {large}, m(ℓ−1) = {rank}")


@law("O7", "gauss_newton gradient", "unbiased subsampling, [LAS] Sec. 4", SMALL)
def _batches(a: Gate, x: Instance) -> Claims:
    """Products on disjoint batches average to the product on all examples.

    mean: (1/B) Σ_b G_b v = G v for B batches of equal size; sum: Σ_b; gradients likewise; scale ‖J‖²‖v‖
    growth
    Catches: a sampled Hessian that is divided by the number of all examples.
    """
    (p, X, C), v = _drawn(x, 4), x.parameters("v")
    batches = [(X[k : k + 2].copy(), C[:, k : k + 2].copy()) for k in (0, 2)]
    for name, arguments in (("gauss_newton", (p, v)), ("gradient", (p,))):
        found = [getattr(a, name)(*arguments, *batch, x.problem) for batch in ((X, C), *batches)]
        yield varies(oracle.flat(found[0]), name)
        whole, *split = (x.per_unit(one) for one in found)
        scale = max(oracle.size(one) for one in split) * oracle.growth(p, x)
        for key in whole:
            yield f"{name}, {key}", whole[key], x.share(2) * sum(one[key] for one in split), scale


@law("O8", "gauss_newton gradient", "shift invariance of the softmax", SMALL)
def _null_directions(a: Gate, x: Instance) -> Claims:
    """A common change of all classes has no slope and no curvature.

    the same vector added to all columns of W, or the same number to all of μ: ∇fᵀd = 0 and Gd = 0, but not
    for others; scale ‖∇f‖‖d‖ growth and ‖J‖²‖d‖ growth
    Catches: W in another order than its gradient, a softmax over the examples.
    """
    p, X, C = _drawn(x)
    g, v = a.gradient(p, X, C, x.problem), x.parameters("v")
    common = _only(v) | {
        "W": np.repeat(v["W"][:, :1], x.classes, axis=1),
        "mu": np.repeat(v["mu"][:1], x.classes),
    }
    Gv, Gd = (a.gauss_newton(p, one, X, C, x.problem) for one in (v, common))
    growth, ratio = oracle.growth(p, x), oracle.size(x.in_units(common)) / oracle.size(x.in_units(v))
    scale = (oracle.size(x.per_unit(Gv)) * ratio + 1) * growth
    yield "∇fᵀd = 0", oracle.inner(g, common), 0.0, _product_of_sizes(x, g, common) * growth
    yield "Gd = 0", oracle.size(x.per_unit(Gd)), 0.0, scale
    yield holds(oracle.size(g) > 0 and oracle.size(Gv) > 0, "∇f and Gv are not zero", "only zeros came back")


def _drawn(x: Instance, examples: int | None = None) -> tuple[dict[str, Array], Array, Array]:
    """Return parameters, images and labels."""
    X = x.image("X", examples=examples)
    return oracle.temper(x.parameters(), X, x), X, x.one_hot(examples=examples)


def _along(p: Parameters, v: Parameters, X: Array, x: Instance) -> Array:
    """Return Jv, the derivative of the logits along v, by complex step."""
    return derivative(lambda q: oracle.output(q, X, x), p, v)


def _only(v: Parameters, *names: str) -> dict[str, Array]:
    """Return a direction in some of the parameters."""
    return {key: array if key in names else 0 * array for key, array in v.items()}


def _of_size_one(x: Instance, v: Parameters) -> dict[str, Array]:
    """Return a direction divided by its size in the units of the parameters."""
    size = oracle.size(x.in_units(v))
    return {key: as_double(array) / size for key, array in v.items()}


def _on_line(x: Instance, p: Parameters, v: Parameters, X: Array, C: Array, t: complex) -> complex:
    """Return f(p + tv)."""
    return oracle.loss({key: as_double(p[key]) + t * as_double(v[key]) for key in p}, X, C, x)


def _product_of_sizes(x: Instance, g: Parameters, v: Parameters) -> float:
    """Return ‖g‖‖v‖ with all parameters in their units, the bound of ⟨g, v⟩ that knows no units."""
    return oracle.size(x.per_unit(g)) * oracle.size(x.in_units(v))


def _taylor_table(rows: list[tuple[float, ...]]) -> str:
    """Return steps, remainders and round-off as text, the largest step first."""
    exponents, steps, R0, R1, R2, floors = zip(*sorted(rows), strict=True)
    labels = [f"2^-{k}" for k in exponents]
    table = steps_table("t", labels, steps, {"R0": R0, "R1": R1, "R2": R2}, {"round-off": floors})
    return (
        f"{table}\nR0 = |f(x+tv) − f(x)|, R1 = |f(x+tv) − f(x) − t∇fᵀv|, "
        "R2 = |f(x+tv) − f(x) − t∇fᵀv − ½t²f″|,\nnorms over three v; R1 counts above round-off."
    )


def _second_derivative(f: Callable[[complex], complex], count: int, radius: float) -> float:
    """Return f''(0) of a function that is real for real numbers, by Cauchy's integral over half a circle."""
    half = np.arange(count // 2 + 1)
    nodes, weights = np.exp(2j * np.pi * half / count), np.where(half % (count // 2) == 0, 1, 2)
    values = np.array([f(radius * node) for node in nodes])
    return float(2 * (weights * (values * nodes**-2).real).sum() / count / radius**2)
