"""Stencils across meshes, s_h to s_H and back, without and with the explicit product R K_h P."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.agreement import require, rho
from benchmarks.tables import DTYPES, process
from benchmarks.timing import Limits, interleaved
from refms.grid import Grid
from refms.stencils.convolution import Convolution
from refms.stencils.galerkin import prolong_stencil, restrict_stencil, stencil_map
from refms.stencils.transfer import transfer_pair

PAIR = "averaging-bilinear"
SHAPES = ((4, 8, 8), (8, 16, 16), (16, 64, 64))
"""Layers and channels of the stencils that are moved at once."""

MESH = 28
"""Cells along an axis of the mesh on which the explicit product is formed."""


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure: networks of three widths in both precisions."""
    shapes, seconds = (SHAPES[:1], 1.0) if quick else (SHAPES, 10.0)
    return [process(shape=shape, dtype=dtype, seconds=seconds) for shape in shapes for dtype in DTYPES]


def measure(shape: tuple[int, int, int], dtype: str, seconds: float = 10.0, least: int = 3) -> dict[str, Any]:
    """Time the ways to move all 3×3 stencils of a network by one level."""
    S = np.random.default_rng(0).standard_normal((*shape, 3, 3)).astype(dtype)
    pair = transfer_pair(PAIR)
    coarse = restrict_stencil(S.astype("float64"), pair, d=2)
    ways: dict[str, Callable[[], Any]] = {
        "refms: restrict": lambda: restrict_stencil(S, pair, d=2),
        "refms: prolong": lambda: prolong_stencil(S, pair, d=2),
        "SciPy: R K(s) P, one layer after the other": lambda: by_matrices(S, pair),
    }
    missing = {}
    try:
        ways["torch: restrict by tensordot"] = in_torch(S, stencil_map(pair, 3))
    except ImportError as error:
        missing["torch"] = str(error)

    def check(name: str, result: Any) -> float:
        if name.endswith("prolong"):
            back = restrict_stencil(np.asarray(result, dtype="float64"), pair, d=2)
            # the inverse map magnifies round-off by its condition, 26.9 in two dimensions
            return require(name, rho(back, S.astype("float64"), dtype, 2**27))
        return require(name, rho(np.asarray(result), coarse, dtype, 9))

    return {"ways": interleaved(ways, Limits(seconds, least, 31), check), "missing": missing}


def by_matrices(S: Any, pair: Any) -> Any:
    """Return the coarse stencils read off R K(s) P, whose first row of every block holds them."""
    fine = Grid((MESH, MESH))
    coarse = fine.coarsen()
    layers, c_out, c_in = S.shape[:3]
    R = pair.restriction_matrix(fine, channels=c_out, dtype=str(S.dtype))
    P = pair.prolongation_matrix(fine, channels=c_in, dtype=str(S.dtype))
    half = MESH // 2
    columns = [(i % half) * half + j % half for i in (-1, 0, 1) for j in (-1, 0, 1)]
    found = np.empty_like(S)
    pattern = Convolution(fine, c_in, c_out).assembly(str(S.dtype))
    for k in range(layers):
        product = (R @ pattern.matrix(S[k]) @ P).tocsr()[:: coarse.cells].toarray()
        found[k] = product.reshape(c_out, c_in, coarse.cells)[:, :, columns].reshape(S.shape[1:])
    return found


def in_torch(S: Any, A: Any) -> Callable[[], Any]:
    """Return (A ⊗ A) vec(s) as PyTorch has it; the 1-D map A is given."""
    import torch

    s, a = torch.from_numpy(S), torch.from_numpy(A.astype(S.dtype))
    return lambda: torch.einsum("Ii,Jj,lopij->lopIJ", a, a, s)
