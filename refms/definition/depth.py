"""Parameters between depths: θ(t) of N layers at t_k = kT/N, looked up at the times jT/M of M layers.

Both interpolations are constant beyond the last old time, and are sums Σ_k w_jk θ_k with rational w.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from refms.definition.arrays import Array, combine
from refms.definition.linear_system import inverse


def prolong_in_time(Theta: Array, layers: int) -> Array:
    """Return parameters (N, p), a row for each layer, of a network with more layers: linear in time."""
    return combine(linear_weights(len(Theta), layers), Theta)


def place(j: int, layers: int, new_layers: int) -> Fraction:
    """Return the j-th new time in units of the old step, but no later than the last old time."""
    return min(Fraction(j * layers, new_layers), Fraction(layers - 1))


def linear_weights(layers: int, new_layers: int) -> Array:
    """Return w (M, N): row j holds 1 − f and f in the columns k and k + 1, where jN/M = k + f.

    >>> linear_weights(2, 3).tolist() == [[1, 0], [Fraction(1, 3), Fraction(2, 3)], [0, 1]]
    True
    """
    times = [place(j, layers, new_layers) for j in range(new_layers)]
    return np.array([[max(Fraction(0), 1 - abs(t - k)) for k in range(layers)] for t in times], dtype=object)


def cubic_weights(layers: int, new_layers: int) -> Array:
    """Return w (M, N) of the not-a-knot cubic spline, N >= 4.

    On [k, k+1] the spline through y_k with second derivatives m_k is, for x = k + f and g = 1 − f,
    g y_k + f y_{k+1} + ((g³ − g) m_k + (f³ − f) m_{k+1}) / 6. Its first derivative is continuous where
    m_{k-1} + 4 m_k + m_{k+1} = 6 (y_{k-1} − 2 y_k + y_{k+1}), the third one at 1 and at N − 2 ("not a knot")
    where m_0 − 2 m_1 + m_2 = 0 and m_{N-3} − 2 m_{N-2} + m_{N-1} = 0.
    """
    N = layers
    left, right = (np.full((N, N), Fraction(0)) for _ in range(2))
    left[0, :3] = left[-1, -3:] = [Fraction(1), Fraction(-2), Fraction(1)]
    for k in range(1, N - 1):
        left[k, k - 1 : k + 2] = [Fraction(1), Fraction(4), Fraction(1)]
        right[k, k - 1 : k + 2] = [Fraction(6), Fraction(-12), Fraction(6)]
    m, y = inverse(left) @ right, np.eye(N, dtype=int)
    spline = []
    for t in (place(j, N, new_layers) for j in range(new_layers)):
        k = min(int(t), N - 2)
        f, g = t - k, k + 1 - t
        spline.append(g * y[k] + f * y[k + 1] + ((g**3 - g) * m[k] + (f**3 - f) * m[k + 1]) / 6)
    return np.stack(spline)
