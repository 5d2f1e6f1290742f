"""The sections of a training that restores images: which images, which network, what is done to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from refms.data.by_name import require_dataset
from refms.data.corruption import TASKS, Task
from refms.errors import require_choice, require_nonnegative, require_whole_fields
from refms.grid import Grid
from refms.maps.architectures.architecture import Architecture
from refms.run.config.data import Size, checked_size, mesh_for, require_one_way
from refms.run.config.network import checked_options, registered_network
from refms.run.config.reading import finite_fields

VALIDATION_PARTS = ("test", "train")


@dataclass(frozen=True)
class ImageDataSection:
    """[data]: clean images, how many, and on which mesh.

    Parameters
    ----------
    dataset : str
        ``"photographs"`` (embedded, 64×64), another name as ``"urban100"``, or own images: ``"folder:DIR"``,
        ``"npz:FILE"``, ``"csv:FILE"`` or ``"idx:FOLDER"``.
    train, validation : int
        Number of images of the two disjoint sets; 0 takes all of a part (five sixths and the rest where both
        come from the training part).
    validation_part : str
        Whether validation images are of the ``"test"`` part of the data set, or split off ``"train"``.
    split_seed : int
        Seed of the permutation that chooses the images.
    size : int or tuple of int
        Cells along every axis of the finest mesh, or along each, that halving must reach; 0 takes the images'
        own.
    max_value : float
        The largest value that an image may have, where the data set does not know it; 0 takes its own.
    pad, crop : bool
        Whether images that cannot be halved as often as ``size``, or the levels, ask are padded (by their
        edge) or cropped (to their middle) to the nearest size that can.
    """

    dataset: str = "photographs"
    train: int = 0
    validation: int = 0
    validation_part: str = VALIDATION_PARTS[0]
    split_seed: int = 0
    size: Size = field(default=0, metadata={"also": tuple})
    max_value: float = 0.0
    pad: bool = False
    crop: bool = False

    def __post_init__(self) -> None:
        require_dataset(self.dataset)
        require_choice(self.validation_part, VALIDATION_PARTS, "validation_part")
        require_whole_fields(self, train=0, validation=0, split_seed=0)
        object.__setattr__(self, "size", checked_size(self.size))
        require_one_way(self, ("pad", "crop"))
        require_nonnegative(self.max_value, "max_value")

    def grid(self, native: Grid) -> Grid:
        """Return the finest mesh for images on the given one."""
        return mesh_for(self.size, native)


@dataclass(frozen=True)
class ImageNetworkSection:
    """[network]: ``"residual-image"``, ``"unet"``, ``"espcn"`` or a registered name, and its fields."""

    architecture: str = "residual-image"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        checked_options(self.architecture, self.options)

    def network(self, grid: Grid, image_channels: int) -> Architecture:
        """Return the network on a grid, for images of so many channels."""
        return registered_network(self.architecture, self.options, grid, image_channels)


@dataclass(frozen=True)
class TaskSection:
    """[task]: ``"denoise"``, ``"deblur"``, ``"inpaint"`` or ``"super-resolve"``, and its fields."""

    name: str = "denoise"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _ = self.task

    @property
    def task(self) -> Task:
        """What is done to the images."""
        kind = TASKS[require_choice(self.name, TASKS, "task")]
        task: Task = kind(**finite_fields(kind, "task.options", self.options))
        return task
