"""One iteration of block-coordinate descent: a step on the network, five on the classifier."""

from collections.abc import Sequence
from typing import Any

from benchmarks.agreement import require
from benchmarks.cases import SIZES, Case, Problem
from benchmarks.engines import engines
from benchmarks.operations import MODEL_TOLERANCE
from benchmarks.tables import DTYPES, process
from benchmarks.timing import Limits, interleaved
from refms.optimize import StepOptions, StopRules, descend, propagation_then_classifier

ENGINES = ("torch by hand, conv2d", "torch by hand, columns", "curvlinops", "JAX jit, linearised once")
"""Peers that are measured, besides all routes of refms."""

SCHEDULE = propagation_then_classifier(
    StepOptions(cg_tolerance=0.0, cg_iterations=20, max_step=1.0),
    StepOptions(cg_tolerance=0.0, cg_iterations=10),
)
"""Of [LAS] Sec. 4, with as many CG iterations on every engine."""


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: all sizes but the largest, on one thread."""
    sizes = SIZES[:1] if quick else [size for size in SIZES if size[1] < 16]
    seconds, least = (2.0, 1) if quick else (60.0, 3)
    return [
        process(allocator="tuned", size=size, dtype=dtype, seconds=seconds, least=least)
        for size in sizes
        for dtype in DTYPES
    ]


def iteration(engine: Any, problem: Problem) -> float:
    """Return the objective after one iteration from the problem's parameters."""
    done = descend(engine, problem.model.blocks, SCHEDULE, stop=StopRules(max_iterations=1))
    return float(list(done.history)[-1].objective)


def measure(
    size: tuple[int, int, int, int],
    dtype: str,
    seconds: float = 60.0,
    least: int = 3,
    chosen: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Time one iteration on each engine; ``rho`` is how far the decrease of the objective deviates."""
    problem = Problem(Case(*size, dtype))
    double = problem.in_double()
    usable, missing = engines(chosen)
    built = {
        name: build(problem) for name, build in usable.items() if name.startswith("refms") or name in ENGINES
    }
    before = double.control.block("propagation", double.model.blocks).value(
        double.model.blocks["propagation"]
    )
    expected = before - iteration(double.control, double)

    def check(name: str, objective: float) -> float:
        deviation = float(f"{abs((before - objective) / expected - 1):.2g}")
        return require(f"{name}: decrease in an iteration", deviation, MODEL_TOLERANCE[dtype])

    calls = {name: (lambda engine=engine: iteration(engine, problem)) for name, engine in built.items()}
    return {"engines": interleaved(calls, Limits(seconds, least), check), "missing": missing}
