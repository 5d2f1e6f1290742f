"""From a configuration to where a training on images begins: clean images, network, problem, validation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from refms.backend import NUMPY, Backend
from refms.data.by_name import read_dataset
from refms.data.clean_images import clean_images
from refms.data.dataset import Dataset, subset
from refms.data.fitting import multiples_around, ways_to_fit
from refms.display import short_repr
from refms.errors import Array, InputError
from refms.grid import Grid
from refms.maps.architectures.architecture import Architecture, free_arrays
from refms.model import Model, initial_model
from refms.multiscale.image_problem import Draw, ImageProblem
from refms.multiscale.kernel_rule import move_kernels
from refms.objective.reading import Image
from refms.objective.workers import ONE_WORKER, Workers
from refms.run.config.data import fitted
from refms.run.config.reconstruction import Reconstruction
from refms.run.experiment import record_of, restores_images, split_by
from refms.run.image_score import ImageScore, score_images
from refms.run.training import require_memory

SAMPLED = 2**20
"""Seed of the permutation that chooses validation images, added to that of the split."""


@dataclass(frozen=True, eq=False)
class ImageExperiment:
    """Where a training on images begins.

    Parameters
    ----------
    configuration : Reconstruction
        What was asked for.
    model : Model
        The start, on the finest mesh.
    problem : ImageProblem
        Network, training images, task and meshes.
    validation : numpy.ndarray
        Clean validation images, (c·n, m).
    """

    configuration: Reconstruction
    model: Model
    problem: ImageProblem
    validation: Array

    __repr__ = short_repr

    @cached_property
    def validation_draw(self) -> Draw:
        """The validation images in their one corruption."""
        return self.problem.validation_draw(self.validation)

    def score(self, theta: Array, level: int) -> ImageScore:
        """Return how well parameters of a level restore the validation images there."""
        return score_images(self.problem, theta, self.validation_draw, level)

    def model_at(self, theta: Array, level: int) -> Model:
        """Return the model with these parameters, on the mesh of a level."""
        architecture = self.problem.architecture.on(self.problem.grid.coarsen(level))
        arrays = architecture.arrays.unpack(theta)
        return Model(architecture, arrays, self.model.reading, record=self.model.record)


def image_experiment_of(
    configuration: Reconstruction,
    folder: str | None = None,
    backend: Backend = NUMPY,
    workers: Workers = ONE_WORKER,
) -> ImageExperiment:
    """Return the random start of a configuration, its problem, and what it is validated on.

    Parameters
    ----------
    configuration : Reconstruction
        What to train on which images.
    folder : str or None
        Where data sets from files lie.
    backend : Backend
        Where the arrays live.
    workers : Workers
        Threads and processes that share the examples.

    Returns
    -------
    ImageExperiment
        In the precision of the configuration.

    Raises
    ------
    InputError
        If sizes, meshes, batches or memory do not fit: before anything is trained.

    Examples
    --------
    >>> experiment = image_experiment_of(Reconstruction.from_dict({
    ...     "data": {"dataset": "digits", "train": 20, "validation": 4, "validation_part": "train"},
    ...     "network": {"options": {"width": 4, "blocks": 1}},
    ...     "multiscale": {"levels": 2, "batch": 2},
    ... }))
    >>> experiment.problem.images.shape, experiment.validation.shape
    ((64, 20), (64, 4))
    """
    parts = image_parts(configuration, folder)
    options = configuration.optimization
    grid = configuration.data.grid(parts[0].grid)
    network = network_of(configuration, grid, parts[0].channels)
    reading = Image(options.loss)
    require_memory(network, reading, options.dtype, options.memory)
    free_arrays(network)
    record = {**record_of(configuration.to_dict(), parts[0]), "finest_mesh": list(grid.shape)}
    model = initial_model(network, reading, options.seed, options.dtype, record=record).on(backend)
    images, validation = (clean_images(part, grid) for part in parts)
    problem = problem_of_images(configuration, network, images, backend, workers)
    require_batches(configuration, images.shape[1])
    require_kernels_move(problem, configuration)
    return ImageExperiment(configuration, model, problem, validation)


def problem_of_images(
    configuration: Reconstruction,
    network: Architecture,
    images: Array,
    backend: Backend = NUMPY,
    workers: Workers = ONE_WORKER,
) -> ImageProblem:
    """Return the problem that a configuration poses for a network on clean images."""
    section, options = configuration.multiscale, configuration.optimization
    return ImageProblem(
        network,
        images,
        configuration.task.task,
        section.meshes,
        section.sub_sampling,
        section.kernel_rule,
        section.kernel_pair,
        options.loss,
        options.seed,
        options.dtype,
        backend,
        options.memory,
        workers=workers,
        order=options.order,
    )


def image_parts(configuration: Reconstruction, folder: str | None = None) -> tuple[Dataset, Dataset]:
    """Return the training and the validation images of a configuration."""
    section, memory = configuration.data, configuration.optimization.memory
    training = images_named(configuration, folder, "train", memory)
    if section.validation_part == "train":
        return split_by(section, training)
    try:
        test = images_named(configuration, folder, "test", memory)
    except InputError as error:
        raise InputError(
            f"{error} For a data set without a test part: --validation-part train (in [data]: "
            'validation_part = "train").'
        ) from error
    chosen = _some(training, section.train, section.split_seed, "train")
    return chosen, _some(test, section.validation, SAMPLED + section.split_seed, "validation")


def images_named(configuration: Reconstruction, folder: str | None, part: str, memory: int) -> Dataset:
    """Return a part of the data set with the range that [data] states, padded or cropped as it asks."""
    section = configuration.data
    found = read_dataset(section.dataset, folder, part, max_bytes=memory // 2)
    found = fitted(
        found, section, memory // 2, lambda: _step(configuration, found.grid.dimension, found.channels)
    )
    need = 8 * found.images.size
    if need > memory:
        raise InputError(
            f"{found.count} images need {need} bytes in double precision, but the memory budget is {memory}; "
            "raise [optimization] memory, or take another data set."
        )
    return replace(found, max_value=section.max_value) if section.max_value else found


def _some(dataset: Dataset, count: int, seed: int, name: str) -> Dataset:
    """Return so many images, all of them for 0, in a random order: times of validation rise with it."""
    if count > dataset.count:
        raise InputError(f"[data] {name} is {count}, but {dataset.name!r} has {dataset.count} images.")
    return subset(dataset, np.random.default_rng(seed).permutation(dataset.count)[: count or dataset.count])


def network_of(configuration: Reconstruction, grid: Grid, channels: int) -> Architecture:
    """Return the network on the finest mesh, once it is known to live on all meshes.

    Raises InputError with the numbers of cells that would do, where a mesh cannot be halved so often.
    """
    levels = configuration.multiscale.meshes
    try:
        coarsest = grid.coarsen(levels - 1)
        network = configuration.network.network(grid, channels)
        network.on(coarsest)
        configuration.task.task.on_mesh(coarsest)
    except InputError as error:
        step = _step(configuration, grid.dimension, channels)
        if all(n % step == 0 for n in grid.shape):
            raise
        n = max(grid.shape)
        fitting = " or ".join(str(one) for one in (n // step * step, (n // step + 1) * step) if one)
        ways = f"{fitting} ([data] size), or fewer levels"
        if configuration.data.size == 0:
            ways = f"{fitting}: {ways_to_fit(multiples_around(grid, step))}, or fewer levels"
        raise InputError(
            f"{levels} meshes from {grid.shape} cells down, for architecture "
            f"{configuration.network.architecture!r}: {str(error).rstrip('.')}. Expected multiples of {step} "
            f"cells along each axis, such as {ways}."
        ) from error
    Image(configuration.optimization.loss).loss_on(coarsest)  # whose window may be larger
    return network


def _step(configuration: Reconstruction, dimension: int, channels: int) -> int:
    """Return of how many cells a mesh is made up: 2^{levels − 1} times those of the smallest network.

    That has the least power of 2 of cells on which the network and the task live, 1 where there is none.
    """
    levels = configuration.multiscale.meshes
    for own in (1, 2, 4, 8, 16, 32):
        small = Grid((own,) * dimension)
        try:
            configuration.network.network(small, channels)
            configuration.task.task.on_mesh(small)
        except InputError:
            continue
        return int(own * 2 ** (levels - 1))
    return int(2 ** (levels - 1))


def require_batches(configuration: Reconstruction, count: int) -> None:
    """Refuse batches, or a pilot, of more images than there are."""
    section = configuration.multiscale
    largest = max(max(stage.batches.sizes) for stage in section.stages)
    if largest > count:
        raise InputError(
            f"a batch of {largest} examples of {count} training images; expected at most {count}: lower "
            "[multiscale] batch or levels, or take more images."
        )
    if section.allocated is not None or configuration.optimization.measure:
        require_pilot_images(configuration, count)


def require_kernels_move(problem: ImageProblem, configuration: Reconstruction) -> None:
    """Refuse a pair of Galerkin's rule by which stencils do not get to every level and back."""
    if problem.kernel_rule == "galerkin":
        theta = np.zeros(problem.architecture.arrays.layout.size)
        finer = [-1] if len(configuration.multiscale.stages) > 1 else []
        for steps in (*range(1, problem.levels), *finer):
            move_kernels(theta, problem.architecture, problem.kernel_pair, steps)


