"""Operators, maps, points and results are values: nobody changes one that another holds, and two compare."""

import dataclasses
import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest

PACKAGES = ("stencils", "network", "objective", "optimize", "multiscale", "linear")
COUNTERS = {"Work"}  # counts what was computed, so it changes by design


def dataclasses_of(package):
    """Every dataclass defined in a package of refms of which there can be objects."""
    home = importlib.import_module(f"refms.{package}")
    for found in pkgutil.walk_packages(home.__path__, f"{home.__name__}."):
        try:
            module = importlib.import_module(found.name)
        except ModuleNotFoundError as missing:  # an extra that is not installed
            if missing.name.startswith("refms"):
                raise
            continue
        for kind in vars(module).values():
            here = isinstance(kind, type) and kind.__module__ == found.name
            if here and dataclasses.is_dataclass(kind) and not inspect.isabstract(kind):
                yield kind


CLASSES = [kind for package in PACKAGES for kind in dataclasses_of(package) if kind.__name__ not in COUNTERS]
HOLDERS = [
    kind
    for kind in CLASSES
    if any(re.search("Array|Any|Linearization|Quadratic", str(f.type)) for f in dataclasses.fields(kind))
]


def name_of(kind):
    return kind.__qualname__


def bare(kind, value):
    """An object of this class with one value in all its fields, made without its checks."""
    made = object.__new__(kind)
    for field in dataclasses.fields(kind):
        object.__setattr__(made, field.name, value)
    return made


def test_the_classes_are_found():
    names = {kind.__name__ for kind in CLASSES}
    assert {
        "Convolution",
        "ForwardEuler",
        "SequenceLinearization",
        "SoftmaxCrossEntropy",
        "CGResult",
    } <= names
    assert {"Frozen", "MatrixOpening", "Quadratic", "LineSearchResult"} <= {kind.__name__ for kind in HOLDERS}


@pytest.mark.parametrize("kind", CLASSES, ids=name_of)
def test_no_field_can_be_changed_afterwards(kind):
    made = bare(kind, 1.0)
    for name in [*(field.name for field in dataclasses.fields(kind)), "something_new"]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, name, 2.0)


@pytest.mark.parametrize("kind", HOLDERS, ids=name_of)
def test_what_holds_arrays_is_compared_and_hashed_by_identity(kind):
    # Field by field, NumPy would answer with an array, and == would raise.
    one, other = bare(kind, np.zeros(2)), bare(kind, np.zeros(2))
    assert one == one
    assert one != other
    assert len({one, other, one}) == 2
