"""Parameters between depths: θ(t) of N layers at t_k = kT/N, looked up at the times jT/M of M layers."""

from __future__ import annotations

from fractions import Fraction

from refms.certify.formulas.linear_system import inverse
from refms.certify.formulas.tensor import Number, Tensor, filled


def linear_weights(layers: int, new_layers: int) -> Tensor:
    """Return the weights of piecewise linear interpolation, constant beyond the last old time.

    Parameters
    ----------
    layers, new_layers : int
        N and M.

    Returns
    -------
    numpy.ndarray
        Shape (M, N), of fractions: row j holds 1 − f and f in the columns k and k+1, where jN/M = k + f.

    Examples
    --------
    >>> linear_weights(2, 3).tolist() == [[1, 0], [Fraction(1, 3), Fraction(2, 3)], [0, 1]]
    True
    """

    def entry(index: tuple[int, ...]) -> Number:
        return max(Fraction(0), 1 - abs(_place(index[0], layers, new_layers) - index[1]))

    return filled((new_layers, layers), entry)


def cubic_weights(layers: int, new_layers: int) -> Tensor:
    """Return the weights of the not-a-knot cubic spline, constant beyond the last old time.

    On [k, k+1] the spline through y_k with second derivatives m_k is, for x = k + f and g = 1 − f,
    g y_k + f y_{k+1} + ((g³ − g) m_k + (f³ − f) m_{k+1}) / 6. Its first derivative is continuous where
    m_{k-1} + 4 m_k + m_{k+1} = 6 (y_{k-1} − 2 y_k + y_{k+1}), the third one at 1 and at N − 2 ("not a knot")
    where m_0 − 2 m_1 + m_2 = 0 and m_{N-3} − 2 m_{N-2} + m_{N-1} = 0.

    Parameters
    ----------
    layers, new_layers : int
        N, at least 4, and M.

    Returns
    -------
    numpy.ndarray
        Shape (M, N), of fractions.
    """
    last = layers - 1

    def curved(index: tuple[int, ...]) -> Number:
        k, i = index
        if k in (0, last):
            middle = 1 if k == 0 else last - 1
            return Fraction({0: -2, 1: 1}.get(abs(i - middle), 0))
        return Fraction({0: 4, 1: 1}.get(abs(i - k), 0))

    def bent(index: tuple[int, ...]) -> Number:
        k, i = index
        return Fraction(0 if k in (0, last) else {0: -12, 1: 6}.get(abs(i - k), 0))

    m = _product(inverse(filled((layers, layers), curved)), filled((layers, layers), bent))

    def entry(index: tuple[int, ...]) -> Number:
        place, i = _place(index[0], layers, new_layers), index[1]
        k = min(int(place), last - 1)
        f = place - k
        g = 1 - f
        return g * (i == k) + f * (i == k + 1) + ((g**3 - g) * m[k, i] + (f**3 - f) * m[k + 1, i]) / 6

    return filled((new_layers, layers), entry)


def interpolated(weights: Tensor, Theta: Tensor) -> Tensor:
    """Return the new parameters Σ_k w_jk θ_k.

    Parameters
    ----------
    weights : numpy.ndarray
        Shape (M, N), of fractions.
    Theta : numpy.ndarray
        Shape (N, p): a row for each layer.

    Returns
    -------
    numpy.ndarray
        Shape (M, p).
    """

    def entry(index: tuple[int, ...]) -> Number:
        row = enumerate(weights[index[0]])
        return sum(Theta[k, index[1]] * w.numerator / w.denominator for k, w in row if w)

    return filled((weights.shape[0], Theta.shape[1]), entry)


def _place(j: int, layers: int, new_layers: int) -> Fraction:
    """Return the j-th new time in units of the old step, but no later than the last old time."""
    return min(Fraction(j * layers, new_layers), Fraction(layers - 1))


def _product(A: Tensor, B: Tensor) -> Tensor:
    n = B.shape[0]
    return filled(
        (A.shape[0], B.shape[1]), lambda index: sum(A[index[0], k] * B[k, index[1]] for k in range(n))
    )
