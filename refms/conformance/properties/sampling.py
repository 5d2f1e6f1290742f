"""U1-U5: the Gauss-Newton matrix measured on a random subset of the examples."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import Note, Outcome, holds, varies
from refms.conformance.measures.sequential import detectable_bias, sequential_test
from refms.conformance.operations import Parameters
from refms.conformance.oracles import network as oracle
from refms.conformance.property import Claims, family
from refms.definition.arrays import norm
from refms.errors import Array

law = family("sampling")
SOURCE = "[LAS] Sec. 4: the Hessian is subsampled, the gradient is not"
BETTING = f"{SOURCE}; Waudby-Smith and Ramdas, betting (2024)"
SMALL = Domain(small=True, smallest=3)

EXAMPLES, SIZE = 6, 3
"""m and the size of the subset: half of the examples, where a bias has most room on both sides."""

FALSE_ALARM = 1e-6
"""Largest probability that a right implementation fails a property that is tested by sampling."""

MOST_INSTANCES = 100
"""Each instance may use this part of it; no tier has more instances of these properties."""

BUDGETS = {"U1": 200, "U3": 2000}
"""Draws of an instance: products are costly, indices are not."""

COST = 4
"""Of a property that draws a few subsets."""

MANY = 16
"""Of one that draws ``BUDGETS``, five times as many in the full tier and ten times in torture: a small bias
is found by one long test rather than by many short ones."""


@law("U1", "subsampled_gauss_newton gauss_newton", BETTING, SMALL, cost=MANY)
def _unbiased(a: Gate, x: Instance) -> Claims:
    """The subsampled Gauss-Newton product is unbiased.

    E[G_S v] = G v over the random subsets S, with 3 of 6 examples. The functionals u with ⟨u, G_j v⟩ = 1 for
    one example and 0 for the others give ⟨u, G_S v⟩/⟨u, G v⟩ in [0, m/size] with the mean 1; criterion: the
    capital of sequential bets against this stays below 10⁸ for 200 draws, or more in larger tiers, which
    makes a false alarm less likely than 10⁻⁶ for all instances together
    Catches: the factor m/size missing, division by m in place of size, always the first examples, an example
    that is never chosen, early examples that are preferred.
    """
    for name in ("", "other", "third", "fourth"):  # where no activation is above zero, all are alike
        p, v, X, C = _drawn(x, name)
        parts = [(X[j : j + 1].copy(), C[:, j : j + 1].copy()) for j in range(EXAMPLES)]
        single = np.stack([_flat(x, a.gauss_newton(p, v, *part, x.problem)) for part in parts])
        if np.linalg.matrix_rank(single) == EXAMPLES:
            break
    else:
        yield holds(False, "G_j v differ from example to example", "so nothing was tested")
        return
    # 1 for the products of single examples, whether the loss is their mean or their sum
    functionals = np.linalg.pinv(single)
    share = 1 / x.share(EXAMPLES)
    # Products on subsets have errors of 30 eps of their size and growth, which the functionals enlarge.
    error = 30 * x.eps * oracle.growth(p, x) * max(map(norm, single))
    rounding = EXAMPLES / SIZE * error * np.array([norm(u) for u in functionals.T])
    whole = share * _flat(x, a.gauss_newton(p, v, X, C, x.problem)) @ functionals
    if not np.all(np.abs(whole - 1) <= rounding):
        yield holds(False, "G v is the mean or the sum of the G_j v", f"with the weights {whole.round(3)}")
        return
    seeds = x.seeds(x.draws * BUDGETS["U1"])

    def weights(t: int) -> Array:
        """Return by how much the examples enter the product of a draw, 1 on average."""
        found = a.subsampled_gauss_newton(p, v, X, C, x.problem, SIZE, seeds[t])
        return share * _flat(x, found) @ functionals

    names, one = [f"example {j}" for j in range(EXAMPLES)], np.ones(EXAMPLES)
    yield _tested(
        "U1", x.draws, "weight of an example", names, weights, one, EXAMPLES / SIZE * one, 2 * rounding
    )


@law("U2", "subsample", SOURCE, cost=COST)
def _indices(a: Gate, x: Instance) -> Claims:
    """A subsample has as many different examples as were asked for, the same for the same seed.

    size different whole numbers from 0 to m − 1, for m = 1 to 40, size = 1 to m; twice the same
    Catches: sampling with replacement, numbers from 1 to m, a subset that is drawn anew in every call.
    """
    for (m, size), seed in zip(((1, 1), (2, 1), (7, 3), (10, 10), (40, 11)), x.seeds(5), strict=True):
        found, again = (a.subsample(m, size, seed) for _ in range(2))
        told = f"subsample({m}, {size}, seed={seed})"
        yield holds(len(set(found.tolist())) == size, f"{told} has no example twice", f"it is {found}")
        yield holds(found.min() >= 0 and found.max() < m, f"{told} is from 0 to {m - 1}", f"it is {found}")
        yield holds(np.array_equal(found, again), f"{told} is the same again", f"{found}, then {again}")


@law("U3", "subsample", BETTING, cost=MANY)
def _equally_often(a: Gate, x: Instance) -> Claims:
    """Every example, and every pair of examples, is chosen equally often.

    P(j in S) = size/m and P(i and j in S) = size(size−1)/(m(m−1)) for subsets of 3 of 6 examples; criterion:
    the capital of sequential bets against all of these stays below 10⁸ for 2000 draws, or more in larger
    tiers, which makes a false alarm less likely than 10⁻⁶ for all instances together
    Catches: an example that is never chosen, early examples that are preferred, neighbours that are chosen
    together.
    """
    seeds = x.seeds(x.draws * BUDGETS["U3"])
    pairs = list(itertools.combinations(range(EXAMPLES), 2))
    first, second = np.array(pairs).T

    def chosen(t: int) -> Array:
        """Return how often every example, and every pair, was chosen; what is out of range is no example."""
        found = a.subsample(EXAMPLES, SIZE, seeds[t])
        count = (found[:, None] == np.arange(EXAMPLES)).sum(axis=0)
        return np.concatenate([count, count[first] * count[second]]).astype("float64")

    names = [*(f"example {j}" for j in range(EXAMPLES)), *(f"pair {i} and {j}" for i, j in pairs)]
    mean = [SIZE / EXAMPLES] * EXAMPLES + [SIZE * (SIZE - 1) / (EXAMPLES * (EXAMPLES - 1))] * len(pairs)
    yield _tested("U3", x.draws, "how often it is chosen", names, chosen, np.array(mean), np.ones(len(names)))


@law("U4", "subsampled_gauss_newton gauss_newton subsample", SOURCE, SMALL, cost=2)
def _same_subset(a: Gate, x: Instance) -> Claims:
    """The subsampled product is the product on the examples of the subsample.

    G_S v = G v on X_S, C_S alone, times m/size where the loss is a sum, S = subsample(m, size, seed); scale
    ‖G_S v‖ growth; labels weigh each example differently where a profile has soft ones
    Catches: another subset in the product than in the indices, the factor m/size missing, division by m in
    place of size, labels of other examples.
    """
    p, v, X, C = _drawn(x)
    if a.profile.soft_labels:
        C = C * (np.arange(1, EXAMPLES + 1) / EXAMPLES).astype(x.dtype)
    for size, seed in zip((1, SIZE, EXAMPLES - 1), x.seeds(3), strict=True):
        S = a.subsample(EXAMPLES, size, seed)
        if S.min() < 0 or S.max() >= EXAMPLES:
            yield holds(False, f"the subset is from 0 to {EXAMPLES - 1}", f"it is {S}")
            return
        factor = EXAMPLES / size if x.reduction == "sum" else 1.0
        on_subset = factor * _flat(x, a.gauss_newton(p, v, X[S].copy(), C[:, S].copy(), x.problem))
        product = a.subsampled_gauss_newton(p, v, X, C, x.problem, size, seed)
        scale = norm(on_subset) * oracle.growth(p, x)
        told = f"{size} of {EXAMPLES} examples"
        yield told, _flat(x, product), on_subset, scale
        yield varies(oracle.flat(product), told)


@law("U5", "subsampled_gauss_newton gauss_newton", SOURCE, SMALL, cost=2)
def _all_examples(a: Gate, x: Instance) -> Claims:
    """The subset of all examples gives the full product, and other seeds give other subsets.

    size = m: G_S v = G v, scale ‖G v‖ growth; size = 3 of 6: of eight products with different seeds not all
    are equal (they are by chance with the probability 20⁻⁷)
    Catches: a seed that is ignored, sampling with replacement, a factor that is left over.
    """
    p, v, X, C = _drawn(x)
    seeds = x.seeds(9)
    full = _flat(x, a.gauss_newton(p, v, X, C, x.problem))
    everything = a.subsampled_gauss_newton(p, v, X, C, x.problem, EXAMPLES, seeds[0])
    parts = [_flat(x, a.subsampled_gauss_newton(p, v, X, C, x.problem, SIZE, seed)) for seed in seeds[1:]]
    scale = norm(full) * oracle.growth(p, x)
    apart = max(norm(part - parts[0]) for part in parts)
    yield "all examples: G_S v = G v", _flat(x, everything), full, scale
    yield varies(oracle.flat(everything), "all examples")
    yield holds(apart > 1000 * x.eps * scale, "seeds change the subset", "eight products are equal")


def _drawn(x: Instance, name: str = "") -> tuple[dict[str, Array], dict[str, Array], Array, Array]:
    """Return parameters of a network with one layer, a direction, images and labels.

    Few cells whose sizes lie decades apart would leave nothing by which to tell six examples from each other.
    """
    X = x.draw(f"X{name}", EXAMPLES, x.c_in, *x.grid, scale=x.image_scale)
    p = oracle.temper(x.parameters(name, layers=1), X, x)
    return p, x.parameters(f"v{name}", layers=1), X, x.one_hot(examples=EXAMPLES)


def _flat(x: Instance, product: Parameters) -> Array:
    """Return all numbers as one vector in double precision, for parameters in units of their size."""
    return oracle.flat(x.per_unit(product))


def _tested(
    id: str,
    draws: int,
    what: str,
    names: Sequence[str],
    draw: Callable[[int], Array],
    mean: Array,
    high: Array,
    tolerance: Array | float = 0.0,
) -> Outcome:
    """Test the means of draws between 0 and ``high``, and say what was found."""
    alpha, budget = FALSE_ALARM / MOST_INSTANCES, draws * BUDGETS[id]
    found = sequential_test(draw, mean, 0 * mean, high, alpha=alpha, budget=budget, tolerance=tolerance)
    bias = max(
        detectable_bias(mu, 0.0, top, alpha=alpha, budget=budget, components=mean.size)
        for mu, top in {*zip(mean.tolist(), high.tolist(), strict=True)}
    )
    bias += float(np.max(tolerance))
    where = "on average"
    if math.isinf(found.e_value):
        where = f"in draw {found.draws}, outside of [0, {high[found.suspect]:g}]"
    evidence = f"e-value {found.e_value:.2g} after {found.draws} draw{'s' * (found.draws > 1)}"
    sentence = (
        f"{what}: {names[found.suspect]} has {found.average:.3g} {where}, expected "
        f"{mean[found.suspect]:.3g} on average; {evidence}."
    )
    note = Note(what, f"{evidence}, a bias of {bias:.2g} is found", rank=found.e_value)
    criterion = f"capital below {1 / alpha:.0e} in {budget} draws"
    return Outcome("FAIL" if found.rejected else "PASS", None, criterion, sentence, (note,))
