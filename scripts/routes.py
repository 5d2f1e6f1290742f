"""Measure where the routes of K(S) break even: forward, adjoint and stencil gradient of one 3×3 layer.

    python scripts/routes.py            # a minute; writes validation/benchmarks/routes.json

A machine whose registers have fewer than 64 bytes writes routes_without_avx512.json in its place.

One process, one thread, the routes in turn, medians of processor time; they must agree before they are timed.
``refms/stencils/routes/table.py`` takes its numbers from the file, which names machine, date and versions.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from benchmarks.record import PUBLISHED, heading, load, write

from refms.grid import Grid
from refms.stencils.convolution import Convolution
from refms.stencils.routes.table import COMPILED, has_avx512

TARGET = PUBLISHED / ("routes.json" if not COMPILED or has_avx512() else "routes_without_avx512.json")
ROUTES = ("patches", "im2col", *(("compiled",) if COMPILED else ()))
CASES = [(c, n, m) for c in (4, 8, 16, 32) for n, m in ((32, 1), (32, 8), (16, 32), (16, 64))]
CASES += [(c, n, m) for c in (64, 128) for n, m in ((16, 1), (8, 8), (8, 32), (8, 64))]
CASES += [(c, n, m) for c in (16, 32, 64) for n, m in ((32, 4), (16, 16))]
CASES += [(96, 32, 8), (96, 16, 32), (256, 8, 1), (512, 4, 1)]
TILED = [(c, n, m) for c in (32, 64, 128) for n, m in ((4, 4), (4, 16), (4, 64), (8, 4), (8, 8), (8, 16))]
TILED += [(c, n, m) for c in (16, 24) for n, m in ((32, 1), (64, 1), (64, 2), (64, 8))]
TILED += [(c, n, m) for c in (32, 64, 128) for n, m in ((16, 1), (16, 2), (16, 4), (32, 1), (32, 2))]
SAMPLES = 7
LIMIT = 1000


def products(route: str, c: int, n: int, m: int, dtype: str) -> Callable[[], tuple[Any, ...]]:
    """Return forward, adjoint and gradient of one layer with zero boundary, to be called."""
    rng = np.random.default_rng(0)
    K = Convolution(Grid((n, n)), c, c, (3, 3), "zero", route=route)
    S, Y, Z = (
        rng.standard_normal(shape).astype(dtype) for shape in (K.stencils_shape, *[(K.rows_in, m)] * 2)
    )
    bound = K.route_for(Y.dtype, m)
    return lambda: (bound.combine([(S, Y)]), *bound.adjoint_and_gradient(S, Z, Y))


def row(routes: Sequence[str], c: int, n: int, m: int, dtype: str) -> dict[str, Any]:
    """Return the medians of one case in milliseconds, by route; the first one tells what is right."""
    calls = {route: products(route, c, n, m, dtype) for route in routes}
    expected = calls[routes[0]]()
    for route, call in calls.items():
        for found, value in zip(call(), expected, strict=True):
            error = np.abs(found - value).max() / (np.finfo(dtype).eps * np.abs(value).max())
            if error > LIMIT:
                raise SystemExit(f"{route} differs by {error:.0f} eps at {(c, n, m, dtype)}.")
    times: dict[str, list[float]] = {route: [] for route in routes}
    for _ in range(SAMPLES):
        for route, call in calls.items():
            start = time.process_time()
            call()
            times[route].append(time.process_time() - start)
    medians = {route: round(1e3 * statistics.median(values), 3) for route, values in times.items()}
    return {"dtype": dtype, "channels": c, "n": n, "examples": m, "milliseconds": medians, "load": load()}


if __name__ == "__main__":
    record = heading("routes", "python scripts/routes.py", quick=False)
    for dtype in ("float32", "float64"):
        for routes, cases in ((ROUTES, CASES), (("im2col", "winograd"), TILED)):
            for case in cases:
                record["rows"].append(row(routes, *case, dtype))
                print(record["rows"][-1], flush=True)
    write(TARGET, record)
