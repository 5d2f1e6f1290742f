"""Methods of descent step by step: Newton, Levenberg and Marquardt, trust regions, SGD and Adam.

Each returns its steps as a list; a function is given by x -> f(x), x -> ∇f(x) and x -> (v -> H(x) v).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from refms.definition import classifier, regularizers
from refms.definition.arrays import Array, inner, norm
from refms.definition.krylov import conjugate_gradients
from refms.definition.problem import Problem, join
from refms.definition.softmax import cross_entropy, cross_entropy_gradient, cross_entropy_hessian
from refms.definition.training import adam_step

SUFFICIENT_DECREASE = 1e-4
"""c₁ of Armijo's rule, and the least gain of a trial step that is taken."""

MOST_HALVINGS = 10
"""How often a step may be halved."""

MOST_TRIALS = 10
"""How many steps are tried from one point."""

POOR, GOOD, FACTOR = 0.25, 0.75, 4.0
"""The model is distrusted below the first gain and trusted above the second; then λ changes by the factor."""

Product = Callable[[Array], Array]


@dataclass(frozen=True)
class Function:
    """A function with its gradient and the products with its curvature."""

    value: Callable[[Array], float]
    gradient: Callable[[Array], Array]
    curvature: Callable[[Array], Product]


@dataclass(frozen=True)
class Step:
    """Where a step led, f there, ‖∇f‖ where it began, how long it was, and its λ or Δ.

    ``margin`` is the smallest difference that a decision of it hung on, in units of f.
    """

    x: Array
    value: float
    gradient_norm: float
    length: float
    trust: float
    margin: float


def line_search(f: Callable[[Array], float], x: Array, p: Array, before: float, slope: float) -> Step:
    """Return the first x + αp, α = 1, ½, …, with f <= before + c₁ α slope; x itself and α = 0 if none."""
    margin = math.inf
    for alpha in (2.0**-k for k in range(MOST_HALVINGS + 1)):
        after, bound = f(x + alpha * p), before + SUFFICIENT_DECREASE * alpha * slope
        margin = min(margin, abs(after - bound)) if after == after else margin
        if after <= bound:
            return Step(x + alpha * p, after, 0.0, alpha, 0.0, margin)
    return Step(x, before, 0.0, 0.0, 0.0, margin)


def newton_step(f: Function, x: Array, iterations: int, damping: float = 0.0) -> Step:
    """Return the step along p, (H + λI) p = −g by so many iterations of CG, with α by the line search.

    The new λ is its ``trust``: 4λ where the gain

        (f(x) − f(x + αp)) / (−α gᵀp − ½ α² pᵀHp)

    is below ¼ (0 for a refused step), λ/4 where it is above ¾.
    """
    g, H = f.gradient(x), f.curvature(x)
    iterates = conjugate_gradients(lambda v: H(v) + damping * v, -g, iterations)
    p = next(one for one in iterates[::-1] if norm(one) < math.inf)  # 0/0 follows where all is solved
    before, slope = f.value(x), inner(g, p)
    found = line_search(f.value, x, p, before, slope)
    promised = -found.length * slope - found.length**2 / 2 * inner(p, H(p))
    gain = (before - found.value) / promised if found.length else 0.0
    factor = FACTOR if gain < POOR else 1 / FACTOR if gain > GOOD else 1.0
    margin = min(abs(gain - one) * promised for one in (POOR, GOOD)) if damping and found.length else math.inf
    margin = min(margin, found.margin)
    return replace(found, gradient_norm=norm(g), trust=factor * damping, margin=margin)


def newton(f: Function, x: Array, steps: int, iterations: int, damping: float = 0.0) -> list[Step]:
    """Return steps of Newton's method; with λ > 0 of Levenberg's and Marquardt's, each with the λ it used."""
    found: list[Step] = []
    for _ in range(steps):
        step = newton_step(f, x, iterations, damping)
        found.append(replace(step, trust=damping))
        x, damping = step.x, step.trust
    return found


def steihaug(product: Product, g: Array, radius: float, iterations: int) -> tuple[Array, bool]:
    """Return the point of the path of CG for H p = −g at which it leaves ‖p‖ <= Δ, and whether it does.

    Along a direction of curvature <= 0 it goes to the edge. Nocedal and Wright, Algorithm 7.2.
    """
    p, r, d = 0 * g, -g, -g
    for _ in range(iterations):
        if not inner(r, r) > 0:
            break
        Hd = product(d)
        bend = inner(d, Hd)
        alpha = inner(r, r) / bend if bend > 0 else math.inf
        if bend <= 0 or norm(p + alpha * d) >= radius:
            return p + to_the_edge(p, d, radius) * d, True
        p, previous, r = p + alpha * d, r, r - alpha * Hd
        d = r + inner(r, r) / inner(previous, previous) * d
    return p, False


def to_the_edge(p: Array, d: Array, radius: float) -> float:
    """Return the τ > 0 with ‖p + τd‖ = Δ."""
    a, b, c = inner(d, d), inner(p, d), radius**2 - inner(p, p)
    root = math.sqrt(b * b + a * c)
    return float(c / (b + root) if b > 0 else (root - b) / a)


