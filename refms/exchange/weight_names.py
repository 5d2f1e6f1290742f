"""Names of weights: which of theirs is which part of refms."""

from __future__ import annotations

from collections.abc import Mapping

from refms.errors import Array, InputError, require_choice
from refms.maps.architectures.architecture import Architecture

Names = Mapping[str, str]
"""Their names to refms'; with {k} in theirs one array for each layer of what refms stacks."""

_LEAVES = {"stencil": "weight", "gamma": "weight", "bias": "bias", "beta": "bias"}
CLASSIFIER = {"W": "classifier.weight", "mu": "classifier.bias"}
"""The parts of a classifier by PyTorch's names."""


def found_names(weights: Mapping[str, Array], architecture: Architecture, names: Names) -> dict[str, str]:
    """Return their name for each part: of the table, or one that can be no other's."""
    found = expanded_names(names, architecture)
    known = {name: held for name, held in architecture.arrays.names.items() if isinstance(held, str)}
    for part in (*architecture.arrays.layout.names, *CLASSIFIER):
        known |= dict.fromkeys((part, part.replace("/", "."), torch_name(part)), part)
    for name in weights:
        if name in known and name not in found.values():
            found.setdefault(known[name], name)
    return found


def expanded_names(names: Names, architecture: Architecture, strict: bool = True) -> dict[str, str]:
    """Return their name for each part that a table names; with ``strict`` what cannot be is refused."""
    arrays, found = architecture.arrays, dict[str, str]()
    known = [*arrays.names, *arrays.layout.names, *CLASSIFIER]
    for theirs, ours in names.items():
        held = arrays.parts(ours) if ours in arrays.names else (ours,)
        alone = len(held) > 1 and "{k}" not in theirs
        if not strict and (alone or ours not in known):
            continue
        require_choice(ours, known, "name of refms")
        if alone:
            raise InputError(
                f"{theirs!r} stands for {ours!r}, {len(held)} layers; expected a name with {{k}} for their "
                f"numbers 0 to {len(held) - 1}, or the names of its parts {', '.join(held)}."
            )
        found |= {part: theirs.replace("{k}", str(k)) for k, part in enumerate(held)}
    return found


def torch_name(part: str) -> str:
    """Return what PyTorch would call a part.

    >>> torch_name("block0/conv1/stencil"), torch_name("tail/norm/beta"), torch_name("W")
    ('block0.conv1.weight', 'tail.norm.bias', 'classifier.weight')
    """
    if part in CLASSIFIER:
        return CLASSIFIER[part]
    path, _, leaf = part.replace("/", ".").rpartition(".")
    return f"{path}.{_LEAVES.get(leaf, leaf)}" if path else _LEAVES.get(leaf, leaf)
