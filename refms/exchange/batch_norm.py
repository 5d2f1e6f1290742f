"""BatchNorm as it is evaluated, folded into the convolution before it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from refms.errors import Array, InputError


def fold_batch_norms(
    weights: Mapping[str, Array], eps: float = 1e-5
) -> tuple[dict[str, Array], dict[str, str]]:
    """Return weights of the same function in eval mode, without the BatchNorms that follow convolutions.

    Parameters
    ----------
    weights : mapping of str to array
        Entries of a ``state_dict``, in its order: a BatchNorm is taken to follow the convolution or linear
        layer whose entries stand right before its own. Whether it does so in the forward pass, with no
        activation between, is for the caller to know.
    eps : float
        ε, which no ``state_dict`` holds; 1e-5 is PyTorch's default.

    Returns
    -------
    folded : dict of str to array
        New weights and biases of the convolutions, in their precision; no entries of the BatchNorms.
    pairs : dict of str to str
        Name of each BatchNorm to that of its convolution.

    Raises
    ------
    InputError
        If a BatchNorm stands behind something else or has another number of channels, or ε is negative.

    Notes
    -----
    With the running mean m and variance v, and a = γ/√(v + ε) for each channel,

        γ (K(s) y + b − m)/√(v + ε) + β = K(a s) y + a (b − m) + β.

    Examples
    --------
    >>> conv = {"conv.weight": np.ones((1, 1, 1)), "conv.bias": np.array([3.0])}
    >>> norm = {"norm.running_mean": np.array([1.0]), "norm.running_var": np.array([4.0])}
    >>> folded, pairs = fold_batch_norms(conv | norm, eps=0.0)
    >>> folded["conv.weight"].tolist(), folded["conv.bias"].tolist(), pairs
    ([[[0.5]]], [1.0], {'norm': 'conv'})
    """
    if not 0 <= eps < math.inf:
        raise InputError(f"eps is {eps}; expected a finite number, not negative, such as 1e-5.")
    layers: dict[str, dict[str, Array]] = {}
    for name, array in weights.items():
        layer, _, leaf = name.rpartition(".")
        layers.setdefault(layer, {})[leaf] = array
    pairs = {norm: _before(layers, norm) for norm in batch_norms(weights)}
    for norm, conv in pairs.items():
        layers[conv] = _folded(layers[conv], layers.pop(norm), norm, eps)
    return {
        f"{layer}.{leaf}" if layer else leaf: array
        for layer, own in layers.items()
        for leaf, array in own.items()
    }, pairs


def batch_norms(names: Iterable[str]) -> list[str]:
    """Return the names of the layers with running means.

    >>> batch_norms(["conv.weight", "norm.weight", "norm.running_mean"])
    ['norm']
    """
    return [layer for layer, _, leaf in (name.rpartition(".") for name in names) if leaf == "running_mean"]


def _before(layers: Mapping[str, Mapping[str, Array]], norm: str) -> str:
    """Return the layer whose entries stand right before a BatchNorm's; refuse what is no convolution."""
    order, channels = list(layers), layers[norm]["running_mean"].shape
    place = order.index(norm)
    layer = order[place - 1] if place else ""
    weight = layers[layer].get("weight") if place else None
    if weight is None or weight.ndim < 2 or weight.shape[:1] != channels:
        what = f"{layer!r}, no convolution of as many channels," if place else "nothing"
        raise InputError(
            f"BatchNorm {norm!r} of {channels} channels follows {what} in the order of the weights; expected "
            "one directly after a convolution, into which alone it can be folded."
        )
    return layer


def _folded(conv: Mapping[str, Array], norm: Mapping[str, Array], name: str, eps: float) -> dict[str, Array]:
    """Return a s and a (b − m) + β."""
    m = norm["running_mean"]
    if "running_var" not in norm:
        raise InputError(f"BatchNorm {name!r} lacks its running_var; expected it beside the running_mean.")
    if any(array.shape != m.shape for leaf, array in norm.items() if leaf != "num_batches_tracked"):
        raise InputError(f"BatchNorm {name!r} has entries of shapes other than {m.shape}, one a channel.")
    a = norm.get("weight", np.ones_like(m)) / np.sqrt(norm["running_var"] + eps)
    s, b = conv["weight"], conv.get("bias", np.zeros_like(m))
    return {
        **conv,
        "weight": s * a.reshape(-1, *[1] * (s.ndim - 1)),
        "bias": a * (b - m) + norm.get("bias", 0),
    }
