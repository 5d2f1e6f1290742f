"""A network with its parameters, classifier and pre-processing: what is trained, transferred and stored."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from refms.backend import Backend, backend_of
from refms.data.dataset import Dataset
from refms.data.preprocessing import Preprocessing, prepare
from refms.errors import (
    Array,
    InputError,
    require_choice,
    require_same_precision,
    require_shape,
    require_whole,
)
from refms.grid import Grid
from refms.names import LOSSES
from refms.network.architectures.residual import Residual, initial_parameters
from refms.network.composition import Sequence
from refms.network.layers.pooling import AveragePooling, pooled_grid
from refms.objective.batches import DEFAULT_MEMORY, batch_width
from refms.objective.classifier import Classifier
from refms.objective.losses import loss_named
from refms.optimize.history import History


@dataclass(frozen=True, eq=False)
class Model:
    """Configuration and numbers of a classifying network.

    Parameters
    ----------
    network : Residual
        Configuration of the network.
    opening : array
        Opening stencil, shape (c, image channels, *opening stencil).
    stencils : array
        Shape (N, c, c, *stencil); row k belongs to time t_k = k δt.
    biases : array
        Shape (N, c).
    W : array
        Classification weights, shape (c·n, ℓ); with pooling (c · blocks, ℓ).
    mu : array
        Classification biases, shape (ℓ,).
    preprocessing : Preprocessing
        What is done to images before the network sees them.
    record : mapping
        JSON-able notes: configuration, seeds, versions, transfers.
    history : History
        Rows of the training.
    loss : str
        The classifier of eq. (5): ``"softmax"``, ``"least-squares"``, ``"logistic"`` or ``"smooth-hinge"``.
    pooling : int
        Cells along each axis of the blocks over which y_N is averaged before the classifier; 1 for no
        pooling, 0 for the mean over the whole mesh.

    Raises
    ------
    InputError
        If a shape does not fit the configuration, precisions are mixed, or a number is not finite.
    """

    network: Residual
    opening: Array
    stencils: Array
    biases: Array
    W: Array
    mu: Array
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    record: MappingABC[str, Any] = field(default_factory=dict)
    history: History = field(default_factory=History)
    loss: str = "softmax"
    pooling: int = 1

    def __post_init__(self) -> None:
        for name, shape in self.network.parameter_shapes.items():
            require_shape(getattr(self, name), shape, name)
        require_shape(self.mu, (None,), "mu", "one bias per class")
        require_choice(self.loss, LOSSES, "loss")
        features = self.network.channels * pooled_grid(self.grid, self.pooling).cells
        require_shape(
            self.W, (features, self.mu.shape[0]), "W", "(channels * cells, or blocks if pooled, classes)"
        )
        require_same_precision(**self.arrays)
        xp = backend_of(*self.arrays.values()).xp
        for name, array in self.arrays.items():
            if not bool(xp.isfinite(array).all()):
                raise InputError(f"{name} holds NaN or infinity; expected finite parameters.")

    @property
    def grid(self) -> Grid:
        """Mesh of the network."""
        return self.network.grid

    @property
    def arrays(self) -> dict[str, Array]:
        """The five parameter arrays by name."""
        names = ("opening", "stencils", "biases", "W", "mu")
        return {name: getattr(self, name) for name in names}

    @property
    def classifier(self) -> Classifier:
        """The classifier, on this grid or on that of the blocks."""
        grid = pooled_grid(self.grid, self.pooling)
        return Classifier(grid, self.network.channels, int(self.mu.shape[0]))

    @property
    def map(self) -> Sequence:
        """The network as a map from θ and images to what the classifier sees, y_N or its means."""
        network = self.network.mapping(self.opening)
        if self.pooling == 1:
            return network
        pool = AveragePooling(self.grid, self.network.channels, self.pooling)
        return Sequence((*network.maps, ("pooling", pool)))

    @property
    def blocks(self) -> dict[str, Array]:
        """The parameters as the two vectors of problem (6), ``propagation`` and ``classifier``."""
        arrays = self.arrays
        return {
            "propagation": self.network.theta(arrays),
            "classifier": self.classifier.layout.pack({"W": self.W, "mu": self.mu}),
        }

    def with_blocks(self, blocks: MappingABC[str, Array]) -> Model:
        """Return the model with the parameters of two vectors, the inverse of :attr:`blocks`.

        Parameters
        ----------
        blocks : mapping of str to array
            ``propagation`` and ``classifier``.

        Returns
        -------
        Model
            A new model with arrays of its own; only a fixed opening is the same array.

        Raises
        ------
        InputError
            If a vector is missing, does not fit, or is not finite.
        """
        for name in ("propagation", "classifier"):
            if name not in blocks:
                raise InputError(f"block {name!r} is missing; expected 'propagation' and 'classifier'.")
        omega = self.classifier.layout.unpack(blocks["classifier"])
        learned = self.network.parameters(blocks["propagation"], self.opening)
        return replace(self, **learned, W=omega["W"].copy(), mu=omega["mu"].copy())

    def on(self, backend: Backend) -> Model:
        """Return the model with its arrays on a backend.

        Parameters
        ----------
        backend : Backend
            NumPy or CuPy.

        Returns
        -------
        Model
            With arrays of its own where they had to move.
        """
        moved = {name: backend_of(array).to_host(array) for name, array in self.arrays.items()}
        return replace(self, **{name: backend.from_host(array) for name, array in moved.items()})

    def logits(self, X: Array, memory: int = DEFAULT_MEMORY) -> Array:
        """Return the logits of prepared images, in batches.

        Parameters
        ----------
        X : array
            Images as columns on this model's grid, shape (image channels · n, m), precision of the model.
        memory : int
            Budget for activations in bytes.

        Returns
        -------
        array
            Shape (ℓ, m).
        """
        require_shape(X, (self.map.rows_in, None), "X", "(image channels * cells, examples)")
        require_same_precision(X=X, W=self.W)
        blocks, network, classifier = self.blocks, self.map, self.classifier
        width = batch_width(network.stored, X.dtype.itemsize, memory)
        pieces = [
            classifier.apply(
                blocks["classifier"], network.apply(blocks["propagation"], X[:, start : start + width])
            )
            for start in range(0, X.shape[1], width)
        ]
        return backend_of(X).xp.concatenate(pieces, axis=1)

    def trace(self, X: Array) -> dict[str, Array]:
        """Return every named intermediate from images to logits, for comparison layer by layer.

        Parameters
        ----------
        X : array
            Images as columns, shape (image channels · n, m); keep m small, nothing is batched.

        Returns
        -------
        dict of str to array
            In the order of computation, ``output`` (the logits) last.
        """
        whole = Sequence((("network", self.map), ("classifier", self.classifier)))
        blocks = self.blocks
        theta = backend_of(X).xp.concatenate([blocks["propagation"], blocks["classifier"]])
        return whole.trace(theta, X)

    def prepare(self, dataset: Dataset, interpolate: bool = False) -> Array:
        """Return a dataset's images as columns on this model's grid and in its precision.

        Parameters
        ----------
        dataset : Dataset
            Images on a grid that is this model's or finer by doublings.
        interpolate : bool
            Whether images on a coarser grid may be prolonged by the P of the pre-processing.

        Returns
        -------
        array
            Shape (n, m), on the model's backend.

        Raises
        ------
        InputError
            If the images would have to be prolonged to reach this grid, and may not be.
        """
        levels = self.grid.levels_to(dataset.grid)
        if levels < 0 and not interpolate:
            raise InputError(
                f"the model lives on grid {self.grid.shape}, which is finer than the images of "
                f"{dataset.name!r} {dataset.grid.shape}. Transfer the model to {dataset.grid.shape} first "
                "(refms transfer --to), or let the images be interpolated (refms evaluate --interpolate)."
            )
        steps = replace(self.preprocessing, levels=max(levels, 0))
        backend = backend_of(self.W)
        return prepare(dataset, steps, str(self.W.dtype), backend=backend, refinements=max(-levels, 0))[0]


def initial_model(
    network: Residual,
    classes: int,
    seed: int,
    preprocessing: Preprocessing | None = None,
    stencil_scale: float = 0.1,
    dtype: str = "float64",
    record: MappingABC[str, Any] | None = None,
    opening_scale: float = 1.0,
    loss: str = "softmax",
    pooling: int = 1,
) -> Model:
    """Return an untrained model: random opening and stencils, everything else zero.

    Parameters
    ----------
    network : Residual
        Configuration.
    classes : int
        Number of classes ℓ.
    seed : int
        Seed of the random numbers.
    preprocessing : Preprocessing, optional
        What is done to images.
    stencil_scale, opening_scale : float
        See :func:`~refms.network.architectures.residual.initial_parameters`.
    dtype : str
        ``"float64"`` or ``"float32"``.
    record : mapping, optional
        Notes to store with the model.
    loss, pooling
        See :class:`Model`.

    Returns
    -------
    Model
        NumPy arrays.

    Raises
    ------
    InputError
        If there are fewer than two classes, the seed is negative, a name is unknown, or the blocks of the
        pooling do not tile the grid.

    Examples
    --------
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2), classes=10, seed=0)
    >>> model.W.shape, float(abs(model.W).max())
    ((32, 10), 0.0)
    """
    require_whole(classes, "classes", 2)
    arrays = initial_parameters(network, seed, stencil_scale, dtype, opening_scale)
    W = np.zeros((network.channels * pooled_grid(network.grid, pooling).cells, classes), dtype=dtype)
    return Model(
        network,
        **arrays,
        W=W,
        mu=np.zeros(classes, dtype=dtype),
        preprocessing=preprocessing or Preprocessing(),
        record=record or {},
        loss=loss,
        pooling=pooling,
    )


@dataclass(frozen=True)
class Score:
    """How well a model does on a set of examples.

    Parameters
    ----------
    accuracy : float
        Share of examples whose largest logit is the true class, 0 to 1.
    loss : float
        Mean of the model's own loss, without regularisers.
    examples : int
        Number of examples.
    """

    accuracy: float
    loss: float
    examples: int


@np.errstate(over="ignore", invalid="ignore")
def score(model: Model, X: Array, C: Array, memory: int = DEFAULT_MEMORY) -> Score:
    """Return accuracy and loss of a model on prepared images.

    Parameters
    ----------
    model : Model
        The model.
    X : array
        Images as columns, shape (image channels · n, m).
    C : array
        One-hot labels, shape (ℓ, m).
    memory : int
        Budget for activations in bytes.

    Returns
    -------
    Score
        Accuracy, loss and m. If the propagation overflows, the loss is NaN; NumPy's warnings are silenced.

    Raises
    ------
    InputError
        If images and labels do not fit the model or each other.
    """
    Z = model.logits(X, memory)
    loss = loss_named(model.loss).evaluate(Z, C).value
    hits = (Z.argmax(axis=0) == C.argmax(axis=0)).sum()
    return Score(float(hits) / X.shape[1], float(loss.real), int(X.shape[1]))
