"""What is done to images before a network restores them: noise, blur, holes, fewer pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from refms.data.streams import ORDERS, draw_examples, random_stream
from refms.errors import Array, InputError, require_choice, require_whole_fields
from refms.grid import Grid, channels_of
from refms.stencils.resize import resize_matrix
from refms.stencils.smoothing import smooth


@dataclass(frozen=True, eq=False)
class Corruption:
    """Images on their finest mesh with all that is random about them, before any sub-sampling.

    Parameters
    ----------
    signal : numpy.ndarray
        Shape (c·n, m), float64: what is left of the images.
    noise : numpy.ndarray
        Same shape: the noise as it is added. The network sees signal + noise.
    target : numpy.ndarray
        Same shape: what it should find.
    times : numpy.ndarray
        Shape (m,): the time t of each example.
    seen : numpy.ndarray or None
        Same shape as the images, 0 in holes and 1 elsewhere; None without holes.
    """

    signal: Array
    noise: Array
    target: Array
    times: Array
    seen: Array | None = None


class Task(Protocol):
    """How images are corrupted."""

    def corrupt(self, images: Array, grid: Grid, draw: Callable[[str], Any], times: Array) -> Corruption:
        """Return corrupted images of their finest mesh, ``draw(purpose)`` being a generator."""

    def draw_times(self, uniform: Array) -> Array:
        """Return times from numbers that are uniform in [0, 1)."""

    def on_mesh(self, grid: Grid) -> Any | None:
        """Return a matrix that is applied to each channel after sub-sampling, or None."""


class Noisy:
    """What tasks with noise share: times t ~ U(0, largest_time), and nothing to do after sub-sampling."""

    largest_time: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.largest_time <= 1:
            raise InputError(f"largest_time is {self.largest_time}; expected 0 to 1.")

    def draw_times(self, uniform: Array) -> Array:
        """Return t = largest_time · u."""
        return self.largest_time * uniform

    def on_mesh(self, grid: Grid) -> None:
        """Return None."""


@dataclass(frozen=True)
class Denoise(Noisy):
    """X = t x + (1 − t) z with t ~ U(0, 1), target x.

    Examples
    --------
    >>> Denoise().draw_times(np.array([0.25]))
    array([0.25])
    """

    def corrupt(self, images: Array, grid: Grid, draw: Callable[[str], Any], times: Array) -> Corruption:
        """Return t x and (1 − t) z."""
        z = draw("noise").standard_normal(images.shape)
        return Corruption(times * images, (1 - times) * z, images, times)


@dataclass(frozen=True)
class Deblur(Noisy):
    """X = (1 − t) B x + t z with t ~ U(0, largest_time), B a periodic Gaussian of σ cells of the finest mesh.

    Parameters
    ----------
    sigma : float
        σ in cells of the finest mesh; on a coarser one the operator is Q_l B, no Gaussian of σ coarse cells.
    largest_time : float
        Largest t.
    """

    sigma: float = 3.0
    largest_time: float = 0.1

    def corrupt(self, images: Array, grid: Grid, draw: Callable[[str], Any], times: Array) -> Corruption:
        """Return (1 − t) B x and t z; B is the explicit circulant ``gaussian_matrix``."""
        z = draw("noise").standard_normal(images.shape)
        return Corruption((1 - times) * smooth(images, grid, self.sigma), times * z, images, times)


@dataclass(frozen=True)
class Inpaint(Noisy):
    """X = M ((1 − t) x + t z), M zero in up to so many rectangles; t ~ U(0, largest_time).

    Parameters
    ----------
    rectangles : int
        Largest number of rectangles in an image; the number is uniform from 0 on.
    smallest, largest : float
        Edges are uniform between these shares of the image's: [MST] prints no numbers, these are ours.
    largest_time : float
        Largest t.

    Notes
    -----
    M is not an input of the network. On level l it is Q_l M x: with means the rim of a hole holds fractions.
    """

    rectangles: int = 3
    smallest: float = 0.1
    largest: float = 0.25
    largest_time: float = 0.1

    def __post_init__(self) -> None:
        require_whole_fields(self, rectangles=0)
        super().__post_init__()
        if not 0 < self.smallest <= self.largest <= 1:
            raise InputError(
                f"edges {self.smallest} to {self.largest}; expected 0 < smallest <= largest <= 1."
            )

    def corrupt(self, images: Array, grid: Grid, draw: Callable[[str], Any], times: Array) -> Corruption:
        """Return M (1 − t) x and M t z, with M."""
        z = draw("noise").standard_normal(images.shape)
        channels, rng = channels_of(images, grid), draw("mask")
        masks = np.stack([self.draw_mask(rng, grid) for _ in range(images.shape[1])], axis=-1)
        M = np.tile(masks.reshape(grid.cells, -1), (channels, 1))
        return Corruption(M * (1 - times) * images, M * times * z, images, times, M)

    def draw_mask(self, rng: Any, grid: Grid) -> Array:
        """Return 0 in rectangles and 1 elsewhere, shape of the grid."""
        mask = np.ones(grid.shape)
        for _ in range(rng.integers(self.rectangles + 1)):
            place = []
            for n in grid.shape:
                edge = max(1, round(n * rng.uniform(self.smallest, self.largest)))
                start = rng.integers(n - edge + 1)
                place.append(slice(start, start + edge))
            mask[tuple(place)] = 0.0
        return mask


@dataclass(frozen=True)
class SuperResolve:
    """X = U D x: made half as fine by D and fine again by U; the network adds to it what is missing.

    Parameters
    ----------
    ratio : int
        Cells along an axis that become one.

    Notes
    -----
    D is the cubic resize with antialiasing, U the linear one. On level l the pair is (U D Q_l x, Q_l x): low
    and high resolution are both made coarser. A reconstruction, for [MST] does not say it.
    """

    ratio: int = 2

    def __post_init__(self) -> None:
        require_whole_fields(self, ratio=2)

    def draw_times(self, uniform: Array) -> Array:
        """Return t = 0: there is no noise."""
        return np.zeros_like(uniform)

    def corrupt(self, images: Array, grid: Grid, draw: Callable[[str], Any], times: Array) -> Corruption:
        """Return x itself, which :meth:`on_mesh` makes less."""
        return Corruption(images, np.zeros_like(images), images, times)

    def on_mesh(self, grid: Grid) -> Any:
        """Return U D, of one channel."""
        return _down_and_up(grid, self.ratio)


@lru_cache(maxsize=32)
def _down_and_up(grid: Grid, ratio: int) -> Any:
    if any(n % ratio for n in grid.shape):
        raise InputError(f"images of {grid.shape} cells cannot be made {ratio} times as coarse.")
    coarse = Grid(tuple(n // ratio for n in grid.shape))
    return resize_matrix(coarse, grid, "linear") @ resize_matrix(grid, coarse, "cubic")


TASKS: dict[str, type] = {
    "denoise": Denoise,
    "deblur": Deblur,
    "inpaint": Inpaint,
    "super-resolve": SuperResolve,
}
"""Tasks by the names that configurations use."""


def task_named(name: str, **options: Any) -> Any:
    """Return the task of that name.

    Parameters
    ----------
    name : str
        ``"denoise"``, ``"deblur"``, ``"inpaint"`` or ``"super-resolve"``.
    **options
        Its fields.

    Returns
    -------
    Task
        A frozen dataclass.

    Raises
    ------
    InputError
        If the name is unknown, or an option is out of range.

    Examples
    --------
    >>> task_named("deblur", sigma=2.0)
    Deblur(sigma=2.0, largest_time=0.1)
    """
    return TASKS[require_choice(name, TASKS, "task")](**options)


def draw_corruption(
    task: Task,
    images: Array,
    grid: Grid,
    count: int,
    seed: int,
    *,
    stage: int = 0,
    iteration: int = 0,
    term: int = 0,
    order: str = ORDERS[0],
) -> Corruption:
    """Return so many corrupted examples of one draw, on the finest mesh.

    Parameters
    ----------
    task : Task
        What is done to the images.
    images : numpy.ndarray
        Shape (c·n, M), float64, all clean images in their range.
    grid : Grid
        Their mesh with n cells.
    count : int
        Examples m ≤ M, without replacement.
    seed, stage, iteration, term : int
        Name the draw, see :func:`~refms.data.streams.random_stream`.
    order : str
        How examples are chosen, see :func:`~refms.data.streams.draw_examples`.

    Returns
    -------
    Corruption
        Of m examples.

    Raises
    ------
    InputError
        If there are fewer images.

    Examples
    --------
    >>> found = draw_corruption(Denoise(), np.zeros((4, 5)), Grid((2, 2)), 3, seed=0)
    >>> found.noise.shape, found.times.shape
    ((4, 3), (3,))
    """
    place = {"stage": stage, "iteration": iteration, "term": term}
    chosen = draw_examples(images.shape[1], count, seed, order=order, **place)

    def draw(purpose: str) -> np.random.Generator:
        return random_stream(seed, purpose, **place)

    times = task.draw_times(draw("time").uniform(size=count))
    return task.corrupt(images[:, chosen], grid, draw, times)


def validation_corruption(task: Task, images: Array, grid: Grid, seed: int) -> Corruption:
    """Return all images corrupted in one fixed way, with the times (j + ½)/m in the place of random ones."""

    def draw(purpose: str) -> np.random.Generator:
        return random_stream(seed, "validation", term=("noise", "mask").index(purpose))

    count = images.shape[1]
    times = task.draw_times((np.arange(count) + 0.5) / count)
    return task.corrupt(images, grid, draw, times)
