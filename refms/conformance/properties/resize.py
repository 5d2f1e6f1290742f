"""Z1-Z6: resizing of images by a kernel, and their blur."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import ANY, Domain, Instance
from refms.conformance.measures.outcome import holds
from refms.conformance.properties.arrays import dot
from refms.conformance.property import Claims, agree, family
from refms.definition.arrays import as_double, norm
from refms.definition.convolution import shift
from refms.definition.norms import max_norm
from refms.definition.resize import resize
from refms.definition.smoothing import blur
from refms.errors import Array

law = family("resize")
SOURCE = "resampling by a kernel, cells centred; Keys (1981)"
GAUSSIAN = "[MST], deblurring"
ROUNDED = ((26, 22), (14, 2), (30, 22), (14, 18))
"""Extents n, n' where n/n' or n'/n, rounded to single or to double precision, falls short of a cell."""

KERNELS, BORDERS = ("nearest", "box", "linear", "cubic"), ("clamp", "periodic")
LONG = Domain(dimensions=(1,))


@law("Z1", "resize", SOURCE, ANY, cost=2)
def _definition(a: Gate, x: Instance) -> Claims:
    """Resized images are the weighted means that the kernel says, on grids of any ratio.

    y_I = Σ_j k((x_I − j)/a) y_j / Σ_j k((x_I − j)/a), x_I = (I + ½)n/n' − ½, for all kernels, with
    antialiasing and without, both borders, and kernels wider than the image; scale 2^d‖y‖_∞
    Catches: align_corners, corners for centres, antialiasing left out, −0.75 in the cubic kernel, another
    border, weights that are not normalised.
    """
    Y = x.image()
    rng = np.random.default_rng(x.seed)
    for kernel, border in itertools.product(KERNELS, BORDERS):
        to = tuple(int(rng.integers(1, 2 * n + 2)) for n in x.grid)
        for antialias in (False, True):
            got = a.resize(Y, to, kernel, antialias, border)
            text = f"{kernel} to {to}, {border}, {'with' if antialias else 'without'} antialiasing"
            yield text, got, resize(Y, to, kernel, antialias, border), 2**x.d * max_norm(Y)
    few = x.image("few", 1, (7,) * x.d, 1)
    for border in BORDERS:  # 28 cells of the cubic kernel go round seven more than once
        got, wanted = (f(few, (1,) * x.d, "cubic", True, border) for f in (a.resize, resize))
        yield f"seven cells to one, {border}", got, wanted, 2**x.d * max_norm(few)


