"""A direction, a search and a loop, shared by Newton, Gauss–Newton and block-coordinate descent."""

from refms.linear.cg import CGResult, conjugate_gradients
from refms.linear.outcome import Outcome, Status
from refms.linear.product import Product
from refms.optimize.block_coordinate_descent import propagation_then_classifier
from refms.optimize.blocks import BlockSteps
from refms.optimize.history import History, HistoryRow
from refms.optimize.line_search import armijo
from refms.optimize.loop import DescentResult, Minimum, Observation, descend, minimize
from refms.optimize.newton import Damping, Newton
from refms.optimize.objective import BlockProblem, Objective
from refms.optimize.options import StepOptions
from refms.optimize.step import descent_step
from refms.optimize.stopping import StopRules
from refms.optimize.weighted import WeightedSum

__all__ = [
    "BlockProblem",
    "BlockSteps",
    "CGResult",
    "Damping",
    "DescentResult",
    "History",
    "HistoryRow",
    "Minimum",
    "Newton",
    "Objective",
    "Observation",
    "Outcome",
    "Product",
    "Status",
    "StepOptions",
    "StopRules",
    "WeightedSum",
    "armijo",
    "conjugate_gradients",
    "descend",
    "descent_step",
    "minimize",
    "propagation_then_classifier",
]
