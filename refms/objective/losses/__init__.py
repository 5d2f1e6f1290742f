"""The classifiers of eq. (5) as losses: value, gradient and Hessian product for any finite logits."""

from refms.objective.losses.least_squares import LeastSquares
from refms.objective.losses.logistic import LogisticRegression
from refms.objective.losses.loss import Loss, LossEvaluation
from refms.objective.losses.mean_squares import MeanSquares
from refms.objective.losses.named import loss_named
from refms.objective.losses.separable import SeparableEvaluation
from refms.objective.losses.smooth_hinge import SmoothHinge
from refms.objective.losses.softmax import (
    SoftmaxCrossEntropy,
    SoftmaxCrossEntropyEvaluation,
    softmax,
    zeros_labels,
)
from refms.objective.losses.ssim import StructuralSimilarity

__all__ = [
    "LeastSquares",
    "LogisticRegression",
    "Loss",
    "LossEvaluation",
    "MeanSquares",
    "SeparableEvaluation",
    "SmoothHinge",
    "SoftmaxCrossEntropy",
    "SoftmaxCrossEntropyEvaluation",
    "StructuralSimilarity",
    "loss_named",
    "softmax",
    "zeros_labels",
]
