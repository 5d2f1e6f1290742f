"""A network with its parameters, pre-processing and reading: what is trained, transferred and stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from refms.backend import Backend, backend_of
from refms.data.dataset import Dataset, one_hot
from refms.data.preprocessing import Preprocessing, prepare
from refms.display import fields_as_html, short_repr
from refms.errors import (
    Array,
    InputError,
    require_choice,
    require_same_precision,
    require_shape,
    require_whole,
)
from refms.grid import Grid, nchw_from_columns
from refms.maps.architectures.architecture import (
    Architecture,
    free_arrays,
    free_map,
    output_grid_of,
    require_fitting_names,
)
from refms.maps.chain import chain
from refms.maps.map import Map
from refms.names import DTYPES
from refms.objective.batches import DEFAULT_MEMORY, batch_width
from refms.objective.classifier import Classifier
from refms.objective.examples import Examples
from refms.objective.reading import Classes, Image, Reading
from refms.optimize.history import History


@dataclass(frozen=True, eq=False)
class Layer:
    """Stencils (c_out, c_in, *stencil) of a model; with bias and time where they are a layer in time."""

    name: str
    stencil: Array
    bias: Array | None = None
    time: float | None = None


@dataclass(frozen=True, eq=False)
class Model:
    """An architecture and its numbers, what is done to images before it and what is read after it.

    Parameters
    ----------
    architecture : Architecture
        The network, such as :class:`~refms.maps.architectures.residual.Residual`.
    arrays : mapping of str to array
        Its parameters by name and those of the reading, all of one precision and backend. For the residual
        net ``opening`` (c, image channels, *stencil), ``stencils`` (N, c, c, *stencil), row k for the time
        t_k = k δt, and ``biases`` (N, c); for classes ``W`` (c·n, ℓ), with pooling (c · blocks, ℓ), and
        ``mu`` (ℓ,).
    reading : Classes or Image
        What the output says.
    preprocessing : Preprocessing
        What is done to images before the network sees them.
    record : mapping
        JSON-able notes: configuration, seeds, versions, transfers.
    history : History
        Rows of the training.

    Raises
    ------
    InputError
        If an array is missing, unknown or of another shape, precisions are mixed, or a number is not finite.

    Notes
    -----
    :func:`~refms.model_file.save_model` and :func:`~refms.model_file.load_model` keep it in a file.

    Examples
    --------
    >>> from refms.maps.architectures.residual import Residual
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2, layers=3), Classes(10))
    >>> {name: array.shape for name, array in model.arrays.items()}
    {'opening': (2, 1, 1, 1), 'stencils': (3, 2, 2, 3, 3), 'biases': (3, 2), 'W': (32, 10), 'mu': (10,)}
    """

    architecture: Architecture
    arrays: Mapping[str, Array]
    reading: Reading
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    record: Mapping[str, Any] = field(default_factory=dict)
    history: History = field(default_factory=History)

    __repr__ = short_repr
    _repr_html_ = fields_as_html

    def __post_init__(self) -> None:
        shapes = self.shapes
        if set(self.arrays) != set(shapes):
            raise InputError(f"got the arrays {sorted(self.arrays)}; expected exactly {sorted(shapes)}.")
        arrays = {name: self.arrays[name] for name in shapes}
        object.__setattr__(self, "arrays", arrays)
        for name, shape in shapes.items():
            require_shape(arrays[name], shape, name)
        require_same_precision(**arrays)
        xp = backend_of(*arrays.values()).xp
        for name, array in arrays.items():
            if not bool(xp.isfinite(array).all()):
                raise InputError(f"{name} holds NaN or infinity; expected finite parameters.")

    @property
    def grid(self) -> Grid:
        """Mesh of the network."""
        return self.architecture.grid

    @property
    def output_grid(self) -> Grid:
        """Mesh of the features that are read."""
        return output_grid_of(self.architecture)

    @property
    def dtype(self) -> str:
        """``"float64"`` or ``"float32"``."""
        return str(next(iter(self.arrays.values())).dtype)

    @property
    def backend(self) -> Backend:
        """Where the arrays live."""
        return backend_of(*self.arrays.values())

    @property
    def layers(self) -> list[Layer]:
        """Layers in time, or, where there are none, all stencils of more than one cell by name."""
        steps, found = self.map.time, list[Layer]()
        moves = [(name, move) for name, move in self.architecture.moves.items() if move.stencil]
        for name in [name for name, move in moves if move.time]:
            none = [None] * len(self.arrays[name])
            biases = self.arrays.get("biases", none) if name == "stencils" else none
            for k, (S, b) in enumerate(zip(self.arrays[name], biases, strict=True)):
                found.append(Layer(f"{name}[{k}]", S, b, k * steps.time_step if steps else None))
        if found:
            return found
        d = self.grid.dimension
        wide = [name for name, _ in moves if max(self.arrays[name].shape[-d:]) > 1]
        return [Layer(name, self.arrays[name]) for name in wide]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all arrays by name."""
        read = self.reading.shapes(self.output_grid, self.architecture.channels)
        require_fitting_names(self.architecture, read)
        return {**self.architecture.arrays.shapes, **read}

    @property
    def classifier(self) -> Classifier:
        """The classifier, on this grid or on that of the blocks; an image has none."""
        if not isinstance(self.reading, Classes):
            raise InputError("the model's output is an image; expected one that reads classes.")
        return self.reading.classifier(self.output_grid, self.architecture.channels)

    @cached_property
    def map(self) -> Map:
        """The network as a map from its learned parameters and images to what the reading sees."""
        free = free_map(self.architecture, self.arrays)
        return self.reading.after(free, self.output_grid, self.architecture.channels)

    @cached_property
    def maps(self) -> dict[str, Map]:
        """The maps whose parameters are the blocks: ``propagation``, and ``classifier`` for classes."""
        if isinstance(self.reading, Classes):
            return {"propagation": self.map, "classifier": self.classifier.map}
        return {"propagation": self.map}

    @property
    def blocks(self) -> dict[str, Array]:
        """The learned parameters as the vectors of problem (6)."""
        found = {"propagation": free_arrays(self.architecture).pack(self.arrays)}
        if isinstance(self.reading, Classes):
            parts = {name: self.arrays[name] for name in ("W", "mu")}
            found["classifier"] = self.classifier.layout.pack(parts)
        return found

    def with_blocks(self, blocks: Mapping[str, Array]) -> Model:
        """Return the model with the parameters of the given vectors, the inverse of :attr:`blocks`.

        Parameters
        ----------
        blocks : mapping of str to array
            ``propagation``, and ``classifier`` for classes.

        Returns
        -------
        Model
            A new model with arrays of its own; only held arrays are the same ones.

        Raises
        ------
        InputError
            If a vector is missing, does not fit, or is not finite.
        """
        for name in self.maps:
            if name not in blocks:
                raise InputError(f"block {name!r} is missing; expected {' and '.join(map(repr, self.maps))}.")
        learned = free_arrays(self.architecture).unpack(blocks["propagation"])
        if isinstance(self.reading, Classes):
            read = self.classifier.layout.unpack(blocks["classifier"])
            learned |= {name: part.copy() for name, part in read.items()}
        return self.with_arrays(**learned)

    def with_arrays(self, **arrays: Array) -> Model:
        """Return the model with some arrays replaced."""
        return replace(self, arrays={**self.arrays, **arrays})

    def on(self, backend: Backend) -> Model:
        """Return the model with its arrays on a backend; itself where they are there."""
        home = self.backend
        if home.name == backend.name:
            return self
        return self.with_arrays(**{k: backend.from_host(home.to_host(v)) for k, v in self.arrays.items()})

    def outputs(self, X: Array, memory: int = DEFAULT_MEMORY) -> Array:
        """Return what the model makes of prepared images, in batches: logits (ℓ, m), or images.

        Parameters
        ----------
        X : array
            Images as columns on this model's grid, shape (image channels · n, m), precision of the model.
        memory : int
            Budget for activations in bytes.

        Returns
        -------
        array
            Shape (rows of the output, m).
        """
        whole, theta = self._whole()
        whole.require(theta, X)
        width = batch_width(self.map.stored, X.dtype.itemsize, memory)
        pieces = [whole.evaluate(theta, X[:, start : start + width]) for start in range(0, X.shape[1], width)]
        return backend_of(X).xp.concatenate(pieces, axis=1)

    def predict(self, images: Dataset | Array, memory: int = DEFAULT_MEMORY) -> Array:
        """Return the class of each image, or the image that the model makes of it.

        Parameters
        ----------
        images : Dataset or array
            Images as read, which are prepared first; or prepared ones as columns, as for :meth:`outputs`.
        memory : int
            Budget for activations in bytes.

        Returns
        -------
        array
            Integers 0 to ℓ − 1, shape (m,), the largest logits; or images, shape (m, channels, *grid).
        """
        Z = self.outputs(self.prepare(images) if isinstance(images, Dataset) else images, memory)
        return Z.argmax(axis=0) if isinstance(self.reading, Classes) else nchw_from_columns(Z, self.grid)

    def score(self, data: Dataset | Examples, memory: int = DEFAULT_MEMORY) -> Score:
        """Return accuracy and loss on images as read or on prepared ones, see :func:`score`."""
        examples = self.examples(data) if isinstance(data, Dataset) else data
        return score(self, examples.inputs, examples.targets, memory)

    def trace(self, X: Array) -> dict[str, Array]:
        """Return every named intermediate from images to the output, for comparison layer by layer.

        Parameters
        ----------
        X : array
            Images as columns, shape (image channels · n, m); keep m small, nothing is batched.

        Returns
        -------
        dict of str to array
            In the order of computation, ``output`` last.
        """
        whole, theta = self._whole()
        return whole.trace(theta, X)

    def _whole(self) -> tuple[Map, Array]:
        """Return network and classifier as one map, and all learned parameters."""
        names = {"propagation": "network", "classifier": "classifier"}
        whole = chain(*[(names[name], map_) for name, map_ in self.maps.items()])
        parts = list(self.blocks.values())
        return whole, backend_of(*parts).xp.concatenate(parts)

    def examples(self, dataset: Dataset, interpolate: bool = False) -> Examples:
        """Return a data set as a training takes it: prepared images with one-hot labels or prepared targets.

        Parameters
        ----------
        dataset : Dataset
            Images on a grid that is this model's or finer by doublings, with labels or targets.
        interpolate : bool
            As for :meth:`prepare`.

        Returns
        -------
        examples : Examples
            Where the model lives and in its precision.

        Raises
        ------
        InputError
            If there are no labels or targets, or not as many classes as the model's.
        """
        if isinstance(self.reading, Image):
            return Examples(self.prepare(dataset, interpolate), self.prepare(dataset, interpolate, "targets"))
        if dataset.classes != (classes := self.reading.classes):
            raise InputError(f"{dataset.name!r} has {dataset.classes} classes, the model {classes}.")
        labels = one_hot(dataset.labels, classes, self.dtype)
        return Examples(self.prepare(dataset, interpolate), self.backend.from_host(labels))

    def prepare(self, dataset: Dataset, interpolate: bool = False, what: str = "images") -> Array:
        """Return a dataset's images or targets as columns on this model's grid and in its precision.

        Parameters
        ----------
        dataset : Dataset
            Images on a grid that is this model's or finer by doublings.
        interpolate : bool
            Whether images on a coarser grid may be prolonged by the P of the pre-processing.
        what : str
            ``"images"``, or ``"targets"`` where these are images, too.

        Returns
        -------
        array
            Shape (channels · n, m), on the model's backend.

        Raises
        ------
        InputError
            If the images would have to be prolonged to reach this grid, and may not be.
        """
        native = dataset.target_grid if what == "targets" else dataset.grid
        levels = self.grid.levels_to(native)
        if levels < 0 and not interpolate:
            raise InputError(
                f"the model lives on grid {self.grid.shape}, which is finer than the {what} of "
                f"{dataset.name!r} {native.shape}. Transfer the model to {native.shape} first "
                "(refms transfer --to), or let the images be interpolated (refms evaluate --interpolate)."
            )
        steps = replace(self.preprocessing, levels=max(levels, 0))
        finer = max(-levels, 0)
        return prepare(dataset, steps, self.dtype, backend=self.backend, refinements=finer, what=what)[0]


