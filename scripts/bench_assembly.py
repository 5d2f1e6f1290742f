"""How much faster K(S) is refilled for a new S than built anew from SciPy's shift matrices.

    python scripts/bench_assembly.py [--repetitions N]

All ways are timed alternately in one run, and the fastest repetition of each counts. SciPy's way is timed
twice: with the shift matrices at hand, and with their construction.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
import scipy.sparse

from refms.grid import Grid
from refms.operators.convolution import Convolution

CASES = (
    Convolution(Grid((28, 28))),
    Convolution(Grid((128, 128))),
    Convolution(Grid((14, 14)), 4, 4),
    Convolution(Grid((28, 28)), 8, 8),
    Convolution(Grid((28, 28)), 8, 8, (5, 5)),
    Convolution(Grid((4096,)), 2, 2, (3,)),
    Convolution(Grid((16, 16, 16)), 2, 2, (3, 3, 3)),
)


@dataclass(frozen=True)
class Timing:
    """Fastest times of one case, in seconds."""

    pattern: float
    refill: float
    scipy_sum: float
    scipy_all: float


def shift_matrices(convolution: Convolution) -> list[Any]:
    """Return Π_κ for all κ in C order, each as a CSR matrix of the whole grid."""
    shape = convolution.grid.shape
    numbers = np.arange(convolution.grid.cells)
    ones = np.ones(numbers.size)
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


def measure(convolution: Convolution, repetitions: int) -> Timing:
    """Time one case after checking that both ways give the same matrix."""
    S = np.random.default_rng(0).standard_normal(convolution.stencils_shape)
    pattern, shifts = convolution.assembly(), shift_matrices(convolution)
    if abs(pattern.matrix(S) - sum_of_shifts(S, shifts)).max() > 1e-14 * np.abs(S).sum():
        raise AssertionError("the two ways give different matrices")
    ways: tuple[Callable[[], Any], ...] = (
        convolution.assembly,
        lambda: pattern.matrix(S),
        lambda: sum_of_shifts(S, shifts),
        lambda: sum_of_shifts(S, shift_matrices(convolution)),
    )
    best = [float("inf")] * len(ways)
    for _ in range(repetitions):
        for way, call in enumerate(ways):
            start = time.perf_counter()
            call()
            best[way] = min(best[way], time.perf_counter() - start)
    return Timing(*best)


def main() -> None:
    """Print one row for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=7)
    repetitions = parser.parse_args().repetitions
    print(f"numpy {np.__version__}, scipy {scipy.__version__}; float64, times in milliseconds")
    print(
        f"{'grid':>14} {'c':>3} {'stencil':>10} {'nnz':>8} {'pattern':>8} {'refill':>8} {'scipy':>8} ", end=""
    )
    print(f"{'ratio':>6} {'with shifts':>12} {'ratio':>6}")
    for convolution in CASES:
        t = measure(convolution, repetitions)
        grid = "x".join(map(str, convolution.grid.shape))
        stencil = "x".join(map(str, convolution.stencil_shape))
        print(
            f"{grid:>14} {convolution.c_in:>3} {stencil:>10} {convolution.multiply_adds:>8} "
            f"{t.pattern * 1e3:8.3f} {t.refill * 1e3:8.3f} {t.scipy_sum * 1e3:8.2f} "
            f"{t.scipy_sum / t.refill:6.0f} {t.scipy_all * 1e3:12.2f} {t.scipy_all / t.refill:6.0f}"
        )


if __name__ == "__main__":
    main()
