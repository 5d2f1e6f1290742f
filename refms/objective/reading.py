"""What is read from the output of a network: classes through h^d Wᵀ y + μ, or an image."""

from __future__ import annotations

from dataclasses import dataclass

from refms.errors import require_choice, require_whole_fields
from refms.grid import Grid
from refms.maps.chain import chain
from refms.maps.layers.linear import average_pooling, pooled_grid
from refms.maps.map import Map
from refms.names import LOSSES
from refms.objective.classifier import Classifier
from refms.objective.losses import Loss, MeanSquares, StructuralSimilarity, loss_named

IMAGE_LOSSES = ("least-squares", "mean-squares", "ssim")
"""Losses of images by their names."""


@dataclass(frozen=True)
class Classes:
    """Logits of classes from the features y_N or their means, eq. (5) of [LAS].

    Parameters
    ----------
    classes : int
        Number of classes ℓ.
    loss : str
        The classifier of eq. (5): ``"softmax"``, ``"least-squares"``, ``"logistic"`` or ``"smooth-hinge"``.
    pooling : int
        Cells along each axis of the blocks over which y_N is averaged before the classifier; 1 for no
        pooling, 0 for the mean over the whole mesh.

    Raises
    ------
    InputError
        If there are fewer than two classes or the loss is unknown.

    Examples
    --------
    >>> Classes(10, pooling=2).shapes(Grid((4, 4)), channels=3)
    {'W': (12, 10), 'mu': (10,)}
    """

    classes: int
    loss: str = "softmax"
    pooling: int = 1

    def __post_init__(self) -> None:
        require_whole_fields(self, classes=2, pooling=0)
        require_choice(self.loss, LOSSES, "loss")

    def classifier(self, grid: Grid, channels: int) -> Classifier:
        """Return the classifier of features on a grid, or on that of the blocks."""
        return Classifier(pooled_grid(grid, self.pooling), channels, self.classes)

    def loss_on(self, grid: Grid) -> Loss:
        """Return the loss, which is the same on every mesh."""
        return loss_named(self.loss)

    def shapes(self, grid: Grid, channels: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of its arrays ``W`` (c·n, ℓ) and ``mu`` (ℓ,)."""
        rows = channels * pooled_grid(grid, self.pooling).cells
        return {"W": (rows, self.classes), "mu": (self.classes,)}

    def after(self, network: Map, grid: Grid, channels: int) -> Map:
        """Return a network and the means that the classifier sees."""
        if self.pooling == 1:
            return network
        pooling = average_pooling(grid, channels, self.pooling)
        return chain(("", network), ("pooling", pooling))


@dataclass(frozen=True)
class Image:
    """The output itself, channels times cells, compared with an image.

    Parameters
    ----------
    loss : str
        ``"least-squares"``: half the squared distance, summed over channels and cells. For images in [−1, 1]
        ``"mean-squares"``, the mean of the squares, or ``"ssim"``, 1 − SSIM.

    Examples
    --------
    >>> Image().shapes(Grid((4, 4)), channels=3)  # nothing is learned after the network
    {}
    """

    loss: str = "least-squares"

    def __post_init__(self) -> None:
        require_choice(self.loss, IMAGE_LOSSES, "loss of images")

    def loss_on(self, grid: Grid) -> Loss:
        """Return the loss on a mesh; InputError where that is smaller than the window of SSIM."""
        if self.loss == "ssim":
            return StructuralSimilarity(grid)
        return MeanSquares() if self.loss == "mean-squares" else loss_named(self.loss)

    def shapes(self, grid: Grid, channels: int) -> dict[str, tuple[int, ...]]:
        """Return no shapes: nothing is learned after the network."""
        return {}

    def after(self, network: Map, grid: Grid, channels: int) -> Map:
        """Return the network as it is."""
        return network


Reading = Classes | Image
"""Of classes, or of an image."""
