"""The optimal-control problem (6) as one object, its unknowns in named blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

from refms.backend import backend_of
from refms.display import short_repr
from refms.errors import Array, InputError, require_choice
from refms.maps.chain import chain, frugal
from refms.maps.layout import Layout
from refms.maps.map import Map
from refms.maps.parameters import frozen
from refms.objective.batches import DEFAULT_MEMORY, hessian_sample, width_and_threads
from refms.objective.examples import Examples
from refms.objective.losses import Loss, SoftmaxCrossEntropy
from refms.objective.regularizers import Quadratic, join_quadratics
from refms.objective.risk import EmpiricalRisk, Preconditioning, Work
from refms.objective.workers import ONE_WORKER, Workers, map_in_order, own_batches, own_range

JOINT = "joint"
"""The name of all blocks together."""


@dataclass(frozen=True, eq=False)
class Block:
    """A part of the unknowns: the parameters of one of the maps that make the network.

    Parameters
    ----------
    map : Map
        Whose parameters they are.
    regularizer : Quadratic
        R in them.
    preconditioning : callable or None
        See :class:`~refms.objective.risk.EmpiricalRisk`.
    subsampled : bool
        Whether curvature is measured on the Hessian sample, and may be the full Hessian; False takes all
        examples and the Gauss–Newton matrix: for a map that is linear in its parameters, where both agree.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.maps import matrix_map
    >>> from refms.objective import tikhonov_regularizer
    >>> block = Block(matrix_map(np.eye(2)), tikhonov_regularizer(0, 0.0))
    >>> block.map.evaluate(np.zeros(0), np.array([[1.0], [2.0]])).ravel().tolist()
    [1.0, 2.0]
    """

    map: Map
    regularizer: Quadratic
    preconditioning: Preconditioning | None = None
    subsampled: bool = True

    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class TrainingProblem:
    """Problem (6): mean loss of a chain of maps over the examples, plus their regularisers.

    The unknowns are partitioned into named blocks, one for each map of the chain: ``"propagation"`` θ and
    ``"classifier"`` (W, μ) in [LAS], a single one where the output is an image. :meth:`block` gives the
    problem as a function of one of them, or of all (``"joint"``).

    Parameters
    ----------
    blocks : mapping of str to Block
        In the order of the chain, first map first.
    examples : Examples
        Inputs of the first map and targets of the last.
    loss : Loss
        By default the softmax cross entropy.
    hessian_fraction : float
        Share of the examples on which the curvature of subsampled blocks is measured, drawn anew in every
        iteration; the gradient always uses all examples ([LAS] Sec. 4).
    seed : int
        Seed of these draws.
    memory : int
        Budget for activations in bytes.
    work : Work
        Counter shared by all blocks.
    workers : Workers
        Threads and processes that share the examples; each process holds all of them.
    second_order : bool
        Whether curvature of subsampled blocks is the full Hessian rather than the Gauss–Newton matrix.

    Raises
    ------
    InputError
        If maps, examples and regularisers do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.grid import Grid
    >>> from refms.objective import Classifier, tikhonov_regularizer
    >>> classifier = Block(Classifier(Grid((1,)), 1, 2).map, tikhonov_regularizer(4, 0.0))
    >>> labels = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> problem = TrainingProblem({"classifier": classifier}, Examples(np.array([[1.0, 3.0]]), labels))
    >>> x = np.zeros(4)
    >>> round(problem.block("classifier", {"classifier": x}).value(x), 6)  # log 2
    0.693147
    """

    blocks: Mapping[str, Block]
    examples: Examples
    loss: Loss = field(default_factory=SoftmaxCrossEntropy)
    hessian_fraction: float = 1.0
    seed: int = 0
    memory: int = DEFAULT_MEMORY
    work: Work = field(default_factory=Work)
    workers: Workers = ONE_WORKER
    second_order: bool = False

    __repr__ = short_repr

    def __post_init__(self) -> None:
        hessian_sample(1, self.hessian_fraction, 0, 0)  # refuses a bad fraction
        if not self.blocks or JOINT in self.blocks:
            raise InputError(
                f"the blocks are {list(self.blocks)}; expected at least one, and none named {JOINT!r}."
            )
        maps = [block.map for block in self.blocks.values()]
        fits = {
            "rows of the inputs": (self.examples.inputs.shape[0], maps[0].rows_in),
            "rows of the targets": (self.examples.targets.shape[0], maps[-1].rows_out),
        }
        for (name, first), (_, second) in pairwise(self.blocks.items()):
            fits[f"rows after the {name}"] = (first.map.rows_out, second.map.rows_in)
        for name, block in self.blocks.items():
            fits[f"size of the {name} regulariser"] = (block.regularizer.Q.shape[0], block.map.layout.size)
        for what, (found, expected) in fits.items():
            if found != expected:
                raise InputError(f"{what}: found {found}, expected {expected}.")

    @property
    def layouts(self) -> dict[str, Layout]:
        """Layout of each block of unknowns."""
        return {name: block.map.layout for name, block in self.blocks.items()}

    def join(self, values: Mapping[str, Array]) -> Array:
        """Return the vectors of all blocks as the one of ``"joint"``."""
        return _join([values[name] for name in self.blocks])

    def split(self, x: Array) -> dict[str, Array]:
        """Return the vector of ``"joint"`` as those of the blocks, views; the inverse of :meth:`join`."""
        found, start = {}, 0
        for name, layout in self.layouts.items():
            found[name] = x[start : start + layout.size]
            start += layout.size
        return found

    def block(self, name: str, values: Mapping[str, Array], iteration: int = 0) -> EmpiricalRisk:
        """Return the problem as a function of one block, the others held fixed.

        Parameters
        ----------
        name : str
            One of the blocks, or ``"joint"``.
        values : mapping of str to array
            Current vectors of all blocks.
        iteration : int
            Names the draw of the Hessian sample.

        Returns
        -------
        EmpiricalRisk
            Its value is the value of the full problem. For a block that is not subsampled, what the maps
            before it make of the inputs is computed once and kept, if it fits into three quarters of the
            memory budget.

        Raises
        ------
        InputError
            If the name is unknown or a vector does not fit.
        """
        require_choice(name, (*self.blocks, JOINT), "block")
        for needed, layout in self.layouts.items():
            if needed not in values:
                raise InputError(f"block {needed!r} is missing; expected {' and '.join(self.layouts)}.")
            layout.require(values[needed], needed)
        if name == JOINT:
            joint = join_quadratics([block.regularizer for block in self.blocks.values()])
            return self._risk(self.whole, joint, 0.0, self._sample(iteration), self.second_order)
        block = self.blocks[name]
        constant = sum(
            other.regularizer.value(values[key]) for key, other in self.blocks.items() if key != name
        )
        if not block.subsampled:
            risk = self._on_features(name, values, constant)
        else:
            held = self._held(name, values)
            sample = self._sample(iteration)
            risk = self._risk(held, block.regularizer, constant, sample, self.second_order)
        return replace(risk, preconditioning=block.preconditioning)

    def features(self, name: str, values: Mapping[str, Array]) -> Array:
        """Return what a block's map sees: the output of the maps before it.

        Parameters
        ----------
        name : str
            The block, not the first one.
        values : mapping of str to array
            Vectors of the blocks before it.

        Returns
        -------
        array
            Shape (rows, own examples): those of this process's shards, which are all where it is alone.
        """
        before, theta = self._before(name, values)
        xp = backend_of(self.examples.inputs).xp
        comm, count = self.workers.comm, self.examples.count
        # Batches of whole shards, so that they are the same however many processes there are.
        own = self._own
        stored, itemsize = frugal(before).stored, own.inputs.dtype.itemsize
        width, threads = width_and_threads(stored, itemsize, self.memory, self.workers.threads)
        shards = own_batches(own, count, own_range(count, comm)[0], width, comm)
        batches = [batch for shard in shards for batch in shard]
        y = xp.empty((before.rows_out, own.count), dtype=own.inputs.dtype)

        def propagate(batch: Examples) -> Array:
            return before.evaluate(theta, batch.inputs)

        start = 0
        for part in map_in_order(propagate, batches, threads):
            y[:, start : start + part.shape[1]] = part
            start += part.shape[1]
        self.work.units += count
        return y

    @cached_property
    def whole(self) -> Map:
        """The chain of all maps."""
        return chain(*[(name, block.map) for name, block in self.blocks.items()])

    @property
    def _own(self) -> Examples:
        """The examples of this process's shards."""
        return self.examples.part(*own_range(self.examples.count, self.workers.comm))

    def _sample(self, iteration: int) -> Array | None:
        if self.hessian_fraction == 1:
            return None
        return hessian_sample(self.examples.count, self.hessian_fraction, self.seed, iteration)

    def _held(self, name: str, values: Mapping[str, Array]) -> Map:
        """Return the chain as a map with the parameters of one block."""
        if len(self.blocks) == 1:
            return self.blocks[name].map
        return chain(
            *[
                (key, block.map if key == name else frozen(block.map, values[key]))
                for key, block in self.blocks.items()
            ]
        )

    def _before(self, name: str, values: Mapping[str, Array]) -> tuple[Map, Array]:
        """Return the chain of the maps before a block, and their parameters."""
        names = list(self.blocks)[: list(self.blocks).index(name)]
        if len(names) == 1:
            return self.blocks[names[0]].map, values[names[0]]
        before = chain(*[(key, self.blocks[key].map) for key in names])
        return before, _join([values[key] for key in names])

    def _on_features(
        self, name: str, values: Mapping[str, Array], constant: float | complex
    ) -> EmpiricalRisk:
        """Return the problem on all examples, by the features before the block where they can be kept."""
        block, names = self.blocks[name], list(self.blocks)
        # By all examples, though a process keeps its own alone: the way must not depend on their number.
        need = block.map.rows_in * self.examples.count * self.examples.inputs.dtype.itemsize
        fits = 4 * need <= 3 * self.memory  # the rest of the budget is for the batch in flight
        if not fits or name != names[-1] or name == names[0]:
            return self._risk(self._held(name, values), block.regularizer, constant)
        features = Examples.unchecked(self.features(name, values), self._own.targets)
        share = block.map.multiply_adds / sum(one.map.multiply_adds for one in self.blocks.values())
        risk = self._risk(block.map, block.regularizer, constant)
        return replace(risk, examples=features, unit=share, count=self.examples.count)

    def _risk(
        self,
        map_: Map,
        regularizer: Quadratic,
        constant: float | complex,
        sample: Array | None = None,
        second_order: bool = False,
    ) -> EmpiricalRisk:
        return EmpiricalRisk(
            map_,
            self.examples,
            regularizer,
            loss=self.loss,
            constant=constant,
            sample=sample,
            memory=self.memory,
            work=self.work,
            workers=self.workers,
            second_order=second_order,
        )


def _join(parts: list[Array]) -> Array:
    return backend_of(*parts).xp.concatenate(parts)
