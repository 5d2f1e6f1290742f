"""Optimisers side by side on one objective, and studies of what they depend on."""

from refms.laboratory.bench import Bench, Run, fitted, measured_run
from refms.laboratory.plan import Plan
from refms.laboratory.results import comparison_result, study_result
from refms.laboratory.study import StudyPoint, points_of

__all__ = [
    "Bench",
    "Plan",
    "Run",
    "StudyPoint",
    "comparison_result",
    "fitted",
    "measured_run",
    "points_of",
    "study_result",
]
