"""Mistakes in preconditioned, damped and trust-region steps, and in methods that make several steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.definition import minimization
from refms.definition.arrays import as_double, norm
from refms.definition.krylov import conjugate_gradients
from refms.definition.training import adam_step
from refms.errors import Array

History = dict[str, Array]


def _pcg(
    alpha: Callable[..., float] = lambda rr, rz, pAp: rz / pAp,
    beta: Callable[..., float] = lambda new, old: new[1] / old[1],
    *,
    along: bool = True,
) -> Change:
    """Return preconditioned CG with another α(rᵀr, rᵀz, pᵀAp) or β(new, old), both (rᵀr, rᵀz)."""

    def solve(t: Asked) -> Array:
        x, r = np.zeros(t.b.shape), as_double(t.b)
        z = as_double(t.preconditioner(t.b))
        p, sizes = z, (float(r @ r), float(r @ z))
        for k in range(t.iterations):
            Ap = as_double(t.product(p.astype(t.b.dtype)))
            if not p @ Ap > 0:
                x = z if k == 0 else x
                break
            step = alpha(*sizes, float(p @ Ap))
            x, r = x + step * p, r - step * Ap
            z = as_double(t.preconditioner(r.astype(t.b.dtype)))
            new = float(r @ r), float(r @ z)
            p, sizes = (z if along else r) + beta(new, sizes) * p, new
        found: Array = x.astype(t.b.dtype)
        return found

    return solve


def _scaled_to_radius(t: Asked) -> Array:
    """Return the end of the path of CG, shortened to the ball as a whole."""
    p = t(radius=1e6 * t.radius)
    size = norm(p)
    found: Array = (p * min(1.0, t.radius / size)).astype(t.g.dtype)
    return found


def _path(
    edge: Callable[[Array, Array, float], float] = minimization.to_the_edge, *, bent: str = "sphere"
) -> Change:
    """Return Steihaug's step with another way to the sphere, or another end at negative curvature."""

    def step(t: Asked) -> Array:
        g = as_double(t.g)
        p, r, d = 0 * g, -g, -g
        for _ in range(t.iterations):
            Hd = as_double(t.product(d.astype(t.g.dtype)))
            bend = float(d @ Hd)
            if bend <= 0 and bent == "stay":
                break
            alpha = float(r @ r) / (bend if bend > 0 or bent == "ignored" else -bend if bend else 1.0)
            if (bend <= 0 and bent == "sphere") or norm(p + alpha * d) >= t.radius:
                p = p + edge(p, d, t.radius) * d
                break
            p, old, r = p + alpha * d, float(r @ r), r - alpha * Hd
            d = r + float(r @ r) / old * d
        found: Array = p.astype(t.g.dtype)
        return found

    return step


def _other_root(p: Array, d: Array, radius: float) -> float:
    a, b, c = float(d @ d), float(p @ d), radius**2 - float(p @ p)
    return (-b - math.sqrt(b * b + a * c)) / a


def _edge_from_zero(p: Array, d: Array, radius: float) -> float:
    return radius / norm(d)


def _edge_of_rest(p: Array, d: Array, radius: float) -> float:
    return (radius - norm(p)) / norm(d)


def _behind(name: str, first: bool = False) -> Change:
    """Return the method with the gradient or the curvature of the step before, or of the first."""

    def change(t: Asked) -> Any:
        f, seen = t.objective, list[Array]()

        def gradient(x: Array) -> tuple[float, Array]:
            seen.append(x.copy())
            return f.value(x), f.value_and_gradient(seen[-2] if len(seen) > 1 else x)[1]

        def curvature(x: Array) -> Any:
            seen.append(x.copy())
            return f.curvature(seen[0 if first else max(len(seen) - 2, 0)])

        parts = {"value": f.value, "value_and_gradient": f.value_and_gradient, "curvature": f.curvature}
        wrong = {"value_and_gradient": gradient, "curvature": curvature}[name]
        return t(objective=SimpleNamespace(**{**parts, name: wrong}))

    return change


def _shifted(name: str, start: Callable[[Asked], Any]) -> Change:
    """Return the history in which one array says what was before each step."""

    def change(t: Asked) -> History:
        found = t()
        before = np.asarray(start(t), found[name].dtype)[None]
        return {**found, name: np.concatenate([before, found[name][:-1]])}

    return change