def require_pilot_images(configuration: Reconstruction, count: int) -> None:
    """Refuse a pilot of more images than there are."""
    section = configuration.multiscale
    if section.pilot > count:
        raise InputError(f"[multiscale] pilot is {section.pilot}, more than the {count} training images.")


def image_configuration_of(model: Model) -> Reconstruction:
    """Return the configuration with which a model was trained to restore images."""
    stored: Any = model.record.get("configuration", {})
    if not restores_images(model):
        raise InputError(
            "the model was not trained to restore images; expected one that refms reconstruct wrote."
        )
    return Reconstruction.from_dict(stored)


def experiment_of_model(
    model: Model, part: str = "validation", name: str | None = None, folder: str | None = None
) -> tuple[ImageExperiment, int]:
    """Return a trained model with images to restore, and the level of its mesh.

    Parameters
    ----------
    model : Model
        As :func:`~refms.run.reconstruction.reconstruct` trained it.
    part : str
        ``"validation"`` or ``"train"`` of its training, or ``"test"`` or ``"all"`` of its data set.
    name : str or None
        Another data set, whose images are made as coarse as the model's finest mesh.
    folder : str or None
        Where data sets from files lie.

    Returns
    -------
    experiment : ImageExperiment
        Its validation images are those of the part.
    level : int
        Above 0 for a model that was stopped in a coarse stage.

    Raises
    ------
    InputError
        If the model was not trained to restore images, or the images do not reach its mesh.
    """
    configuration = image_configuration_of(model)
    grid = Grid(tuple(model.record.get("finest_mesh", model.grid.shape)))
    if name is not None:
        data = replace(configuration.data, dataset=name, size=grid.shape)
        configuration = replace(configuration, data=data)
    if part in ("validation", "train"):
        chosen = image_parts(configuration, folder)[part == "validation"]
    else:
        known, memory = "test" if part == "test" else "train", configuration.optimization.memory
        chosen = images_named(configuration, folder, known, memory)
    level = model.grid.levels_to(grid)
    if level < 0:  # it was transferred to a finer mesh
        grid, level = model.grid, 0
    images = clean_images(chosen, grid)
    section = replace(configuration.multiscale, levels=level + 1, batches=(), iterations=(1,))
    configuration = replace(configuration, multiscale=replace(section, estimator="full-multiscale"))
    problem = problem_of_images(configuration, model.architecture.on(grid), images, model.backend)
    return ImageExperiment(configuration, model, problem, images), level
