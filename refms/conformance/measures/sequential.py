"""Sequential tests of the means of bounded draws: bets whose capital grows only if a mean is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from refms.errors import Array, InputError, require_shape, require_whole

BOLDNESS = 0.9
"""Largest share of the capital that a bet can lose; below 1, so that no draw ruins a bet."""

POWER_QUANTILE = 1.2816
"""A standard normal number is below this with probability 0.9."""

_FIRST_LOOK = 16


@dataclass(frozen=True)
class Evidence:
    """What a sequential test found."""

    rejected: bool  # whether the means are other ones: false alarms have at most the probability alpha
    draws: int  # how many draws were made
    # the capital at the end, mean of all bets, each of which started with 1; infinite where a draw lay
    # outside of its bounds
    e_value: float
    suspect: int  # the component that speaks most against its mean
    average: float  # what this component was on average


def sequential_test(
    draw: Callable[[int], Array],
    mean: Array,
    low: Array,
    high: Array,
    *,
    alpha: float,
    budget: int,
    tolerance: Array | float = 0.0,
) -> Evidence:
    """Test whether bounded random vectors have the stated means, and stop as soon as they have not.

    ``draw(t)`` returns the draw t = 0, 1, …, shape (k,), independent of the others, with low <= x <= high and
    means ``mean``, within a ``tolerance`` for rounding; ``alpha`` bounds the probability of a false alarm.

    For every component two gamblers bet, one that the mean is above μ, one that it is below. After t draws
    their capitals are

        K⁺_t = Π_{s<=t} (1 + λ⁺_s (x_s − μ)),   K⁻_t = Π_{s<=t} (1 − λ⁻_s (x_s − μ)),

    where λ⁺_s in [0, c/(μ − low)], λ⁻_s in [0, c/(high − μ)] may depend on the draws before s only, and
    c < 1 keeps the factors positive. Where the mean is at most μ, whatever was drawn before, K⁺ is a
    non-negative supermartingale that starts with 1; so is K⁻ where it is at least μ, and under the hypothesis
    the average E_t of all 2k capitals. By Ville's inequality P(E_t >= 1/alpha for some t) <= alpha: looking
    after every draw, stopping early and going on later are all allowed. A tolerance δ replaces μ by μ + δ in
    K⁺ and by μ − δ in K⁻.

    The stakes are λ⁺ = max(μ̂ − μ, 0)/((μ − low)(high − μ)), λ⁻ likewise, with the mean μ̂ of the earlier
    draws (and of one more at μ), cut off at c = 0.9: they are best for draws that lie on the two ends, and
    no law with the same mean makes them grow more slowly, see :func:`detectable_bias`.

    Source: I. Waudby-Smith, A. Ramdas, *Estimating means of bounded random variables by betting*, J. R.
    Stat. Soc. B 86 (2024), Section 4; J. L. Kelly, *A new interpretation of information rate*, Bell Syst.
    Tech. J. 35 (1956); J. Ville, *Étude critique de la notion de collectif* (1939).

    >>> coin = np.random.default_rng(0)
    >>> zero, one = np.zeros(1), np.ones(1)
    >>> fair = lambda t: coin.integers(2, size=1).astype("float64")
    >>> sequential_test(fair, one / 2, zero, one, alpha=1e-6, budget=500).rejected
    False
    >>> found = sequential_test(lambda t: zero, one / 2, zero, one, alpha=1e-6, budget=500)
    >>> found.rejected, found.draws < 50
    (True, True)
    """
    require_shape(mean, (None,), "mean", "one number a component")
    budget = require_whole(budget, "budget", 1)
    if not 0 < alpha < 1:
        raise InputError(f"alpha is {alpha}; expected a number between 0 and 1.")
    seen = np.empty((budget, mean.size))
    look = _FIRST_LOOK
    for t in range(budget):
        seen[t] = draw(t)
        outside = (seen[t] < low - tolerance) | (seen[t] > high + tolerance) | np.isnan(seen[t])
        if outside.any():
            suspect = int(np.argmax(outside))
            return Evidence(True, t + 1, math.inf, suspect, float(seen[t, suspect]))
        if t + 1 in (look, budget):
            look += max(_FIRST_LOOK, look // 4)
            capital = log_capital(seen[: t + 1], mean, low, high, tolerance)
            together = np.logaddexp.reduce(capital.reshape(t + 1, -1), axis=1) - math.log(2 * mean.size)
            crossed = np.flatnonzero(together >= -math.log(alpha))
            if crossed.size or t + 1 == budget:
                # Draws after the crossing were not needed, and are not counted.
                last = int(crossed[0]) if crossed.size else t
                suspect = int(np.argmax(capital[last].max(axis=1)))
                average = float(seen[: last + 1, suspect].mean())
                size = math.exp(min(float(together[last]), 700.0))
                return Evidence(bool(crossed.size), last + 1, size, suspect, average)
    raise AssertionError("the last draw of the budget ends the test")


def log_capital(x: Array, mean: Array, low: Array, high: Array, tolerance: Array | float = 0.0) -> Array:
    """Return log K⁺ and log K⁻ after every draw, shape (t, …, k, 2), for draws of shape (t, …, k).

    >>> one = np.ones(1)
    >>> log_capital(np.ones((3, 1)), one / 2, 0 * one, one)[-1].round(2).tolist()
    [[0.92, 0.0]]
    """
    if not (np.all(low < mean) and np.all(mean < high)):
        raise InputError(f"means {mean} are not between {low} and {high}; expected low < mean < high.")
    draws = np.arange(1, len(x) + 1).reshape(-1, *(1,) * (x.ndim - 1))
    # The mean of the earlier draws, with one more that lies at μ: what is known before the draw.
    average = (mean + np.cumsum(x, axis=0) - x) / draws
    spread = (mean - low) * (high - mean)
    capitals = []
    for sign, bound in ((1.0, low), (-1.0, high)):
        hypothesis = mean + sign * tolerance
        most = BOLDNESS / (sign * (hypothesis - bound) + tolerance)
        stake = np.clip(sign * (average - hypothesis) / spread, 0.0, most)
        capitals.append(np.cumsum(np.log1p(sign * stake * (x - hypothesis)), axis=0))
    return np.stack(capitals, axis=-1)


def detectable_bias(
    mean: float, low: float, high: float, *, alpha: float, budget: int, components: int = 1
) -> float:
    """Return which bias of a mean :func:`sequential_test` finds with a probability of about 0.9 at least.

    Of all laws on [low, high] with a mean μ' the one on the two ends makes every bet grow most slowly,
    because log(1 + λ(x − μ)) is concave in x. There log K grows with the best stake by γ in a draw (by the
    Kullback-Leibler divergence of the laws, unless the stake is cut off), with the standard deviation σ.
    The bias is the smallest with nγ − 1.28 σ√n >= log(2k/alpha) + ½ log n for n draws, the last term for
    stakes that have to be learned.

    >>> round(detectable_bias(0.5, 0.0, 1.0, alpha=1e-6, budget=1000), 3)
    0.116
    """
    q = (mean - low) / (high - low)
    needed = math.log(2 * components / alpha) + math.log(budget) / 2
    found = []
    for end in (0.0, 1.0):
        near, far = q, end
        if not _grows(far, q, budget) >= needed:
            return math.inf
        while abs(far - near) > 1e-6:
            middle = (near + far) / 2
            near, far = (near, middle) if _grows(middle, q, budget) >= needed else (middle, far)
        found.append(abs(far - q))
    return (high - low) * max(found)


def _grows(p: float, q: float, draws: int) -> float:
    """Return what log K reaches with probability 0.9 if draws are 0 or 1, p is their mean and q is tested."""
    best = (p - q) / (q * (1 - q))
    stake = min(max(best, -BOLDNESS / (1 - q)), BOLDNESS / q)
    gains = math.log1p(stake * (1 - q)), math.log1p(-stake * q)
    growth = p * gains[0] + (1 - p) * gains[1]
    deviation = math.sqrt(p * (1 - p)) * abs(gains[0] - gains[1])
    return draws * growth - POWER_QUANTILE * deviation * math.sqrt(draws)
