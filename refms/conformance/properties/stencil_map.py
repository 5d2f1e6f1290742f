"""G2-G5: the matrix A of s_H = A s_h: entries, moments, conditioning, inverse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import within
from refms.conformance.property import Claims, family
from refms.definition.arrays import as_double
from refms.definition.galerkin import stencil_map
from refms.definition.norms import max_norm, row_sum_norm
from refms.definition.transfer import Pair, Weights
from refms.errors import Array

law = family("galerkin")
EQ8, EQ9 = "[LAS] eq. (8)", "[LAS] eq. (9)"


@dataclass(frozen=True, eq=False)
class _Known:
    """What is known of the stencil map of a pair, for stencils of size 3."""

    correlation: Weights  # the c of the pairs that have it
    A: Array  # the map in one dimension
    inverse: Array
    left: Array  # left eigenvectors of A as rows
    eigenvalues: Array  # theirs
    laplacian: tuple[float, ...]  # what [1, -2, 1] is restricted to
    condition_2: tuple[float, ...]  # cond_2(A) in one, two and three dimensions, to the digits given
    condition_1: tuple[float, ...]  # cond_1(A)
    inverse_norm: tuple[float, ...]  # ‖A⁻¹‖₂


_KNOWN = (
    _Known(
        correlation={-2: 1 / 8, -1: 4 / 8, 0: 6 / 8, 1: 4 / 8, 2: 1 / 8},
        A=np.array([[0.5, 0.125, 0.0], [0.5, 0.75, 0.5], [0.0, 0.125, 0.5]]),
        inverse=np.array([[2.5, -0.5, 0.5], [-2.0, 2.0, -2.0], [0.5, -0.5, 2.5]]),
        left=np.array([[1.0, 1.0, 1.0], [-1.0, 0.0, 1.0], [1.0, -0.5, 1.0]]),
        eigenvalues=np.array([1.0, 0.5, 0.25]),
        laplacian=(0.25, -0.5, 0.25),
        condition_2=(5.18, 26.9, 139.0),
        condition_1=(5.0, 25.0, 125.0),
        inverse_norm=(4.55, 20.7, 94.4),
    ),
    _Known(
        correlation={-1: 0.5, 0: 1.0, 1: 0.5},
        A=np.array([[0.5, 0.0, 0.0], [0.5, 1.0, 0.5], [0.0, 0.0, 0.5]]),
        inverse=np.array([[2.0, 0.0, 0.0], [-1.0, 1.0, -1.0], [0.0, 0.0, 2.0]]),
        left=np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
        eigenvalues=np.array([1.0, 0.5, 0.5]),
        laplacian=(0.5, -1.0, 0.5),
        condition_2=(3.19, 10.2, 32.3),
        condition_1=(3.0, 9.0, 27.0),
        inverse_norm=(2.524, 6.372, 16.09),  # ((7 + √33)/2)^{d/2}
    ),
)
"""The pairs of Example 1, and those that double the Laplacian."""


def is_example_1(pair: Pair) -> bool:
    """Return whether a pair has the stencil map of Example 1 of [LAS]."""
    return pair.correlation == _KNOWN[0].correlation


def _known(pair: Pair) -> _Known:
    return next(known for known in _KNOWN if known.correlation == pair.correlation)


def _is_known(pair: Pair) -> bool:
    return any(known.correlation == pair.correlation for known in _KNOWN)


CLOSED = Domain(multiple=2, pair=lambda pair: True, stencil="closed")
NAMED = Domain(multiple=2, pair=_is_known, stencil="closed", sizes=(3,))


@law("G2", "stencil_down stencil_up", EQ8, NAMED)
def _stencil_map(a: Gate, x: Instance) -> Claims:
    """The stencil map is the known matrix, and prolongation its inverse.

    unit stencils of size 3 give the columns of A ⊗ … ⊗ A, and going up those of its inverse, entry by entry
    Catches: any wrong entry of the stencil map.
    """
    known = _known(x.weights)
    forth, back = (reduce(np.kron, [matrix] * x.d) for matrix in (known.A, known.inverse))
    scale = float(np.abs(back).sum(axis=1).max())
    yield "A ⊗ … ⊗ A", _units(a.stencil_down, x), forth, 1.0
    yield "A⁻¹ ⊗ … ⊗ A⁻¹, scale ‖A⁻¹‖_∞^d", _units(a.stencil_up, x), back, scale


@law("G3", "stencil_down", "moments: left eigenvectors of A", NAMED)
def _moments(a: Gate, x: Instance) -> Claims:
    """Restriction scales the moments of a stencil by known factors.

    A has the eigenvalues {1, ½, ¼} ({1, ½, ½} for averaging-constant): Σs is kept, first moments halve,
    curvatures (1,-½,1) quarter; [1,-2,1] → [¼,-½,¼] ([½,-1,½]); {1, ½, ¼, ⅛, ⅛} for size 5
    Catches: summed R, scaled P, misaligned weights, unchanged stencils: what R K_h P alone lets pass.
    """
    known, S = _known(x.weights), x.stencils()
    before, after = as_double(S), as_double(a.stencil_down(S, x.pair))
    for axis in range(2, 2 + x.d):
        before = _along(known.eigenvalues[:, None] * known.left, before, axis)
        after = _along(known.left, after, axis)
    yield "moments, scale 4^d ‖s‖₁", after, before, 4**x.d * row_sum_norm(S)
    if x.d == 1:
        laplacian = (x.stencil_scale * np.array([[[1.0, -2.0, 1.0]]])).astype(x.dtype)
        expected = float(laplacian[0, 0, 0]) * np.array([[known.laplacian]])
        got = a.stencil_down(laplacian, x.pair)
        yield "[1,-2,1]", got, expected, row_sum_norm(laplacian)
    if is_example_1(x.weights) and 5 in a.profile.stencil_sizes:
        A = _units(a.stencil_down, x, 5)
        traces = [np.trace(A), np.trace(A @ A)]
        spectrum = np.array([1, 1 / 2, 1 / 4, 1 / 8, 1 / 8])
        exact = [spectrum.sum() ** x.d, (spectrum**2).sum() ** x.d]
        yield "traces of A and A² for size 5, scale 5^d", traces, exact, 5.0**x.d


@law("G4", "stencil_down stencil_up", "conditioning of the stencil map", NAMED)
def _conditioning(a: Gate, x: Instance) -> Claims:
    """The stencil map is as well conditioned as it is known to be.

    size 3 in 1/2/3 dimensions: cond_2 = 5.18/26.9/139 and cond_1 = 5/25/125 (averaging-bilinear),
    3.19/10.2/32.3 and 3/9/27 (averaging-constant), ‖A⁻¹‖₂ as large as it is known to be; criterion: the
    printed digits
    Catches: a prolongation that amplifies more than it must (least squares, regularisation).
    """
    known = _known(x.weights)
    forth, back = _units(a.stencil_down, x), _units(a.stencil_up, x)
    for value, printed, name in (
        (np.linalg.norm(forth, 2) * np.linalg.norm(back, 2), known.condition_2[x.d - 1], "cond_2"),
        (np.linalg.norm(forth, 1) * np.linalg.norm(back, 1), known.condition_1[x.d - 1], "cond_1"),
        (np.linalg.norm(back, 2), known.inverse_norm[x.d - 1], "‖A⁻¹‖₂"),
    ):
        yield within(float(value), 0.995 * printed, 1.005 * printed, f"{name} in {x.d} dimension(s)")


@law("G5", "stencil_down stencil_up", EQ9, CLOSED)
def _round_trips(a: Gate, x: Instance) -> Claims:
    """Up and down undo each other.

    down(up(s)) = s = up(down(s)); scale cond_∞(A)^d ‖s‖_∞
    Catches: an inverse of another map, loss of accuracy on the way up.
    """
    S = x.stencils()
    A = stencil_map(x.weights.r, x.weights.p, x.stencil[0])
    condition = float(np.linalg.cond(A, np.inf)) ** x.d
    scale = condition * max_norm(S)
    yield "down(up(s)) = s", a.stencil_down(a.stencil_up(S, x.pair), x.pair), S, scale
    yield "up(down(s)) = s", a.stencil_up(a.stencil_down(S, x.pair), x.pair), S, scale


def _units(operation: Callable[[Array, str], Array], x: Instance, size: int = 3) -> Array:
    """Return the matrix of a linear map of single stencils, by its action on multiples of unit stencils."""
    count, one = size**x.d, np.asarray(x.stencil_scale, dtype=x.dtype)
    units = one * np.eye(count, dtype=x.dtype).reshape(count, 1, *(size,) * x.d)
    return as_double(operation(units, x.pair)).reshape(count, -1).T / float(one)


def _along(matrix: Array, S: Array, axis: int) -> Array:
    return np.moveaxis(np.tensordot(matrix, S, axes=(1, axis)), 0, axis)
