"""From shallow to deep networks and back: parameters as functions of time ([LAS] Sec. 3).

Layer k of N lives at time t_k = k δt with δt = T/N. Another number of layers keeps T, so the same parameters
θ(t) are looked up at other times. Both directions are one explicit matrix that acts on the layers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from refms.backend import NUMPY, Backend, backend_of
from refms.errors import Array, InputError, precision, require_choice, require_shape, require_whole
from refms.model import Model

KINDS = ("linear", "cubic")


def time_interpolation_matrix(
    layers: int,
    new_layers: int,
    kind: str = "linear",
    dtype: str = "float64",
    backend: Backend = NUMPY,
) -> Array:
    """Return the matrix that takes the parameters of N layers to those of another number of layers.

    Row j evaluates the interpolant of (t_k, θ_k) at j T/N_new. Beyond the last old time t_{N-1} it is
    constant. Old times that are also new times are met exactly.

    Examples
    --------
    >>> time_interpolation_matrix(2, 4).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.0, 1.0]]
    """
    layers, new_layers = require_whole(layers, "layers", 1), require_whole(new_layers, "new_layers", 1)
    require_choice(kind, KINDS, "kind of interpolation")
    require_choice(str(dtype), ("float32", "float64"), "dtype")
    # New times in units of the old step, as whole steps and a rest: exact, unlike k*dt.
    whole, rest = np.divmod(np.arange(new_layers) * layers, new_layers)
    fraction = np.where(whole == layers - 1, 0.0, rest / new_layers)
    if kind == "cubic" and layers > 1:
        from scipy.interpolate import CubicSpline  # a large import, for one of the rules

        weights = CubicSpline(np.arange(layers), np.eye(layers))(whole + fraction)
    else:
        weights = np.zeros((new_layers, layers))
        rows = np.arange(new_layers)
        weights[rows, whole] = 1.0 - fraction
        weights[rows, np.minimum(whole + 1, layers - 1)] += fraction
    return backend.from_host(weights.astype(str(dtype)))


def prolong_in_time(Theta: Array, new_layers: int, kind: str = "linear") -> Array:
    """Return the parameters of a deeper network from those of a shallower one, for the same T.

    Parameters
    ----------
    Theta : array
        Shape (N, p): the p parameters of each layer, real or complex. If all layers share one vector θ of
        N·p numbers, this is ``theta.reshape(N, p)``.
    new_layers : int
        The new number of layers, at least N; [LAS] doubles. The new step is T/new_layers.
    kind : str
        ``"linear"`` (as in [LAS]) or ``"cubic"``.

    Returns
    -------
    array
        Shape (new_layers, p), dtype and backend of Theta; a new array.

    Raises
    ------
    InputError
        If Theta is not a finite matrix, or new_layers is smaller than N.

    Notes
    -----
    Exact for parameters constant in time, and up to t_{N-1} for linear ones (cubic ones with ``"cubic"`` and
    N ≥ 4). For smooth θ(t) the error there is O(δt²), with ``"cubic"`` O(δt⁴). Beyond t_{N-1} θ is kept
    constant, which is in error by O(δt). Only the parameters of the repeated layer are meant, never L or
    the classifier.

    Examples
    --------
    >>> prolong_in_time(np.array([[0.0], [1.0]]), 4).ravel().tolist()
    [0.0, 0.5, 1.0, 1.0]
    """
    layers = _layers_of(Theta)
    new_layers = require_whole(new_layers, "new_layers", 1)
    if new_layers < layers:
        raise InputError(
            f"new_layers is {new_layers}, but Theta has {layers} layers; expected at least as many. "
            "Use restrict_in_time to go the other way."
        )
    weights = time_interpolation_matrix(layers, new_layers, kind)
    return backend_of(Theta).from_host(weights.astype(str(Theta.dtype))) @ Theta


def restrict_in_time(Theta: Array, new_layers: int) -> Array:
    """Return the parameters of a shallower network: those of the deeper one at the common times.

    Parameters
    ----------
    Theta : array
        Shape (N, p): the p parameters of each layer, real or complex.
    new_layers : int
        The new number of layers, a divisor of N, such as N/2. The new step is T/new_layers.

    Returns
    -------
    array
        Every (N/new_layers)-th row of Theta, shape (new_layers, p); a new array.

    Raises
    ------
    InputError
        If Theta is not a finite matrix, or new_layers does not divide N.

    Notes
    -----
    Undoes ``prolong_in_time`` exactly: the old times are among the new ones.

    Examples
    --------
    >>> restrict_in_time(np.array([[0.0], [0.5], [1.0], [1.0]]), 2).ravel().tolist()
    [0.0, 1.0]
    """
    layers = _layers_of(Theta)
    new_layers = require_whole(new_layers, "new_layers", 1)
    if layers % new_layers:
        raise InputError(
            f"new_layers is {new_layers}, which does not divide the {layers} layers of Theta; expected a "
            "divisor, so that the times of the new layers are among the old ones."
        )
    return Theta[:: layers // new_layers].copy()


def to_depth(model: Model, layers: int, kind: str = "linear") -> Model:
    """Return a trained model with more (or fewer) layers for the same final time T, without training.

    Parameters
    ----------
    model : Model
        The trained model.
    layers : int
        The new number of layers: at least N, or a divisor of N.
    kind : str
        ``"linear"`` (as in [LAS]) or ``"cubic"`` interpolation upwards.

    Returns
    -------
    Model
        New stencils and biases; opening, W and μ are kept.

    Raises
    ------
    InputError
        If the number of layers does not fit, or kind is unknown.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> from refms.maps.architectures.residual import Residual
    >>> from refms.model import initial_model
    >>> from refms.objective.reading import Classes
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2, layers=2), Classes(10))
    >>> to_depth(model, 4).arrays["biases"].shape
    (4, 2)
    """
    require_choice(kind, KINDS, "kind of interpolation")
    architecture = model.architecture
    in_time = [name for name, move in architecture.moves.items() if move.time]
    if not in_time or not hasattr(architecture, "with_layers"):
        raise InputError(
            f"the architecture {type(architecture).__name__} has no layers in time; expected one with arrays "
            "that move in time and a method with_layers."
        )
    layers = require_whole(layers, "new_layers", 1)
    deeper, moved = architecture.with_layers(layers), {}
    for name in in_time:
        array, wanted = model.arrays[name], deeper.arrays.shapes[name][0]  # stages may differ in depth
        N, rows = array.shape[0], array.reshape(array.shape[0], -1)
        rows = prolong_in_time(rows, wanted, kind) if wanted >= N else restrict_in_time(rows, wanted)
        moved[name] = rows.reshape(wanted, *array.shape[1:])
    note = {"from_layers": len(model.arrays[in_time[0]]), "to_layers": layers, "interpolation": kind}
    record = {**model.record, "transfers": [*model.record.get("transfers", []), note]}
    return replace(model, architecture=deeper, arrays={**model.arrays, **moved}, record=record)


def _layers_of(Theta: Array) -> int:
    """Return the number of layers of Theta, after looking it over."""
    precision(Theta, "Theta")
    require_shape(Theta, (None, None), "Theta", "(layers, parameters of a layer)")
    if not bool(backend_of(Theta).xp.isfinite(Theta).all()):
        raise InputError(
            "Theta holds NaN or infinity; expected finite parameters. Look for the step that made them."
        )
    return int(Theta.shape[0])