def initial_model(
    architecture: Architecture,
    reading: Reading,
    seed: int = 0,
    dtype: str = "float64",
    preprocessing: Preprocessing | None = None,
    record: Mapping[str, Any] | None = None,
    **scales: float,
) -> Model:
    """Return an untrained model: the architecture's random start, and zeros for what is read.

    Parameters
    ----------
    architecture : Architecture
        The network.
    reading : Classes or Image
        What is read from its output.
    seed : int
        Seed of the random numbers.
    dtype : str
        ``"float64"`` or ``"float32"``.
    preprocessing : Preprocessing, optional
        What is done to images.
    record : mapping, optional
        Notes to store with the model.
    **scales : float
        As the architecture's ``initial`` takes them, such as ``stencil_scale``.

    Returns
    -------
    Model
        NumPy arrays.

    Raises
    ------
    InputError
        If the seed is negative, a name is unknown, or the blocks of the pooling do not tile the grid.

    Examples
    --------
    >>> from refms.maps.architectures.residual import Residual
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2), Classes(10))
    >>> model.arrays["W"].shape, float(abs(model.arrays["W"]).max())
    ((32, 10), 0.0)
    """
    require_choice(dtype, DTYPES, "dtype")
    seed = require_whole(seed, "seed")
    zeros = reading.shapes(output_grid_of(architecture), architecture.channels)
    arrays = architecture.initial(seed, dtype, **scales)
    arrays |= {name: np.zeros(shape, dtype=dtype) for name, shape in zeros.items()}
    return Model(architecture, arrays, reading, preprocessing or Preprocessing(), record or {})


