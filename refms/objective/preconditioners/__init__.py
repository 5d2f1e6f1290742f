"""Preconditioners for conjugate gradients on the blocks of problem (6), from the structure at hand.

Each is called with a block, a point and the product with the curvature there, and returns r -> M⁻¹ r, or None
where it would not be positive definite.
"""

from refms.objective.preconditioners.block_diagonal import BlockDiagonal
from refms.objective.preconditioners.classifier_block import ClassifierBlock
from refms.objective.preconditioners.classifier_diagonal import ClassifierDiagonal
from refms.objective.preconditioners.classifier_smoothness import ClassifierSmoothness
from refms.objective.preconditioners.fine_coordinates import FineCoordinates
from refms.objective.preconditioners.probed_diagonal import ProbedDiagonal
from refms.objective.preconditioners.time_smoothness import TimeSmoothness

__all__ = [
    "BlockDiagonal",
    "ClassifierBlock",
    "ClassifierDiagonal",
    "ClassifierSmoothness",
    "FineCoordinates",
    "ProbedDiagonal",
    "TimeSmoothness",
]