def _descent(
    *,
    search: Callable[[float], float] = lambda last: 1.0,
    decrease: float = 1e-4,
    halving: float = 0.5,
    follow: Callable[..., float] = lambda gain: 4.0 if gain < 0.25 else 0.25 if gain > 0.75 else 1.0,
    predicted: Callable[..., float] = lambda alpha, slope, bend, damped: -alpha * slope - alpha**2 / 2 * bend,
) -> Change:
    """Return Newton's or Levenberg's method with another search, rule of λ, or prediction."""

    def run(t: Asked) -> History:
        f, x, damping, last = t.objective, as_double(t.x), t.given.get("damping", 0.0), 1.0
        rows = []
        for _ in range(t.steps):
            at = x.astype(t.x.dtype)
            before, g = f.value(at), as_double(f.value_and_gradient(at)[1])
            H = f.curvature(at)

            def product(v: Array, H: Any = H, damping: float = damping) -> Array:
                found: Array = as_double(H(v.astype(t.x.dtype))) + damping * v
                return found

            p = conjugate_gradients(product, -g, t.iterations)[-1]
            slope, alpha = float(g @ p), search(last)
            for _ in range(12):
                after = f.value((x + alpha * p).astype(t.x.dtype))
                if after <= before + decrease * alpha * slope:
                    break
                alpha *= halving
            damped = float(p @ product(p))
            gain = (before - after) / predicted(alpha, slope, damped - damping * float(p @ p), damped)
            x, last = x + alpha * p, alpha
            rows.append((after, norm(g), alpha, damping, x))
            damping *= follow(gain)
        return _as_history(t, rows, ("objective", "gradient_norm", "step_length", "damping"))

    return run


def _as_history(t: Asked, rows: list[Any], names: tuple[str, ...]) -> History:
    wanted = {"newton": names[:3], "levenberg_marquardt": (names[0], *names[2:])}.get(t.operation, names)
    found = {key: np.array([row[k] for row in rows]) for k, key in enumerate(names) if key in wanted}
    return {**found, "x": np.stack([row[-1] for row in rows]).astype(t.x.dtype)}


def _region(
    *,
    shrink: Callable[[float, float], float] = lambda size, radius: min(size, radius) / 4,
    grow: Callable[[float, bool], bool] = lambda gain, edge: gain > 0.75 and edge,
    model: Callable[[float, float], float] = lambda slope, bend: -slope - bend / 2,
    take: float = 1e-4,
    told: Callable[[float, float], float] = lambda used, radius: used,
) -> Change:
    """Return the method of trust regions with another rule of the radius, prediction, or acceptance."""

    def run(t: Asked) -> History:
        f, x, radius, rows = t.objective, as_double(t.x), t.radius, []
        for _ in range(t.steps):
            at = x.astype(t.x.dtype)
            before, g, H = f.value(at), as_double(f.value_and_gradient(at)[1]), f.curvature(at)

            def product(v: Array, H: Any = H) -> Array:
                return as_double(H(v.astype(t.x.dtype)))

            for _ in range(minimization.MOST_TRIALS):
                p, edge = minimization.steihaug(product, g, radius, t.iterations)
                used, after = radius, f.value((x + p).astype(t.x.dtype))
                gain = (before - after) / (model(float(g @ p), float(p @ product(p))) or math.inf)
                if gain < 0.25:
                    radius = shrink(norm(p), radius)
                elif grow(gain, edge):
                    radius = 2 * radius
                if gain > take:
                    x, before = x + p, after
                    break
            rows.append((before, told(used, radius), x))
        return _as_history(t, rows, ("objective", "radius"))

    return run


def _velocity(
    update: Callable[..., tuple[Array, Array]], *, kept: bool = False, stale: bool = False
) -> Change:
    """Return momentum by (x, v, gradient, η, μ) -> x, v; v kept from run to run, or the batch before."""

    def run(t: Asked) -> Array:
        x, found = as_double(t.x), []
        v = t.kept.get("v", 0 * x) if kept else 0 * x
        for k, rate in enumerate(t.rates.tolist()):
            batch = max(k - 1, 0) if stale else k

            def g(y: Array, batch: int = batch) -> Array:
                return as_double(t.gradient(y.astype(t.x.dtype), batch))

            x, v = update(x, v, g, rate, t.momentum)
            found.append(x)
        t.kept["v"] = v
        return np.stack(found).astype(t.x.dtype)

    return run


