"""P1-P4: means and largest numbers of windows, the transpose of the one and the derivative of the other."""

from __future__ import annotations

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import holds
from refms.conformance.measures.precision import rounded
from refms.conformance.property import Claims, family
from refms.definition.arrays import as_double
from refms.definition.norms import max_norm
from refms.definition.pooling import (
    average_pool,
    average_pool_adjoint,
    cells_of_windows,
    max_pool,
    max_pool_gradient,
    spread_windows,
)
from refms.definition.transfer import PAIRS, restrict
from refms.errors import Array

law = family("pooling")
FRAMEWORKS = "pooling layers of frameworks"
FEW = Domain(small=True)

Pooling = tuple[tuple[int, ...], tuple[int, ...]]


def _poolings(a: Gate, x: Instance) -> list[Pooling]:
    """Return windows and strides: 2 by 2, 3 by 2, and random ones."""
    rng, d = x.rng("pooling"), x.d

    def options(low: int, high: int) -> tuple[int, ...]:
        drawn = tuple(int(k) for k in rng.integers(low, high + 1, d))
        return drawn if a.profile.rectangular else drawn[:1] * d

    return [((2,) * d, (2,) * d), ((3,) * d, (2,) * d), (options(1, 4), options(1, 3))]


def _output(x: Instance, stride: tuple[int, ...]) -> Array:
    """Return random images on the ⌈n/s⌉ cells."""
    return x.image("Z", grid=tuple(-(-n // s) for n, s in zip(x.grid, stride, strict=True)))


@law("P1", "average_pool", FRAMEWORKS, FEW, half=True)
def _means(a: Gate, x: Instance) -> Claims:
    """Average pooling takes means over the cells that a window has, at the border over fewer.

    z_i = mean of y_{s i + q} over q = −⌊(w − 1)/2⌋ … ⌊w/2⌋ in the grid; constants stay; on even grids windows
    of 2 by 2 are R of pairs with averaging; scale ‖y‖_∞
    Catches: w^d cells counted at the border too, sums, windows half a cell off, ⌊n/s⌋ cells.
    """
    Y = x.image()
    ones = np.full(Y.shape, x.image_scale, x.dtype)
    for window, stride in _poolings(a, x):
        text, got = f"window {window}, stride {stride}", a.average_pool(Y, window, stride)
        yield text, got, average_pool(Y, window, stride), max_norm(Y)
        got = a.average_pool(ones, window, stride)
        yield f"constants, {text}", got, np.full(got.shape, x.image_scale), x.image_scale
        if window == stride == (2,) * x.d and not any(n % 2 for n in x.grid):
            mean = PAIRS["averaging-constant"].r
            yield "R y", a.average_pool(Y, window, stride), restrict(Y, mean), max_norm(Y)


@law("P2", "average_pool_adjoint", FRAMEWORKS, FEW, half=True)
def _spread(a: Gate, x: Instance) -> Claims:
    """The adjoint of average pooling gives each cell of a window the same part; sums are kept.

    AᵀZ, Σ AᵀZ = Σ Z because A1 = 1; scale 2^d‖Z‖_∞
    Catches: parts of 1/w^d at the border, windows that overlap and overwrite, Z copied without its weight.
    """
    for window, stride in _poolings(a, x):
        Z = _output(x, stride)
        got, text = a.average_pool_adjoint(Z, x.grid, window, stride), f"window {window}, stride {stride}"
        yield text, got, average_pool_adjoint(Z, x.grid, window, stride), 2**x.d * max_norm(Z)
        yield f"sum, {text}", as_double(got).sum(), as_double(Z).sum(), float(np.abs(as_double(Z)).sum())


@law("P3", "max_pool", FRAMEWORKS, FEW, half=True)
def _largest(a: Gate, x: Instance) -> Claims:
    """Max pooling finds the largest number of each window, also where all are negative.

    z_i = max of y_{s i + q} in the grid, for y and for y − 2 max|y|; scale ‖y‖_∞
    Catches: zeros beyond the border that win, windows half a cell off, the largest absolute value.
    """
    Y = x.image()
    low = rounded(as_double(Y) - 2 * max_norm(Y), x.precision)
    for window, stride in _poolings(a, x):
        for text, one in (("y", Y), ("y < 0", low)):
            got = a.max_pool(one, window, stride)
            yield (
                f"{text}, window {window}, stride {stride}",
                got,
                max_pool(one, window, stride),
                max_norm(one),
            )


@law("P4", "max_pool_gradient", FRAMEWORKS, FEW)
def _to_the_largest(a: Gate, x: Instance) -> Claims:
    """The derivative of max pooling gives z to the largest cell of its window; where several are, z in parts.

    random y: the definition; equal numbers: nothing negative for z >= 0, nothing where no window has its
    maximum, and what windows without a tie and with one give adds up to Σ z; scale 2^d‖Z‖_∞
    Catches: every one of equal cells given all of z, none given any, windows that overlap and overwrite, the
    cell of another window.
    """
    Y = x.image()
    for window, stride in _poolings(a, x):
        Z, text = _output(x, stride), f"window {window}, stride {stride}"
        got = a.max_pool_gradient(Z, Y, window, stride)
        yield text, got, max_pool_gradient(Z, Y, window, stride), 2**x.d * max_norm(Z)
        yield from _ties(a, x, np.abs(Z), window, stride)


def _ties(a: Gate, x: Instance, Z: Array, window: tuple[int, ...], stride: tuple[int, ...]) -> Claims:
    """Claim what is true of any derivative where many cells are equal."""
    Y = x.rng("ties").integers(2, size=(len(Z), Z.shape[1], *x.grid)).astype(x.dtype)
    got, text = (
        as_double(a.max_pool_gradient(Z, Y, window, stride)),
        f"ties, window {window}, stride {stride}",
    )
    scale = float(as_double(Z).sum())
    yield f"sum, {text}", got.sum(), scale, scale
    cells = cells_of_windows(Y, window, stride, -np.inf)
    may = spread_windows(np.where(cells == cells.max(axis=0), Z, 0.0), x.grid, window, stride)
    slack = 30 * x.eps * max_norm(Z) * 2**x.d
    good = (got >= -slack) & (got <= may + slack)
    yield holds(
        good.all(), text, f"cell {tuple(np.argwhere(~good)[:1].ravel().tolist())} has no part or too much"
    )
