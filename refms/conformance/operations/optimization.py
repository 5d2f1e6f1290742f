"""The operations of optimisation: directions, preconditioners, and whole histories of training.

A history is a mapping of arrays whose first axis counts the steps; those that measure steps may be in double
precision, whatever the profile says.
"""

from __future__ import annotations

from typing import Any

from refms.conformance.operations.operation import row

_OBJECTIVE = """``objective`` has the methods ``value(x)``, ``value_and_gradient(x)`` and ``curvature(x)``,
        which returns the function v -> H v."""

_CG = """p is what exactly so many iterations of plain conjugate gradients give from zero, fewer only where
        the residual is zero or pᵀHp <= 0, without any other stopping rule."""

_SEARCH = """α is the first of 1, ½, … , 2⁻¹⁰ with f(x + αp) <= f(x) + 1e-4 α gᵀp (NaN and infinity are
        refused); if there is none, α is 0 and x stays."""

_NEWTON = """``objective`` is f after each step, ``gradient_norm`` is ‖g‖₂ where it began, ``step_length``
        its α, and ``x`` where it led. A step with α = 0 is followed by others all the same."""

CONDITION = 50.0
"""Of matrix and preconditioner together, in trials."""


def _of_iterate(t: Any) -> tuple[float, float]:
    return 1.0, CONDITION


def _of_history(t: Any) -> tuple[float, float]:
    return CONDITION, CONDITION


ROWS = (
    row(
        "preconditioned_conjugate_gradients(product, preconditioner, b[K], iterations) -> array like b",
        """the iterate of conjugate gradients for A x = b from zero, preconditioned by r -> M⁻¹ r.

        After so many iterations it is the minimiser of ½xᵀAx − bᵀx over the span of M⁻¹b, M⁻¹A M⁻¹b, ….
        Where they stop earlier (a residual of zero, pᵀAp <= 0), the last iterate, or M⁻¹b if that is zero.
        A and M are symmetric, M positive definite.
        """,
        _of_iterate,
    ),
    row(
        "damped_step(product, g[K], damping, iterations) -> array like g",
        """the direction p of Levenberg and Marquardt, (H + λI) p = −g, λ = ``damping`` >= 0.

        ``product`` is v -> H v, ``iterations`` what CG may take at most, p as accurate as they get.
        """,
        _of_iterate,
    ),
    row(
        "trust_region_step(product, g[K], radius, iterations) -> array like g",
        """the step p of Steihaug and Toint for min gᵀp + ½pᵀHp, ‖p‖₂ <= Δ = ``radius``.

        CG for H p = −g from zero, ``iterations`` at most: where an iterate leaves the ball, the point at
        which its segment does; where dᵀHd <= 0 along a search direction d, the point at which p + τd, τ > 0,
        meets the sphere. ``product`` is v -> H v; H is symmetric, it may be indefinite, or zero.
        """,
        _of_iterate,
    ),
    row(
        "newton(objective, x[K], steps, iterations)"
        " -> history(objective[steps], gradient_norm[steps], step_length[steps], x[steps K])",
        f"""the history of so many steps x ← x + αp of Newton's method, H p = −g.

        {_OBJECTIVE}
        {_CG}
        {_SEARCH}
        {_NEWTON}
        """,
        _of_history,
    ),
    row(
        "levenberg_marquardt(objective, x[K], damping, steps, iterations)"
        " -> history(objective[steps], step_length[steps], damping[steps], x[steps K])",
        f"""the history of so many steps x ← x + αp with (H + λI) p = −g, λ = ``damping`` in the first.

        {_OBJECTIVE}
        {_CG.replace("pᵀHp", "pᵀ(H + λI)p")}
        {_SEARCH}
        After each step λ becomes 4λ where the gain (f(x) − f(x + αp)) / (−α gᵀp − ½ α² pᵀHp) is below ¼, and
        λ/4 where it is above ¾; a refused step has the gain 0. ``damping`` is the λ of each step.
        """,
        _of_history,
    ),
    row(
        "trust_region(objective, x[K], radius, steps, iterations)"
        " -> history(objective[steps], radius[steps], x[steps K])",
        f"""the history of so many steps x ← x + p, p by ``trust_region_step``, Δ = ``radius`` in the first.

        {_OBJECTIVE}
        A trial p has the gain (f(x) − f(x + p)) / (−gᵀp − ½ pᵀHp), −∞ where f(x + p) is NaN or
        infinite. After each trial Δ becomes ¼ min(‖p‖, Δ) where the gain is below ¼, and 2Δ where it is above
        ¾ and ‖p‖ = Δ. The trial is taken where the gain is above 1e-4; else the next one is made from the
        same x. ``radius`` is the Δ of the trial that was taken.
        """,
        _of_history,
    ),
    row(
        "momentum(gradient, x[K], rates[N], momentum) -> array[N K]",
        """x after each update v ← μ v + g, x ← x − η_k v from v = 0, k = 0 … N − 1, μ = ``momentum``.

        g is ``gradient(x, k)``, that of the k-th mini-batch at the present x; η_k is ``rates[k]``.
        """,
        _of_history,
    ),
    row(
        "adam(gradient, x[K], rates[N]) -> array[N K]",
        """x after each update of Adam from zero moments, k = 0 … N − 1.

        g is ``gradient(x, k)``, that of the k-th mini-batch at the present x; η_k is ``rates[k]``; the update
        is that of ``adam_step``: β = (0.9, 0.999), ε = 1e-8 outside the root, counted from 1.
        """,
        _of_history,
    ),
)