@dataclass(frozen=True)
class Score:
    """How well a model does on a set of examples.

    Parameters
    ----------
    accuracy : float
        Share of examples whose largest logit is the true class, 0 to 1; NaN for images.
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
        Labels, shape (ℓ, m), one-hot or soft: not negative, every column with the sum 1; or images.
    memory : int
        Budget for activations in bytes.

    Returns
    -------
    Score
        Accuracy, loss and m. If the propagation overflows, the loss is NaN; NumPy's warnings are silenced.

    Raises
    ------
    InputError
        If images and targets do not fit the model or each other, or labels are none.
    """
    Z = model.outputs(X, memory)
    loss = model.reading.loss_on(model.output_grid).evaluate(Z, C).value
    accuracy = float("nan")
    if isinstance(model.reading, Classes):
        _require_distributions(C)
        right = (Z.argmax(axis=0) == C.argmax(axis=0)) & (Z == Z).all(axis=0)  # NaN is no answer
        accuracy = float(right.sum()) / X.shape[1]
    return Score(accuracy, float(loss.real), int(X.shape[1]))


def _require_distributions(C: Array) -> None:
    """Refuse labels that are no distributions over the classes: of a largest logit they say nothing."""
    off = float(abs(C.sum(axis=0) - 1).max())
    if float(C.min()) < 0 or off > 64 * len(C) * float(np.finfo(C.dtype).eps):
        raise InputError(
            f"columns of the labels C sum to 1 up to {off:.3g}, the least entry is {float(C.min()):.3g}; "
            "expected one-hot or soft labels: not negative, with the sum 1 for each example."
        )
