"""Numerically verified ground truth for multiscale training of convolutional networks.

Convolutional networks as forward Euler steps, their training as optimal control, and their transfer between
resolutions and depths, at the level of explicit matrices and without automatic differentiation, after
[LAS] E. Haber, L. Ruthotto, E. Holtham, S.-H. Jun, *Learning Across Scales* and
[MST] S. Ahamed, N. Zakariaei, E. Haber, M. Eliasof, *Multiscale Training of Convolutional Neural Networks*.

Four tasks to begin with, in Python and (with ``--help``) on the command line:

validate   the checks below, or an Adapter           refms verify, refms conform
train      train(model, model.examples(data))        refms train, refms reconstruct
transfer   transfer(model, grid, pair), to_depth     refms transfer
study      problem_of(model, examples).block(…)      refms compare, refms study, refms inspect

A net of three layers on images and with stencils of your own:

>>> import numpy as np
>>> from refms import Classes, Dataset, Grid, Residual, initial_model, train
>>> rng = np.random.default_rng(0)
>>> images, labels = rng.random((20, 1, 8, 8)), np.arange(20) % 2
>>> data = Dataset(images, labels, classes=2, name="mine", max_value=1.0)
>>> net = initial_model(Residual(Grid((8, 8)), channels=2, layers=3), Classes(2))
>>> net = net.with_arrays(stencils=0.1 * rng.standard_normal((3, 2, 2, 3, 3)))
>>> net.predict(data).shape, net.score(data).loss > train(net, net.examples(data)).model.score(data).loss
((20,), True)

These names are imported when they are first asked for, so that ``import refms`` and ``refms --help`` cost
nothing; everything else is imported from its own module.
"""

from typing import TYPE_CHECKING

from refms.lazy import lazy_names

if TYPE_CHECKING:
    from refms.checks import adjoint_test as adjoint_test
    from refms.checks import complex_step_test as complex_step_test
    from refms.checks import galerkin_test as galerkin_test
    from refms.checks import gauss_newton_test as gauss_newton_test
    from refms.checks import taylor_test as taylor_test
    from refms.conformance import Adapter as Adapter
    from refms.data import Dataset as Dataset
    from refms.data import read_dataset as read_dataset
    from refms.errors import FileError as FileError
    from refms.errors import InputError as InputError
    from refms.errors import SingularTransferError as SingularTransferError
    from refms.grid import Grid as Grid
    from refms.grid import columns_from_nchw as columns_from_nchw
    from refms.grid import columns_from_nhwc as columns_from_nhwc
    from refms.grid import nchw_from_columns as nchw_from_columns
    from refms.grid import nhwc_from_columns as nhwc_from_columns
    from refms.linear import Operator as Operator
    from refms.maps import Residual as Residual
    from refms.maps import UNet as UNet
    from refms.model import Model as Model
    from refms.model import initial_model as initial_model
    from refms.model_file import load_model as load_model
    from refms.model_file import save_model as save_model
    from refms.multiscale import to_depth as to_depth
    from refms.multiscale import transfer as transfer
    from refms.objective import Classes as Classes
    from refms.objective import Examples as Examples
    from refms.objective import Image as Image
    from refms.run import Configuration as Configuration
    from refms.run import fit_classifier as fit_classifier
    from refms.run import problem_of as problem_of
    from refms.run import train as train
    from refms.run.config import OptimizationSection as OptimizationSection
    from refms.run.config import RegularizationSection as RegularizationSection
    from refms.stencils.conv import conv_matrix as conv_matrix
    from refms.stencils.convolution import Convolution as Convolution
    from refms.stencils.convolution import convolution_matrix as convolution_matrix
    from refms.stencils.galerkin import prolong_stencil as prolong_stencil
    from refms.stencils.galerkin import restrict_stencil as restrict_stencil
    from refms.stencils.galerkin import stencil_map as stencil_map
    from refms.stencils.resize import resize_matrix as resize_matrix
    from refms.stencils.symbol import symbol as symbol
    from refms.stencils.transfer import TRANSFER_PAIRS as TRANSFER_PAIRS
    from refms.stencils.transfer import TransferPair as TransferPair
    from refms.stencils.transfer import transfer_pair as transfer_pair

__version__ = "0.1.0"

