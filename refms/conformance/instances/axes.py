"""The axes along which instances vary, with a few levels each; pairs of levels are what a tier covers."""

from __future__ import annotations

from refms.conformance.instances.instance import Instance

CHOSEN = ("d", "pair", "boundary", "activation")
"""Axes whose levels are what domain and profile allow; instances go round them."""

LEVELS: dict[str, tuple[str, ...]] = {
    "n": ("1", "< n_K", "n_K", "odd", "even"),
    "extents": ("equal", "unequal"),
    "n_K": ("1", "3", "5 or more", "unequal"),
    "c": ("1 to 1", "equal", "to more", "to fewer", "4 or more"),
    "m": ("1", "2 or 3", "4 or more"),
    "ℓ": ("2", "3 or 4", "5 or more"),
    "N": ("1", "2 or 3", "4 or more"),
    "T": ("½, 1 or 2", "any"),
    "stencils": ("about 1", "small", "large"),
    "images": ("about 1", "small", "large"),
    "entries": ("of one size", "over decades"),
}
"""All others: extents of the grid (the first of 1, < n_K, n_K, odd that some axis is) and whether they
are equal, sizes of the stencil, channels, examples, classes, layers, final time, and sizes of numbers."""


def levels_of(x: Instance) -> dict[str, str]:
    """Return the level of an instance along every axis, its precision included.

    >>> x = Instance((4, 5), (3, 3), 1, 2, 1, 2, 1, "periodic", "nearest", "tanh", 1.0, "float32", 0)
    >>> [levels_of(x)[name] for name in ("n", "extents", "n_K", "c", "m")]
    ['odd', 'unequal', '3', 'to more', '1']
    """
    return {
        "d": str(x.d),
        "pair": x.pair,
        "boundary": x.boundary,
        "activation": x.activation,
        "precision": x.dtype,
        "n": _sort(x.grid, x.stencil),
        "extents": "unequal" if len(set(x.grid)) > 1 else "equal",
        "n_K": _size(x.stencil),
        "c": _channels(x.c_in, x.c_out),
        "m": "1" if x.examples == 1 else "2 or 3" if x.examples < 4 else "4 or more",
        "ℓ": "2" if x.classes == 2 else "3 or 4" if x.classes < 5 else "5 or more",
        "N": "1" if x.layers == 1 else "2 or 3" if x.layers < 4 else "4 or more",
        "T": "½, 1 or 2" if x.final_time in (0.5, 1.0, 2.0) else "any",
        "stencils": _magnitude(x.stencil_scale),
        "images": _magnitude(x.image_scale),
        "entries": "over decades" if x.within else "of one size",
    }


def _sort(grid: tuple[int, ...], stencil: tuple[int, ...]) -> str:
    pairs = list(zip(grid, stencil, strict=True))
    if 1 in grid:
        return "1"
    if any(n < k for n, k in pairs):
        return "< n_K"
    if any(n == k for n, k in pairs):
        return "n_K"
    return "odd" if any(n % 2 for n in grid) else "even"


def _size(stencil: tuple[int, ...]) -> str:
    if len(set(stencil)) > 1:
        return "unequal"
    return str(stencil[0]) if stencil[0] < 5 else "5 or more"


def _channels(c_in: int, c_out: int) -> str:
    if max(c_in, c_out) > 3:
        return "4 or more"
    if c_in == c_out:
        return "1 to 1" if c_in == 1 else "equal"
    return "to more" if c_in < c_out else "to fewer"


def _magnitude(scale: float) -> str:
    return "about 1" if scale == 1.0 else "small" if scale < 1 else "large"
