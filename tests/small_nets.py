"""What the tests of whole models share: nets trained a little on real digits, all parameters write-locked."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np

from refms.data.dataset import Dataset, subset
from refms.data.digits import load_digits
from refms.data.mnist import load_mnist
from refms.grid import Grid
from refms.maps.architectures.residual import Residual
from refms.model import Model, initial_model
from refms.objective.examples import Examples
from refms.objective.reading import Classes
from refms.run.config import OptimizationSection
from refms.run.training import train

HAS_MNIST = bool(os.environ.get("REFMS_DATA")) and Path(os.environ["REFMS_DATA"], "mnist").is_dir()


@cache
def images(name: str = "digits", count: int = 200) -> Dataset:
    """Return the first images of a data set."""
    dataset = load_digits() if name == "digits" else load_mnist()
    return subset(dataset, np.arange(count))


def examples(model: Model, dataset: Dataset) -> Examples:
    """Return a data set as the model wants it, write-locked."""
    made = model.examples(dataset)
    made.inputs.flags.writeable = made.targets.flags.writeable = False
    return made


def locked(model: Model) -> Model:
    """Return the model with write-locked copies of its arrays: whoever writes into one gets an error."""
    copies = {name: array.copy() for name, array in model.arrays.items()}
    for copy in copies.values():
        copy.flags.writeable = False
    return model.with_arrays(**copies)


def untrained(size: int, *, stencil: int = 3, channels: int = 3, dtype: str = "float64", **options) -> Model:
    """Return the start of a training on a two-dimensional mesh."""
    opening_stencil = options.pop("opening_stencil", 1)
    classifier = {name: options.pop(name) for name in ("loss", "pooling") if name in options}
    network = Residual(
        Grid((size, size)),
        channels,
        stencil_shape=(stencil,) * 2,
        opening_shape=(opening_stencil,) * 2,
        **options,
    )
    reading = Classes(10, **classifier)
    return locked(initial_model(network, reading, 1, dtype, stencil_scale=0.5))


@cache
def trained(size: int, name: str = "digits", *, iterations: int = 2, **options) -> Model:
    """Return a net after a short training."""
    start = untrained(size, **options)
    budget = OptimizationSection(iterations=iterations, hessian_fraction=0.5, dtype=start.dtype)
    return locked(train(start, examples(start, images(name)), options=budget).model)


def rho(got: np.ndarray, expected: np.ndarray, scale: np.ndarray | float | None = None) -> float:
    """Return ‖got − expected‖ / (eps ‖scale‖), by default with the expected numbers as scale."""
    assert got.dtype == expected.dtype
    size = np.linalg.norm(expected if scale is None else scale)
    return float(np.linalg.norm(got - expected) / (np.finfo(got.dtype).eps * size))
