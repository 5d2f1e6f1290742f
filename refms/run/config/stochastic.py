"""The section [stochastic]: epochs over mini-batches in the place of block-coordinate descent."""

from __future__ import annotations

from dataclasses import dataclass

from refms.data.augmentation import Augmentation
from refms.errors import require_choice, require_whole_fields
from refms.names import EPOCH_METHODS, LEARNING_RATE_SCHEDULES
from refms.optimize.stochastic import Adam, Momentum


@dataclass(frozen=True)
class StochasticSection:
    """Training by epochs over mini-batches, where a method is named.

    Parameters
    ----------
    method : str
        ``"none"`` for block-coordinate descent; with ``"adam"``, or ``"sgd"`` with momentum 0.9, an iteration
        of [optimization] is an epoch.
    learning_rate : float
        η at the beginning.
    schedule : str
        ``"constant"``, or ``"cosine"``, which falls to 0 with the last iteration.
    batch : int
        Examples of a mini-batch; 0 takes all of them.
    draw_seed : int
        Of the mini-batches and of what happens to the images.
    patience : int
        Epochs without a smaller validation loss after which the training stops; the model is that of the
        epoch with the smallest one. 0 makes all epochs, and keeps the last model.
    flip : bool
        Whether training images are mirrored along their last axis with probability ½, anew in each epoch.
    shift_cells : int
        By up to how many cells of their own mesh they move along each axis.
    """

    method: str = EPOCH_METHODS[0]
    learning_rate: float = 1e-3
    schedule: str = LEARNING_RATE_SCHEDULES[0]
    batch: int = 64
    draw_seed: int = 0
    patience: int = 0
    flip: bool = False
    shift_cells: int = 0

    def __post_init__(self) -> None:
        require_choice(self.method, EPOCH_METHODS, "method")
        require_whole_fields(self, patience=0, draw_seed=0)
        _ = self.rule, self.augmentation

    @property
    def rule(self) -> Adam | Momentum:
        """Mini-batches, learning rates, and the way from gradients to updates."""
        kind = Momentum if self.method == "sgd" else Adam
        return kind(self.learning_rate, batch=self.batch, schedule=self.schedule, seed=self.draw_seed)

    @property
    def augmentation(self) -> Augmentation:
        """What happens to the training images of each epoch."""
        return Augmentation(self.flip, self.shift_cells)
