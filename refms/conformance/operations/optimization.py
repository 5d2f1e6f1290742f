"""The operations of optimisation: directions, preconditioners, and whole histories of training.

A history is a mapping of arrays whose first axis counts the steps; those that measure steps may be in double
precision, whatever the profile says.
"""

from __future__ import annotations

from typing import Any

from refms.conformance.operations.networks import OF_A_STEP
from refms.conformance.operations.operation import row

_OBJECTIVE = """``objective`` has the methods ``value(x)``, ``value_and_gradient(x)`` and ``curvature(x)``,
        which returns the function v -> H v."""

_CG = """p is what exactly so many iterations of plain conjugate gradients give from zero, fewer only where
        the residual is zero or pᵀHp <= 0, without any other stopping rule; where the very first pᵀHp is not
        positive, p is −g."""

_SEARCH = """α is the first of 1, ½, … , 2⁻¹⁰ with f(x + αp) <= f(x) + 1e-4 α gᵀp (NaN and infinity are
        refused); if there is none, α is 0 and x stays."""

_NEWTON = """``objective`` is f after each step, ``gradient_norm`` is ‖g‖₂ where it began, ``step_length``
        its α, and ``x`` where it led. A step with α = 0 is followed by others all the same."""

_PRECONDITIONED = """

        The objective is the mean or the sum over examples of the cross entropy of z = h^d Wᵀy + μ (h^d as
        the profile says) plus ½ h^d Σ_j (α ‖∇_h w_j‖² + τ ‖w_j‖²), with features Y, α and τ >= 0, ∇_h as in
        ``weight_smoothness``. V is (c·n + 1, ℓ): rows that belong to W, and a last one that belongs to μ.
        """

CONDITION = 50.0
"""Of matrix and preconditioner together, in trials."""


def _of_iterate(t: Any) -> tuple[float, float]:
    return 1.0, CONDITION


def _of_history(t: Any) -> tuple[float, float]:
    return CONDITION, CONDITION


def _of_training(t: Any) -> tuple[float, float]:
    return 0.0, OF_A_STEP / t.x.eps


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
        λ/4 where it is above ¾; a refused step has the gain 0. Where g = 0 there is no gain: x stays, and
        of λ nothing is asked. ``objective`` is f after each step, ``step_length`` its α, ``damping`` its λ,
        and ``x`` where it led.
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
        same x, ten at most, after which x stays. Where g = 0 the model promises no decrease, and
        there is no gain: x stays, and of Δ nothing is asked. ``objective`` is f after each step, ``radius``
        the Δ of its last trial, and ``x`` where it led.
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
    row(
        "classifier_diagonal(W[D y], mu[y], Y[M O grid], C[y M], V[E y], grid, alpha, tau) -> array like V",
        f"M⁻¹V with M the diagonal of the Hessian of the classifier's objective in (W, μ).{_PRECONDITIONED}",
        lambda t: (0.0, 1.0),
    ),
    row(
        "classifier_kronecker(W[D y], mu[y], Y[M O grid], C[y M], V[E y], grid, alpha, tau) -> array like V",
        f"""M⁻¹V with M = mean_k(ỹ_k ỹ_kᵀ) ⊗ mean_k(∇²E_k) + Q, ỹ = (h^d y, 1), Q the regulariser's Hessian.

        ∇²E_k is the Hessian (ℓ, ℓ) of the cross entropy of example k in its logits; where the loss is a sum,
        the first term is m times that. τ > 0. M is singular along equal changes of all entries of μ: the
        part of the last row of V along (1, …, 1) comes back as it is.{_PRECONDITIONED}""",
        lambda t: (0.0, CONDITION),
    ),
    row(
        "train_classifier(W[D y], mu[y], Y[M O grid], C[y M], grid, alpha, tau, steps, iterations)"
        " -> history(objective[steps], gradient_norm[steps], step_length[steps], W[steps D y], mu[steps y])",
        f"""the history of so many steps of Newton's method in (W, μ) on given features Y.

        The objective is the mean or the sum over examples of the cross entropy of z = h^d Wᵀy + μ (h^d as
        the profile says) plus ½ h^d Σ_j (α ‖∇_h w_j‖² + τ ‖w_j‖²); steps are those of ``newton``, in the
        vector of all entries of W and μ, H p = −g with the exact Hessian.
        {_CG}
        {_SEARCH}
        """,
        _of_training,
    ),
    row(
        "block_coordinate_descent(parameters, X[M B grid], C[y M], problem, weights, samples[K S], inner, "
        "iterations, inner_iterations)"
        " -> history(objective[K inner], gradient_norm[K inner], step_length[K inner], parameters[K])",
        f"""the history of K iterations of block-coordinate descent for ``regularized_loss``, [LAS] Sec. 4.

        Each makes ``inner`` steps x ← x + αp, H p = −g. The first is in x = (opening, stencils, biases), with
        the Gauss–Newton matrix H of ``regularized_loss`` in which the loss is that of the examples
        ``samples[k]`` alone, m/S times as heavy where it is a sum; g and f take all examples, as always. The
        other steps are in x = (W, μ), with the Hessian H in these of all examples.
        {_CG}
        They are ``iterations`` in the first step, and ``inner_iterations`` in the others.
        {_SEARCH}
        ``objective`` is ``regularized_loss`` after each step, ``gradient_norm`` is ‖g‖₂ in x where it began,
        ``step_length`` its α; the parameters are those after each iteration.
        """,
        _of_training,
        splits=False,
    ),
)
