"""The section [classifier]: the loss and the pooling before it."""

from __future__ import annotations

from dataclasses import dataclass

from refms.errors import require_choice, require_whole_fields
from refms.names import LOSSES


@dataclass(frozen=True)
class ClassifierSection:
    """The classifier of eq. (5).

    Parameters
    ----------
    loss : str
        ``"softmax"``, ``"least-squares"``, ``"logistic"`` (each class against the rest) or
        ``"smooth-hinge"`` (support vector machine).
    pooling : int
        Cells along each axis of the blocks over which y_N is averaged before the classifier; 1 for no
        pooling, 0 for the mean over the whole mesh.
    """

    loss: str = "softmax"
    pooling: int = 1

    def __post_init__(self) -> None:
        require_choice(self.loss, LOSSES, "loss")
        require_whole_fields(self, pooling=0)
