"""What is in an artefact, as lines of text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from refms.errors import Array
from refms.io.artifact import Artifact, canonical_json


def describe(artifact: Artifact) -> tuple[str, ...]:
    """Return what is in an artefact, as lines of text that are safe to print.

    Parameters
    ----------
    artifact : Artifact
        What to describe.

    Returns
    -------
    tuple of str
        Kind and digest, one line per attribute, one line per array with type, shape and range.

    Examples
    --------
    >>> for line in describe(Artifact("golden", {"seed": 3}, {"x": np.arange(3.0)}))[1:]:
    ...     print(line)
    seed = 3
    x  float64 (3,)  0 … 2
    """
    attributes = [f"{name} = {text}" for name, text in flat_attributes(artifact.attributes).items()]
    names = sorted(artifact.arrays, key=natural_order)
    types = {name: f"{artifact.arrays[name].dtype} {artifact.arrays[name].shape}" for name in names}
    wide, wider = (max(map(len, words), default=0) for words in (names, types.values()))
    arrays = [f"{name:{wide}}  {types[name]:{wider}}  {_range(artifact.arrays[name])}" for name in names]
    return (f"{artifact.kind}, {artifact.digest}", *attributes, *arrays)


def flat_attributes(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return nested attributes as dotted names and JSON texts, without anything a terminal would obey.

    Examples
    --------
    >>> flat_attributes({"seeds": {"split": 1, "start": 2}})
    {'seeds.split': '1', 'seeds.start': '2'}
    """
    return dict(_flat(attributes, ""))


def natural_order(name: str) -> list[tuple[int, str]]:
    """Return a sort key by which layer/2 comes before layer/10.

    Examples
    --------
    >>> sorted(["layer/10", "layer/2"], key=natural_order)
    ['layer/2', 'layer/10']
    """
    parts = re.split(r"([0-9]+)", name)
    return [(int(part), "") if index % 2 else (0, part) for index, part in enumerate(parts)]


def _flat(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        name = prefix + canonical_json(key)[1:-1]
        if isinstance(inner, Mapping) and inner:
            yield from _flat(inner, f"{name}.")
        else:
            yield name, canonical_json(inner)


def _range(array: Array) -> str:
    if not array.size:
        return "empty"
    size = np.abs(array) if array.dtype.kind == "c" else array
    finite = size[np.isfinite(size)]
    bounds = f"{finite.min():.6g} … {finite.max():.6g}" if finite.size else "no finite value"
    lost = f", {size.size - finite.size} not finite" if finite.size < size.size else ""
    return ("modulus " if array.dtype.kind == "c" else "") + bounds + lost
