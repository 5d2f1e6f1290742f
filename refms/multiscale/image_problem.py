"""The training of an image network on several meshes: what the loss on each of them is, for one draw."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from refms.backend import NUMPY, Backend
from refms.data.corruption import Corruption, Task, draw_corruption, validation_corruption
from refms.data.streams import ORDERS, random_stream
from refms.display import short_repr
from refms.errors import Array, InputError, require_choice
from refms.grid import Grid, channels_of
from refms.maps.architectures.architecture import Architecture
from refms.maps.map import Map
from refms.multiscale.hierarchy import Hierarchy, MeshLevel
from refms.multiscale.kernel_rule import KERNEL_RULES, on_level
from refms.multiscale.subsampling import Subsampling, draw_windows
from refms.multiscale.work import level_cost
from refms.objective.batches import DEFAULT_MEMORY
from refms.objective.examples import Examples
from refms.objective.losses.loss import Loss
from refms.objective.reading import Image
from refms.objective.regularizers import Quadratic, tikhonov_regularizer
from refms.objective.risk import EmpiricalRisk, Work
from refms.objective.workers import ONE_WORKER, Workers


@dataclass(frozen=True, eq=False)
class Draw:
    """One draw ω of examples on the finest mesh, with everything random about it.

    Parameters
    ----------
    corruption : Corruption
        Signal, noise, targets and times.
    windows : numpy.ndarray
        Shape (levels, m, d): the first cell of each example's window on each level.
    masks : numpy.ndarray
        Shape (rows, m): dropout masks, which go below the time; no rows without dropout.
    """

    corruption: Corruption
    windows: Array
    masks: Array

    def part(self, chosen: slice | Array) -> Draw:
        """Return some of the examples."""
        c = self.corruption
        seen = None if c.seen is None else c.seen[:, chosen]
        own = Corruption(c.signal[:, chosen], c.noise[:, chosen], c.target[:, chosen], c.times[chosen], seen)
        return Draw(own, self.windows[:, chosen], self.masks[:, chosen])


@dataclass(frozen=True, eq=False)
class ImageProblem:
    """Network, images, task, and how they go to coarser meshes.

    Parameters
    ----------
    architecture : Architecture
        From images (and a time) to images, on level 0.
    images : numpy.ndarray
        Shape (c·n, M), float64 on the host: clean images, values in [−1, 1].
    task : Task
        What is done to them.
    levels : int
        Number of meshes L, each half as fine as the one before.
    subsampling : Subsampling
        Q_l, and the rule for the noise.
    kernel_rule : str
        ``"keep"`` or ``"galerkin"``, see :func:`~refms.multiscale.kernel_rule.on_level`.
    kernel_pair : str
        The pair of Galerkin's rule.
    loss : str
        See :class:`~refms.objective.reading.Image`.
    seed : int
        Of all random numbers.
    dtype : str
        ``"float32"`` or ``"float64"``, in which networks are evaluated.
    backend : Backend
        Where.
    memory : int
        Budget for activations in bytes.
    work : Work
        Counter that all levels share, in network evaluations of one finest image.
    workers : Workers
        Threads and processes that share the examples.
    order : str
        How the examples of a batch are chosen, see :func:`~refms.data.streams.draw_examples`.
    drops : bool
        Whether a network with dropout drops channels.

    Raises
    ------
    InputError
        If the images do not fit, are not finite or leave [−1, 1], or the mesh cannot be halved so often.

    Examples
    --------
    >>> from refms.data.corruption import Denoise
    >>> from refms.maps.architectures.residual_image import ResidualImage
    >>> net = ResidualImage(Grid((8, 8)), 1, 4, 1)
    >>> problem = ImageProblem(net, np.zeros((64, 5)), Denoise(), levels=2)
    >>> problem.risk(1, problem.draw(3)).total, problem.examples(1, problem.draw(3)).inputs.shape
    (3, (17, 3))
    """

    architecture: Architecture
    images: Array
    task: Task
    levels: int = 1
    subsampling: Subsampling = field(default_factory=Subsampling)
    kernel_rule: str = "keep"
    kernel_pair: str = "averaging-constant"
    loss: str = "mean-squares"
    seed: int = 0
    dtype: str = "float64"
    backend: Backend = NUMPY
    memory: int = DEFAULT_MEMORY
    work: Work = field(default_factory=Work)
    workers: Workers = ONE_WORKER
    order: str = ORDERS[0]
    drops: bool = True

    __repr__ = short_repr

    def _repr_html_(self) -> str:
        return self.hierarchy._repr_html_()

    def __post_init__(self) -> None:
        require_choice(self.order, ORDERS, "order")
        require_choice(self.kernel_rule, KERNEL_RULES, "kernel rule")
        found = channels_of(self.images, self.grid)
        if found != self.architecture.channels:
            raise InputError(f"the images have {found} channels; expected {self.architecture.channels}.")
        if not (np.isfinite(self.images).all() and abs(self.images).max(initial=0.0) <= 1):
            raise InputError("the images have values outside [-1, 1]; scale them first, such as x/127.5 - 1.")
        for level in range(self.levels):
            self.map(level)  # refuses now a mesh that cannot be halved, or a window that is too large
            self.loss_on(level)

    @property
    def grid(self) -> Grid:
        """Mesh of level 0."""
        return self.architecture.grid

    @property
    def hierarchy(self) -> Hierarchy:
        """The meshes, finest first, and what goes to a coarser one how."""
        levels = [MeshLevel(self.grid.coarsen(k), self.map(k).multiply_adds) for k in range(self.levels)]
        images, noise = self.subsampling, self.subsampling.noise
        ways = {
            "coarsen": f"R of {images.pair}",
            "crop": "windows",
            "both": f"half by R of {images.pair}, half windows",
        }
        kernels = "unchanged" if self.kernel_rule == "keep" else f"K_H = R K_h P, {self.kernel_pair}"
        return Hierarchy(tuple(levels), {"images": f"{ways[images.kind]}, noise {noise}", "kernels": kernels})

    @cached_property
    def _maps(self) -> dict[tuple[int, int], Map]:
        return {}

    def map(self, level: int, stage: int = 0) -> Map:
        """Return the network on a level as a map of θ on level ``stage``, (T_{level − stage} θ, Y)."""
        place = (level, stage if self.kernel_rule == "galerkin" else 0)
        if place not in self._maps:
            self._maps[place] = on_level(
                self.architecture, level, self.kernel_rule, self.kernel_pair, level - place[1]
            )
        return self._maps[place]

    def loss_on(self, level: int) -> Loss:
        """Return the loss on the mesh of a level."""
        return Image(self.loss).loss_on(self.grid.coarsen(level))

    @cached_property
    def _regularizer(self) -> Quadratic:
        size = self.architecture.arrays.layout.size
        return tikhonov_regularizer(size, 0.0, dtype=self.dtype, backend=self.backend)

    def draw(self, count: int, *, stage: int = 0, iteration: int = 0, term: int = 0) -> Draw:
        """Return a draw of so many examples; the same numbers give the same draw."""
        place = {"stage": stage, "iteration": iteration, "term": term}
        corruption = draw_corruption(
            self.task, self.images, self.grid, count, self.seed, order=self.order, **place
        )
        windows = draw_windows(random_stream(self.seed, "window", **place), self.grid, self.levels, count)
        return Draw(corruption, windows, self._draw_masks(count, **place))

    def _draw_masks(self, count: int, **place: int) -> Array:
        """Return dropout masks 0 or 1/(1 − p), one number for each channel that may be dropped."""
        rows = getattr(self.architecture, "dropout_rows", 0)
        p = getattr(self.architecture, "dropout", 0.0) if self.drops else 0.0
        kept = random_stream(self.seed, "dropout", **place).uniform(size=(rows, count)) >= p
        return kept / (1 - p)

    def validation_draw(self, images: Array) -> Draw:
        """Return other images in their fixed corruption, nothing cropped or dropped."""
        corruption = validation_corruption(self.task, images, self.grid, self.seed)
        count, rows = images.shape[1], getattr(self.architecture, "dropout_rows", 0)
        return Draw(
            corruption, np.zeros((self.levels, count, self.grid.dimension), int), np.ones((rows, count))
        )

    def examples(self, level: int, draw: Draw, stage: int = 0) -> Examples:
        """Return inputs and targets on a level: X_l = Q_l signal + κ_l Q_l noise, with t below."""
        c, grid, rule = draw.corruption, self.grid, self.subsampling
        kappa = rule.noise_factor(level, stage, grid.dimension)
        windows = draw.windows[level]
        X = rule.take(c.signal, grid, level, windows) + rule.take(c.noise, grid, level, windows, kappa)
        A = self.task.on_mesh(grid.coarsen(level))
        if A is not None:
            fields = X.reshape(channels_of(X, grid.coarsen(level)), A.shape[1], -1)
            X = np.concatenate([A @ one for one in fields])
        more = self.map(level).rows_in - X.shape[0]
        if more:  # a time, and masks where there is dropout
            X = np.concatenate([X, c.times[None], draw.masks])
        target = rule.take(c.target, grid, level, windows)
        return Examples.unchecked(*(self._deliver(array) for array in (X, target)))

    def _deliver(self, array: Array) -> Any:
        return self.backend.from_host(np.ascontiguousarray(array, dtype=self.dtype))

    def risk(self, level: int, draw: Draw, stage: int = 0) -> EmpiricalRisk:
        """Return the mean loss of a draw on a level as a function of θ on level ``stage``."""
        return EmpiricalRisk(
            self.map(level, stage),
            self.examples(level, draw, stage),
            self._regularizer,
            loss=self.loss_on(level),
            memory=self.memory,
            unit=level_cost(level, self.grid.dimension),
            work=self.work,
            workers=self.workers,
        )

    def apart(self) -> ImageProblem:
        """Return the same problem with a work counter of its own, for measurements."""
        return replace(self, work=Work())
