"""Numerically verified ground truth for multiscale training of convolutional networks.

Convolutional networks as forward Euler steps, their training as optimal control, and their transfer between
resolutions and depths, at the level of explicit matrices and without automatic differentiation, after
[LAS] E. Haber, L. Ruthotto, E. Holtham, S.-H. Jun, *Learning Across Scales* and
[MST] S. Zakariaei, S. Ahamed, E. Haber, M. Eliasof, *Multiscale Training of Convolutional Neural Networks*.

The names in ``__all__`` are the ones to begin with; everything else is imported from its own module. They are
imported when they are first asked for, so that ``import refms`` and ``refms --help`` cost nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refms.checks import (
        adjoint_test,
        complex_step_test,
        galerkin_test,
        gauss_newton_test,
        taylor_test,
    )
    from refms.errors import FileError, InputError, SingularTransferError
    from refms.grid import (
        Grid,
        columns_from_nchw,
        columns_from_nhwc,
        nchw_from_columns,
        nhwc_from_columns,
    )
    from refms.stencils.convolution import Convolution, convolution_matrix
    from refms.stencils.galerkin import prolong_stencil, restrict_stencil, stencil_map
    from refms.stencils.transfer import TRANSFER_PAIRS, TransferPair, transfer_pair

__version__ = "0.1.0"

_MODULES = (
    "refms.errors",
    "refms.grid",
    "refms.stencils.convolution",
    "refms.stencils.transfer",
    "refms.stencils.galerkin",
    "refms.checks",
)

__all__ = [
    "TRANSFER_PAIRS",
    "Convolution",
    "FileError",
    "Grid",
    "InputError",
    "SingularTransferError",
    "TransferPair",
    "__version__",
    "adjoint_test",
    "columns_from_nchw",
    "columns_from_nhwc",
    "complex_step_test",
    "convolution_matrix",
    "galerkin_test",
    "gauss_newton_test",
    "nchw_from_columns",
    "nhwc_from_columns",
    "prolong_stencil",
    "restrict_stencil",
    "stencil_map",
    "taylor_test",
    "transfer_pair",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in map(importlib.import_module, _MODULES):
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module 'refms' has no attribute {name!r}; see refms.__all__ for what it offers")


def __dir__() -> list[str]:
    return sorted(__all__)
