"""A direction, a search and a loop, shared by Newton, Gauss–Newton and block-coordinate descent."""

from refms.linear.cg import CGResult, conjugate_gradients
from refms.linear.direction import Direction, newton_direction
from refms.linear.outcome import Outcome, Status
from refms.linear.product import Product
from refms.optimize.block_coordinate_descent import propagation_then_classifier
from refms.optimize.blocks import BlockSteps
from refms.optimize.history import History, HistoryRow
from refms.optimize.line_search import LineSearchResult, armijo
from refms.optimize.loop import DescentResult, LoopState, Minimum, Monitor, Report, descend, minimize
from refms.optimize.newton import Damping, Newton
from refms.optimize.newton_cg import NewtonCG
from refms.optimize.objective import BlockProblem, Objective
from refms.optimize.step import Method, StepOptions, StepResult, descent_step, gain_ratio
from refms.optimize.stopping import StopRules
from refms.optimize.trust_region import TrustRegion

__all__ = [
    "BlockProblem",
    "BlockSteps",
    "CGResult",
    "Damping",
    "DescentResult",
    "Direction",
    "History",
    "HistoryRow",
    "LineSearchResult",
    "LoopState",
    "Method",
    "Minimum",
    "Monitor",
    "Newton",
    "NewtonCG",
    "Objective",
    "Outcome",
    "Product",
    "Report",
    "Status",
    "StepOptions",
    "StepResult",
    "StopRules",
    "TrustRegion",
    "armijo",
    "conjugate_gradients",
    "descend",
    "descent_step",
    "gain_ratio",
    "minimize",
    "newton_direction",
    "propagation_then_classifier",
]
