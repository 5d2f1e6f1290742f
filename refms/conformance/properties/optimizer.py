"""O9-O14: conjugate gradients, line search, Newton steps and block-coordinate descent."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import holds
from refms.conformance.operations import Parameters
from refms.conformance.oracles.functions import SIZE, log_cosh, objective, parabola, solution_size, symmetric
from refms.conformance.oracles.network import flat, inner, temper
from refms.conformance.oracles.network import size as norm_of
from refms.conformance.property import Claims, agree, family
from refms.definition.arrays import as_double, norm
from refms.definition.krylov import conjugate_gradients
from refms.errors import Array

law = family("optimizer")


@law("O9", "conjugate_gradients", "Hestenes and Stiefel; Steihaug")
def _krylov(a: Gate, x: Instance) -> Claims:
    """Conjugate gradients minimise over Krylov spaces.

    x_k = argmin of q(x) = ½xᵀAx − bᵀx over span{b, Ab, …, A^{k-1}b} (k <= 4, by explicit projection); q(x_k)
    and the error in the A-norm fall, ‖x_k‖ grows, q(x_k) = −½bᵀx_k; exact after as many steps as A has
    eigenvalues; with pᵀAp <= 0 the iterate stays a direction of descent, q(x) < 0: the last one, b itself
    where the first curvature is not positive; scale cond(A)‖x‖
    Catches: a wrong β or α, residuals that are not updated, negative curvature ignored, or answered by b at
    any time, division by a curvature of zero.
    """
    A, b = symmetric(x, np.geomspace(1.0, 10.0, SIZE)), x.draw("b", SIZE, scale=x.stencil_scale)
    exact = np.linalg.solve(as_double(A), as_double(b))
    iterates = [as_double(a.conjugate_gradients(lambda v: A @ v, b, k)) for k in range(1, SIZE + 1)]
    scale = 10 * norm(exact)
    for k in (1, 2, 3, 4):
        yield f"x_{k} by projection", iterates[k - 1], _projected(A, b, k), scale
    yield from _monotone(A, b, iterates, exact, x)
    few = symmetric(x, np.repeat([1.0, 3.0, 10.0], [3, 3, 2]))
    solution = np.linalg.solve(as_double(few), as_double(b))
    got = a.conjugate_gradients(lambda v: few @ v, b, 3)
    yield "three eigenvalues, three steps", got, solution, 10 * scale
    bent = symmetric(x, np.array([-4.0, -1.0, -0.5, 1.0, 2.0, 3.0, 4.0, 5.0]))
    stopped = as_double(a.conjugate_gradients(lambda v: bent @ v, b, SIZE))
    slope, q = float(as_double(b) @ stopped), _quadratic(bent, b, stopped)
    good = bool(np.isfinite(stopped).all()) and slope > 0 and q < 0
    yield holds(good, "descent in spite of negative curvature", f"bᵀx = {slope:.3g}, q(x) = {q:.3g}")
    # b = 2u + v and eigenvalues 1 of u and −1 of v: the second curvature is negative, x_1 = 5b/3.
    saddle = symmetric(x, np.repeat([1.0, -1.0], SIZE // 2))
    b = _in_both_halves(saddle, x)
    wide = as_double(b)
    first = wide * float(wide @ wide) / float(wide @ as_double(saddle) @ wide)
    got = a.conjugate_gradients(lambda v: saddle @ v, b, SIZE)
    yield "x_1, where the second curvature is negative", got, first, 10 * norm(first)
    yield "b, where A = 0", a.conjugate_gradients(lambda v: 0 * v, b, SIZE), b, norm(b)


@law("O10", "newton_step", "Newton's method")
def _direction(a: Gate, x: Instance) -> Claims:
    """The Newton direction points downhill, along −H⁻¹g.

    gᵀ(x₊ − x) < 0, and x₊ − x is parallel to H⁻¹g by a direct solver; scale cond(H), for the unit vectors
    Catches: a sign, the gradient itself as direction, a solver that stops too early.
    """
    f, start = log_cosh(x), x.draw("start", SIZE, scale=2 * solution_size(x))
    step = as_double(a.newton_step(f, start, 4 * SIZE)) - as_double(start)
    gradient, H = as_double(f.value_and_gradient(start)[1]), f.hessian(start)
    newton = -np.linalg.solve(H, gradient)
    length, size, slope = norm(step), norm(start), float(gradient @ step)
    unit = step / length if length > 0 else step
    scale = float(np.linalg.cond(H)) * max(1.0, size / max(length, 1e-3 * size))
    yield holds(slope < 0, "gᵀ(x₊ − x) < 0", f"it is {slope:.3g}")
    yield "direction against a direct solver", unit, newton / norm(newton), scale


@law("O11", "line_search", "Armijo")
def _armijo(a: Gate, x: Instance) -> Claims:
    """The line search accepts the first of 1, ½, ¼, … that satisfies Armijo's rule, and 0.0 if none does.

    f(x + αp) <= f(x) + c₁ α gᵀp, and 2α does not satisfy it: α = 1 for the Newton step of a quadratic, 1/8
    for that of √(1+x²) from x = 3; values that are not finite shrink the step; 0.0 where gᵀp >= 0, where
    every trial rises, is NaN, or no longer changes x; criterion: α exactly
    Catches: the bound without α, plain decrease, NaN or −∞ accepted, shrinking too far, too few halvings, the
    smallest trial in place of 0.0.
    """
    start, p = (x.draw(name, SIZE, scale=x.image_scale) for name in ("start", "p"))
    height, square = x.stencil_scale, float(as_double(p) @ as_double(p))

    def search(f: Callable[[float], float], decrease: float = 1e-4, slope: float = -1.0) -> float:
        """Return the α for f(t) along p, of the given slope at zero."""

        def value(y: Array) -> float:
            return height * f(float((as_double(y) - as_double(start)) @ as_double(p)) / square)

        return float(a.line_search(value, start, height * f(0.0), height * slope, p, decrease))

    for decrease in (1e-4, 0.4):
        for limit, expected in ((1.7, 1.0), (0.7, 0.5), (0.3, 0.25), (0.07, 0.0625), (0.0011, 2.0**-10)):
            kappa = 2 * (1 - decrease) / limit  # Armijo's rule holds up to t = 2(1 − c₁)/κ
            got = search(partial(parabola, kappa), decrease)
            yield holds(got == expected, f"α for c₁ = {decrease:g}, limit {limit}", f"{got}, not {expected}")
    for text, f, slope, expected in _searches():
        got = search(f, slope=slope)
        yield holds(got == expected, f"α where {text}", f"{got}, not {expected}")


def _searches() -> list[tuple[str, Callable[[float], float], float, float]]:
    """Return functions of t along p whose full step is bad: what they are, f, its slope at zero, α."""
    nan, infinity = float("nan"), float("inf")
    return [
        # Newton's step of √(1+x²) from x = 3 is −30: it leads further away, as all from |x| > 1 do.
        (
            "f is √(1+x²) and the step Newton's from 3",
            lambda t: math.hypot(1, 3 - 30 * t),
            -90 / 10**0.5,
            0.125,
        ),
        ("f is NaN beyond 0.2", lambda t: 3.0 - t if t < 0.2 else nan, -1.0, 0.125),
        ("f is infinite beyond 0.2", lambda t: 3.0 - t if t < 0.2 else infinity, -1.0, 0.125),
        ("f is −∞ beyond 0.2", lambda t: 3.0 - t if t < 0.2 else -infinity, -1.0, 0.125),
        ("f is NaN but at x", lambda t: 3.0 if t == 0 else nan, -1.0, 0.0),
        ("f rises along p, whatever the slope says", lambda t: 3.0 + t, -1.0, 0.0),
        ("the slope is positive", lambda t: 3.0 + t, 1.0, 0.0),
        ("the slope is positive, whatever f does", lambda t: 3.0 - t, 1.0, 0.0),
        ("the slope is zero", lambda t: 3.0 - t, 0.0, 0.0),
        ("the slope is NaN", lambda t: 3.0 - t, nan, 0.0),
    ]


@law("O15", "newton_step", "Newton's method with Armijo's rule")
def _guarded(a: Gate, x: Instance) -> Claims:
    """A Newton step goes downhill also where the full one would not.

    f = Σ √(1 + u_i²) from u = 3: p = −30, α = 1/8, x₊ = −¾; scale 10. Where H has eigenvalues of both signs,
    f falls and gᵀ(x₊ − x) < 0. Where every trial is NaN, x itself comes back, to the bit
    Catches: a Newton step without a line search, a step to a saddle point, NaN accepted, x moved by the last
    trial.
    """
    number = np.dtype(x.dtype).type
    length, height = number(solution_size(x)), number(x.stencil_scale)

    def root(y: Array) -> Array:
        return np.sqrt(1 + (y / length) ** 2)

    f = objective(
        lambda y: float(height) * float(length) * float(as_double(root(y)).sum()),
        lambda y: height * (y / length) / root(y),
        lambda y: lambda v: height / length / root(y) ** 3 * v,
    )
    start = np.full(SIZE, 3 * length, x.dtype)
    wanted = np.full(SIZE, -0.75 * float(length))
    yield "x₊ where the full step leads away", a.newton_step(f, start, 4), wanted, 10 * float(length)
    lost = objective(
        lambda y: f.value(y) if np.array_equal(y, start) else float("nan"),
        lambda y: f.value_and_gradient(y)[1],
        f.curvature,
    )
    stayed = a.newton_step(lost, start.copy(), 4)
    yield holds(stayed.tobytes() == start.tobytes(), "x where every trial is NaN", f"it is {stayed}")
    bent = symmetric(x, np.array([-4.0, -1.0, -0.5, 1.0, 2.0, 3.0, 4.0, 5.0]))
    saddle = objective(
        lambda y: float(0.5 * as_double(y) @ as_double(bent) @ as_double(y)),
        lambda y: bent @ y,
        lambda y: lambda v: bent @ v,
    )
    begin = x.draw("begin", SIZE, scale=solution_size(x))
    after = a.newton_step(saddle, begin, 2 * SIZE)
    slope = float(as_double(bent @ begin) @ (as_double(after) - as_double(begin)))
    yield holds(slope < 0, "gᵀ(x₊ − x) < 0 near a saddle point", f"it is {slope:.3g}")
    yield holds(saddle.value(after) < saddle.value(begin), "f falls near a saddle point", "it does not")


BLOCKS = Domain(small=True, smallest=2, activations=("tanh", "identity"))
HELD = {"propagation": ("opening", "stencils", "biases"), "classifier": ("W", "mu")}
"""The arrays of the two blocks."""


@law("O12", "block_step loss gradient gauss_newton", "[LAS] Sec. 4, block-coordinate descent", BLOCKS, cost=2)
def _blocks(a: Gate, x: Instance) -> Claims:
    """A step on one block is a (Gauss-)Newton step, and leaves the other block as it is, to the bit.

    block propagation: W, μ unchanged; block classifier: opening, stencils, biases unchanged. The step s is
    parallel to −H⁻¹g: |sin ∠(Hs, −g)| <= 0.05, H = G, the Hessian in the classifier. Every array of the block
    moves, if a gradient step would be seen in it. f(x+s) < f(x); the quadratic model falls along s by at
    least as much as at the Cauchy point −(gᵀg/gᵀHg)g (asked where that is above 1000 eps of f); and s is the
    full step, sᵀHs = −gᵀs, unless one twice as long does not satisfy Armijo's rule; no step at all only where
    the rule refuses 1, ½, …, 2⁻¹⁰ of −H⁻¹g
    Catches: blocks that leak into each other, a step uphill, none at all, an array that is frozen, the
    gradient as direction, too few steps of conjugate gradients, a step that is shortened without need.
    """
    X, C = x.image("X", examples=3), x.one_hot(examples=3)
    p = temper(x.parameters(), X, x)
    before, slopes = a.loss(p, X, C, x.problem), a.gradient(p, X, C, x.problem)
    for block, held in HELD.items():

        def value(s: Parameters, factor: float = 1.0) -> float:
            """Return the loss after so much of a step."""
            return float(
                a.loss({key: p[key] + (factor * s[key]).astype(x.dtype) for key in p}, X, C, x.problem)
            )

        def curvature(s: Parameters, held: tuple[str, ...] = held) -> dict[str, Array]:
            """Return H s on the block, for s in units in which single precision holds it."""
            size = norm_of(s) or 1.0
            one = {key: (s[key] / size).astype(x.dtype) for key in s}
            return _on(held, a.gauss_newton(p, one, X, C, x.problem), size)

        after = a.block_step(p, X, C, x.problem, block)
        g, s = _on(held, slopes), {key: as_double(after[key]) - as_double(p[key]) for key in p}
        kept = [key for key in p if key not in held]
        same = all(after[key].tobytes() == p[key].tobytes() for key in kept)
        yield holds(same, f"block {block} leaves {', '.join(kept)} alone", "they changed")
        found, Hg = value(s), curvature(g)
        told = f"from {before:.9g} to {found:.9g}"
        if norm_of(g) ** 4 <= 2e3 * x.eps * abs(before) * inner(g, Hg):  # the Cauchy point's is no decrease
            level = found <= before * (1 + 30 * x.eps) < math.inf
            yield holds(level, f"block {block} does not raise the loss", told)
            continue
        if found == before and not any(one.any() for one in s.values()):
            known = _none_is_accepted(value, curvature, g, before)
            yield holds(known, f"block {block} stays only where Armijo's rule refuses all steps", told)
            continue
        yield holds(found < before, f"block {block} lowers the loss", told)
        Hs = curvature(s)
        yield from _is_newton(block, g, Hs)
        yield from _moves(block, p, g, s, Hg, x)
        # Near the rounding errors of f nothing can be said of a longer step.
        rises = not value(s, 2.0) <= before + 2e-4 * inner(g, s) - 30 * x.eps * abs(before)
        yield from _is_long_enough(block, g, s, Hs, Hg, rises)


def _none_is_accepted(
    value: Callable[..., float], curvature: Callable[..., Parameters], g: Parameters, before: float
) -> bool:
    """Return whether all of α = 1, ½, …, 2⁻¹⁰ fail along a direction with a residual of at most 1 or 2 %."""
    ends = np.cumsum([one.size for one in g.values()])[:-1]

    def packed(v: Array) -> dict[str, Array]:
        parts = zip(g.items(), np.split(v, ends), strict=True)
        return {key: part.reshape(one.shape) for (key, one), part in parts}

    def product(v: Array) -> Array:
        return flat(curvature(packed(v)))

    b = -flat(g)
    iterates = conjugate_gradients(product, b, 100)
    for accuracy in (0.02, 0.01):
        p = next((p for p in iterates if norm(product(p) - b) <= accuracy * norm(b)), iterates[-1])
        steps = (2.0**-k for k in range(11))
        if not any(value(packed(p), t) <= before + 1e-4 * t * (p @ -b) for t in steps):
            return True
    return False


def _on(held: tuple[str, ...], found: Parameters, factor: float = 1.0) -> dict[str, Array]:
    """Return arrays in double precision with zeros where a block does not hold them."""
    return {key: factor * as_double(one) * (key in held) for key, one in found.items()}


def _is_newton(block: str, g: Parameters, Hs: Parameters) -> Claims:
    """Claim that H s is parallel to −g."""
    cosine = -inner(Hs, g) / max(norm_of(Hs) * norm_of(g), np.finfo(float).tiny)
    sine = math.sqrt(max(0.0, 1 - cosine * cosine)) if cosine > 0 else 1.0
    yield holds(
        sine <= 0.05, f"H s is parallel to −g in block {block}", f"the sine of the angle is {sine:.3g}"
    )


def _moves(block: str, p: Parameters, g: Parameters, s: Parameters, Hg: Parameters, x: Instance) -> Claims:
    """Claim that all arrays move, that of each layer by itself, if the Cauchy point would be seen to."""
    t = _ratio(norm_of(g) ** 2, inner(g, Hg))
    for key in HELD[block]:
        layers = range(len(p[key])) if key in ("stencils", "biases") else [slice(None)]
        for k in layers:
            seen = t * np.abs(g[key][k]).max() > 1e3 * x.eps * np.abs(p[key][k]).max()
            name = f"{key} of layer {k} move" if len(layers) > 1 else f"{key} moves"
            yield holds(not seen or s[key][k].any(), f"{name} in block {block}", "it is what it was")


def _ratio(a: float, b: float) -> float:
    """Return a/b, infinite where b is not positive, as of an implementation that is wrong."""
    return a / b if b > 0 else math.inf


def _is_long_enough(
    block: str, g: Parameters, s: Parameters, Hs: Parameters, Hg: Parameters, rises: bool
) -> Claims:
    """Claim that s is a full step, α = 1, or one twice as long is refused; and the Cauchy point.

    s = αp, and pᵀHp = −gᵀp for every iterate p of conjugate gradients, so that α = −sᵀHs / gᵀs; the model
    falls by ½ (gᵀs)² / sᵀHs at the best point along s.
    """
    slope, bent = inner(g, s), inner(s, Hs)
    alpha, cauchy = _ratio(bent, -slope), _ratio(norm_of(g) ** 4, inner(g, Hg))
    yield holds(alpha >= 0.9 or rises, f"the step is not too short in block {block}", f"α = {alpha:.3g}")
    best = slope * slope / bent if bent > 0 else 0.0
    told = f"{best / cauchy:.3g} of its decrease"
    yield holds(best >= 0.99 * cauchy, f"at least the Cauchy point in block {block}", told)


@law("O13", "newton_step", "Newton's method")
def _quadratic_problem(a: Gate, x: Instance) -> Claims:
    """One Newton step with converged conjugate gradients solves a quadratic problem.

    f = ½xᵀAx − bᵀx: x₊ = A⁻¹b from any start, α = 1, with 8 and 24 unknowns and with curvatures of 10⁴ and
    10⁻⁴; scale cond(A)(‖A⁻¹b‖ + ‖x‖)
    Catches: a factor in the gradient, a step length that is always shortened, ‖g‖² for the slope of the
    search, a few inner iterations only.
    """
    for n, size in ((SIZE, 1.0), (3 * SIZE, 1.0), (SIZE, 1e4), (SIZE, 1e-4)):
        A = symmetric(x, size * np.geomspace(1.0, 10.0, n))
        b, start = x.draw("b", n, scale=x.stencil_scale), x.draw("start", n, scale=solution_size(x) / size)
        solution = np.linalg.solve(as_double(A), as_double(b))
        scale = 10 * (norm(solution) + norm(start))
        got = a.newton_step(_half_square(A, b), start, 4 * n)
        yield f"x₊ = A⁻¹b, {n} unknowns, curvatures × {size:g}", got, solution, scale


@law("O14", "newton_step", "affine invariance")
def _affine(a: Gate, x: Instance) -> Claims:
    """Newton steps do not depend on the coordinates.

    x = Bφ: the step of f(B·) from φ is B⁻¹ times the step of f from x; scale cond(H)cond(B)²‖x‖
    Catches: damping or scaling on the way, a direction that is not Newton's.
    """
    f, phi = log_cosh(x), x.draw("phi", SIZE, scale=solution_size(x))
    B = symmetric(replace(x, image_scale=1.0), np.geomspace(1.0, 3.0, SIZE), name="B")
    start = (as_double(B) @ as_double(phi)).astype(x.dtype)
    direct = as_double(a.newton_step(f, start, 4 * SIZE))
    changed = objective(
        lambda y: f.value(B @ y),
        lambda y: B.T @ f.value_and_gradient(B @ y)[1],
        lambda y: lambda v: B.T @ f.curvature(B @ y)(B @ v),
    )
    through = as_double(B) @ as_double(a.newton_step(changed, phi, 6 * SIZE))
    condition = float(np.linalg.cond(f.hessian(start))) * 9.0
    moved = norm(direct - as_double(start))
    yield from agree("B φ₊ = x₊", through, direct, condition * (norm(start) + norm(direct)))
    yield holds(moved > 1e-3 * norm(start), "a step is taken", "x did not move")


def _half_square(A: Array, b: Array) -> SimpleNamespace:
    """Return f = ½xᵀAx − bᵀx as an adapter gets it."""
    return objective(lambda y: _quadratic(A, b, as_double(y)), lambda y: A @ y - b, lambda y: lambda v: A @ v)


def _in_both_halves(A: Array, x: Instance) -> Array:
    """Return 2u + v, u and v unit vectors of the largest and the smallest eigenvalue."""
    _, vectors = np.linalg.eigh(as_double(A))
    return (x.stencil_scale * (2 * vectors[:, -1] + vectors[:, 0])).astype(x.dtype)


def _quadratic(A: Array, b: Array, x: Array) -> float:
    return float(0.5 * x @ as_double(A) @ x - as_double(b) @ x)


def _projected(A: Array, b: Array, k: int) -> Array:
    """Return the minimiser of q over the k-th Krylov space, by an orthonormal basis."""
    basis = np.zeros((SIZE, 0))
    v = as_double(b)
    for _ in range(k):
        for _ in range(2):  # twice is enough
            v = v - basis @ (basis.T @ v)
        v = v / norm(v)
        basis = np.column_stack([basis, v])
        v = as_double(A) @ v
    return basis @ np.linalg.solve(basis.T @ as_double(A) @ basis, basis.T @ as_double(b))


def _monotone(A: Array, b: Array, iterates: list[Array], exact: Array, x: Instance) -> Claims:
    """Claim what must rise or fall from one iterate to the next."""
    q = np.array([_quadratic(A, b, one) for one in iterates])
    errors = np.array([float(np.sqrt((one - exact) @ as_double(A) @ (one - exact))) for one in iterates])
    lengths = np.array([norm(one) for one in iterates])
    identity = np.array([-0.5 * float(as_double(b) @ one) for one in iterates])
    for values, size, sign, text in (
        (q, abs(q[-1]), 1, "q(x_k) falls"),
        (errors, errors[0], 1, "‖x_k − x‖_A falls"),
        (lengths, lengths[-1], -1, "‖x_k‖ grows"),
    ):
        good = np.all(sign * np.diff(values) <= 100 * x.eps * size)
        yield holds(good, text, f"values {values.round(6).tolist()}")
    yield "q(x_k) = −½bᵀx_k, scale 10|q|", q, identity, 10 * float(np.abs(identity).max())
