"""The Gauss–Newton product on a GPU, with the floating-point operations and bytes that it needs at least."""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.agreement import require, rho
from benchmarks.cases import CLASSES, SIZES, Case, Problem
from benchmarks.tables import DTYPES, process
from benchmarks.timing import Limits, interleaved, until_done
from refms.backend import NUMPY, Backend, backend_named
from refms.grid import columns_from_nchw
from refms.objective.examples import Examples
from refms.optimize import Product
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of

REFMS, TORCH, GEMM, COPY = "refms, CuPy", "torch.func jvp + vjp", "matrix product", "copy"
SQUARE = 4096
"""Rows of the matrices and of the array that show what the card can do."""


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: all sizes, in single precision first, which is what a GPU is for."""
    sizes, seconds = (SIZES[:1], 1.0) if quick else (SIZES, 10.0)
    return [process(size=size, dtype=dtype, seconds=seconds) for size in sizes for dtype in reversed(DTYPES)]


def measure(
    size: tuple[int, int, int, int],
    dtype: str,
    seconds: float = 10.0,
    least: int = 5,
    card: str = "cuda",
    square: int = SQUARE,
) -> dict[str, Any]:
    """Time the product of a network that is linearised already, and the card's own limits, in turn.

    Each time is that of a call and the wait for the card; TF32 is off. ``card="cpu"`` runs the same on the
    host, to try the measurement itself; ``square``: rows of the matrices that show the limits.
    """
    problem = Problem(Case(*size, dtype))
    backend = backend_named("cupy" if card == "cuda" else "numpy")
    wait = backend.xp.cuda.Device().synchronize if card == "cuda" else lambda: None
    v = problem.direction(problem.model.blocks["propagation"].size)
    product, there = _product(problem, backend), backend.from_host(v)
    ways: dict[str, Callable[[], Any]] = {REFMS: lambda: product(there)}
    if importlib.util.find_spec("torch"):
        ways[TORCH] = _with_torch(problem, card, v)
    A = backend.from_host(np.random.default_rng(0).standard_normal((square, square)).astype(dtype))
    B = backend.xp.empty_like(A)
    ways[GEMM] = lambda: A @ A
    ways[COPY] = lambda: backend.xp.copyto(B, A)

    double = problem.in_double()
    exact = _product(double, NUMPY)(double.direction(v.size))

    def check(name: str, result: Any) -> float:
        if name not in (REFMS, TORCH):
            return 0.0
        found = result.cpu().numpy() if name == TORCH else backend.to_host(result)
        return require(name, rho(found, exact, dtype, problem.case.n**2 * problem.case.examples))

    calls = {name: until_done(call, wait) for name, call in ways.items()}
    return {
        "ways": interleaved(calls, Limits(seconds, least, 31), check),
        "flops": 2 * problem.case.counted("product"),
        "bytes": least_bytes(problem.case),
        "square": square,
    }


def least_bytes(case: Case) -> int:
    """Return the bytes that a product moves if every array of a layer is read or written once.

    Forwards a layer reads y_k, σ′ and dy_k and writes dy_{k+1}; backwards it reads y_k, σ′ and g, and writes
    g.
    """
    itemsize = np.dtype(case.dtype).itemsize
    return 8 * case.layers * case.channels * case.n**2 * case.examples * itemsize


def _product(problem: Problem, backend: Backend) -> Product:
    """Return refms' product without regulariser, linearised where the backend is."""
    arrays = {name: backend.from_host(array) for name, array in problem.model.arrays.items()}
    one_hot = (np.arange(CLASSES)[:, None] == problem.classes).astype(problem.dtype)
    examples = (columns_from_nchw(problem.images), one_hot)
    model = problem.model.with_arrays(**arrays)
    control = problem_of(
        model,
        Examples(*map(backend.from_host, examples)),
        RegularizationSection(0.0, 0.0, 0.0, 0.0),
        OptimizationSection(hessian_fraction=1.0, dtype=problem.dtype),
    )
    return control.block("propagation", model.blocks).curvature(model.blocks["propagation"])


def _with_torch(problem: Problem, card: str, v: Any) -> Callable[[], Any]:
    """Return torch.func's product on the same card."""
    import torch

    from benchmarks.engines.torch_engines import forward_and_reverse
    from benchmarks.engines.torch_network import Risk, classify, features, split

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    model, shapes = problem.model.arrays, problem.network.arrays.shapes
    W, mu, opening, images, classes = (
        torch.from_numpy(array).to(card)
        for array in (model["W"], model["mu"], model["opening"], problem.images, problem.classes)
    )
    layers = (shapes["stencils"][1:], shapes["biases"][1:]) * shapes["stencils"][0]

    def logits(*given: torch.Tensor) -> torch.Tensor:
        return classify(W, mu, features(given[:-1], opening, given[-1]))

    risk = Risk(logits, images, classes, layers, forward_and_reverse)
    theta, direction = (
        tuple(part.to(card) for part in split(x, layers)) for x in (problem.model.blocks["propagation"], v)
    )
    product = risk.multiply(risk, theta)
    return lambda: torch.cat([part.detach().reshape(-1) for part in product(direction)])
