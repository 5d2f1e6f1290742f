"""The path of conjugate gradients through a trust region, after Steihaug and Toint."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from refms.backend import zeros_like
from refms.errors import Array, InputError, is_real, require_whole
from refms.linear.cg import CGResult, curvature_status, epsilon
from refms.linear.direction import Direction
from refms.linear.outcome import Outcome, Status
from refms.linear.product import Product
from refms.linear.vectors import add_scaled, dot, guarded, in_units, norm, power_of_two, require_real_vector


@dataclass(frozen=True, eq=False)
class Segment:
    """A straight piece of the path, from p_k along d_k."""

    d: Array  # search direction d_k, shape (size,), in units of the gradient
    length: float  # α_k with p_{k+1} = p_k + α_k d_k; infinite where the curvature is not positive
    slope: float  # −∇m(p_k)ᵀd_k > 0
    curvature: float  # d_kᵀHd_k
    unit: float  # the power of two next to the radius, in which lengths are squared
    # pp, pd, dd: p_kᵀMp_k, p_kᵀMd_k and d_kᵀMd_k, with M the inverse of the preconditioner and p_k in units
    pp: float
    pd: float
    dd: float

    def size(self, tau: float) -> float:
        """Return ‖p_k + τ d_k‖_M = √(pp + 2τ pd + τ² dd)."""
        tau /= self.unit
        return self.unit * math.sqrt(self.pp + tau * (2.0 * self.pd + tau * self.dd))

    def length_to(self, radius: float) -> float:
        """Return τ >= 0 with ‖p_k + τ d_k‖_M = radius; the start lies inside."""
        gap = max((radius / self.unit) ** 2 - self.pp, 0.0)
        root = math.sqrt(self.pd * self.pd + self.dd * gap)
        return self.unit * (gap / (self.pd + root) if self.pd > 0.0 else (root - self.pd) / self.dd)

    def model(self, tau: float) -> float:
        """Return m(p_k + τ d_k) − m(p_k)."""
        return tau * (0.5 * tau * self.curvature - self.slope)


@dataclass(frozen=True, eq=False)
class Path:
    """The polygon p_0 = 0, p_1, …, along which ‖p‖_M grows and the model m falls."""

    gradient: Array  # g, shape (size,)
    segments: tuple[Segment, ...]  # its pieces; none if g is zero or the first product is not finite
    residual_norms: tuple[float, ...]  # ‖g + Hp_k‖₂ for each vertex
    # Why it ends: ``converged``, ``iteration_limit``, ``boundary`` (it left the region),
    # ``negative_curvature`` or ``singular`` (its last piece is a ray), ``indefinite_preconditioner`` or
    # ``non_finite``
    status: Status

    def cut(self, radius: float) -> tuple[Direction, bool]:
        """Return the path's last point p with ‖p‖_M <= Δ, and whether ‖p‖_M = Δ.

        The radius Δ > 0 is not above the one that the path was made for; no product is needed.
        """
        p, values, edge = zeros_like(self.gradient), [0.0], False
        for segment in self.segments:
            edge = math.isinf(segment.length) or segment.size(segment.length) >= radius
            tau = segment.length_to(radius) if edge else segment.length
            p = add_scaled(p, tau, segment.d)
            values.append(values[-1] + segment.model(tau))
            if edge:
                break
        ray = edge and math.isinf(segment.length)
        status = Status.BOUNDARY if edge and not ray else self.status
        residuals = self.residual_norms[: len(values)]
        outcome = Outcome(status, _SENTENCES[status].format(len(values) - 1))
        cg = CGResult(p, outcome, len(values) - 1, residuals, tuple(values))
        slope = dot(self.gradient, p)
        return Direction(p, slope, 2.0 * (values[-1] - slope), cg), edge


def steihaug(
    product: Product,
    gradient: Array,
    radius: float,
    *,
    tolerance: float = 1e-2,
    max_iterations: int = 20,
    preconditioner: Product | None = None,
) -> Path:
    """Follow conjugate gradients for min m(p) = gᵀp + ½ pᵀHp until they leave the trust region ‖p‖_M <= Δ.

    Parameters
    ----------
    product : callable
        v -> H v for a symmetric H, which need not be positive definite; keeps shape and dtype.
    gradient : array
        g, shape (size,), float32 or float64.
    radius : float
        Δ > 0, in the norm ‖p‖_M.
    tolerance : float
        Stop where ‖g + Hp‖₂ <= tolerance · ‖g‖₂.
    max_iterations : int
        Stop after so many products.
    preconditioner : callable or None
        r -> M⁻¹ r, symmetric positive definite; None takes M = I.

    Returns
    -------
    Path
        Its point ``cut(Δ)`` is the step; a shorter radius cuts the same path, without any more products.

    Raises
    ------
    InputError
        If an argument is out of range, or a product changes shape or dtype, or its argument.

    Notes
    -----
    From p_0 = 0 the norms ‖p_k‖_M grow and m(p_k) falls (Steihaug 1983, Theorem 2.1), so the path leaves the
    region once. It ends there, or at the edge along a direction of curvature that is not positive. The norms
    follow from the recurrences

        p_{k+1}ᵀMp_{k+1} = p_kᵀMp_k + 2α p_kᵀMd_k + α² d_kᵀMd_k,
        p_{k+1}ᵀMd_{k+1} = β (p_kᵀMd_k + α d_kᵀMd_k),   d_{k+1}ᵀMd_{k+1} = r_{k+1}ᵀz_{k+1} + β² d_kᵀMd_k,

    so that M itself is never applied. Curvature that is rounding error, as :func:`conjugate_gradients` tells
    it, is followed to the edge as if it were zero. The gradient is taken in units of a power of two and
    lengths in those of the radius, so that no square overflows or underflows. The host reads a few numbers in
    each iteration, also from a GPU.

    Examples
    --------
    >>> import numpy as np
    >>> path = steihaug(lambda v: np.array([1.0, -1.0]) * v, np.array([0.0, 1.0]), 2.0)
    >>> step, edge = path.cut(2.0)
    >>> step.p.tolist(), edge
    ([0.0, -2.0], True)
    """
    require_real_vector(gradient, "gradient")
    max_iterations = require_whole(max_iterations, "max_iterations", 1)
    if not (is_real(radius) and is_real(tolerance) and radius > 0.0 and 0.0 <= tolerance < math.inf):
        raise InputError(
            f"radius {radius!r}, tolerance {tolerance!r}; expected a positive radius and a tolerance of 0 or "
            "more."
        )
    scaled, unit = in_units(gradient, norm(gradient))
    solve = None if preconditioner is None else guarded(preconditioner, "preconditioner")
    residuals, status, segments = [norm(scaled)], Status.ITERATION_LIMIT, list[Segment]()
    radius_unit = power_of_two(radius) if radius < math.inf else unit
    vertices = _vertices(guarded(product, "product"), solve, -scaled, unit, radius_unit)
    target = tolerance * residuals[0]
    while residuals[-1] > target and len(segments) < max_iterations:
        found, size, ended = next(vertices)
        segments += [] if found is None else [found]
        residuals += [] if found is None else [size]
        if ended is not None or (found is not None and found.size(found.length) >= radius):
            status = Status.BOUNDARY if ended is None else ended
            break
    else:
        status = Status.CONVERGED if residuals[-1] <= target else status
    return Path(gradient, tuple(segments), tuple(unit * one for one in residuals), status)


def _vertices(
    product: Product, solve: Product | None, r: Array, unit: float, radius_unit: float
) -> Iterator[tuple[Segment | None, float, Status | None]]:
    """Yield each piece of the path with ‖g + Hp‖ at its end, and a status where there is no next one."""
    rz, pp, pd, dd, steepest = 0.0, 0.0, 0.0, 0.0, 0.0
    d: Array | None = None
    eps = epsilon(r)
    while True:
        z = r if solve is None else solve(r)
        following = dot(r, z)
        if not 0.0 < following < math.inf:
            finite = math.isfinite(following)
            yield None, 0.0, Status.INDEFINITE_PRECONDITIONER if finite else Status.NON_FINITE
        if d is None:
            d, dd = z.copy(), following
        else:
            beta = following / rz
            d, pd, dd = add_scaled(z, beta, d), beta * pd, following + beta * beta * dd
        rz, Hd = following, product(d)
        curvature = dot(d, Hd)
        if not math.isfinite(curvature):
            yield None, 0.0, Status.NON_FINITE
        steepest = max(steepest, curvature / dd)
        ended = curvature_status(curvature, norm(d) * norm(Hd), dd * steepest, eps)
        if ended is not Status.ACCEPTED:
            ray = Segment(d, math.inf, unit * rz, curvature, radius_unit, pp, pd, dd)
            yield ray, norm(r), ended
        alpha = rz / curvature
        piece = Segment(d, alpha * unit, unit * rz, curvature, radius_unit, pp, pd, dd)
        step = piece.length / radius_unit
        pp, pd = pp + step * (2.0 * pd + step * dd), pd + step * dd
        r = add_scaled(r, -alpha, Hd)
        size = norm(r)
        if not math.isfinite(size) or math.isnan(pp):  # an infinite pp lies far outside the region
            yield None, 0.0, Status.NON_FINITE
        yield piece, size, None


_SENTENCES = {
    Status.CONVERGED: "Conjugate gradients reached the tolerance inside the trust region ({} iterations).",
    Status.ITERATION_LIMIT: "Conjugate gradients used up their {} iterations inside the trust region.",
    Status.BOUNDARY: "Conjugate gradients reached the edge of the trust region ({} iterations).",
    Status.NEGATIVE_CURVATURE: "Conjugate gradients met a direction without positive curvature and followed "
    "it to the edge of the trust region ({} iterations).",
    Status.SINGULAR: "Conjugate gradients met a direction along which the curvature is rounding error and "
    "followed it to the edge of the trust region ({} iterations).",
    Status.INDEFINITE_PRECONDITIONER: "The preconditioner is not positive definite, so conjugate gradients "
    "kept what they had after {} iterations; give a symmetric positive definite one, or none.",
    Status.NON_FINITE: "Conjugate gradients met NaN or infinity and kept what they had after {} iterations: "
    "usually the data or the parameters are not finite or far too large. Look at the norms of both.",
}
