"""Mean loss of a map over examples plus a quadratic regulariser, as a function of the map's parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from refms.display import short_repr
from refms.errors import Array, InputError, require_same_precision
from refms.linear.product import Operator, Product
from refms.maps.chain import frugal
from refms.maps.map import Map
from refms.objective.batches import DEFAULT_MEMORY, is_short, width_and_threads
from refms.objective.curvature import GAUSS_NEWTON, HESSIAN, Curvature
from refms.objective.examples import Examples
from refms.objective.losses import Loss, SoftmaxCrossEntropy
from refms.objective.regularizers import Quadratic
from refms.objective.workers import (
    ONE_WORKER,
    Addends,
    Sum,
    Workers,
    add_in_order,
    map_in_order,
    own_batches,
    own_range,
)
from refms.parallel import shard_bounds

T = TypeVar("T")
Preconditioning = Callable[["EmpiricalRisk", Array, Product], Product | None]
Shards = tuple[tuple[Examples, ...], ...]
"""The batches of each of a process's shards."""


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
    map : Map
        F, from inputs to logits, with x as its parameters. Where the memory budget has no room for the
        activations of a few examples, it is exchanged for one with checkpoints in time.
    examples : Examples
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
        Counter that is advanced by every pass, by the examples of all processes.
    workers : Workers
        Threads and processes that share the examples.
    count : int or None
        Number of examples of all processes where ``examples`` holds those of this process alone; None where
        it holds all of them.
    preconditioning : callable or None
        (risk, x, curvature) -> a preconditioner for conjugate gradients at x, or None.
    second_order : bool
        False: curvature is the Gauss–Newton matrix, which is positive semi-definite. True: the full Hessian,
        which need not be; the map must have second derivatives.

    Notes
    -----
    f = 1/m Σ_j E(F(x, X_j), C_j) + R(x),  ∇f = 1/m Σ_j J_jᵀ ∇E_j + Q x, and the Gauss–Newton product on a
    sample I is G v = 1/|I| Σ_{j∈I} J_jᵀ ∇²E_j J_j v + Q v. The Hessian adds 1/|I| Σ_{j∈I} D(J_jᵀ)[v] ∇E_j.
    Sums over batches are carried in double precision for the value and in the precision of x for vectors;
    their order depends on m and the memory budget alone.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.objective import Classifier, tikhonov_regularizer
    >>> from refms.grid import Grid
    >>> examples = Examples(np.array([[1.0, 3.0]]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> f = EmpiricalRisk(Classifier(Grid((1,)), 1, 2).map, examples, tikhonov_regularizer(4, 0.0))
    >>> value, gradient = f.value_and_gradient(np.zeros(4))
    >>> round(value, 6), gradient.tolist()
    (0.693147, [0.5, -0.5, 0.0, 0.0])
    """

    map: Map
    examples: Examples
    regularizer: Quadratic
    loss: Loss = field(default_factory=SoftmaxCrossEntropy)
    constant: float | complex = 0.0
    sample: Array | None = None
    memory: int = DEFAULT_MEMORY
    unit: float = 1.0
    work: Work = field(default_factory=Work)
    workers: Workers = ONE_WORKER
    count: int | None = None
    preconditioning: Preconditioning | None = None
    second_order: bool = False

    __repr__ = short_repr

    def __post_init__(self) -> None:
        require_same_precision(inputs=self.examples.inputs, regularizer=self.regularizer.Q)
        stored = self._kind.stored_factor * self.map.stored
        if is_short(stored, self.examples.inputs.dtype.itemsize, self.memory):
            object.__setattr__(self, "map", frugal(self.map))

    @property
    def width(self) -> int:
        """Columns per batch within the memory budget, however many threads share it."""
        return self._batching(1)[0]

    @property
    def total(self) -> int:
        """Number of examples m of all processes."""
        return self.examples.count if self.count is None else self.count

    @property
    def work_units(self) -> float:
        """Work counted so far, in network evaluations of one example."""
        return self.work.units

    def preconditioner(self, x: Array, curvature: Product) -> Operator | None:
        """Return M⁻¹ for the curvature at x; None where there is none."""
        product = None if self.preconditioning is None else self.preconditioning(self, x, curvature)
        return None if product is None else Operator.symmetric(product, x)

    def on(self, indices: Array) -> EmpiricalRisk:
        """Return the same function with the mean over some examples in the place of all, for mini-batches.

        Parameters
        ----------
        indices : numpy.ndarray
            Host integers, shape (k,), k >= 1.

        Returns
        -------
        EmpiricalRisk
            With the whole regulariser, so that its mean over all mini-batches of a size is f; its passes
            are counted by the same counter.

        Raises
        ------
        InputError
            If an index is out of range, or this process does not hold all examples.
        """
        if self.count is not None and self.workers.comm.size > 1:
            raise InputError("mini-batches need all examples in each process; use one process.")
        return replace(self, examples=self.examples.take(indices), sample=None, count=None)

    def apart(self) -> EmpiricalRisk:
        """Return the same function with a counter of its own, for measurements that no method needs."""
        return replace(self, work=Work())

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

        def addends(batch: Examples) -> Addends:
            return (self.loss.evaluate(self.map.evaluate(x, batch.inputs), batch.targets, self.total).value,)

        self._require(x)
        start = self.regularizer.value(x) + self.constant
        (value,) = self.sum(addends, (start,))
        self.count_passes(1, self.total)
        return value  # type: ignore[return-value]  # complex only for complex x, in complex-step tests

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
        return values_and_gradients([self], x)[0]

    def _gradient_sum(self, x: Array) -> Sum[Examples]:
        """Return what :meth:`value_and_gradient` adds up."""

        def addends(batch: Examples) -> Addends:
            F = self.map.linearize(x, batch.inputs)
            loss = self.loss.evaluate(F.output, batch.targets, self.total)
            return loss.value, F.vjp(loss.gradient, wrt_input=False)[0]

        self._require(x)
        return self._over_all(
            addends, (self.regularizer.value(x) + self.constant, self.regularizer.gradient(x))
        )

    def curvature(self, x: Array) -> Operator:
        """Return the Gauss–Newton matrix, or the Hessian, at x, on the Hessian sample.

        The map is linearised here, once. If the linearisations of the sample exceed the memory budget they
        are made again in every product, batch by batch, with the same result.

        Parameters
        ----------
        x : array
            Shape (map.layout.size,).

        Returns
        -------
        Operator
            G, or ∇²f, symmetric, known by its products with vectors of the shape and dtype of x.

        Raises
        ------
        InputError
            If the Hessian is asked for and the map has no second derivatives.
        """
        self._require(x)
        kind = self._kind
        width, threads = self._batching(kind.stored_factor)
        if self.sample is None:
            shards, count = self._shards(width), self.total
        else:
            shards, count = self._shards_of(self.sample, width), len(self.sample)

        def linearized(batch: Examples) -> Product:
            F = self.map.linearize(x, batch.inputs)
            return kind.product(F, self.loss.evaluate(F.output, batch.targets, count))

        own = sum(batch.count for shard in shards for batch in shard)
        stored = kind.stored_factor * self.map.stored + self.map.rows_in
        kept = None
        if own * stored * self.examples.inputs.dtype.itemsize <= self.memory:
            every = map_in_order(linearized, [batch for shard in shards for batch in shard], threads)
            kept = [[next(every) for _ in shard] for shard in shards]
            self.count_passes(kind.linearization_passes, count)

        def product(v: Array) -> Array:
            start = (self.regularizer.gradient(v),)
            self.count_passes(kind.product_passes, count)
            if kept is not None:
                (found,) = self._sum(kept, lambda multiplied: (multiplied(v),), start, count, threads)
            else:
                self.count_passes(kind.linearization_passes, count)
                (found,) = self._sum(shards, lambda batch: (linearized(batch)(v),), start, count, threads)
            return found

        return Operator.symmetric(product, x)

    def sum(self, addends: Callable[[Examples], Addends], start: Addends) -> Addends:
        """Return start + Σ of what the batches of all examples add, the same on every process.

        Parameters
        ----------
        addends : callable
            Examples -> a tuple of arrays and numbers.
        start : tuple
            What the sums begin with.

        Returns
        -------
        tuple
            The sums.
        """
        return add_in_order([self._over_all(addends, start)], self.workers.comm)[0]

    def _over_all(self, addends: Callable[[Examples], Addends], start: Addends) -> Sum[Examples]:
        """Return a sum over the batches of all examples."""
        width, threads = self._batching(1)
        return Sum(self._shards(width), addends, start, len(shard_bounds(self.total)) - 1, threads)

    def _require(self, x: Array) -> None:
        """Refuse parameters that do not fit the map and the examples: the one look before all batches."""
        self.map.require(x, self.examples.inputs)

    @property
    def _kind(self) -> Curvature:
        return HESSIAN if self.second_order else GAUSS_NEWTON

    def _batching(self, factor: int) -> tuple[int, int]:
        """Return columns and threads of batches whose linearisations keep ``factor`` times ``map.stored``."""
        stored, itemsize = factor * self.map.stored, self.examples.inputs.dtype.itemsize
        return width_and_threads(stored, itemsize, self.memory, self.workers.threads, self.map.rows_in)

    def _shards(self, width: int) -> Shards:
        """Return the batches of this process's shards of all examples."""
        first = 0 if self.count is None else own_range(self.count, self.workers.comm)[0]
        return own_batches(self.examples, self.total, first, width, self.workers.comm)

    def _shards_of(self, sample: Array, width: int) -> Shards:
        """Return the batches of this process's shards of a sample."""
        start, stop = own_range(len(sample), self.workers.comm)
        if start == stop:
            return ()
        own = self.examples.take(sample[start:stop])
        return own_batches(own, len(sample), start, width, self.workers.comm)

    def _sum(
        self,
        shards: Sequence[Sequence[T]],
        addends: Callable[[T], Addends],
        start: Addends,
        count: int,
        threads: int,
    ) -> Addends:
        one = Sum(shards, addends, start, len(shard_bounds(count)) - 1, threads)
        return add_in_order([one], self.workers.comm)[0]

    def count_passes(self, passes: int, examples: int) -> None:
        """Advance the counter by so many forward passes of the map over so many examples."""
        self.work.units += passes * self.unit * examples


def values_and_gradients(risks: Sequence[EmpiricalRisk], x: Array) -> list[tuple[float, Array]]:
    """Return f(x) and ∇f(x) of each risk, all their batches side by side: the bits of one after the other.

    Those of a multiscale estimate are small and few; workers and memory budget are those of all.
    """
    sums = [risk._gradient_sum(x) for risk in risks]
    found = add_in_order(sums, risks[0].workers.comm)
    for risk in risks:
        risk.count_passes(3, risk.total)
    return found  # type: ignore[return-value]  # complex only for complex x
