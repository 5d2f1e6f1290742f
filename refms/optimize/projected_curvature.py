"""The Gauss–Newton matrix of the reduced objective: that of θ with the classifier projected out."""

from __future__ import annotations

from dataclasses import dataclass

from refms.backend import backend_of
from refms.errors import Array, InputError
from refms.linear.cg import conjugate_gradients
from refms.linear.product import Product
from refms.maps.combinators import frugal
from refms.maps.map import At, Map
from refms.objective.batches import batch_width
from refms.objective.examples import Examples
from refms.objective.losses import LossEvaluation
from refms.objective.problem import TrainingProblem
from refms.objective.risk import FEW_COLUMNS
from refms.objective.workers import map_in_order


@dataclass(frozen=True, eq=False)
class ProjectedCurvature:
    """v ↦ (G_θθ − G_θω G_ωω⁻¹ G_ωθ) v, with the inner system solved by conjugate gradients.

    Parameters
    ----------
    problem : TrainingProblem
        Gives network, classifier, loss and regularisers; one process.
    theta, omega : array
        Where: θ, and the (W, μ) at which the inner problem is solved.
    examples : Examples
        The Hessian sample.
    tolerance : float
        Relative residual of the inner system.
    iterations : int
        Its largest number of iterations.
    preconditioner : callable or None
        r -> M⁻¹ r for G_ωω.

    Raises
    ------
    InputError
        If the problem is shared by several processes.

    Notes
    -----
    With z = F(θ, ω; x) the logits, J_θ = ∂z/∂θ and J_ω = ∂z/∂ω their Jacobians and H = ∇²E (each divided by
    the number of examples), the joint Gauss–Newton matrix has the blocks

        G_θθ = J_θᵀ H J_θ + Q_θ,   G_θω = J_θᵀ H J_ω = G_ωθᵀ,   G_ωω = J_ωᵀ H J_ω + Q_ω.

    Its Schur complement in θ is what remains of ½ pᵀGp when p_ω = −G_ωω⁻¹ G_ωθ p_θ follows p_θ as the
    inner minimiser does to first order. A product with v goes through the network once each way:

        ζ = J_θ v,   c = J_ωᵀ H ζ,   G_ωω w = c (conjugate gradients on the features),
        result = J_θᵀ H (ζ − J_ω w) + Q_θ v.

    The forward pass of the linearisation leaves y_N, on which J_ω and its transpose are matrix products, so
    the inner system costs little. Started at zero, its iterates give cᵀw_k <= cᵀG_ωω⁻¹c: an inexact
    solution leaves the quadratic form vᵀ(…)v at least as large as the exact one, hence positive.
    """

    problem: TrainingProblem
    theta: Array
    omega: Array
    examples: Examples
    tolerance: float = 1e-3
    iterations: int = 50
    preconditioner: Product | None = None

    def __post_init__(self) -> None:
        if self.problem.workers.comm.size > 1:
            raise InputError("variable projection runs in one process; start it without mpiexec.")

    def product(self) -> Product:
        """Return the product, linearised here, once, if the memory budget allows it.

        Returns
        -------
        callable
            v ↦ result, shape (network.layout.size,) and dtype kept.
        """
        problem, xp = self.problem, backend_of(self.theta).xp
        network = self._network()
        count = self.examples.count

        def linearized(batch: Examples) -> At:
            return network.at(self.theta, batch.inputs)

        batches = tuple(self.examples.batches(self._width()))
        need = count * network.stored * self.examples.inputs.dtype.itemsize
        kept: list[At] | None = None
        if need <= problem.memory:
            kept = list(map_in_order(linearized, batches, problem.workers.threads))
            y = xp.concatenate([one.output for one in kept], axis=1)
        else:
            y = xp.concatenate([network.evaluate(self.theta, one.inputs) for one in batches], axis=1)
        self._count(1.0)
        head = problem.blocks["classifier"].map.at(self.omega, y)
        loss = problem.loss.evaluate(head.output, self.examples.targets, count)

        def swept(v: Array) -> Array:
            dY = xp.concatenate([one.jvp(v) for one in (kept or map(linearized, batches))], axis=1)
            zeta = head.jvp(None, dY)
            w = self._inner(head, loss, head.vjp(loss.hessian_product(zeta), wrt_input=False)[0])
            back: Array = head.vjp(loss.hessian_product(zeta - head.jvp(w)), wrt_theta=False)[1]
            found, start = problem.blocks["propagation"].regularizer.gradient(v), 0
            for one in kept or map(linearized, batches):
                stop = start + one.output.shape[1]
                found = found + one.vjp(back[:, start:stop], wrt_input=False)[0]
                start = stop
            self._count(3.0 if kept is not None else 5.0)
            return found

        return swept

    def _inner(self, head: At, loss: LossEvaluation, c: Array) -> Array:
        """Return G_ωω⁻¹ c, inexactly."""
        share = self._share()

        def product(w: Array) -> Array:
            self._count(3.0 * share)
            bent = loss.hessian_product(head.jvp(w))
            return head.vjp(bent, wrt_input=False)[0] + self.problem.blocks[
                "classifier"
            ].regularizer.gradient(w)

        solved = conjugate_gradients(
            product,
            c,
            tolerance=self.tolerance,
            max_iterations=self.iterations,
            preconditioner=self.preconditioner,
        )
        return solved.x

    def _network(self) -> Map:
        """Return the network, with checkpoints in time where the budget has no room for a few examples."""
        network, workers = self.problem.blocks["propagation"].map, self.problem.workers
        need = 2 * network.stored * self.examples.inputs.dtype.itemsize * FEW_COLUMNS
        return frugal(network) if need > self.problem.memory // workers.threads else network

    def _width(self) -> int:
        network, share = self._network(), self.problem.memory // self.problem.workers.threads
        return batch_width(network.stored, self.examples.inputs.dtype.itemsize, share, network.rows_in)

    def _share(self) -> float:
        """Return the classifier's part of the work of a forward pass."""
        maps = {name: block.map for name, block in self.problem.blocks.items()}
        whole = sum(map_.multiply_adds for map_ in maps.values())
        return float(maps["classifier"].multiply_adds / whole)

    def _count(self, passes: float) -> None:
        self.problem.work.units += passes * self.examples.count
