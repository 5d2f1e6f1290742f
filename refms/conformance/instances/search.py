"""Instances that tell where a property fails: random ones, neighbours, and what could refute a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, product

from refms.conformance.adapters.profile import Profile
from refms.conformance.instances.domain import Domain, Instance, admits, instances, stencil_sizes
from refms.conformance.instances.rules import axes_of, best_rule, statements

Tried = Sequence[tuple[Instance, bool]]
"""Instances, and whether a property fails on them."""

_ALL_ALIKE = 8
"""Where none of so many passes, none is expected to."""

_VARIED = 3
"""Failing instances whose neighbours are tried."""

_POOL, _ROUNDS, _EACH = 300, 4, 8
"""Instances that are drawn to refute rules, how often that is tried, and on how many for each condition."""

_POOL_SEED = 7
"""No tier's own."""


def search(
    found: Tried,
    more: Sequence[Instance],
    fails: Callable[[Instance], bool],
    domain: Domain,
    profile: Profile,
) -> Iterator[tuple[Instance, bool]]:
    """Yield further instances than what was found, the most telling, with whether a property fails there.

    ``more`` are others of the same kind. Then, unless all are alike, come the neighbours of some that fail,
    and instances that the best rule so far says to pass although most of it holds: if one fails, it is
    another rule's turn.
    """
    tried = list(found)

    def told(cases: Iterator[Instance]) -> Iterator[tuple[Instance, bool]]:
        for case in cases:
            if case not in known:
                known.add(case)
                tried.append((case, fails(case)))
                yield tried[-1]

    known = {case for case, _ in tried}
    for case in more:
        if len(tried) >= _ALL_ALIKE and all(bad for _, bad in tried):
            return
        yield from told(iter([case]))
    failing = [case for case, bad in tried if bad]
    if not 0 < len(failing) < len(tried):
        return
    for case in failing[:_VARIED]:
        yield from told(neighbours(case, domain, profile))
    pool = [replace(one, draws=failing[0].draws) for one in instances(domain, profile, _POOL, _POOL_SEED)]
    for _ in range(_ROUNDS):
        before = sum(bad for _, bad in tried)
        yield from told(_refuting(tried, pool, known))
        if sum(bad for _, bad in tried) == before:
            return


def _refuting(tried: Tried, pool: Sequence[Instance], known: set[Instance]) -> Iterator[Instance]:
    """Yield untried instances on which all but one of a rule's conditions hold, some for each."""
    rule = best_rule([(axes_of(case), not bad) for case, bad in tried])
    if rule is None:
        return
    new = [case for case in pool if case not in known]
    held = statements([axes_of(case) for case in (*new, *(case for case, _ in tried))])
    masks = [held[text] for text in rule.conditions]
    broken = [[k for k, mask in enumerate(masks) if not mask >> j & 1] for j in range(len(new))]
    for k in range(len(masks)):
        yield from [case for case, out in zip(new, broken, strict=True) if out == [k]][:_EACH]


def neighbours(x: Instance, domain: Domain, profile: Profile) -> Iterator[Instance]:
    """Yield instances of a domain that differ from one along one axis, as far as axes can be had apart.

    >>> x = instances(Domain(), Profile("mine"), 1, 0)[0]
    >>> all(one != x for one in neighbours(x, Domain(), Profile("mine")))
    True
    """
    seen = {x}
    for one in chain(_other_words(x, profile), _other_counts(x), _other_shapes(x, domain, profile)):
        if one not in seen and admits(domain, profile, one):
            seen.add(one)
            yield one


def _other_words(x: Instance, profile: Profile) -> Iterator[Instance]:
    """Yield all other boundaries, pairs and activations, and plain sizes of numbers."""
    yield from (replace(x, boundary=one) for one in profile.boundaries)
    yield from (replace(x, pair=one) for one in profile.pairs)
    yield from (replace(x, activation=one) for one in profile.activations)
    yield from (replace(x, final_time=one) for one in (1.0, 0.7))
    yield replace(x, stencil_scale=1.0)
    yield replace(x, image_scale=1.0)
    yield replace(x, within=0.0)


def _other_counts(x: Instance) -> Iterator[Instance]:
    """Yield one or a few more of everything that is counted."""
    yield from (replace(x, examples=m) for m in (1, 2, 5))
    yield from (replace(x, layers=N) for N in (1, 2, 5))
    yield from (replace(x, classes=classes) for classes in (2, 3, 5))
    low, high = sorted((x.c_in, x.c_out))
    for c_in, c_out in ((low, low), (high, high), (x.c_out, x.c_in), (low, low + 1), (low + 1, low), (1, 1)):
        yield replace(x, c_in=c_in, c_out=c_out)


def _other_shapes(x: Instance, domain: Domain, profile: Profile) -> Iterator[Instance]:
    """Yield other stencils, longer and shorter grids, and fewer and more dimensions."""
    sizes = stencil_sizes(domain, profile, x.pair)
    yield from (replace(x, stencil=(size,) * x.d) for size in sizes)
    yield from (replace(x, stencil=(*x.stencil[:-1], size)) for size in sizes)
    step = domain.multiple
    yield replace(x, grid=tuple(n + step for n in x.grid))
    yield replace(x, grid=tuple(n + n % 2 * step for n in x.grid))
    for axis, by in product(range(x.d), (step, -step)):
        yield replace(x, grid=(*x.grid[:axis], x.grid[axis] + by, *x.grid[axis + 1 :]))
    yield replace(x, grid=(min(x.grid),) * x.d)
    yield replace(x, grid=(max(x.grid),) * x.d) if x.d < 3 else x
    for d in range(1, x.d):
        yield replace(x, grid=x.grid[-d:], stencil=x.stencil[-d:])
    if x.cells * (n := min(*x.grid, 4)) <= 256:
        n += -n % step
        yield replace(x, grid=(n, *x.grid), stencil=(x.stencil[0], *x.stencil))
