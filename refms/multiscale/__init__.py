"""Multiscale training: along resolution, along depth, and in the estimate of the gradient."""

from refms.multiscale.agreement import Agreement, agreeing_smoothing
from refms.multiscale.depth import prolong_in_time, restrict_in_time, to_depth
from refms.multiscale.matched_smoothing import matched_smoothing
from refms.multiscale.resolution import coarse_to_fine, transfer

__all__ = [
    "Agreement",
    "agreeing_smoothing",
    "coarse_to_fine",
    "matched_smoothing",
    "prolong_in_time",
    "restrict_in_time",
    "to_depth",
    "transfer",
]