_NAMES: dict[str, dict[str, dict[str, str]]] = {  # group -> file -> name -> what it is
    "Meshes and images": {
        "grid": {
            "Grid": "cells of a regular mesh on [0,1]^d: Grid((28, 28)), or Grid(8) on a line",
            "columns_from_nchw": "images (m, c, *grid) as feature columns (c·n, m), one image a column",
            "nchw_from_columns": "and back",
            "columns_from_nhwc": "the same for images with channels last",
            "nhwc_from_columns": "and back",
        },
        "data": {
            "Dataset": "NumPy images (m, c, *grid) with labels or targets",
            "read_dataset": 'images by name, such as "digits", "mnist", "npz:FILE", "csv:FILE"',
        },
        "objective": {
            "Examples": "columns of inputs and targets, as Model.examples makes them",
        },
    },
    "Convolution, eq. (2)": {
        "stencils.convolution": {
            "convolution_matrix": "K(s), explicit and sparse: the definition",
            "Convolution": "the products (s, Y) -> K(s) Y with their adjoints",
        },
        "stencils.conv": {
            "conv_matrix": "the same for a Conv layer of frameworks: stride, dilation, groups, padding",
        },
        "stencils.symbol": {
            "symbol": "eigenvalues of K(s) for each frequency",
        },
    },
    "Between meshes, eqs. (7) to (9)": {
        "stencils.transfer": {
            "TRANSFER_PAIRS": "all named pairs",
            "TransferPair": "a restriction R and a prolongation P, and what they claim",
            "transfer_pair": 'the pair of a name, such as "averaging-bilinear"',
        },
        "stencils.galerkin": {
            "stencil_map": "the matrix A of s_H = A s_h",
            "restrict_stencil": "s_H with K(s_H) = R K(s_h) P",
            "prolong_stencil": "s_h with R K(s_h) P = K(s_H)",
        },
        "stencils.resize": {
            "resize_matrix": "images on any other mesh, as each of six libraries resizes them",
        },
        "multiscale": {
            "transfer": "a model on a coarser or finer mesh",
            "to_depth": "a model with more or fewer layers and the same final time",
        },
    },
    "Networks": {
        "maps": {
            "Residual": "the net of [LAS], y_{k+1} = y_k + δt σ(K(s_k) y_k + b_k)",
            "UNet": "the net of [MST]",
        },
        "objective": {
            "Classes": "reads classes from the output, h^d Wᵀ y + μ",
            "Image": "reads an image from it",
        },
        "model": {
            "Model": "a network with its arrays: examples, predict, score, with_arrays, trace",
            "initial_model": "an untrained one",
        },
        "model_file": {
            "load_model": "a model from an HDF5 file",
            "save_model": "a model into one",
        },
    },
    "Training": {
        "run": {
            "train": "block-coordinate descent of [LAS]",
            "fit_classifier": "the classifier alone, as after a transfer",
            "problem_of": "problem (6): values, gradients, Gauss–Newton and Hessian matrices",
            "Configuration": "all options of a run, as in a TOML file",
        },
        "run.config": {
            "OptimizationSection": "options of a training: iterations, sample, conjugate gradients",
            "RegularizationSection": "weights of the regularisers",
        },
        "linear": {
            "Operator": "a matrix known by its products: shape, dtype, @, T, to_scipy",
        },
    },
    "Checks of your own functions": {
        "checks": {
            "adjoint_test": "⟨A v, w⟩ = ⟨v, Aᵀ w⟩",
            "taylor_test": "a derivative, by the order of what remains",
            "complex_step_test": "a derivative, to round-off",
            "gauss_newton_test": "Jᵀ H J: symmetric, positive, equal to its factors",
            "galerkin_test": "R K(s_h) P = K(s_H)",
        },
        "conformance": {
            "Adapter": "an implementation of yours, for all properties at once",
        },
    },
    "Errors": {
        "errors": {
            "InputError": "an argument is not what was expected",
            "FileError": "a file cannot be used",
            "SingularTransferError": "no stencil on the finer mesh is the only right one",
        },
    },
}
_HOMES: dict[str, tuple[str, ...]] = {}

for _group, _files in _NAMES.items():
    __doc__ = f"{__doc__}\n{_group}\n"
    for _file, _lines in _files.items():
        _HOMES[_file] = (*_HOMES.get(_file, ()), *_lines)
        __doc__ += "".join(f"    {_name:24}{_line}\n" for _name, _line in _lines.items())

__all__ = ["__version__", *sorted(name for names in _HOMES.values() for name in names)]

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