@law("Z2", "resize", SOURCE, LONG)
def _printed(a: Gate, x: Instance) -> Claims:
    """Halving and doubling have the known weights.

    ÷2: cubic (−3, −9, 29, 111, 111, 29, −9, −3)/256 and linear (1, 3, 3, 1)/8 with antialiasing, linear
    (1, 1)/2 without; ×2: linear (1, 3)/4, nearest (1, 1); nearest for any ratio: cell ⌊I n/n'⌋ in whole
    numbers
    Catches: a kernel of another width, another parameter, half a cell, a ratio that is rounded below a cell.
    """
    one = np.asarray(x.image_scale, x.dtype)
    delta = (one * np.eye(16)).astype(x.dtype)[:, None]
    for kernel, antialias, weights in (
        ("cubic", True, np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256),
        ("linear", True, np.array([1, 3, 3, 1]) / 8),
        ("linear", False, np.array([1, 1]) / 2),
    ):
        row, half = np.zeros(16), len(weights) // 2
        row[9 - half : 9 + half] = one * weights
        yield f"{kernel} ÷2", a.resize(delta, (8,), kernel, antialias, "clamp")[:, 0, 4], row, float(one)
    for kernel, column in (("linear", [1, 3, 3, 1]), ("nearest", [0, 4, 4, 0])):
        wanted = np.zeros(32)
        wanted[15:19] = float(one) * np.array(column) / 4
        yield f"{kernel} ×2", a.resize(delta[8:9], (32,), kernel, True, "periodic")[0, 0], wanted, float(one)
    for n, to in ROUNDED:
        cells = one * np.arange(n, dtype=x.dtype)
        got = a.resize(cells[None, None], (to,), "nearest", False, "clamp")[0, 0]
        yield f"nearest, {n} to {to}", got, cells[np.arange(to) * n // to], n * float(one)


@law("Z3", "resize", SOURCE, replace(ANY, smallest=2))
def _constants(a: Gate, x: Instance) -> Claims:
    """Constants stay what they are, and images moved by cells give results moved by cells.

    A1 = 1; to twice as many cells with a periodic border A S = S² A for every unit shift S
    Catches: rows that do not add up to 1, borders, axes that are exchanged.
    """
    Y, to = x.image(), tuple(2 * n for n in x.grid)
    ones, more = (np.full((1, 1, *grid), x.image_scale, x.dtype) for grid in (x.grid, to))
    for kernel, border in itertools.product(KERNELS, BORDERS):
        yield f"A1 = 1, {kernel}", a.resize(ones, to, kernel, True, border), more, 2**x.d * x.image_scale
    for axis in range(x.d):
        e = tuple(int(k == axis) for k in range(x.d))
        moved = a.resize(shift(Y, e), to, "cubic", True, "periodic")
        back = shift(a.resize(Y, to, "cubic", True, "periodic"), [2 * k for k in e])
        yield from agree(f"shift along axis {axis}", moved, back, 2**x.d * max_norm(Y))


@law("Z4", "resize", SOURCE, LONG)
def _polynomials(a: Gate, x: Instance) -> Claims:
    """The linear kernel carries linear functions over, the cubic one quadratic ones, away from the border.

    u at the cell centres of 16 cells, to 24 and 40 cells, 3 old cells from the ends; scale ‖u‖_∞
    Catches: cells that are off by a part of a cell, a parameter of the cubic kernel other than −½.
    """
    slope, bend = x.draw("u", 2).astype("float64")
    for kernel, square in (("linear", 0.0), ("cubic", bend / 16)):
        for n in (24, 40):
            old, new = (16 * (np.arange(k) + 0.5) / k for k in (16, n))
            u, wanted = (x.image_scale * (1 + slope * t + square * t * t) for t in (old, new))
            inside = slice(n * 3 // 16 + 1, n - n * 3 // 16 - 1)
            got = a.resize(u[None, None].astype(x.dtype), (n,), kernel, True, "clamp")[0, 0]
            yield f"{kernel} to {n}", got[inside], wanted[inside], max_norm(u)


@law("Z5", "blur", GAUSSIAN, half=True)
def _gaussian(a: Gate, x: Instance) -> Claims:
    """The blur is the periodic Gaussian, cut off at 4σ and normalised.

    B y = Σ_k g_k Π_k y along every axis, g_k ∝ exp(−k²/2σ²), |k| <= ⌈4σ⌉; σ = 0 is the identity; scale ‖y‖_∞
    Catches: σ for σ², another cut, another border, one axis alone.
    """
    Y = x.image()
    for sigma in (0.0, 0.4, 0.76, 1.0, 3.0):  # 4 · 0.76 is just above a whole number
        reach = int(np.ceil(4 * sigma))
        yield f"σ = {sigma:g}", a.blur(Y, sigma), blur(Y, sigma, reach), max_norm(Y)


@law("Z6", "blur", GAUSSIAN)
def _averages(a: Gate, x: Instance) -> Claims:
    """The blur is symmetric, keeps the mean and does not enlarge.

    ⟨Bu, v⟩ = ⟨u, Bv⟩, B1 = 1, Σ(By)_i = Σ y_i, ‖By‖_∞ <= ‖y‖_∞
    Catches: weights that do not add up to 1, a border at which something is lost, a shift.
    """
    u, v = x.image("u"), x.image("v")
    Bu, ones = a.blur(u, 1.2), np.full((1, 1, *x.grid), x.image_scale, x.dtype)
    yield "⟨Bu, v⟩ = ⟨u, Bv⟩", dot(Bu, v), dot(u, a.blur(v, 1.2)), norm(u) * norm(v)
    yield "B1 = 1", a.blur(ones, 1.2), ones, x.image_scale
    yield "sum", _sums(Bu), _sums(u), float(_sums(np.abs(u)).max())
    largest, most = float(max_norm(Bu)), float(max_norm(u)) * (1 + 100 * x.eps)
    yield holds(largest <= most, "‖By‖_∞ <= ‖y‖_∞", f"{largest:.6g} is more than {most:.6g}")


def _sums(Y: Array) -> Array:
    """Return the sum over the cells."""
    return as_double(Y).reshape(*Y.shape[:2], -1).sum(axis=-1)