def _heavy_ball(x: Array, v: Array, g: Any, rate: float, mu: float) -> tuple[Array, Array]:
    v = mu * v + g(x)
    return x - rate * v, v


def _rate_inside(x: Array, v: Array, g: Any, rate: float, mu: float) -> tuple[Array, Array]:
    v = mu * v + rate * g(x)
    return x - v, v


def _mean_velocity(x: Array, v: Array, g: Any, rate: float, mu: float) -> tuple[Array, Array]:
    v = mu * v + (1 - mu) * g(x)
    return x - rate * v, v


def _nesterov(x: Array, v: Array, g: Any, rate: float, mu: float) -> tuple[Array, Array]:
    v = mu * v + g(x)
    return x - rate * (g(x) + mu * v), v


def _applied_before(x: Array, v: Array, g: Any, rate: float, mu: float) -> tuple[Array, Array]:
    return x - rate * v, mu * v + g(x)


def _forgetful(x: Array, v: Array, g: Any, rate: float, mu: float) -> tuple[Array, Array]:
    return x - rate * g(x), v


def _moments(
    count: Callable[[int], int] = lambda k: k + 1,
    *,
    beta: tuple[float, float] = (0.9, 0.999),
    kept: bool = False,
    stale: bool = False,
    forgotten: bool = False,
    decay: float = 0.0,
    epsilon: float = 1e-8,
) -> Change:
    """Return Adam with another count, other β, moments kept from run to run, forgotten, or with decay."""

    def run(t: Asked) -> Array:
        x, found = as_double(t.x), []
        m, v, done = t.kept.get("moments", (0 * x, 0 * x, 0)) if kept else (0 * x, 0 * x, 0)
        for k, rate in enumerate(t.rates.tolist()):
            if forgotten:
                m, v = 0 * x, 0 * x
            g = as_double(t.gradient(x.astype(t.x.dtype), max(k - 1, 0) if stale else k)) + decay * x
            x, m, v = adam_step(x, g, m, v, rate, count(done + k), *beta, epsilon)
            found.append(x)
        t.kept["moments"] = m, v, done + len(found)
        return np.stack(found).astype(t.x.dtype)

    return run


def _swapped(gain: float) -> float:
    return 0.25 if gain < 0.25 else 4.0 if gain > 0.75 else 1.0


