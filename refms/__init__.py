"""Numerically verified ground truth for multiscale training of convolutional networks.

Convolutional networks as forward Euler steps, their training as optimal control, and their transfer between
resolutions and depths, at the level of explicit matrices and without automatic differentiation, after
[LAS] E. Haber, L. Ruthotto, E. Holtham, S.-H. Jun, *Learning Across Scales* and
[MST] S. Zakariaei, S. Ahamed, E. Haber, M. Eliasof, *Multiscale Training of Convolutional Neural Networks*.

The names in ``__all__`` are the ones to begin with; everything else is imported from its own module. They are
imported when they are first asked for, so that ``import refms`` and ``refms --help`` cost nothing.
"""

from typing import TYPE_CHECKING

from refms.lazy import lazy_names

if TYPE_CHECKING:
    from refms.checks import adjoint_test, complex_step_test, galerkin_test, gauss_newton_test, taylor_test
    from refms.data import Dataset, read_dataset
    from refms.errors import FileError, InputError, SingularTransferError
    from refms.grid import Grid, columns_from_nchw, columns_from_nhwc, nchw_from_columns, nhwc_from_columns
    from refms.maps.architectures.residual import Residual
    from refms.model import Model, initial_model
    from refms.model_file import load_model, save_model
    from refms.multiscale import to_depth, transfer
    from refms.run import Configuration, train
    from refms.stencils.convolution import Convolution, convolution_matrix
    from refms.stencils.galerkin import prolong_stencil, restrict_stencil, stencil_map
    from refms.stencils.transfer import TRANSFER_PAIRS, TransferPair, transfer_pair

__version__ = "0.1.0"

__getattr__ = lazy_names(
    __name__,
    {
        "errors": ("FileError", "InputError", "SingularTransferError"),
        "grid": ("Grid", "columns_from_nchw", "columns_from_nhwc", "nchw_from_columns", "nhwc_from_columns"),
        "stencils.convolution": ("Convolution", "convolution_matrix"),
        "stencils.transfer": ("TRANSFER_PAIRS", "TransferPair", "transfer_pair"),
        "stencils.galerkin": ("prolong_stencil", "restrict_stencil", "stencil_map"),
        "checks": ("adjoint_test", "complex_step_test", "galerkin_test", "gauss_newton_test", "taylor_test"),
        "data": ("Dataset", "read_dataset"),
        "maps.architectures.residual": ("Residual",),
        "model": ("Model", "initial_model"),
        "model_file": ("load_model", "save_model"),
        "multiscale": ("to_depth", "transfer"),
        "run": ("Configuration", "train"),
    },
)

__all__ = [
    "TRANSFER_PAIRS",
    "Configuration",
    "Convolution",
    "Dataset",
    "FileError",
    "Grid",
    "InputError",
    "Model",
    "Residual",
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
    "initial_model",
    "load_model",
    "nchw_from_columns",
    "nhwc_from_columns",
    "prolong_stencil",
    "read_dataset",
    "restrict_stencil",
    "save_model",
    "stencil_map",
    "taylor_test",
    "to_depth",
    "train",
    "transfer",
    "transfer_pair",
]


def __dir__() -> list[str]:
    return sorted(__all__)
