"""Multiscale training: along resolution, along depth, and in the estimate of the gradient."""

from refms.multiscale.agreement import Agreement, agreeing_smoothing
from refms.multiscale.allocation import Allocation
from refms.multiscale.depth import prolong_in_time, restrict_in_time, to_depth
from refms.multiscale.estimation import Batches, estimate_objective
from refms.multiscale.full_multiscale import (
    Schedule,
    Stage,
    TrainingPlan,
    TrainingState,
    full_multiscale_plan,
)
from refms.multiscale.hierarchy import Hierarchy, MeshLevel, model_hierarchy, stencil_hierarchy
from refms.multiscale.image_problem import ImageProblem
from refms.multiscale.kernel_rule import on_level
from refms.multiscale.matched_smoothing import matched_smoothing
from refms.multiscale.resolution import coarse_to_fine, transfer
from refms.multiscale.subsampling import Subsampling
from refms.multiscale.switching import Switch
from refms.multiscale.variance import GradientVariance, measure_variance
from refms.multiscale.work import full_multiscale_work, gradient_work

__all__ = [
    "Agreement",
    "Allocation",
    "Batches",
    "GradientVariance",
    "Hierarchy",
    "ImageProblem",
    "MeshLevel",
    "Schedule",
    "Stage",
    "Subsampling",
    "Switch",
    "TrainingPlan",
    "TrainingState",
    "agreeing_smoothing",
    "coarse_to_fine",
    "estimate_objective",
    "full_multiscale_plan",
    "full_multiscale_work",
    "gradient_work",
    "matched_smoothing",
    "measure_variance",
    "model_hierarchy",
    "on_level",
    "prolong_in_time",
    "restrict_in_time",
    "stencil_hierarchy",
    "to_depth",
    "transfer",
]