MISTAKES: Table = {
    "preconditioned_conjugate_gradients": {
        "rᵀr for rᵀz in the α of preconditioned CG": _pcg(lambda rr, rz, pAp: rr / pAp),
        "rᵀr for rᵀz in the β of preconditioned CG": _pcg(beta=lambda new, old: new[0] / old[0]),
        "directions of preconditioned CG from r": _pcg(along=False),
        "no preconditioner in CG": lambda t: t(preconditioner=lambda r: r),
        "the preconditioner applied twice": lambda t: t(
            preconditioner=lambda r: t.preconditioner(t.preconditioner(r))
        ),
        "preconditioned CG makes one iteration too few": lambda t: t(iterations=max(t.iterations - 1, 1)),
    },
    "damped_step": {
        "damping subtracted": lambda t: t(product=lambda v: t.product(v) - v.dtype.type(2 * t.damping) * v),
        "damping forgotten": lambda t: t(damping=0.0),
        "damping squared": lambda t: t(damping=t.damping**2),
        "half of the damping": lambda t: t(damping=t.damping / 2),
        "damping as a multiple of H": lambda t: t(
            product=lambda v: (1 + t.damping) * t.product(v), damping=0.0
        ),
        "damped step uphill": lambda t: -t(),
        "damped step divided by 1 + λ": lambda t: t() / (1 + t.damping),
    },
    "trust_region_step": {
        "radius not enforced": lambda t: t(radius=1e6 * t.radius),
        "the whole step scaled to the radius": _scaled_to_radius,
        "wrong root at the sphere": _path(_other_root),
        "the way to the sphere as if from its centre": _path(_edge_from_zero),
        "what is left of the radius as the way to the sphere": _path(_edge_of_rest),
        "negative curvature ends the step inside of the region": _path(bent="stay"),
        "negative curvature taken for positive in the trust region": _path(bent="abs"),
        "g for −g in the trust region": lambda t: -t(),
        "radius squared": lambda t: t(radius=t.radius**2),
        "one iteration too few in the trust region": lambda t: t(iterations=max(t.iterations - 1, 1)),
    },
    "newton levenberg_marquardt": {
        "gradient of the step before": _behind("value_and_gradient"),
        "curvature of the step before": _behind("curvature"),
        "curvature of the first step throughout": _behind("curvature", first=True),
        "the search begins where the last one ended": _descent(search=lambda last: last),
        "c₁ = 0.5 in the search": _descent(decrease=0.5),
        "the step is quartered in the search": _descent(halving=0.25),
    },
    "newton": {
        "objective before the step": _shifted("objective", lambda t: t.objective.value(t.x)),
        "x before the step": _shifted("x", lambda t: t.x),
        "step length of the step before": _shifted("step_length", lambda t: 1.0),
        "the full step always accepted in Newton's method": _descent(decrease=-1e9),
        "Newton's method forgets its last step": lambda t: {
            key: np.concatenate([one[:-1], one[-2:-1]]) for key, one in t().items()
        },
        "squared norms of the gradient": lambda t: {**t(), "gradient_norm": t()["gradient_norm"] ** 2},
    },
    "levenberg_marquardt": {
        "λ falls where the model was poor and grows where it was good": _descent(follow=_swapped),
        "λ never changes": _descent(follow=lambda gain: 1.0),
        "λ grows by 10": _descent(follow=lambda gain: 10.0 if gain < 0.25 else 0.1 if gain > 0.75 else 1.0),
        "λ never falls": _descent(follow=lambda gain: 4.0 if gain < 0.25 else 1.0),
        "the damped model in the gain": _descent(
            predicted=lambda alpha, slope, bend, damped: -alpha * slope - alpha**2 / 2 * damped
        ),
        "½ forgotten in the prediction": _descent(
            predicted=lambda alpha, slope, bend, damped: -alpha * slope - alpha**2 * bend
        ),
        "prediction of the full step": _descent(
            predicted=lambda alpha, slope, bend, damped: -slope - bend / 2
        ),
        "prediction by the slope alone": _descent(
            predicted=lambda alpha, slope, bend, damped: -alpha * slope
        ),
        "λ after the step": lambda t: {**t(), "damping": np.append(t()["damping"][1:], t()["damping"][-1])},
    },
    "trust_region": {
        "gradient of the step before in the trust region": _behind("value_and_gradient"),
        "radius shrinks to a quarter of itself": _region(shrink=lambda size, radius: radius / 4),
        "radius does not shrink": _region(shrink=lambda size, radius: radius),
        "radius is halved": _region(shrink=lambda size, radius: min(size, radius) / 2),
        "radius grows inside of the region": _region(grow=lambda gain, edge: gain > 0.75),
        "radius never grows": _region(grow=lambda gain, edge: False),
        "gain over the slope alone": _region(model=lambda slope, bend: -slope),
        "½ forgotten in the model of the trust region": _region(model=lambda slope, bend: -slope - bend),
        "every trial of the trust region is taken": _region(take=-math.inf),
        "a trial is taken only where the model was good": _region(take=0.75),
        "radius after the step": _region(told=lambda used, radius: radius),
    },
    "momentum": {
        "(1 − μ) times the gradient in momentum": _velocity(_mean_velocity),
        "rate inside of the velocity": _velocity(_rate_inside),
        "Nesterov's momentum": _velocity(_nesterov),
        "velocity applied before it is updated": _velocity(_applied_before),
        "velocity kept from run to run": _velocity(_heavy_ball, kept=True),
        "gradient of the batch before in momentum": _velocity(_heavy_ball, stale=True),
        "no momentum": _velocity(_forgetful),
        "momentum goes uphill": lambda t: 2 * t.x - t(),
    },
    "adam": {
        "count of Adam begins at 2": _moments(lambda k: k + 2),
        "count of Adam stays 1": _moments(lambda k: 1),
        "moments of Adam kept from run to run": _moments(kept=True),
        "moments of Adam forgotten from step to step": _moments(forgotten=True),
        "gradient of the batch before in Adam": _moments(stale=True),
        "weight decay in Adam": _moments(decay=0.01),
        "β₂ = 0.99 in a run of Adam": _moments(beta=(0.9, 0.99)),
        "β of Adam exchanged in a run": _moments(beta=(0.999, 0.9)),
        "rates of Adam one step late": lambda t: t(rates=np.concatenate([t.rates[:1], t.rates[:-1]])),
    },
}
