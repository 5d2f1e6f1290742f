"""From a configuration to where a training begins: images, their two parts, the start, and what it sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from refms.backend import NUMPY, Backend
from refms.data.by_name import read_dataset
from refms.data.dataset import Dataset, split, with_class_names
from refms.display import short_repr
from refms.environment import machine, versions
from refms.errors import InputError
from refms.maps.architectures.residual import Residual
from refms.model import Model, Score, initial_model, score
from refms.objective.examples import Examples
from refms.objective.problem import TrainingProblem
from refms.objective.reading import Classes
from refms.objective.risk import Work
from refms.optimize.history import History
from refms.run.config import Configuration, DataSection
from refms.run.config.data import fitted
from refms.run.config.images import ImageDataSection
from refms.run.training import fit_classifier, problem_of, require_memory


@dataclass(frozen=True, eq=False)
class Experiment:
    """Where trainings begin: one configuration, one start, one set of images.

    Parameters
    ----------
    configuration : Configuration
        Regularisers, conjugate gradients, memory.
    model : Model
        The start.
    examples, validation : Examples
        Both sets, where the model lives and in its precision.
    work_units, seconds : float
        What was spent before, on the fit of the classifier.
    """

    configuration: Configuration
    model: Model
    examples: Examples
    validation: Examples
    work_units: float = 0.0
    seconds: float = 0.0

    __repr__ = short_repr

    @property
    def problem(self) -> TrainingProblem:
        """Problem (6) at the start, with a counter of its own that knows what was spent before."""
        sections = self.configuration.regularization, self.configuration.optimization
        return replace(problem_of(self.model, self.examples, *sections), work=Work(self.work_units))

    def score(self, model: Model, examples: Examples | None = None) -> Score:
        """Return accuracy and loss of a model, on the validation images unless others are given."""
        chosen = self.validation if examples is None else examples
        return score(model, chosen.inputs, chosen.targets, self.configuration.optimization.memory)

    def fit_classifier(self) -> Experiment:
        """Return the experiment whose classifier is fitted: a zero W sends no signal back to the net."""
        if bool((self.model.arrays["W"] != 0).any()):
            return self
        sections = self.configuration.regularization, self.configuration.optimization
        model = fit_classifier(self.model, self.examples, *sections).model
        rows = model.history.rows
        spent = rows[-1].work_units, sum(row.seconds for row in rows)
        start = replace(model, history=History())
        return replace(self, model=start, work_units=spent[0], seconds=spent[1])


def experiment_of(
    configuration: Configuration, dataset: Dataset, backend: Backend = NUMPY, begin: Model | None = None
) -> Experiment:
    """Return the start of a configuration on a data set, and both parts as it sees them.

    Parameters
    ----------
    configuration : Configuration
        What to train, on which mesh and how.
    dataset : Dataset
        Labelled images.
    backend : Backend
        Where the arrays live.
    begin : Model or None
        Gives the initial arrays, such as a model transferred from another mesh: the step of Algorithm 1. None
        draws them at random, with W = 0.

    Returns
    -------
    Experiment
        The start; the training and the validation part prepared, in the precision of the configuration.

    Raises
    ------
    InputError
        If there are no labels, mesh, sizes or memory do not fit, or ``begin`` is not the network that is
        asked for: before anything large is made.

    Examples
    --------
    >>> import numpy as np
    >>> data = Dataset(np.ones((6, 1, 4, 4)), np.arange(6) % 2, classes=2, name="six", max_value=1.0)
    >>> start = experiment_of(Configuration.from_dict({"network": {"channels": 2, "layers": 1}}), data)
    >>> start.examples.count, start.validation.count
    (5, 1)
    """
    parts = split_by(configuration.data, dataset)
    start = start_of(configuration, dataset)
    start = (start if begin is None else beginning_at(begin, start)).on(backend)
    interpolate, memory = configuration.data.interpolate, configuration.optimization.memory
    training, validation = (examples_of(start, part, interpolate, memory) for part in parts)
    return Experiment(configuration, start, training, validation)


def dataset_of(
    configuration: Configuration, folder: str | None = None, name: str | None = None, part: str = "train"
) -> Dataset:
    """Return the data set of a configuration, padded or cropped as [data] asks.

    It is read only where the memory holds its images twice, for a split copies them. ``name`` takes another
    data set, ``folder`` says where the files lie.
    """
    section, max_bytes = configuration.data, configuration.optimization.memory // 2
    found = read_dataset(name or section.dataset, folder, part, max_bytes=max_bytes)
    return fitted(found, section, max_bytes)


def start_of(configuration: Configuration, dataset: Dataset) -> Model:
    """Return the model before any training, W = 0, once the memory is known to suffice."""
    if dataset.labels is None:
        raise InputError(f"{dataset.name!r} has no labels; expected a data set with labels, such as digits.")
    grid = configuration.data.grid(dataset.grid)
    section, options = configuration.network, configuration.optimization
    network = section.network(grid, dataset.channels)
    reading = Classes(dataset.classes, configuration.classifier.loss, configuration.classifier.pooling)
    require_memory(network, reading, options.dtype, options.memory)
    record = record_of(configuration.to_dict(), dataset)
    steps = replace(configuration.data.preprocessing, levels=max(grid.levels_to(dataset.grid), 0))
    return initial_model(network, reading, section.seed, options.dtype, steps, record, **section.scales)


def beginning_at(begin: Model, start: Model) -> Model:
    """Return a start with the arrays of another model, which must be the same network in one precision."""
    other = [*_unlike(begin.architecture, start.architecture), *_unlike(begin.reading, start.reading)]
    if begin.dtype != start.dtype:
        other.append(f"dtype = {begin.dtype!r}, not {start.dtype!r}")
    if other:
        raise InputError(
            f"the model to start from has {'; '.join(other)}. Ask for what it has, or bring it to the mesh "
            "with refms transfer."
        )
    transfers = begin.record.get("transfers", [])
    return replace(start, arrays=begin.arrays, record={**start.record, "transfers": transfers})


def _unlike(has: Any, asked: Any) -> list[str]:
    """Return in which fields two frozen dataclasses differ."""
    if type(has) is not type(asked):
        return [f"a {type(has).__name__}, not a {type(asked).__name__}"]
    pairs = [(item.name, getattr(has, item.name), getattr(asked, item.name)) for item in fields(has)]
    return [f"{name} = {one!r}, not {two!r}" for name, one, two in pairs if one != two]


def record_of(configuration: Mapping[str, Any], dataset: Dataset) -> dict[str, Any]:
    """Return what is stored with a model of how it came about."""
    made = {"versions": versions(), "machine": machine()}
    named = {"class_names": list(dataset.class_names)} if dataset.class_names else {}
    return {"configuration": dict(configuration), "dataset": dataset.name, **named, **made}


def examples_of(
    model: Model, part: Dataset, interpolate: bool = False, memory: int | None = None
) -> Examples:
    """Return prepared images with one-hot labels or prepared targets where a model lives, in its precision.

    ``interpolate`` allows images coarser than the model, which are then prolonged to its mesh. Columns that
    exceed a memory budget, None for that of the model's training, are refused before any is made.
    """
    rows = model.map.rows_in + list(model.maps.values())[-1].rows_out
    memory = configuration_of(model).optimization.memory if memory is None else memory
    if (need := rows * part.count * np.dtype(model.dtype).itemsize) > memory:
        raise InputError(
            f"{part.count} images with what they are to become, {rows} numbers each, need {need} bytes, but "
            f"the memory budget is {memory}; take fewer images or a coarser mesh, or raise [optimization] "
            "memory."
        )
    return model.examples(part, interpolate)


def split_by(section: DataSection | ImageDataSection, dataset: Dataset) -> tuple[Dataset, Dataset]:
    """Return the training and the validation part that [data] asks for; 0 takes five sixths and the rest."""
    train = section.train or dataset.count * 5 // 6
    try:
        return split(dataset, train, section.validation or dataset.count - train, section.split_seed)
    except InputError as error:
        raise InputError(
            f"[data] train is {section.train}, validation is {section.validation}: {error}"
        ) from error


def configuration_of(model: Model) -> Configuration:
    """Return the configuration with which a model was trained; the default where its record has none."""
    stored: Any = model.record.get("configuration", {})
    if restores_images(model):
        raise InputError(
            "the model restores images, and has no classes; expected one of refms train. Both kinds are "
            "known to refms evaluate and refms plot."
        )
    return Configuration.from_dict(stored)


def configuration_at(model: Model) -> Configuration:
    """Return the configuration of a model with the mesh, the smoothing and the layers that it has now."""
    found, network = configuration_of(model), model.architecture
    data = replace(found.data, size=model.grid.shape, smoothing=model.preprocessing.smoothing)
    layers = network.layers if isinstance(network, Residual) else found.network.layers
    return replace(found, data=data, network=replace(found.network, layers=layers))


def restores_images(model: Model) -> bool:
    """Return whether a model says that it was trained to restore images."""
    stored: Any = model.record.get("configuration", {})
    return isinstance(stored, Mapping) and "task" in stored


def part_of(model: Model, part: str, name: str | None = None, folder: str | None = None) -> Dataset:
    """Return the part ``"train"`` or ``"validation"`` of a training, or ``"test"`` or ``"all"`` of its data.

    ``name`` takes another data set, ``folder`` says where the files lie. Classes with names have the numbers
    that they had in the training.
    """
    configuration = configuration_of(model)
    dataset = dataset_of(configuration, folder, name, "test" if part == "test" else "train")
    names: Any = model.record.get("class_names")
    if isinstance(names, list | tuple) and dataset.class_names:
        dataset = with_class_names(dataset, names)
    if isinstance(model.reading, Classes) and 0 < dataset.classes < model.reading.classes:
        dataset = replace(dataset, classes=model.reading.classes)  # labels tell of classes up to the largest
    if part in ("test", "all"):
        return dataset
    return split_by(configuration.data, dataset)[0 if part == "train" else 1]
