"""Forward, gradient, Gauss–Newton product and step of the network: time and memory, all engines."""

import contextlib
from collections.abc import Sequence
from typing import Any

from benchmarks import memory
from benchmarks.cases import SIZES, Case, Problem
from benchmarks.engines import Build, engines, families
from benchmarks.gemm import MATRIX_PRODUCT, matrix_product
from benchmarks.operations import CG_ITERATIONS, OPERATIONS, Reference, call, objective
from benchmarks.tables import DTYPES, process
from benchmarks.timing import Limits, interleaved

AUTOGRAD = "torch.func jvp + vjp"
"""Whose forward pass and gradient are those of all engines that are PyTorch's automatic differentiation."""

SAME_BELOW = ("torch, linearised once", "curvlinops", "BackPACK", "JAX jit, linearised once")
"""Engines that differ from another one in the product only."""

LARGE = ((28, 16, 8, 256),)
HALVES = (
    ("refms", "torch", "curvlinops", "BackPACK"),
    ("refms", "curvlinops", "torch by hand", "JAX", "SciPy"),
)
"""The largest size is measured in two parts: all engines at once would need too much memory."""

NOT_STEPPED = (AUTOGRAD, "BackPACK", "JAX jit", "SciPy, explicit K(s)")
"""Engines whose step is left out, for the sake of time: 20 products tell it."""


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: times by setting, precision and size, then the step of one size, and memory.

    A run that is stopped has whole settings, at all sizes.
    """
    if quick:
        return [_timed(SIZES[0], "float64", 1, "tuned", None, OPERATIONS, quick), *_weighed(SIZES[0], quick)]
    rows: list[dict[str, Any]] = []
    for threads, allocator in ((1, "tuned"), (2, "tuned"), (1, "default")):
        rows += [
            _timed(size, dtype, threads, allocator, chosen, _quick_operations(size), quick)
            for dtype in DTYPES
            for size in SIZES
            for chosen in (HALVES if size in LARGE else [None])
        ]
        if (threads, allocator) == (1, "tuned"):
            rows += _weighed(SIZES[0], quick)
            rows += [_timed(SIZES[0], dtype, 1, "tuned", None, ["step"], quick) for dtype in DTYPES]
    return rows + [row for size in SIZES[1:] for row in _weighed(size, quick)]


def _quick_operations(size: tuple[int, ...]) -> list[str]:
    """Return what is timed at a size: all but the step, which takes twenty products; the joint block once."""
    return [name for name in OPERATIONS if name != "step" and (name != "joint" or size == SIZES[0])]


def _timed(
    size: tuple[int, ...],
    dtype: str,
    threads: int,
    allocator: str,
    chosen: Sequence[str] | None,
    operations: Sequence[str],
    quick: bool,
) -> dict[str, Any]:
    return process(
        threads,
        allocator,
        size=tuple(size),
        dtype=dtype,
        chosen=chosen,
        seconds=2.0 if quick else 10.0,
        least=1 if quick else 3,
        operations=tuple(operations),
        iterations=4 if quick else CG_ITERATIONS,
    )


def _weighed(size: tuple[int, ...], quick: bool) -> list[dict[str, Any]]:
    return [
        {"arguments": {"size": list(size), "dtype": dtype, "chosen": [family], "weigh": [operation, name]}}
        for dtype in (("float64",) if quick else DTYPES)
        for operation in (("gradient",) if quick else ("gradient", "product"))
        for name, family in families().items()
        if differs(name, operation)
    ]


def differs(name: str, operation: str) -> bool:
    """Return whether an engine has its own row for an operation."""
    left_out = {"forward": SAME_BELOW, "gradient": SAME_BELOW, "step": NOT_STEPPED}
    return name not in left_out.get(operation, ())


def measure(
    size: tuple[int, int, int, int],
    dtype: str,
    weigh: tuple[str, str] | None = None,
    seconds: float = 30.0,
    least: int = 3,
    chosen: Sequence[str] | None = None,
    operations: Sequence[str] = OPERATIONS,
    iterations: int = CG_ITERATIONS,
) -> dict[str, Any]:
    """Time operations of engines of some families, or ``weigh`` an (operation, engine): its peak memory."""
    case = Case(*size, dtype)
    if weigh is not None:
        return weighed(case, *weigh, engines(chosen)[0])
    problem = Problem(case)
    usable, missing = engines(chosen)
    built = {name: build(problem) for name, build in usable.items()}
    reference = Reference(problem, iterations)
    found: dict[str, Any] = {}
    for operation in operations:
        calls = {}
        for name, engine in built.items():
            if differs(name, operation):
                with contextlib.suppress(NotImplementedError):  # engines without the joint block
                    risk = objective(engine, problem, operation)
                    calls[name] = call(operation, risk, problem, iterations)
        calls[MATRIX_PRODUCT] = matrix_product(dtype)

        def check(name: str, result: Any, operation: str = operation) -> float:
            return 0.0 if name == MATRIX_PRODUCT else reference.require_same(operation, result, name)

        limits = Limits(seconds, min(least, 2) if operation == "step" else least)
        found[operation] = interleaved(calls, limits, check)
    notes = {name: str(engine.choice) for name, engine in built.items() if hasattr(engine, "choice")}
    return {"operations": found, "missing": missing, "choices": notes}


def weighed(case: Case, operation: str, name: str, usable: dict[str, Build]) -> dict[str, int]:
    """Return the memory that an operation needs at its peak, beyond the libraries.

    They are loaded, and have run the operation on a tiny problem, before the count starts.
    """
    build = usable[name]
    tiny = Problem(Case(8, 2, 2, 4, case.dtype))
    call(operation, objective(build(tiny), tiny), tiny)()
    before, problem = memory.resident(), Problem(case)
    risk = objective(build(problem), problem)
    memory.forget_peak()  # of the search for the best choice, where an engine makes one
    call(operation, risk, problem)()
    return {"peak": memory.peak(), "before": before}
