"""The loops of :mod:`refms.maps.layers.normalized`, compiled (extra ``fast``: numba); float32, float64.

Fields are (groups, channels of a group, lines, R·m), R cells of all m examples a line: whole lines go through
the registers, and what belongs to an example is repeated R times. Sums over 32 lines are added up in double
precision. σ is told by a number: 0 none, 1 max(z, az), 2 SiLU.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic, overload

FOLD = 32
"""Lines that are added in the precision of the field."""


@intrinsic
def _from_bits(typing: Any, bits: Any) -> Any:
    """Return the floating-point number whose bits an integer has."""
    number = types.float32 if bits.bitwidth == 32 else types.float64

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return number(bits), generate


def _taylor(dtype: Any, degree: int) -> Any:
    return np.array([1 / math.factorial(k) for k in range(degree, -1, -1)], dtype=dtype)


LOG2_E = 1 / math.log(2)
SINGLE, DOUBLE = _taylor(np.float32, 7), _taylor(np.float64, 13)
"""1/k! from the last one on: on |r| ≤ ln 2 / 2 the rest is below round-off."""


def _exp(x):
    """Return eˣ = 2ᵏ eʳ with r = x − k ln 2; beyond the exponents of the dtype, its value at the last one."""
    raise NotImplementedError


@overload(_exp)
def _typed_exp(x):
    # ln 2 in two parts, of which k times the first is exact
    single: tuple[Any, ...] = (np.float32, np.int32, 127, 23, 87, 0.693359375, -2.12194440e-4, SINGLE)
    double = (
        np.float64,
        np.int64,
        1023,
        52,
        708,
        6.93147180369123816490e-01,
        1.90821492927058770002e-10,
        DOUBLE,
    )
    real, whole, bias, shift, *numbers, table = single if x == types.float32 else double
    most, high, low, to_two, half = (real(number) for number in (*numbers, LOG2_E, 0.5))
    degree = len(table)

    def exp(x):
        x = most if x > most else x
        x = -most if x < -most else x
        k = np.floor(x * to_two + half)
        r = (x - k * high) - k * low
        found = table[0]
        for i in range(1, degree):
            found = found * r + table[i]
        return found * _from_bits(whole((whole(k) + whole(bias)) << whole(shift)))

    return exp


_jit = njit(nogil=True, cache=True, fastmath={"contract"}, error_model="numpy")


@_jit
def _fold(sums, line, m):
    """Add a line to sums by example, and clear it."""
    for r in range(line.size // m):
        for e in range(m):
            sums[e] += line[r * m + e]
    line[:] = 0


@_jit
def _repeat(line, values):
    """Fill a line with the value of each example."""
    for r in range(line.size // values.size):
        for e in range(values.size):
            line[r * values.size + e] = values[e]


@_jit
def _activate(y, mu, rho, gamma, beta, kind, a, unit, out):
    """Write x̂ = ρ (y − μ) and σ(γ x̂ + β) of a line."""
    one = gamma.dtype.type(1)
    g, b = gamma[0], beta[0]
    if kind == 2:
        for j in range(y.size):
            u = rho[j] * (y[j] - mu[j])
            z = g * u + b
            unit[j] = u
            out[j] = z / (one + _exp(-z))
    else:
        for j in range(y.size):
            u = rho[j] * (y[j] - mu[j])
            z = g * u + b
            unit[j] = u
            out[j] = max(z, a * z) if kind == 1 else z


@_jit
def _curb(unit, v, gamma, beta, kind, a, out):
    """Write v σ′(γ x̂ + β) of a line."""
    one = gamma.dtype.type(1)
    g, b = gamma[0], beta[0]
    if kind == 2:
        for j in range(unit.size):
            z = g * unit[j] + b
            s = one / (one + _exp(-z))
            out[j] = v[j] * (s + z * s * (one - s))
    else:
        for j in range(unit.size):
            out[j] = v[j] * (a if kind == 1 and not g * unit[j] + b > 0 else one)


@_jit
def _add_both(unit, v, first, second):
    """Add v and x̂ v of a line."""
    for j in range(v.size):
        first[j] += v[j]
        second[j] += unit[j] * v[j]


@_jit
def forward(y, gamma, beta, kind, a, epsilon, m, unit, out, rho):
    """Write x̂, σ(γ x̂ + β) and ρ (groups, m)."""
    groups, channels, lines, width = y.shape
    line, mu, r = np.zeros(width, y.dtype), np.zeros(width, y.dtype), np.zeros(width, y.dtype)
    for g in range(groups):
        mean, square = np.zeros(m), np.zeros(m)
        for c in range(channels):
            for first in range(0, lines, FOLD):
                for row in range(first, min(first + FOLD, lines)):
                    for j in range(width):
                        line[j] += y[g, c, row, j]
                _fold(mean, line, m)
        _repeat(mu, mean / (channels * lines * width // m))
        for c in range(channels):
            for first in range(0, lines, FOLD):
                for row in range(first, min(first + FOLD, lines)):
                    for j in range(width):
                        d = y[g, c, row, j] - mu[j]
                        line[j] += d * d
                _fold(square, line, m)
        square = 1 / np.sqrt(square / (channels * lines * width // m) + epsilon)
        for e in range(m):
            rho[g, e] = square[e]
        _repeat(r, rho[g])
        for c in range(channels):
            for row in range(lines):
                at = (g, c, row)
                _activate(y[at], mu, r, gamma[g, c], beta[g, c], kind, a, unit[at], out[at])


@_jit
def _project(out, unit, gamma, rho, total, products):
    """Write ρ (v − mean v − x̂ mean(x̂ v)) of a group, v = γ out, from the sums of out and x̂ out by channel."""
    channels, lines, width = out.shape
    m = rho.size
    mean, along = np.zeros(m), np.zeros(m)
    for c in range(channels):
        for e in range(m):
            mean[e] += gamma[c, 0] * total[c, e]
            along[e] += gamma[c, 0] * products[c, e]
    numbers = channels * lines * width // m
    r, p, q = np.empty(width, out.dtype), np.empty(width, out.dtype), np.empty(width, out.dtype)
    _repeat(r, rho)
    _repeat(p, rho * mean / numbers)
    _repeat(q, rho * along / numbers)
    for c in range(channels):
        factor = gamma[c, 0]
        for row in range(lines):
            v, u = out[c, row], unit[c, row]
            for j in range(width):
                v[j] = factor * r[j] * v[j] - (u[j] * q[j] + p[j])


@_jit
def backward(unit, rho, gamma, beta, kind, a, g, wrt_input, total, products, out):
    """Write ρ (v − mean v − x̂ mean(x̂ v)), v = γ A, A = σ′(z) g, and the sums of A and x̂ A by channel."""
    groups, channels, lines, width = unit.shape
    m = rho.shape[1]
    first_line, second_line = np.zeros(width, unit.dtype), np.zeros(width, unit.dtype)
    for group in range(groups):
        for c in range(channels):
            for first in range(0, lines, FOLD):
                for row in range(first, min(first + FOLD, lines)):
                    at = (group, c, row)
                    _curb(unit[at], g[at], gamma[group, c], beta[group, c], kind, a, out[at])
                    _add_both(unit[at], out[at], first_line, second_line)
                _fold(total[group, c], first_line, m)
                _fold(products[group, c], second_line, m)
        if wrt_input:
            _project(out[group], unit[group], gamma[group], rho[group], total[group], products[group])


@_jit
def along(unit, rho, gamma, beta, kind, a, dgamma, dbeta, dy, out):
    """Write σ′(z) (γ ρ (dy − mean dy − x̂ mean(x̂ dy)) + dγ x̂ + dβ)."""
    groups, channels, lines, width = unit.shape
    m = rho.shape[1]
    first_line, second_line = np.zeros(width, unit.dtype), np.zeros(width, unit.dtype)
    ones = np.ones((channels, 1), unit.dtype)
    for group in range(groups):
        total, products = np.zeros((channels, m)), np.zeros((channels, m))
        for c in range(channels):
            for first in range(0, lines, FOLD):
                for row in range(first, min(first + FOLD, lines)):
                    _add_both(unit[group, c, row], dy[group, c, row], first_line, second_line)
                    out[group, c, row, :] = dy[group, c, row]
                _fold(total[c], first_line, m)
                _fold(products[c], second_line, m)
        _project(out[group], unit[group], ones, rho[group], total, products)
        for c in range(channels):
            factor, d, e = gamma[group, c, 0], dgamma[group, c, 0], dbeta[group, c, 0]
            for row in range(lines):
                u, v = unit[group, c, row], out[group, c, row]
                for j in range(width):
                    v[j] = factor * v[j] + d * u[j] + e
                _curb(u, v, gamma[group, c], beta[group, c], kind, a, v)
