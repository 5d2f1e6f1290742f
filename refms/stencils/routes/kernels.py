"""Loops of the compiled route over runs, channels and pieces of lines, around register tiles (numba)."""

from __future__ import annotations

from typing import Any

from numba import njit

from refms.stencils.routes.microkernel import correlation_tile, gradient_tile

_VECTORS = 3
"""Registers along a line; eight channels by three fill the 32 of AVX-512: sums, inputs and a weight."""

_TAPS = 3
"""Taps that the gradient takes at once, for the same reason."""

_PIECE = 48
"""Registers of a line that the gradient takes at once: all lines of a piece then lie in the first cache."""

# What follows takes flat arrays and integers, because that is what numba compiles well.


def _correlator(channels: int) -> Any:
    """Return the loop along a run for so many output channels: wide tiles, narrow ones, single numbers."""
    wide, narrow, single = (correlation_tile(channels, vectors) for vectors in (_VECTORS, 1, 0))

    @njit
    def along(
        out, factor, add, bias, Y1, W1, Y2, W2, taps, first, count, c_in, length, at, s, m, o, c_out, lanes
    ):
        K, j = W1.size // (c_in * c_out), 0
        while j + _VECTORS * lanes <= length:
            wide(
                out, factor, add, bias, Y1, W1, Y2, W2, taps, first, count, K, c_in, at + j, s, j, m, o, c_out
            )
            j += _VECTORS * lanes
        while j + lanes <= length:
            narrow(
                out, factor, add, bias, Y1, W1, Y2, W2, taps, first, count, K, c_in, at + j, s, j, m, o, c_out
            )
            j += lanes
        while j < length:
            single(
                out, factor, add, bias, Y1, W1, Y2, W2, taps, first, count, K, c_in, at + j, s, j, m, o, c_out
            )
            j += 1

    return along


def _summer(channels: int) -> Any:
    """Return the loop over input channels and taps of a piece for so many output channels."""
    several, one = (gradient_tile(channels, together, wide=True) for together in (_TAPS, 1))
    single = gradient_tile(channels, 1, wide=False)

    @njit
    def over_taps(sums, Z, Y, taps, first, count, c_in, at, s, left, size, m, o, c_out, lanes):
        K = sums.size // (c_in * c_out * lanes)
        for c in range(c_in):
            t, base, shift = first, c * K, c * s + left
            while size >= lanes and t + _TAPS <= first + count:
                several(sums, Z, Y, taps, t, base, at + left, s, shift, size, m, o, c_out)
                t += _TAPS
            while size >= lanes and t < first + count:
                one(sums, Z, Y, taps, t, base, at + left, s, shift, size, m, o, c_out)
                t += 1
            while t < first + count:
                single(sums, Z, Y, taps, t, base, at + left, s, shift, size, m, o, c_out)
                t += 1

    return over_taps


_correlate_eight, _correlate_four, _correlate_one = (_correlator(channels) for channels in (8, 4, 1))
_sum_eight, _sum_four, _sum_one = (_summer(channels) for channels in (8, 4, 1))


@njit(nogil=True, cache=True)
def correlate(out, factor, add, bias, Y1, W1, Y2, W2, taps, runs, c_in, n, m, c_out, lanes):
    """Write out = add + factor ∘ (bias + Σ of both terms), run by run; see ``correlation_tile``."""
    s = n * m
    for run in range(runs.shape[0]):
        at, length, first, count = runs[run, 0] * m, runs[run, 1] * m, runs[run, 2], runs[run, 3]
        o = 0
        while o + 8 <= c_out:
            _correlate_eight(
                out, factor, add, bias, Y1, W1, Y2, W2, taps, first, count, c_in, length, at, s, m, o,
                c_out, lanes,
            )  # fmt: skip
            o += 8
        while o + 4 <= c_out:
            _correlate_four(
                out, factor, add, bias, Y1, W1, Y2, W2, taps, first, count, c_in, length, at, s, m, o,
                c_out, lanes,
            )  # fmt: skip
            o += 4
        while o < c_out:
            _correlate_one(
                out, factor, add, bias, Y1, W1, Y2, W2, taps, first, count, c_in, length, at, s, m, o,
                c_out, lanes,
            )  # fmt: skip
            o += 1


@njit(nogil=True, cache=True)
def correlation_gradient(sums, Z, Y, taps, runs, c_in, n, m, c_out, lanes):
    """Add Σ Z ∘ (shifted Y) to sums (c_in·K, c_out, lanes), run by run; see ``gradient_tile``."""
    s = n * m
    for run in range(runs.shape[0]):
        at, length, first, count = runs[run, 0] * m, runs[run, 1] * m, runs[run, 2], runs[run, 3]
        left = 0
        while left < length:
            whole = (length - left) // lanes * lanes
            size = min(_PIECE * lanes, whole) if whole > 0 else length - left
            o = 0
            while o + 8 <= c_out:
                _sum_eight(sums, Z, Y, taps, first, count, c_in, at, s, left, size, m, o, c_out, lanes)
                o += 8
            while o + 4 <= c_out:
                _sum_four(sums, Z, Y, taps, first, count, c_in, at, s, left, size, m, o, c_out, lanes)
                o += 4
            while o < c_out:
                _sum_one(sums, Z, Y, taps, first, count, c_in, at, s, left, size, m, o, c_out, lanes)
                o += 1
            left += size