def trust_region(f: Function, x: Array, radius: float, steps: int, iterations: int) -> list[Step]:
    """Return steps within trust regions, each with the Δ it was taken in: Nocedal and Wright, Algorithm 4.1.

    A trial p has the gain (f(x) − f(x + p)) / −m(p). Δ becomes ¼ min(‖p‖, Δ) where it is below ¼, and 2Δ
    where it is above ¾ and p at the edge; p is taken where it is above 1e-4, else the next of ten is
    tried.
    """
    found: list[Step] = []
    for _ in range(steps):
        g, H, before, margin = f.gradient(x), f.curvature(x), f.value(x), math.inf
        for _ in range(MOST_TRIALS):
            p, edge = steihaug(H, g, radius, iterations)
            model = -inner(g, p) - inner(p, H(p)) / 2
            used, after = radius, f.value(x + p)
            gain = (before - after) / model if after == after else -math.inf
            tipping = [abs(gain - one) * model for one in (SUFFICIENT_DECREASE, POOR, GOOD)]
            margin = min(margin, *tipping) if model > 0 else 0.0
            if gain < POOR:
                radius = min(norm(p), radius) / 4
            elif gain > GOOD and edge:
                radius = 2 * radius
            if gain > SUFFICIENT_DECREASE:
                x, before = x + p, after
                break
        found.append(Step(x, before, norm(g), 1.0, used, margin))
    return found


Gradient = Callable[[Array, int], Array]
"""(x, k) -> gradient of the k-th mini-batch at x, k = 0, 1, …"""


def momentum(gradient: Gradient, x: Array, rates: Sequence[float], mu: float) -> Iterator[Array]:
    """Yield x after each update v ← μ v + g, x ← x − η v, from v = 0."""
    v = 0 * x
    for k, rate in enumerate(rates):
        v = mu * v + gradient(x, k)
        x = x - rate * v
        yield x


def adam(gradient: Gradient, x: Array, rates: Sequence[float]) -> Iterator[Array]:
    """Yield x after each update of Adam, β = (0.9, 0.999), ε = 1e-8, from zero moments."""
    m, v = 0 * x, 0 * x
    for k, rate in enumerate(rates):
        x, m, v = adam_step(x, gradient(x, k), m, v, rate, k + 1, 0.9, 0.999, 1e-8)
        yield x


def on_features(
    Y: Array, C: Array, alpha: float, tau: float, volume_weighted: bool = True, reduction: str = "mean"
) -> Function:
    """Return the classifier's objective in ω = (W, μ) on features Y (m, c, *grid)."""
    grid, classes = Y.shape[2:], len(C)

    def split(omega: Array) -> tuple[Array, Array]:
        return omega[:-classes].reshape(-1, classes), omega[-classes:]

    def logits(omega: Array) -> Array:
        return classifier.logits(*split(omega), Y, volume_weighted)

    def pull(omega: Array, G: Array) -> Array:
        """Return the gradient of ⟨G, z⟩ + R in ω."""
        W, _ = split(omega)
        gW, gmu, _ = classifier.cotangent(W, Y, G, volume_weighted)
        return join(gW + regularizers.in_space_gradient(W, grid, alpha, tau), gmu)

    def value(omega: Array) -> float:
        R = regularizers.in_space(split(omega)[0], grid, alpha, tau)
        return float(cross_entropy(logits(omega), C, reduction) + R)

    return Function(
        value,
        lambda w: pull(w, cross_entropy_gradient(logits(w), C, reduction)),
        lambda w: lambda v: pull(v, cross_entropy_hessian(logits(w), C, logits(v), reduction)),
    )


def block_coordinate_descent(
    problem: Problem,
    theta: Array,
    omega: Array,
    samples: Sequence[Sequence[int]],
    classifier_steps: int,
    iterations: tuple[int, int],
    seen: Callable[[Function], Function] = lambda f: f,
) -> list[list[Step]]:
    """Return for each iteration the Gauss–Newton step in θ and the Newton steps in ω.

    The Gauss–Newton matrix of iteration k is that of the examples ``samples[k]`` alone; ``iterations`` are
    those of CG in either kind of step. The x of a step are θ and ω after it, joined. Steps are made on
    ``seen`` of the objective in θ and in ω.
    """
    found = []
    for sample in samples:
        first = newton_step(seen(_in_theta(problem, omega, list(sample))), theta, iterations[0])
        theta = first.x
        made = [replace(first, x=join(theta, omega))]
        inner, rest = seen(_in_omega(problem, theta)), problem.regularizer(theta, 0 * omega)
        for step in newton(inner, omega, classifier_steps, iterations[1]):
            omega = step.x
            made.append(replace(step, x=join(theta, omega), value=step.value + rest))
        found.append(made)
    return found


def _in_omega(problem: Problem, theta: Array) -> Function:
    """Return the objective as a function of ω, but for R(θ)."""
    Y, weights = problem.at(theta, theta[:0]).states[-1], (problem.W_smoothness, problem.W_tikhonov)
    return on_features(Y, problem.C, *weights, problem.volume_weighted, problem.reduction)


def _in_theta(problem: Problem, omega: Array, sample: list[int]) -> Function:
    """Return the objective as a function of θ, with the Gauss–Newton matrix of the sample."""
    few = replace(problem, X=problem.X[sample], C=problem.C[:, sample])
    return Function(
        lambda theta: float(problem.at(theta, omega).value()),
        lambda theta: problem.at(theta, omega).gradient()[0],
        lambda theta: few.at(theta, omega).propagation_product,
    )
