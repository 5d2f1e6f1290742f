"""K(s) Y, its adjoint and its stencil gradient, in the share of the matrix product's rate that they reach."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.agreement import require, rho
from benchmarks.cases import SIZES, STENCIL, Case, Problem
from benchmarks.engines.refms_engine import ROUTES, convolution
from benchmarks.gemm import MATRIX_PRODUCT, matrix_product
from benchmarks.tables import DTYPES, process
from benchmarks.timing import Limits, interleaved
from refms.grid import nchw_from_columns


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: each size in both precisions, on one thread."""
    seconds, least = (1.0, 2) if quick else (10.0, 5)
    return [
        process(allocator="tuned", size=size, dtype=dtype, seconds=seconds, least=least)
        for size in (SIZES[:1] if quick else SIZES)
        for dtype in DTYPES
    ]


def measure(
    size: tuple[int, int, int, int], dtype: str, seconds: float = 10.0, least: int = 5
) -> dict[str, Any]:
    """Time the routes of one convolution; of the size (n, c, N, m) N is not used."""
    problem = Problem(Case(*size, dtype))
    case, rng = problem.case, np.random.default_rng(0)
    K = convolution(problem, "auto")
    S = rng.standard_normal(K.stencils_shape).astype(dtype)
    Y, Z = rng.standard_normal((2, K.rows_in, case.examples)).astype(dtype)
    matrix = K.matrix(S)
    ways = {
        f"{name}: {what}": call for name in ROUTES for what, call in of_route(problem, name, S, Y, Z).items()
    }
    ways["SciPy: CSR @ y"] = lambda: matrix @ Y
    ways[MATRIX_PRODUCT] = matrix_product(dtype)
    try:
        ways["torch: conv2d, circular"] = in_torch(S, nchw_from_columns(Y, K.grid))
        missing = {}
    except ImportError as error:
        missing = {"torch": str(error)}
    exact = K.matrix(S.astype("float64")) @ Y.astype("float64")

    def check(name: str, result: Any) -> float:
        if name.startswith("torch"):
            result = result.flatten(1).T.numpy()
        elif not name.endswith(" y"):
            return 0.0  # these two are derivatives of K(s) y; the tests of refms compare them with the matrix
        return require(name, rho(result, exact, dtype, case.channels * STENCIL**2))

    times = interleaved(ways, Limits(seconds, least, 31), check)
    return {"ways": times, "multiply_adds": case.multiply_adds, "missing": missing}


def of_route(problem: Problem, name: str, S: Any, Y: Any, Z: Any) -> dict[str, Callable[[], Any]]:
    """Return the products of one route of refms."""
    K = convolution(problem, ROUTES[name])
    return {
        "K(s) y": lambda: K.apply(S, Y),
        "K(s)ᵀ z": lambda: K.adjoint(S, Z),
        "stencil gradient": lambda: K.stencil_gradient(Z, Y),
        "K(s)ᵀ z and stencil gradient": lambda: K.adjoint_and_gradient(S, Z, Y),
    }


def in_torch(S: Any, images: Any) -> Callable[[], Any]:
    """Return PyTorch's convolution of the same numbers, NCHW, with the periodic continuation."""
    import torch

    s, y = torch.from_numpy(S), torch.from_numpy(images)
    return lambda: torch.conv2d(torch.nn.functional.pad(y, (1, 1, 1, 1), mode="circular"), s)
