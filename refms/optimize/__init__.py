"""A direction, a search and a loop, shared by Newton, Gauss–Newton and block-coordinate descent."""

from refms.linear.cg import CGResult, conjugate_gradients
from refms.linear.direction import Direction, newton_direction
from refms.linear.outcome import Outcome, Status
from refms.linear.product import Product
from refms.optimize.block_coordinate_descent import block_coordinate_descent, propagation_then_classifier
from refms.optimize.descent import DescentResult, Minimum, descend, minimize
from refms.optimize.gauss_newton import Damping, GaussNewton, minimize_gauss_newton
from refms.optimize.history import History, HistoryRow
from refms.optimize.line_search import LineSearchResult, armijo
from refms.optimize.newton import Newton, minimize_newton, newton_step
from refms.optimize.objective import Objective
from refms.optimize.schedule import BlockProblem, BlockSteps, Monitor, Report
from refms.optimize.step import Method, StepOptions, StepResult, descent_step, gain_ratio
from refms.optimize.stopping import StopRules

__all__ = [
    "BlockProblem",
    "BlockSteps",
    "CGResult",
    "Damping",
    "DescentResult",
    "Direction",
    "GaussNewton",
    "History",
    "HistoryRow",
    "LineSearchResult",
    "Method",
    "Minimum",
    "Monitor",
    "Newton",
    "Objective",
    "Outcome",
    "Product",
    "Report",
    "Status",
    "StepOptions",
    "StepResult",
    "StopRules",
    "armijo",
    "block_coordinate_descent",
    "conjugate_gradients",
    "descend",
    "descent_step",
    "gain_ratio",
    "minimize",
    "minimize_gauss_newton",
    "minimize_newton",
    "newton_direction",
    "newton_step",
    "propagation_then_classifier",
]
