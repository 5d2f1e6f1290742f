"""W1-W4: images on coarser meshes, by a transfer pair or by nested windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import Outcome, holds
from refms.conformance.measures.sequential import sequential_test
from refms.conformance.property import Claims, agree, family
from refms.definition.multiscale import coarsen_images, crop_images
from refms.definition.norms import max_norm
from refms.errors import Array

law = family("subsampling")
SOURCE = "[MST] Sec. 2: coarsening and cropping"
QUARTERS = Domain(multiple=4, pair=lambda pair: True)
NO_PAIR = replace(QUARTERS, pair=None)
FALSE_ALARM, BUDGET, LOT = 1e-8, 200, 16
"""Of one instance; so many draws of so many examples at most."""


@law("W1", "coarsen_images", SOURCE, QUARTERS)
def _coarsened(a: Gate, x: Instance) -> Claims:
    """Images of level l are those of level 0, restricted l times by the named pair.

    Q_l = R^l for l = 0, 1, 2; Q_2 = Q_1 Q_1; scale ‖R‖^l‖y‖_∞
    Catches: another pair, every other cell for the mean, one level too many, level 0 that is not the image.
    """
    Y = x.image()
    gain = max(1.0, sum(map(abs, x.weights.r.values()))) ** x.d
    for level in range(3):
        wanted = coarsen_images(Y, x.weights.r, level)
        yield f"level {level}", a.coarsen_images(Y, x.pair, level), wanted, gain**level * max_norm(Y)
    twice = a.coarsen_images(a.coarsen_images(Y, x.pair, 1), x.pair, 1)
    yield from agree("Q_2 = Q_1 Q_1", twice, a.coarsen_images(Y, x.pair, 2), gain**2 * max_norm(Y))


@law("W2", "crop_images", SOURCE, NO_PAIR)
def _cropped(a: Gate, x: Instance) -> Claims:
    """A window is a copy of n/2^l cells along each axis, that of each example by itself.

    equality of all numbers
    Catches: one window for all examples, axes that are exchanged, a window in the middle, every other cell.
    """
    Y = x.image(examples=3)
    rng = np.random.default_rng(x.seed)
    for level in (1, 2):
        room = [n - (n >> level) + 1 for n in x.grid]
        windows = rng.integers(0, room, (len(Y), x.d))
        yield f"level {level}", a.crop_images(Y, windows, level), crop_images(Y, level, windows), 0.0


@law("W3", "draw_windows", SOURCE, NO_PAIR)
def _nested(a: Gate, x: Instance) -> Claims:
    """Windows lie inside of each other, the first is the whole image, and a seed gives the same ones.

    0 = w_0 <= w_1 <= …, w_{l+1} − w_l <= n/2^l − n/2^{l+1}; the same again for the same seed
    Catches: windows that leave the one before, a generator that goes on from call to call.
    """
    seeds, room = x.seeds(4, "windows"), np.array([[n >> level for n in x.grid] for level in range(3)])
    drawn = [a.draw_windows(x.grid, 3, 8, seed) for seed in seeds]
    steps = np.stack([np.diff(one, axis=0) for one in drawn])
    outside = (steps < 0).any() or (steps > (room[:-1] - room[1:])[None, :, None]).any()
    yield holds(steps.any(), "windows move", "all begin at the first cell")
    yield holds(not outside, "w_{l+1} lies in w_l", "a window leaves the one before")
    yield holds(not np.any([one[0] for one in drawn]), "w_0 is the whole image", "it begins elsewhere")
    again = a.draw_windows(x.grid, 3, 8, seeds[0])
    yield holds(np.array_equal(again, drawn[0]), "the same seed gives the same", "other windows came back")


@law("W4", "draw_windows", f"{SOURCE}; Waudby-Smith and Ramdas, betting (2024)", NO_PAIR, cost=16)
def _uniform(a: Gate, x: Instance) -> Claims:
    """Every place of a window inside of the one before is equally likely, along all axes independently.

    w_{l+1} − w_l uniform on 0 … n/2^{l+1}, whatever the number of levels; criterion: the capital of
    sequential bets stays below 10⁸ for 200 draws of 16 examples, or more in larger tiers
    Catches: the last place never drawn, windows in the middle preferred, one draw for all axes, examples or
    levels, a law that depends on the number of levels, which biases the telescope.
    """
    for levels in (2, 3):
        yield _tested(a, x, levels)


def _tested(a: Gate, x: Instance, levels: int) -> Outcome:
    """Test how often steps of the last level are drawn, also together with other axes, examples, levels."""
    d = max(a.profile.dimensions)
    grid, seeds = (8,) * d, x.seeds(x.draws * BUDGET, "windows")
    places, half = (8 >> (levels - 1)) + 1, (8 >> (levels - 1)) / 2

    def counts(t: int) -> Array:
        found = a.draw_windows(grid, levels, LOT, seeds[t])
        step = found[levels - 1] - found[levels - 2]
        hit = (step[:, :1] == np.arange(places)).mean(axis=0)
        ends = [(step == 0).all(axis=1).mean(), ((step[:-1, 0] > half) & (step[1:, 0] > half)).mean()]
        if levels > 2:
            before = found[levels - 2] - found[levels - 3]
            ends.append(((step[:, 0] == 0) & (before[:, 0] == 0)).mean())
        return np.concatenate([hit, (step[:, -1:] == np.arange(places)).mean(axis=0), ends])

    above = sum(place > half for place in range(places)) / places
    joint = [1 / (places * (2 * places - 1))] if levels > 2 else []
    mean = np.array([1 / places] * (2 * places) + [places**-d, above**2, *joint])
    zero, one = np.zeros(mean.size), np.ones(mean.size)
    found = sequential_test(
        counts, mean, zero, one, alpha=FALSE_ALARM, budget=x.draws * BUDGET, tolerance=1e-12
    )
    told = f"is drawn with {found.average:.3g} and not {mean[found.suspect]:.3g}"
    return holds(not found.rejected, f"places in {levels} levels are equally likely", f"one {told}")
