"""Weights of networks trained elsewhere as refms' arrays, and back: names, layout, scale.

A ``Conv`` of PyTorch is a correlation with a weight (c_out, c_in, *stencil), as refms has it; a ``Linear``
with a weight (o, i) is a stencil of one cell; and as a classifier it reads y_N flattened, channels slowest:

    weight · y + bias = h^d Wᵀ y + μ   for   W = weightᵀ / h^d,   μ = bias.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from refms.errors import Array, InputError, require_array
from refms.exchange.batch_norm import batch_norms
from refms.exchange.weight_names import CLASSIFIER, Names, expanded_names, found_names, torch_name
from refms.maps.architectures.architecture import Architecture, output_grid_of
from refms.model import Model
from refms.names import DTYPES
from refms.objective.reading import Classes, Image, Reading

LAYOUT = (
    "C order; stencils (c_out, c_in, *stencil) as correlations, what PyTorch calls convolution; linear "
    "layers (out, in), the classifier's with h^d in it, channels slowest"
)
"""How the arrays of :func:`export_weights` lie."""

_RECORD = "imported"


def import_weights(
    weights: Mapping[str, Array],
    architecture: Architecture,
    names: Names | None = None,
    *,
    pooling: int = 1,
    loss: str | None = None,
) -> Model:
    """Return a model of weights as PyTorch has them, the entries of a ``state_dict``.

    Parameters
    ----------
    weights : mapping of str to array
        NumPy arrays by their names, all float32 or all float64, which is kept. Stencils are correlations
        (c_out, c_in, *stencil), linear layers (o, i), a classifier's weight (ℓ, c·n), channels slowest.
    architecture : Architecture
        The network that they are of.
    names : mapping of str to str, optional
        Their name to that of an array of the model or of a part of the layout; ``{k}`` in theirs numbers
        the layers of a stacked array: ``{"layers.{k}.weight": "stencils"}``. By itself a name is found that
        has "." for "/", weight for stencil and γ, bias for β, and ``classifier`` for W and μ.
    pooling : int
        Of the classifier, if there is one: as :class:`~refms.objective.reading.Classes` has it.
    loss : str, optional
        Of the reading; the default is that of ``Classes`` where there are W and μ, else that of ``Image``.

    Returns
    -------
    Model
        Arrays of its own; its record keeps the names, which :func:`export_weights` gives back.

    Raises
    ------
    InputError
        If weights are missing, left over, of another shape or precision, a name is unknown, or there is a
        BatchNorm: see :func:`~refms.exchange.batch_norm.fold_batch_norms`.

    Notes
    -----
    W = weightᵀ / h^d; all other numbers are kept bit for bit, and so is W where the cells are a power of two.

    Examples
    --------
    >>> from refms import Grid, Residual
    >>> net = Residual(Grid((4, 4)), channels=2, layers=1)
    >>> weights = {"opening.weight": np.ones((2, 1, 1, 1)), "conv.weight": np.zeros((2, 2, 3, 3))}
    >>> weights |= {"conv.bias": np.ones(2), "classifier.weight": np.ones((3, 32)), "head.b": np.zeros(3)}
    >>> names = {"conv.weight": "stencils", "conv.bias": "biases", "head.b": "mu"}
    >>> model = import_weights(weights, net, names)
    >>> model.arrays["W"].shape, float(model.arrays["W"][0, 0])  # h^d = 1/16
    ((32, 3), 16.0)
    """
    _require_precision(weights)
    _require_no_batch_norm(weights)
    theirs = found_names(weights, architecture, names or {})
    reading = _reading(weights, theirs, pooling, loss)
    wanted = _shapes(architecture, reading)
    _require_fit(weights, theirs, wanted)
    parts = {part: weights[theirs[part]] for part in wanted}
    linear = [part for part, array in parts.items() if array.shape != wanted[part]]
    ours = _turned({p: a.reshape(wanted[p]) for p, a in parts.items()}, architecture)
    if isinstance(reading, Classes):
        ours["W"] = ours["W"].T * _cells(architecture, reading)
    arrays = architecture.arrays.unpack(architecture.arrays.layout.pack(_without_reading(ours)))
    arrays |= {name: np.array(ours[name], order="C") for name in CLASSIFIER if name in ours}
    by_itself = {
        theirs[part]: part for part in wanted if part not in expanded_names(names or {}, architecture)
    }
    told = {**by_itself, **(names or {})}
    return Model(architecture, arrays, reading, record={_RECORD: {"names": told, "linear": linear}})


def export_weights(model: Model, names: Names | None = None) -> dict[str, Array]:
    """Return the weights of a model as PyTorch has them, the inverse of :func:`import_weights`.

    Parameters
    ----------
    model : Model
        The model.
    names : mapping of str to str, optional
        As for :func:`import_weights`; the default is what the model was imported with, even if it was
        transferred since, and for all other parts their names with "." for "/" and weight for stencil.

    Returns
    -------
    dict of str to array
        NumPy arrays, C-contiguous: correlations (c_out, c_in, *stencil), linear layers (o, i), the
        classifier (ℓ, c·n) with h^d in it.

    Raises
    ------
    InputError
        If a name is unknown, or two parts would have the same one.

    Examples
    --------
    >>> from refms import Classes, Grid, Residual, initial_model
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2, layers=1), Classes(10))
    >>> {name: array.shape for name, array in export_weights(model).items()}  # doctest: +NORMALIZE_WHITESPACE
    {'opening.weight': (2, 1, 1, 1), 'propagation.layer0.weight': (2, 2, 3, 3),
     'propagation.layer0.bias': (2,), 'classifier.weight': (10, 32), 'classifier.bias': (10,)}
    """
    architecture, home = model.architecture, model.backend
    arrays = {name: home.to_host(array) for name, array in model.arrays.items()}
    parts = architecture.arrays.layout.unpack(architecture.arrays.pack(arrays))
    parts = _turned(parts, architecture) | {name: arrays[name] for name in CLASSIFIER if name in arrays}
    if isinstance(model.reading, Classes):
        parts["W"] = parts["W"].T / _cells(architecture, model.reading)
    recorded, linear = _recorded(model)
    told = expanded_names(names or recorded, architecture, strict=bool(names))
    called = {part: told.get(part, torch_name(part)) for part in parts}
    if len(set(called.values())) < len(called):
        raise InputError(f"parts would have the same name: {sorted(called.values())}; name each differently.")
    return {
        called[part]: np.array(array.reshape(array.shape[:2]) if part in linear else array, order="C")
        for part, array in parts.items()
    }


def _require_precision(weights: Mapping[str, Array]) -> None:
    """Refuse what is no array of float32 or float64: nothing is converted silently."""
    for name, array in weights.items():
        require_array(array, name)
        if array.dtype.kind not in "iub" and str(array.dtype) not in DTYPES:
            raise InputError(
                f"{name} is {array.dtype}; expected float32 or float64, in which refms computes. Convert it "
                "on purpose before it is saved, for example with .float()."
            )


def _require_no_batch_norm(weights: Mapping[str, Array]) -> None:
    """Refuse what makes the output of an example depend on the others, which no map of refms does."""
    if norms := batch_norms(weights):
        raise InputError(
            f"{', '.join(map(repr, norms))}: a BatchNorm, which in training couples the examples of a batch; "
            "expected none. As it is evaluated, one directly after a convolution can be folded into it "
            "(--fold-batch-norm, or refms.exchange.fold_batch_norms)."
        )


def _reading(
    weights: Mapping[str, Array], theirs: Mapping[str, str], pooling: int, loss: str | None
) -> Reading:
    """Return what the output says: classes where there is a classifier, which says how many."""
    options: dict[str, Any] = {} if loss is None else {"loss": loss}
    for part in CLASSIFIER:
        array = weights.get(theirs.get(part, ""))
        if array is not None and array.ndim:
            return Classes(int(array.shape[0]), pooling=pooling, **options)
    return Image(**options)


def _shapes(architecture: Architecture, reading: Reading) -> dict[str, tuple[int, ...]]:
    """Return the shape of each part as PyTorch has it; W is (ℓ, c·n)."""
    read = reading.shapes(output_grid_of(architecture), architecture.channels)
    return {**dict(architecture.arrays.layout.parts), **{name: shape[::-1] for name, shape in read.items()}}


def _require_fit(
    weights: Mapping[str, Array], theirs: Mapping[str, str], wanted: Mapping[str, tuple[int, ...]]
) -> None:
    """Refuse weights of which some are missing, left over or of another shape, and name all of these."""
    missing = [
        f"{theirs.get(part) or torch_name(part)!r} {shape} for {part!r}"
        for part, shape in wanted.items()
        if theirs.get(part) not in weights
    ]
    used = {theirs[part] for part in wanted if part in theirs}
    over = [f"{name!r} {array.shape}" for name, array in weights.items() if name not in used]
    other = [
        f"{theirs[part]!r} {weights[theirs[part]].shape}, expected {shape} for {part!r}"
        for part, shape in wanted.items()
        if theirs.get(part) in weights and weights[theirs[part]].shape not in _forms(shape)
    ]
    faults = (("missing", missing), ("left over", over), ("of another shape", other))
    if told := "; ".join(f"{what}: {', '.join(some)}" for what, some in faults if some):
        raise InputError(
            f"the weights do not fit the network. {told[0].upper()}{told[1:]}. Where only names differ, say "
            'which is which: "their name" = "refms name" (the table [names] of --map).'
        )


def _forms(shape: tuple[int, ...]) -> set[tuple[int, ...]]:
    """Return the shapes a weight may have: stencils of one cell may be a linear layer's.

    >>> sorted(_forms((3, 2, 1, 1)))
    [(3, 2), (3, 2, 1, 1)]
    """
    return {shape, shape[:2]} if len(shape) > 2 and math.prod(shape[2:]) == 1 else {shape}


def _turned(parts: Mapping[str, Array], architecture: Architecture) -> dict[str, Array]:
    """Return parts with correlations for refms' stencils or the reverse: a flip, where it convolves."""
    if getattr(architecture, "orientation", "correlation") == "correlation":
        return dict(parts)
    axes, stencils = tuple(range(-architecture.grid.dimension, 0)), _stencils(architecture)
    return {part: np.flip(a, axes) if part in stencils else a for part, a in parts.items()}


def _stencils(architecture: Architecture) -> set[str]:
    moved = (name for name, move in architecture.moves.items() if move.stencil)
    return {part for name in moved for part in architecture.arrays.parts(name)}


def _cells(architecture: Architecture, reading: Classes) -> int:
    """Return 1/h^d, a whole number."""
    return reading.classifier(output_grid_of(architecture), architecture.channels).grid.cells


def _without_reading(parts: Mapping[str, Array]) -> dict[str, Array]:
    return {part: array for part, array in parts.items() if part not in CLASSIFIER}


def _recorded(model: Model) -> tuple[Names, set[str]]:
    """Return the names that a model was imported with, and which of its parts are linear layers."""
    shapes, stencils = dict(model.architecture.arrays.layout.parts), _stencils(model.architecture)
    affine = {part for part, shape in shapes.items() if shape[2:] == (1,) and part not in stencils}
    told = model.record.get(_RECORD)
    if told is None:
        return {}, affine
    try:
        names = {str(theirs): str(ours) for theirs, ours in told["names"].items()}
        one_cell = {part for part, shape in shapes.items() if len(_forms(shape)) > 1}
        return names, one_cell & set(told["linear"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"the model's record of its import lacks or misuses {error}; import it anew."
        ) from error
