"""Whether a coarse matrix is the Galerkin product R K_h P, and that product a convolution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from refms.backend import backend_of
from refms.checks.factor import name_factor
from refms.checks.report import Report, Verdict, verdict
from refms.checks.residual import as_double, machine_epsilon, ratio, unit_of
from refms.errors import Array, InputError
from refms.grid import Grid
from refms.linear.vectors import norm
from refms.stencils.convolution import convolution_matrix


@dataclass(frozen=True)
class GalerkinReport(Report):
    """Outcome of :func:`galerkin_test` and :func:`galerkin_stencil_test`.

    Parameters
    ----------
    scale : float
        ‖ |R| |K_h| |P| ‖_F.
    factor : float or None
        The constant c with K_H = c R K_h P, where the test failed by nothing but a constant.
    """

    scale: float = float("nan")
    factor: float | None = None


def galerkin_test(restriction: Any, fine: Any, prolongation: Any, coarse: Any) -> GalerkinReport:
    """Test K_H = R K_h P on explicit matrices, of which none is changed.

    Parameters
    ----------
    restriction : sparse or dense array
        R, shape (N_H, N_h).
    fine : sparse or dense array
        K_h, shape (N_h, M_h).
    prolongation : sparse or dense array
        P, shape (M_h, M_H).
    coarse : sparse or dense array
        K_H, shape (N_H, M_H); all four on one backend, in one dtype.

    Returns
    -------
    GalerkinReport
        ρ = ‖R K_h P − K_H‖_F / (eps ‖ |R| |K_h| |P| ‖_F).

    Raises
    ------
    InputError
        If the matrices live on different backends, have different dtypes or are no matrices.

    Notes
    -----
    The scale is the size of the terms that are added up, so cancellation among them costs no false alarm.
    Matrices that do not fit together give FAIL, as a wrong answer does.

    Examples
    --------
    >>> import numpy as np, scipy.sparse
    >>> R = scipy.sparse.csr_array(np.array([[0.5, 0.5]]))
    >>> K = scipy.sparse.csr_array(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> galerkin_test(R, K, 2 * R.T.tocsr(), scipy.sparse.csr_array(np.array([[3.0]]))).passed
    True
    """
    matrices = {"R": restriction, "K_h": fine, "P": prolongation, "K_H": coarse}
    backend = backend_of(*matrices.values())
    if len({str(matrix.dtype) for matrix in matrices.values()}) != 1:
        listing = ", ".join(f"{name} is {matrix.dtype}" for name, matrix in matrices.items())
        raise InputError(f"mixed dtypes: {listing}; expected one for all.")
    for name, matrix in matrices.items():
        if len(matrix.shape) != 2:
            raise InputError(f"{name} has shape {tuple(matrix.shape)}; expected a matrix.")
    R, K, P, H = (backend.sparse.csr_array(matrix) for matrix in matrices.values())
    if not (R.shape[1] == K.shape[0] and K.shape[1] == P.shape[0] and (R.shape[0], P.shape[1]) == H.shape):
        text = f"the shapes do not fit together: R {R.shape}, K_h {K.shape}, P {P.shape}, K_H {H.shape}."
        return GalerkinReport(_NAME, float("inf"), "FAIL", text)
    unit = unit_of(K.data, H.data)  # so that no product leaves the range of float64
    eps = machine_epsilon(K.dtype)
    K, H = as_double(K, backend) * (1 / unit), as_double(H, backend) * (1 / unit)
    return _judge(R @ K @ P, H, _size(abs(R) @ abs(K) @ abs(P)), eps, unit)


_NAME = "galerkin_test"


def galerkin_stencil_test(
    restriction: Any, fine: Any, prolongation: Any, stencil: Array, coarse_grid: Grid
) -> GalerkinReport:
    r"""Test that R K_h P is the periodic convolution with a coarse stencil.

    Parameters
    ----------
    restriction, fine, prolongation : sparse or dense array
        R, K_h and P as in :func:`galerkin_test`.
    stencil : array
        s_H, shape (\*stencil) for one channel or (c_out, c_in, \*stencil), odd extents, offset −r first.
    coarse_grid : Grid
        The coarse grid.

    Returns
    -------
    GalerkinReport
        As in :func:`galerkin_test`, with K_H the block-circulant matrix of the stencil.

    Raises
    ------
    InputError
        If the stencil has neither d nor d + 2 axes or an even extent.

    Notes
    -----
    K_H is the definition of [LAS] eq. (2), :func:`refms.convolution_matrix`. On grids smaller than the
    stencil, entries that fall on one place add.

    Examples
    --------
    >>> import numpy as np, scipy.sparse
    >>> one = scipy.sparse.eye_array(4, format="csr")
    >>> galerkin_stencil_test(one, one, one, np.array([0.0, 1.0, 0.0]), Grid((4,))).passed
    True
    """
    backend_of(restriction, fine, prolongation, stencil)
    return galerkin_test(restriction, fine, prolongation, convolution_matrix(stencil, coarse_grid))


def _judge(expected: Any, found: Any, scale: float, eps: float, unit: float) -> GalerkinReport:
    """Return the report on R K_h P and K_H, both in the same unit."""
    rho = ratio(_size(found - expected), scale, eps)

    def report(outcome: Verdict, text: str, factor: float | None = None) -> GalerkinReport:
        return GalerkinReport(_NAME, rho, outcome, text, scale * unit, factor)

    if scale == 0.0:
        return report("FAIL" if rho else "MARGINAL", "R K_h P is zero, so nothing was tested.")
    if verdict(rho) == "PASS":
        return report("PASS", f"the coarse matrix is R K_h P to {rho:.2g} eps.")
    c = _factor(found, expected, 1e3 * eps)
    if c is None:
        text = f"the coarse matrix differs from R K_h P by {rho:.3g} eps and by no constant factor."
        return report(verdict(rho), text)
    return report(verdict(rho), f"the coarse matrix is {name_factor(c, {})} times R K_h P.", c)


def _size(matrix: Any) -> float:
    """Return the Frobenius norm of a sparse matrix."""
    return norm(matrix.tocsr().data)


def _factor(coarse: Any, expected: Any, near: float) -> float | None:
    """Return c with coarse = c · expected up to round-off, c not 1, or None."""
    size = _size(expected)
    if not 0 < size < math.inf:
        return None
    coarse, expected = coarse * (1 / size), expected * (1 / size)  # so that no square underflows
    c = complex(coarse.multiply(expected.conj()).sum()).real
    return c if c and abs(c - 1) > near and _size(coarse - c * expected) <= near * _size(coarse) else None
