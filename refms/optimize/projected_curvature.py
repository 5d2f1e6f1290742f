"""The Gauss–Newton matrix of the reduced objective: that of θ with the classifier projected out."""

from __future__ import annotations

from collections.abc import Iterable

from refms.backend import backend_of
from refms.errors import Array, InputError
from refms.linear.cg import conjugate_gradients
from refms.linear.product import Operator
from refms.maps.chain import frugal
from refms.maps.map import At
from refms.objective.batches import is_short, width_and_threads
from refms.objective.examples import Examples
from refms.objective.problem import TrainingProblem
from refms.objective.workers import map_in_order


def projected_curvature(
    problem: TrainingProblem,
    theta: Array,
    omega: Array,
    examples: Examples,
    tolerance: float = 1e-3,
    iterations: int = 50,
) -> Operator:
    """Return G_θθ − G_θω G_ωω⁻¹ G_ωθ at the ω at which the inner problem is solved.

    θ and ω are the two blocks of the problem, in [LAS] propagation and classifier. With z = F(θ, ω; x) the
    logits, J_θ = ∂z/∂θ and J_ω = ∂z/∂ω their Jacobians and H = ∇²E (each divided by the number of examples),
    the joint Gauss–Newton matrix has the blocks

        G_θθ = J_θᵀ H J_θ + Q_θ,   G_θω = J_θᵀ H J_ω = G_ωθᵀ,   G_ωω = J_ωᵀ H J_ω + Q_ω.

    Its Schur complement in θ is what remains of ½ pᵀGp when p_ω = −G_ωω⁻¹ G_ωθ p_θ follows p_θ as the
    inner minimiser does to first order. A product with v goes through the network once each way:

        ζ = J_θ v,   c = J_ωᵀ H ζ,   G_ωω w = c (conjugate gradients on the features),
        result = J_θᵀ H (ζ − J_ω w) + Q_θ v.

    The forward pass leaves y_N, on which J_ω and its transpose are matrix products, so the inner system,
    solved to a relative residual or for so many iterations, costs little. Started at zero, its iterates give
    cᵀw_k <= cᵀG_ωω⁻¹c: an inexact solution leaves the quadratic form vᵀ(…)v at least as large as the exact
    one, hence positive. The network is linearised on the examples once, if the memory budget allows it.
    """
    if problem.workers.comm.size > 1:
        raise InputError("variable projection runs in one process; start it without mpiexec.")
    outer, inner = problem.blocks.values()
    xp, count, itemsize = backend_of(theta).xp, examples.count, examples.inputs.dtype.itemsize
    # checkpoints in time where the budget has no room for a few examples
    memory, threads = problem.memory, problem.workers.threads
    network = frugal(outer.map) if is_short(outer.map.stored, itemsize, memory) else outer.map
    width, threads = width_and_threads(network.stored, itemsize, memory, threads, network.rows_in)
    batches = tuple(examples.batches(width))

    def at(batch: Examples) -> At:
        return network.at(theta, batch.inputs)

    def spend(passes: float) -> None:
        problem.work.units += passes * count

    kept: list[At] | None = None
    if count * network.stored * itemsize <= memory:
        kept = list(map_in_order(at, batches, threads))
        y = xp.concatenate([one.output for one in kept], axis=1)
    else:
        y = xp.concatenate([network.evaluate(theta, one.inputs) for one in batches], axis=1)
    spend(1.0)
    head = inner.map.at(omega, y)
    loss = problem.loss.evaluate(head.output, examples.targets, count)
    of_head = inner.map.multiply_adds  # and of a whole forward pass:
    head_share = of_head / (of_head + outer.map.multiply_adds)

    def every() -> Iterable[At]:
        return kept or map(at, batches)

    def of_omega(w: Array) -> Array:
        spend(3.0 * head_share)
        bent = loss.hessian_product(head.jvp(w))
        return head.vjp(bent, wrt_input=False)[0] + inner.regularizer.gradient(w)

    def product(v: Array) -> Array:
        zeta = head.jvp(None, xp.concatenate([one.jvp(v) for one in every()], axis=1))
        c = head.vjp(loss.hessian_product(zeta), wrt_input=False)[0]
        w = conjugate_gradients(of_omega, c, tolerance=tolerance, max_iterations=iterations).x
        back: Array = head.vjp(loss.hessian_product(zeta - head.jvp(w)), wrt_theta=False)[1]
        found, start = outer.regularizer.gradient(v), 0
        for one in every():
            stop = start + one.output.shape[1]
            found = found + one.vjp(back[:, start:stop], wrt_input=False)[0]
            start = stop
        spend(3.0 if kept is not None else 5.0)
        return found

    return Operator.symmetric(product, theta)
