"""Mean loss of a map over examples plus a quadratic regulariser, as a function of the map's parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from refms.errors import Array
from refms.network.mapping import Linearization, Mapping
from refms.objective.batches import DEFAULT_MEMORY, LabelledColumns, batch_width
from refms.objective.losses import Loss, LossEvaluation, SoftmaxCrossEntropy
from refms.objective.regularizers import Quadratic


@dataclass
class Work:
    """Counter of work, the one thing here that changes: network evaluations of one image, eq. (6).

    A forward pass of the full map over one example counts ``unit``, a Jacobian product as much again, a
    transposed product twice that (stencil gradient and adjoint).

    Parameters
    ----------
    units : float
        Work done so far.
    """

    units: float = 0.0


@dataclass(frozen=True, eq=False)
class EmpiricalRisk:
    """f(x) = mean over the examples of the loss of F(x, ·), plus R(x) and a constant.

    This is the problem (6) of [LAS] as seen by an optimiser that varies x and nothing else.

    Parameters
    ----------
    map : Mapping
        F, from inputs to logits, with x as its parameters.
    examples : LabelledColumns
        All examples; they are passed through in batches.
    regularizer : Quadratic
        R.
    loss : Loss
        By default the softmax cross entropy.
    constant : float or complex
        Added to every value: the regularisers of what is held fixed. Complex only in complex-step tests.
    sample : numpy.ndarray or None
        Indices of the examples on which curvature is measured; None means all.
    memory : int
        Budget for activations in bytes.
    unit : float
        Work of one evaluation of F for one example, in network evaluations.
    work : Work
        Counter that is advanced by every pass.

    Notes
    -----
    f = 1/m Σ_j E(F(x, X_j), C_j) + R(x),  ∇f = 1/m Σ_j J_jᵀ ∇E_j + Q x, and the Gauss–Newton product on a
    sample I is G v = 1/|I| Σ_{j∈I} J_jᵀ ∇²E_j J_j v + Q v. Sums over batches are carried in double precision
    for the value and in the precision of x for vectors.
    """

    map: Mapping
    examples: LabelledColumns
    regularizer: Quadratic
    loss: Loss = field(default_factory=SoftmaxCrossEntropy)
    constant: float | complex = 0.0
    sample: Array | None = None
    memory: int = DEFAULT_MEMORY
    unit: float = 1.0
    work: Work = field(default_factory=Work)

    @property
    def width(self) -> int:
        """Columns per batch within the memory budget."""
        return batch_width(self.map.stored, self.examples.X.dtype.itemsize, self.memory, self.map.rows_in)

    @property
    def work_units(self) -> float:
        """Work counted so far, in network evaluations of one example."""
        return self.work.units

    def value(self, x: Array) -> float:
        """Return f(x).

        Parameters
        ----------
        x : array
            Shape (map.layout.size,).

        Returns
        -------
        float
            Not finite if the propagation overflows: the optimiser decides what then.
        """
        total = self.regularizer.value(x) + self.constant
        for batch in self.examples.batches(self.width):
            total += self.loss.evaluate(self.map.apply(x, batch.X), batch.C, self.examples.count).value
            self._count(1, batch)
        return total  # type: ignore[return-value]  # complex only for complex x, in complex-step tests

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Return f(x) and ∇f(x).

        Parameters
        ----------
        x : array
            Shape (map.layout.size,).

        Returns
        -------
        value : float
            f(x).
        gradient : array
            Shape and dtype of x.
        """
        total, gradient = self.regularizer.value(x) + self.constant, self.regularizer.gradient(x)
        for batch in self.examples.batches(self.width):
            F = self.map.linearize(x, batch.X)
            loss = self.loss.evaluate(F.output, batch.C, self.examples.count)
            total += loss.value
            gradient = gradient + F.vjp(loss.gradient, wrt_input=False)[0]
            self._count(3, batch)
        return total, gradient  # type: ignore[return-value]  # complex only for complex x

    def curvature(self, x: Array) -> Callable[[Array], Array]:
        """Return the product with the Gauss–Newton matrix at x, on the Hessian sample.

        The map is linearised here, once. If the linearisations of the sample exceed the memory budget they
        are made again in every product, batch by batch, with the same result.

        Parameters
        ----------
        x : array
            Shape (map.layout.size,).

        Returns
        -------
        callable
            v ↦ G v, shape and dtype of x.
        """
        chosen = self.examples if self.sample is None else self.examples.take(self.sample)
        pieces = list(chosen.batches(self.width))

        def linearized(batch: LabelledColumns) -> tuple[Linearization, LossEvaluation]:
            F = self.map.linearize(x, batch.X)
            self._count(1, batch)
            return F, self.loss.evaluate(F.output, batch.C, chosen.count)

        need = chosen.count * (self.map.stored + self.map.rows_in) * self.examples.X.dtype.itemsize
        kept = [linearized(batch) for batch in pieces] if need <= self.memory else None

        def product(v: Array) -> Array:
            total = self.regularizer.gradient(v)
            for index, batch in enumerate(pieces):
                F, loss = linearized(batch) if kept is None else kept[index]
                total = total + F.vjp(loss.hessian_product(F.jvp(v)), wrt_input=False)[0]
                self._count(3, batch)
            return total

        return product

    def _count(self, passes: int, batch: LabelledColumns) -> None:
        self.work.units += passes * self.unit * batch.count
