"""Whether a coarse matrix is the Galerkin product R K_h P, and that product a convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from refms.backend import backend_of
from refms.checks.factor import name_factor
from refms.checks.report import Report, verdict
from refms.checks.residual import inner, machine_epsilon, norm_of, ratio
from refms.errors import Array, InputError
from refms.grid import Grid
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
    """Test K_H = R K_h P on explicit sparse matrices.

    Parameters
    ----------
    restriction : sparse array
        R, shape (N_H, N_h).
    fine : sparse array
        K_h, shape (N_h, M_h).
    prolongation : sparse array
        P, shape (M_h, M_H).
    coarse : sparse array
        K_H, shape (N_H, M_H); all four on one backend, in one dtype.

    Returns
    -------
    GalerkinReport
        ρ = ‖R K_h P − K_H‖_F / (eps ‖ |R| |K_h| |P| ‖_F).

    Raises
    ------
    InputError
        If the matrices live on different backends or have different dtypes.

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
    backend_of(*matrices.values())
    if len({str(matrix.dtype) for matrix in matrices.values()}) != 1:
        listing = ", ".join(f"{name} is {matrix.dtype}" for name, matrix in matrices.items())
        raise InputError(f"mixed dtypes: {listing}; expected one for all.")
    misfit = _misfit(restriction.shape, fine.shape, prolongation.shape, coarse.shape)
    if misfit:
        return GalerkinReport("galerkin_test", float("inf"), "FAIL", misfit)
    expected = (restriction @ fine @ prolongation).tocsr()
    scale = _size(abs(restriction) @ abs(fine) @ abs(prolongation))
    error = _size(coarse - expected)
    rho = ratio(error, machine_epsilon(fine.dtype) * scale)
    if scale == 0.0:
        text = "R K_h P is zero, so nothing was tested."
        return GalerkinReport("galerkin_test", rho, "FAIL" if rho else "MARGINAL", text, scale)
    if verdict(rho) == "PASS":
        text = f"the coarse matrix is R K_h P to {rho:.2g} eps."
        return GalerkinReport("galerkin_test", rho, "PASS", text, scale)
    text = f"the coarse matrix differs from R K_h P by {rho:.3g} eps and by no constant factor."
    c = _factor(coarse.tocsr(), expected)
    if c is not None:
        text = f"the coarse matrix is {name_factor(c, {})} times R K_h P."
    return GalerkinReport("galerkin_test", rho, verdict(rho), text, scale, c)


def galerkin_stencil_test(
    restriction: Any, fine: Any, prolongation: Any, stencil: Array, coarse_grid: Grid
) -> GalerkinReport:
    r"""Test that R K_h P is the periodic convolution with a coarse stencil.

    Parameters
    ----------
    restriction, fine, prolongation : sparse array
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


def _misfit(*shapes: tuple[int, ...]) -> str | None:
    """Return a sentence when R, K_h, P and K_H do not fit together."""
    R, K, P, H = shapes
    if R[1] == K[0] and K[1] == P[0] and (R[0], P[1]) == H:
        return None
    return f"the shapes do not fit together: R {R}, K_h {K}, P {P}, K_H {H}."


def _size(matrix: Any) -> float:
    """Return the Frobenius norm of a sparse matrix."""
    compressed = matrix.tocsr()
    return norm_of(compressed.data) if compressed.nnz else 0.0


def _factor(coarse: Any, expected: Any) -> float | None:
    """Return c with coarse = c · expected up to 1e-6, or None."""
    overlap = coarse.multiply(expected).tocsr()
    square = _size(expected) ** 2
    if not overlap.nnz or not square > 0:
        return None
    c = inner(overlap.data, overlap.data * 0 + 1).real / square
    near = 1e3 * machine_epsilon(coarse.dtype)
    return c if _size(coarse - c * expected) <= near * _size(coarse) and abs(c - 1) > near else None
