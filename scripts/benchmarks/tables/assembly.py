"""How fast K(S) is refilled for a new S, against SciPy's sum of shift matrices and a copy."""

from typing import Any

import numpy as np
import scipy.sparse

from benchmarks.agreement import require, rho
from benchmarks.gemm import copy_rate
from benchmarks.tables import DTYPES, process
from benchmarks.timing import Limits, interleaved
from refms.grid import Grid
from refms.stencils.convolution import Convolution

CASES = (
    ((28, 28), 1, (3, 3)),
    ((128, 128), 1, (3, 3)),
    ((14, 14), 4, (3, 3)),
    ((28, 28), 8, (3, 3)),
    ((28, 28), 8, (5, 5)),
    ((4096,), 2, (3,)),
    ((16, 16, 16), 2, (3, 3, 3)),
)
"""Grid, channels, stencil."""


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: each case in both precisions."""
    seconds = 1.0 if quick else 10.0
    return [
        process(grid=grid, channels=channels, stencil=stencil, dtype=dtype, seconds=seconds)
        for grid, channels, stencil in (CASES[3:4] if quick else CASES)
        for dtype in DTYPES
    ]


def measure(
    grid: tuple[int, ...],
    channels: int,
    stencil: tuple[int, ...],
    dtype: str,
    seconds: float = 10.0,
    least: int = 5,
) -> dict[str, Any]:
    """Time the ways to the same matrix K(S), and what refilling reads and writes against a copy."""
    convolution = Convolution(Grid(tuple(grid)), channels, channels, tuple(stencil))
    S = np.random.default_rng(0).standard_normal(convolution.stencils_shape).astype(dtype)
    pattern, shifts = convolution.assembly(dtype), shift_matrices(convolution, dtype)
    matrix = pattern.matrix(S)
    ways = {
        "pattern": lambda: convolution.assembly(dtype),
        "refill": lambda: pattern.matrix(S),
        "scipy": lambda: sum_of_shifts(S, shifts),
        "scipy with shifts": lambda: sum_of_shifts(S, shift_matrices(convolution, dtype)),
    }

    def check(name: str, result: Any) -> float:
        if name == "pattern":
            return 0.0
        difference = abs(result - matrix)
        return require(name, rho(difference.data, 0 * difference.data, dtype, 2) if difference.max() else 0.0)

    times = interleaved(ways, Limits(seconds, least, 31), check)
    # every value is written; some are read before, at the place that an index names
    itemsize = matrix.data.itemsize
    moved = pattern.nnz * itemsize + pattern.gather.size * (2 * itemsize + pattern.gather.itemsize)
    copied = copy_rate(moved // (2 * itemsize), dtype)
    return {"ways": times, "nnz": pattern.nnz, "moved": moved, "copy": copied}


def shift_matrices(convolution: Convolution, dtype: str) -> list[Any]:
    """Return Π_κ for all κ in C order, each as a CSR matrix of the whole grid."""
    shape = convolution.grid.shape
    numbers = np.arange(convolution.grid.cells)
    ones = np.ones(numbers.size, dtype=dtype)
    axes = tuple(range(len(shape)))
    matrices = []
    for index in np.ndindex(*convolution.stencil_shape):
        back = [size // 2 - q for q, size in zip(index, convolution.stencil_shape, strict=True)]
        columns = np.roll(numbers.reshape(shape), back, axes).reshape(-1)
        matrices.append(scipy.sparse.csr_array((ones, (numbers, columns))))
    return matrices


def sum_of_shifts(S: Any, shifts: list[Any]) -> Any:
    """Return Σ_κ S_κ ⊗ Π_κ."""
    blocks = S.reshape(*S.shape[:2], -1)
    terms = [
        scipy.sparse.kron(scipy.sparse.csr_array(blocks[:, :, k]), shift, format="csr")
        for k, shift in enumerate(shifts)
    ]
    return sum(terms[1:], start=terms[0])
