"""Mistakes in taking images to coarser meshes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from refms.conformance.mutants.arrays import columns, images
from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.errors import Array


def _drawn(step: Callable[[np.random.Generator, Array, tuple[int, int]], Array], level: int = 0) -> Change:
    """Return the mistake of other steps from (generator, room, shape), from a level on."""

    def change(t: Asked) -> Array:
        rng = np.random.default_rng(t.seed)
        w = np.zeros((t.levels, t.given["examples"], len(t.grid)), int)
        for one in range(1, t.levels):
            room = np.array([(n >> (one - 1)) - (n >> one) for n in t.grid])
            wrong = step if one > level else _right
            w[one] = w[one - 1] + wrong(rng, room, w.shape[1:])
        return w

    return change


def _right(rng: np.random.Generator, room: Array, shape: tuple[int, int]) -> Array:
    return rng.integers(0, room + 1, shape)


def _middle(rng: np.random.Generator, room: Array, shape: tuple[int, int]) -> Array:
    return (_right(rng, room, shape) + _right(rng, room, shape)) // 2


def _one_for_all(rng: np.random.Generator, room: Array, shape: tuple[int, int]) -> Array:
    return np.repeat(rng.integers(0, room + 1, (1, shape[1])), shape[0], axis=0)


def _one_for_axes(rng: np.random.Generator, room: Array, shape: tuple[int, int]) -> Array:
    return np.minimum(rng.integers(0, room.max() + 1, (shape[0], 1)), room)


def _in_image(t: Asked) -> Array:
    """Draw every window uniformly in the image, not in the window before."""
    rng, shape = np.random.default_rng(t.seed), (t.given["examples"], len(t.grid))
    rooms = [np.array([n - (n >> level) for n in t.grid]) for level in range(t.levels)]
    return np.stack([_right(rng, room, shape) for room in rooms])


def _first_moves(t: Asked) -> Array:
    """Let the largest window begin anywhere, as if it were smaller than the image."""
    found: Array = t() + np.random.default_rng(t.seed).integers(0, 2, (1, t.given["examples"], len(t.grid)))
    return found


def _again(t: Asked) -> Array:
    generator = t.kept.setdefault("generator", np.random.default_rng(0))
    return t(seed=int(generator.integers(2**31)))


def _every_other(t: Asked) -> Array:
    step = 2**t.level
    return columns(images(t.Y, t.grid)[(..., *(slice(None, None, step) for _ in t.grid))].copy())


MISTAKES: Table = {
    "coarsen_images": {
        "nearest cells for means between levels": lambda t: t(pair="nearest"),
        "means between levels for every pair": lambda t: t(pair="averaging-constant"),
        "every other cell of the images": _every_other,
        "images of a level scaled by 2^{dl}": lambda t: 2 ** (len(t.grid) * t.level) * t(),
        "noise of coarser images as strong as on the finest": lambda t: (
            2 ** (len(t.grid) * t.level / 2) * t()
        ),
    },
    "crop_images": {
        "one window for all examples": lambda t: t(windows=np.repeat(t.windows[:1], len(t.windows), axis=0)),
        "windows at the first cell": lambda t: t(windows=0 * t.windows),
        "windows in the middle": lambda t: t(
            windows=0 * t.windows + [(n - (n >> t.level)) // 2 for n in t.grid]
        ),
        "coarsened in place of cropped": lambda t: t.right.coarsen_images(
            t.Y, t.grid, "averaging-constant", t.level
        ),
        "windows of the example before": lambda t: t(windows=np.roll(t.windows, 1, axis=0)),
    },
    "draw_windows": {
        "last place of a window never drawn": _drawn(lambda rng, room, shape: rng.integers(0, room, shape)),
        "windows in the middle preferred": _drawn(_middle),
        "one draw of windows for all examples": _drawn(_one_for_all),
        "one draw of windows for all axes": _drawn(_one_for_axes),
        "windows of the coarsest level always at the first cell": _drawn(lambda rng, room, shape: 0, 1),
        "windows of every level drawn in the whole image": _in_image,
        "largest window not the whole image": _first_moves,
        "windows drawn anew in every call": _again,
    },
}
