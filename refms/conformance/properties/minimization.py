"""V1-V8: preconditioned, damped and trust-region steps, and histories of methods on functions of the kit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Instance
from refms.conformance.measures.outcome import holds
from refms.conformance.oracles.functions import SIZE, symmetric
from refms.conformance.oracles.histories import (
    History,
    Noise,
    handed,
    hyperbola,
    noisy,
    rotation,
    scales,
    separable,
    wells,
)
from refms.conformance.properties.following import follow, reads
from refms.conformance.property import Claims, family
from refms.definition import minimization
from refms.definition.arrays import as_double, norm
from refms.definition.krylov import conjugate_gradients
from refms.definition.minimization import Function, Step
from refms.definition.norms import max_norm
from refms.errors import Array

law = family("minimization")


@law("V1", "preconditioned_conjugate_gradients", "Hestenes and Stiefel; Saad, Algorithm 9.1")
def _preconditioned(a: Gate, x: Instance) -> Claims:
    """Preconditioned conjugate gradients are the plain ones in the coordinates of the preconditioner.

    With M = LLᵀ the k-th iterate is L⁻ᵀ times that for L⁻¹AL⁻ᵀ y = L⁻¹b, k <= 4; M = A is exact in one step,
    M = cI changes nothing, for A of both signs the first iterate is M⁻¹b or a descent direction; scale
    cond(A) cond(M) ‖x‖
    Catches: residual and preconditioned residual exchanged in α, β or the direction, M for M⁻¹, no M at all.
    """
    A, M = symmetric(x, np.geomspace(1.0, 10.0, SIZE)), symmetric(x, np.geomspace(1.0, 5.0, SIZE), "M")
    b, wide = x.draw("b", SIZE, scale=x.stencil_scale), as_double(A)
    inverse = np.linalg.inv(as_double(M)).astype(x.dtype)
    L = np.linalg.inv(np.linalg.cholesky(np.linalg.inv(as_double(inverse))))
    turned = conjugate_gradients(lambda v: L @ wide @ L.T @ v, L @ as_double(b), 4)
    solution = np.linalg.solve(wide, as_double(b))
    scale = 50 * norm(solution)

    def iterate(solve: Array, k: int) -> Array:
        found: Array = a.preconditioned_conjugate_gradients(lambda v: A @ v, lambda r: solve @ r, b, k)
        return found

    for k, y in enumerate(turned, 1):
        yield f"iterate {k}", iterate(inverse, k), L.T @ y, scale
    exact = np.linalg.inv(wide).astype(x.dtype)
    yield "M = A, one step", iterate(exact, 1), solution, scale
    plain = conjugate_gradients(lambda v: wide @ v, as_double(b), 3)[-1]
    alike = (np.eye(SIZE) / (3 * x.image_scale)).astype(x.dtype)
    yield "M = cI, three steps", iterate(alike, 3), plain, scale
    A = (-A).astype(x.dtype)
    first = as_double(inverse) @ as_double(b)
    yield "curvature <= 0 at once", iterate(inverse, 3), first, 10 * norm(first)


@law("V2", "damped_step", "Levenberg (1944); Marquardt (1963)")
def _damped(a: Gate, x: Instance) -> Claims:
    """The step of Levenberg and Marquardt solves (H + λI) p = −g.

    by a direct solver, for H of full rank and of rank 5, λ from ‖H‖/100 to 100‖H‖, and λ = 0; p → −g/λ for
    large λ; ‖p‖ falls with λ; scale cond(H + λI) ‖p‖
    Catches: λ subtracted, multiplied by H's diagonal, squared or halved, g/λ, a step uphill, λ forgotten.
    """
    g = x.draw("g", SIZE, scale=x.stencil_scale)
    for rank, damped in ((SIZE, (0.0, 0.01, 1.0, 100.0)), (5, (0.01, 1.0, 100.0))):
        eigenvalues = np.geomspace(1.0, 10.0, SIZE) * (np.arange(SIZE) < rank)
        H, sizes = symmetric(x, eigenvalues, f"rank {rank}"), []
        for factor in damped:
            # λ as the adapter gets it: rounded once
            damping = float(np.asarray(10 * factor * x.image_scale, x.dtype))
            matrix = as_double(H) + damping * np.eye(SIZE)
            p = np.linalg.solve(matrix, -as_double(g))
            got = as_double(a.damped_step(partial(np.matmul, H), g, damping, 4 * SIZE))
            text = f"rank {rank}, λ = {factor:g}‖H‖"
            yield text, got, p, float(np.linalg.cond(matrix)) * norm(p)
            yield holds(float(as_double(g) @ got) < 0, f"downhill, {text}", "it goes uphill")
            sizes.append(norm(got))
        falls = all(one > other for one, other in pairwise(sizes))
        yield holds(falls, "‖p‖ falls with λ", f"it is {sizes}")


@law("V3", "trust_region_step", "Steihaug (1983); Yuan (2000)")
def _steihaug(a: Gate, x: Instance) -> Claims:
    """A step in a trust region stays in it, and gains what it must.

    The point of Steihaug's path for Δ between the norms of its vertices, beyond the last, and far inside;
    ‖p‖ <= Δ, = Δ where the path goes on; m(p) <= that of Cauchy's point, and where H is positive at most half
    of the exact minimum in the ball, by the secular equation; H of both signs and H = 0: to the sphere;
    scale cond(H) Δ
    Catches: a radius that is not enforced, the whole path scaled to Δ, the wrong root at the sphere, negative
    curvature ignored or left inside, g for −g, Δ² for Δ.
    """
    g = x.draw("g", SIZE, scale=x.stencil_scale)
    positive = symmetric(x, np.geomspace(1.0, 10.0, SIZE))
    indefinite = symmetric(x, np.array([-2.0, -0.5, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0]), "B")
    vertices = conjugate_gradients(lambda v: as_double(positive) @ v, -as_double(g), 4)
    lengths = [0.0, *map(norm, vertices), 4 * norm(vertices[-1])]
    radii = [0.1 * lengths[1], *((one + other) / 2 for one, other in pairwise(lengths))]
    for name, H, sizes in (
        ("H > 0", positive, radii),
        ("H of both signs", indefinite, [radii[0], 20 * radii[-1]]),
        ("H = 0", 0 * positive, [radii[1]]),
    ):
        for radius in sizes:
            text = f"{name}, Δ = {radius / lengths[1]:.2g} of the first vertex"
            got = as_double(a.trust_region_step(partial(np.matmul, H), g, radius, 4))
            p, edge = minimization.steihaug(partial(np.matmul, as_double(H)), as_double(g), radius, 4)
            yield text, got, p, 30 * norm(p)
            size = norm(got)
            yield holds(
                size <= radius * (1 + 100 * x.eps), f"‖p‖ <= Δ, {text}", f"it is {size / radius:.9g} Δ"
            )
            if edge:
                yield f"‖p‖ = Δ, {text}", size, radius, 3 * radius
            gain = -_model(H, g, got)
            least = 0.9999 * _cauchy(H, g, radius)
            yield holds(gain >= least, f"the gain of Cauchy's point, {text}", f"{gain:.6g}, not {least:.6g}")
            if name == "H > 0" and (edge or radius > lengths[-2]):
                most = -_model(H, g, _exact(H, g, radius)) if edge else 0.0
                enough = gain >= 0.4999 * most
                yield holds(enough, f"half of the exact gain, {text}", f"{gain:.6g} of {most:.6g}")


@law("V4", "newton", "Newton's method with Armijo's line search")
def _newton(a: Gate, x: Instance) -> Claims:
    """Newton's method with a line search makes these steps, one after the other.

    Four steps on Σ√(1 + u_i²), where full steps are refused, with 3 and 6 iterations of CG: f, ‖g‖, α and x
    of each as by the definition; errors count against what changes of the start, of every gradient and
    of every product by one eps make of a step, and grow from step to step; α exactly, up to a decision that
    eps may turn
    Catches: a gradient or a curvature of the step before, a search that begins where the last one ended, a
    refused step that is taken, α of the next step, x before the step.
    """
    f, start = separable(rotation(x), hyperbola), _start(x, 2.0)
    for iterations in (3, 6):
        got = a.newton(handed(f, x.dtype), start, 4, iterations)
        run = partial(_with_noise, f, start, partial(minimization.newton, steps=4, iterations=iterations))
        names = ("objective", "gradient_norm", "step_length", "x")
        yield from follow(x, f"{iterations} iterations", got, run, reads(*names), exactly=names[2:3])


@law("V5", "levenberg_marquardt", "Levenberg (1944); Marquardt (1963); Nocedal and Wright, Sec. 10.3")
def _levenberg(a: Gate, x: Instance) -> Claims:
    """Levenberg's and Marquardt's method trusts its model as far as it was right.

    Five steps on Σ√(1 + u_i²) with λ = 10⁻³, 0.3 and 30 at first: f, α, λ and x of each as by the definition,
    errors as in V4; λ and α exactly, up to a decision that eps may turn
    Catches: λ divided where it should be multiplied, λ of the next step, the damped model in the gain, the
    gain of a full step for a shortened one, a λ that never changes.
    """
    f, start = separable(rotation(x), hyperbola), _start(x, 2.0)
    names = ("objective", "step_length", "damping", "x")
    for damping in (2.0**-10, 0.25, 32.0):
        got = a.levenberg_marquardt(handed(f, x.dtype), start, damping, 5, 6)
        method = partial(minimization.newton, steps=5, iterations=6, damping=damping)
        run = partial(_with_noise, f, start, method)
        yield from follow(x, f"λ = {damping:g}", got, run, reads(*names), exactly=names[1:3])


@law("V6", "trust_region", "Nocedal and Wright, Algorithm 4.1")
def _trust_region(a: Gate, x: Instance) -> Claims:
    """The trust region grows and shrinks with the gain.

    Five steps on Σ√(1 + u_i²) with Δ = 20, where the first trials fail, and on Σ(u_i² − 1)²/4 from near its
    saddle point, with Δ = 0.1: f, Δ and x of each as by the definition, errors as in V4
    Catches: a radius that follows the trial that failed, or grows inside; ¼ of Δ where the step was shorter;
    gain over gᵀp alone; a trial that is taken and should not be.
    """
    for f, start, radius in (
        (separable(rotation(x), hyperbola), _start(x, 2.0), 20.0),
        (separable(rotation(x), wells), _start(x, 0.1), 0.1),
    ):
        got = a.trust_region(handed(f, x.dtype), start, radius, 5, 6)
        method = partial(minimization.trust_region, radius=radius, steps=5, iterations=6)
        run = partial(_with_noise, f, start, method)
        yield from follow(x, f"Δ = {radius:g}", got, run, reads("objective", "radius", "x"))


@law("V7", "momentum", "Polyak (1964)")
def _momentum(a: Gate, x: Instance) -> Claims:
    """Gradient descent with momentum hands its velocity on from batch to batch.

    v ← μv + g_k(x), x ← x − η_k v from v = 0: x after each of six updates with batches of their own, rates
    that fall, μ = 0, ½ and 0.9; a second run begins at v = 0 again; errors count against ‖x‖_∞ + Σ η‖v‖_∞
    Catches: (1 − μ)g for g, the rate inside of the velocity, Nesterov's gradient, a velocity that is applied
    before it is updated, the gradient of the batch before, velocities kept from run to run.
    """
    for mu in (0.9, 0.0, 0.5, 0.9):
        yield from _updates(x, f"μ = {mu:g}", lambda *run, mu=mu: a.momentum(*run, mu), _polyak(mu))


@law("V8", "adam", "Kingma and Ba (2015), Algorithm 1")
def _adam(a: Gate, x: Instance) -> Claims:
    """Adam hands its moments and its count on from batch to batch.

    x after each of six updates with batches of their own and rates that fall, as by the definition, twice
    from the start; errors count against ‖x‖_∞ + Σ η
    Catches: a correction of the bias off by one, none at all or kept from run to run, β exchanged, moments
    that are not handed on, decoupled or coupled decay.
    """
    for run in ("first", "second"):
        yield from _updates(x, f"{run} run", a.adam, minimization.adam)


Updates = Callable[[Callable[[Array, int], Array], Array, Array], Array]


def _polyak(mu: float) -> Callable[..., object]:
    return partial(minimization.momentum, mu=mu)


def _updates(x: Instance, text: str, updates: Updates, definition: Callable[..., object]) -> Claims:
    """Claim that updates along the gradients ½(x − c_k)ᵀA_k(x − c_k) of six batches are the right ones."""
    near = x.draw("start", SIZE)
    rates = (0.2 / (1 + np.arange(6))).astype(x.dtype)
    A = [as_double(x.draw(f"A{k}", SIZE, SIZE)) / 3 for k in range(6)]
    centres = [as_double(x.draw(f"c{k}", SIZE)) for k in range(6)]

    def gradient(y: Array, k: int) -> Array:
        return A[k].T @ (A[k] @ (as_double(y) - centres[k]))

    def run(noise: Noise) -> History:
        steps = definition(lambda y, k: noise(gradient(y, k)), noise(as_double(near)), as_double(rates))
        return {"x": np.stack(list(steps))}  # type: ignore[call-overload]  # an iterator of arrays

    exact = run(lambda a: a)
    size = scales(exact, run, x)["x"]
    got = updates(lambda y, k: gradient(y, k).astype(x.dtype), near, rates)
    for k, (one, right) in enumerate(zip(got, exact["x"], strict=True)):
        yield f"x after update {k + 1}, {text}", one, right, size[k]


def _with_noise(f: Function, start: Array, method: Callable[..., list[Step]], noise: Noise) -> list[Step]:
    return method(noisy(f, noise), noise(as_double(start)))


def _start(x: Instance, size: float) -> Array:
    """Return a start of which the largest coordinate is so large."""
    drawn = as_double(x.draw("start", SIZE))
    return (size * drawn / max_norm(drawn)).astype(x.dtype)


def _model(H: Array, g: Array, p: Array) -> float:
    return float(as_double(g) @ p + 0.5 * p @ as_double(H) @ p)


def _cauchy(H: Array, g: Array, radius: float) -> float:
    """Return how far the model falls along −g within the ball."""
    wide = as_double(g)
    size, bend = norm(wide), float(wide @ as_double(H) @ wide)
    tau = radius / size if bend <= 0 else min(radius / size, size**2 / bend)
    return -_model(H, g, -tau * wide)


def _exact(H: Array, g: Array, radius: float) -> Array:
    """Return the minimiser of the model on the sphere for H > 0: ‖(H + λI)⁻¹g‖ = Δ by bisection in λ."""
    values, Q = np.linalg.eigh(as_double(H))
    low, high, wide = 0.0, norm(g) / radius, Q.T @ as_double(g)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if norm(wide / (values + middle)) > radius else (low, middle)
    found: Array = -Q @ (wide / (values + high))
    return found
