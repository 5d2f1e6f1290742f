"""The learning problem (6): losses, classifier, regularisers, and the mean loss of a map over examples."""

from refms.objective.classifier import Classifier
from refms.objective.curvature import Curvature
from refms.objective.examples import Examples
from refms.objective.problem import Block, TrainingProblem
from refms.objective.reading import Classes, Image
from refms.objective.regularizers import (
    Quadratic,
    classifier_regularizer,
    tikhonov_regularizer,
    time_regularizer,
)
from refms.objective.risk import EmpiricalRisk
from refms.objective.transfer_penalty import transfer_regularizer
from refms.objective.workers import Workers

__all__ = [
    "Block",
    "Classes",
    "Classifier",
    "Curvature",
    "EmpiricalRisk",
    "Examples",
    "Image",
    "Quadratic",
    "TrainingProblem",
    "Workers",
    "classifier_regularizer",
    "tikhonov_regularizer",
    "time_regularizer",
    "transfer_regularizer",
]
