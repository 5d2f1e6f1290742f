"""The optimal-control problem (6) as one object, and its blocks."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field, replace

from refms.backend import backend_of
from refms.errors import Array, InputError, require_choice
from refms.names import BLOCK_NAMES
from refms.network.checkpointing import checkpointed
from refms.network.composition import Frozen, Sequence
from refms.network.mapping import Mapping
from refms.network.parameters import Layout
from refms.objective.batches import DEFAULT_MEMORY, LabelledColumns, batch_width, hessian_sample
from refms.objective.classifier import Classifier
from refms.objective.empirical_risk import EmpiricalRisk, Preconditioning, Work
from refms.objective.losses import Loss, SoftmaxCrossEntropy
from refms.objective.regularizers import Quadratic
from refms.objective.shards import ALONE, Team, mapped, own_batches, own_range

BLOCKS = BLOCK_NAMES


@dataclass(frozen=True, eq=False)
class OptimalControl:
    """Problem (6): mean loss of classifier and network over the examples, plus both regularisers.

    The unknowns come in two blocks, ``"propagation"`` θ (opening, stencils, biases) and ``"classifier"``
    (W, μ). :meth:`block` gives the problem as a function of one of them, or of both (``"joint"``).

    Parameters
    ----------
    network : Mapping
        From images to y_N, with parameters θ.
    classifier : Classifier
        From y_N to logits, with parameters (W, μ).
    examples : LabelledColumns
        Images as columns and labels.
    propagation_regularizer, classifier_regularizer : Quadratic
        R in θ and in (W, μ).
    loss : Loss
        By default the softmax cross entropy.
    hessian_fraction : float
        Share of the examples on which the Gauss–Newton matrix of the propagation and the joint block is
        measured, drawn anew in every iteration; the gradient always uses all examples ([LAS] Sec. 4).
    seed : int
        Seed of these draws.
    memory : int
        Budget for activations in bytes.
    work : Work
        Counter shared by all blocks.
    team : Team
        Threads and processes that share the examples; each process holds all of them.
    propagation_preconditioning, classifier_preconditioning : callable or None
        Preconditioners of the two blocks, see :class:`~refms.objective.empirical_risk.EmpiricalRisk`.
    second_order : bool
        Whether curvature is the full Hessian rather than the Gauss–Newton matrix. In the classifier block
        both are the same matrix, because the logits are linear in (W, μ).

    Raises
    ------
    InputError
        If network, classifier, examples and regularisers do not fit.
    """

    network: Mapping
    classifier: Classifier
    examples: LabelledColumns
    propagation_regularizer: Quadratic
    classifier_regularizer: Quadratic
    loss: Loss = field(default_factory=SoftmaxCrossEntropy)
    hessian_fraction: float = 1.0
    seed: int = 0
    memory: int = DEFAULT_MEMORY
    work: Work = field(default_factory=Work)
    team: Team = ALONE
    propagation_preconditioning: Preconditioning | None = None
    classifier_preconditioning: Preconditioning | None = None
    second_order: bool = False

    def __post_init__(self) -> None:
        hessian_sample(1, self.hessian_fraction, 0, 0)  # refuses a bad fraction
        fits = {
            "rows of the images": (self.examples.X.shape[0], self.network.rows_in),
            "rows of y_N": (self.network.rows_out, self.classifier.rows_in),
            "rows of the labels": (self.examples.C.shape[0], self.classifier.classes),
            "size of the propagation regulariser": (
                self.propagation_regularizer.Q.shape[0],
                self.network.layout.size,
            ),
            "size of the classifier regulariser": (
                self.classifier_regularizer.Q.shape[0],
                self.classifier.layout.size,
            ),
        }
        for what, (found, expected) in fits.items():
            if found != expected:
                raise InputError(f"{what}: found {found}, expected {expected}.")

    @property
    def layouts(self) -> dict[str, Layout]:
        """Layout of each of the two blocks of unknowns."""
        return {"propagation": self.network.layout, "classifier": self.classifier.layout}

    def block(self, name: str, blocks: MappingABC[str, Array], iteration: int = 0) -> EmpiricalRisk:
        """Return the problem as a function of one block, the other one held fixed.

        Parameters
        ----------
        name : str
            ``"propagation"``, ``"classifier"`` or ``"joint"`` (θ followed by W, μ).
        blocks : mapping of str to array
            Current ``"propagation"`` and ``"classifier"`` vectors.
        iteration : int
            Names the draw of the Hessian sample.

        Returns
        -------
        EmpiricalRisk
            Its value is the value of the full problem. For the classifier block the features y_N are
            propagated once and kept, if they fit into three quarters of the memory budget.

        Raises
        ------
        InputError
            If the name is unknown or a vector does not fit.
        """
        require_choice(name, BLOCKS, "block")
        for needed in self.layouts:
            if needed not in blocks:
                raise InputError(f"block {needed!r} is missing; expected {' and '.join(self.layouts)}.")
        theta, omega = blocks["propagation"], blocks["classifier"]
        self.network.layout.unpack(theta)
        self.classifier.layout.unpack(omega)
        if name == "classifier":
            return self._classifier_block(theta)
        sample = None
        if self.hessian_fraction < 1:
            sample = hessian_sample(self.examples.count, self.hessian_fraction, self.seed, iteration)
        if name == "propagation":
            full = self._sequence(self.network, Frozen(self.classifier, omega))
            constant = self.classifier_regularizer.value(omega)
            risk = self._risk(full, self.propagation_regularizer, constant, sample, self.second_order)
            return replace(risk, preconditioning=self.propagation_preconditioning)
        full = self._sequence(self.network, self.classifier)
        backend = backend_of(theta)
        on_theta, on_omega = self.propagation_regularizer.Q, self.classifier_regularizer.Q
        Q = backend.sparse.block_array([[on_theta, None], [None, on_omega]], format="csr")
        return self._risk(full, Quadratic(Q), 0.0, sample, self.second_order)

    def features(self, theta: Array) -> Array:
        """Return y_N for the examples of this process's shards, which are all where it is alone.

        Parameters
        ----------
        theta : array
            Propagation parameters, shape (network.layout.size,).

        Returns
        -------
        array
            Shape (c·n, own examples).
        """
        xp = backend_of(self.examples.X).xp
        comm, count = self.team.comm, self.examples.count
        # Batches of whole shards, so that they are the same however many processes there are.
        shards = own_batches(self._own, count, own_range(count, comm)[0], self._width(), comm)
        batches = [batch for shard in shards for batch in shard]
        y = xp.empty((self.network.rows_out, self._own.count), dtype=self.examples.X.dtype)

        def propagated(batch: LabelledColumns) -> Array:
            return self.network.apply(theta, batch.X)

        start = 0
        for part in mapped(propagated, batches, self.team.threads):
            y[:, start : start + part.shape[1]] = part
            start += part.shape[1]
        self.work.units += count
        return y

    @property
    def _own(self) -> LabelledColumns:
        """The examples of this process's shards."""
        start, stop = own_range(self.examples.count, self.team.comm)
        return LabelledColumns.unchecked(self.examples.X[:, start:stop], self.examples.C[:, start:stop])

    def _classifier_block(self, theta: Array) -> EmpiricalRisk:
        constant = self.propagation_regularizer.value(theta)
        # By all examples, though a process keeps its own alone: the way must not depend on their number.
        bytes_needed = self.network.rows_out * self.examples.count * self.examples.X.dtype.itemsize
        if 4 * bytes_needed > 3 * self.memory:  # the rest of the budget is for the batch in flight
            full = self._sequence(Frozen(self.network, theta), self.classifier)
            of_images = self._risk(full, self.classifier_regularizer, constant)
            return replace(of_images, preconditioning=self.classifier_preconditioning)
        features = LabelledColumns.unchecked(self.features(theta), self._own.C)
        share = self.classifier.multiply_adds / (self.network.multiply_adds + self.classifier.multiply_adds)
        of_features = self._risk(self.classifier, self.classifier_regularizer, constant)
        return replace(
            of_features,
            examples=features,
            unit=share,
            count=self.examples.count,
            preconditioning=self.classifier_preconditioning,
        )

    def _risk(
        self,
        map_: Mapping,
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
            team=self.team,
            second_order=second_order,
        )

    def _sequence(self, network: Mapping, classifier: Mapping) -> Sequence:
        return Sequence((("network", network), ("classifier", classifier)))

    def _width(self) -> int:
        share = self.memory // self.team.threads
        return batch_width(checkpointed(self.network).stored, self.examples.X.dtype.itemsize, share)
