"""Changes of nested values and arrays; artefacts get the right digest, so that they are read."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from refms.errors import InputError
from refms.io import Artifact
from refms.io.writing import file_image

_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 5, 2**31, 2**53, 2**63, -(2**63), 10**30),
    *(0.0, -0.0, 0.5, -1.5, 1e-308, 1e308, "", "x", "tanh", "learned", "\x1b[31m", "ä", "x" * 3000),
    *([], [1], [3, 2], [0, 0], [-1, 2], [2**40, 2**40], [1.5], ["a"], [[1]], [1] * 40),
    *({}, {"a": 1}, {"": None}, "model"),
)
_SHAPES = ((), (0,), (1,), (2, 0), (2, 2), (1,) * 5, (3, 2, 2, 3, 3), (1,) * 32)
_TYPES = ("f4", "f8", "c8", "c16", "i4", "i8", "u1")


def mutated_artifact(artifacts: Sequence[Artifact], seed: int, most: int) -> bytes:
    """Return at most ``most`` bytes of the file of one of the artefacts, changed in one to four places."""
    dice = random.Random(seed)
    chosen = dice.choice(artifacts)
    attributes, arrays = copy.deepcopy(dict(chosen.attributes)), dict(chosen.arrays)
    for _ in range(dice.choice((1, 1, 2, 4))):
        if dice.random() < 0.6 or not arrays:
            change_value(attributes, dice)
        else:
            _change_array(arrays, dice)
    try:
        found = file_image(Artifact(chosen.kind, attributes, arrays))
    except InputError:  # such an artefact cannot be written
        return file_image(chosen)[:most]
    return found[:most]


def change_value(values: Any, dice: random.Random) -> None:
    """Replace, remove, add or rename one entry of nested mappings and lists."""
    at = values
    while isinstance(at, dict | list):
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return
        key = dice.choice(keys)
        if not isinstance(at[key], dict | list) or not at[key] or dice.random() < 0.15:
            break
        at = at[key]
    else:
        return
    way = dice.randrange(8)
    if way == 0:
        del at[key]
    elif way == 1 and isinstance(at, dict):
        at[dice.choice(("x", "", "grid", "levels"))] = at.pop(key)
    elif way == 2 and isinstance(at, list):
        at.append(dice.choice(_VALUES))
    elif way == 3 and isinstance(at[key], int | float):
        at[key] = dice.choice((at[key] + 1, -at[key], at[key] * 2, at[key] / 3))
    else:
        at[key] = copy.deepcopy(dice.choice(_VALUES))


def _change_array(arrays: dict[str, Any], dice: random.Random) -> None:
    """Change values, shape, type or name of one array, or leave it out."""
    name = dice.choice(list(arrays))
    old, way = arrays[name], dice.randrange(7)
    if way == 0:
        del arrays[name]
    elif way == 1:
        arrays[dice.choice(("x", "history/x", "history/block", "mu", f"{name}x"))] = arrays.pop(name)
    elif way == 2:
        with np.errstate(all="ignore"):
            arrays[name] = np.zeros(old.shape, dtype=dice.choice(_TYPES))
    elif way == 3:
        arrays[name] = np.ones(dice.choice(_SHAPES), dtype=old.dtype)
    elif way == 4:
        arrays[name] = old[:-1] if old.ndim else old.reshape(1)
    elif way == 5:
        arrays[name] = old[None] if dice.random() < 0.5 else old.T
    elif old.size:
        changed = old.copy()
        kind = (np.nan, np.inf, -np.inf, 1e300, 0.0) if old.dtype.kind in "fc" else (0, 1, 127, 2, 100)
        with np.errstate(all="ignore"):
            changed.reshape(-1)[dice.randrange(old.size)] = dice.choice(kind)
        arrays[name] = changed
