"""Whether two versions train the same models: every array and the history, to ρ <= 300 or to round-off.

Conjugate gradients on ill-conditioned systems enlarge round-off: a version whose sums run over other batches
may differ from itself by 1e13 eps after some iterations. So the old version also trains with less memory, and
the new one may be ten times as far from it as it is from itself.
"""

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from versions.checkout import Checkout

FOLDER = "validation/learning_across_scales"
DIGITS, MNIST = f"{FOLDER}/digits.toml", f"{FOLDER}/transferable.toml"
TEN_THOUSAND = ("--train", "10000", "--validation", "1000", "--iterations", "3")
TRAININGS = {
    "digits": (400_000, DIGITS),
    "MNIST, float64": (2**26, MNIST, *TEN_THOUSAND, "--dtype", "float64"),
    "MNIST, float32": (2**25, MNIST, *TEN_THOUSAND, "--dtype", "float32"),
}
"""A memory budget in bytes whose batches are smaller, the configuration, and options."""

Arrays = Mapping[str, Any]
BOUND, MARGIN = 300.0, 10.0

READ = """
import sys, dataclasses, numpy as np
try:
    from refms.model_file import load_model
except ModuleNotFoundError:
    from refms.artifacts.model_file import load_model
model = load_model(sys.argv[1])
rows = [{**dataclasses.asdict(row), **row.extra} for row in model.history]
columns = {f"history/{name}": np.array([row[name] for row in rows if name in row])
           for name in rows[0] if name not in ("extra", "seconds")}
np.savez(sys.argv[2], **{name: np.asarray(array) for name, array in model.arrays.items()}, **columns)
"""
"""Reads a model file and saves its arrays and history by name, without seconds, which no two runs share."""


def trained(version: Checkout, reader: Checkout, words: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """Return all arrays of the model that a version trains, as the reader of another version has them."""
    model, arrays = folder / "model.h5", folder / "arrays.npz"
    version.run(["-m", "refms", "train", *words, "-o", str(model), "--quiet", "--force"])
    reader.run(["-c", READ, str(model), str(arrays)])
    with np.load(arrays) as found:
        return dict(found)


def rho(new: Any, old: Any, eps: float) -> float:
    """Return ‖new − old‖ / (eps ‖old‖); infinity where one is not finite, or words and counts differ."""
    if new.shape != old.shape or new.dtype != old.dtype:
        return math.inf
    if old.dtype.kind != "f":
        return 0.0 if np.array_equal(new, old) else math.inf
    measured = ~(np.isnan(new) & np.isnan(old))  # NaN in a history: not measured
    difference = np.linalg.norm((new - old)[measured].astype("f8"))
    found = difference and difference / (eps * np.linalg.norm(old[measured].astype("f8")))
    return math.inf if math.isnan(found) else float(found)


def with_memory(version: Checkout, config: str, memory: int, folder: Path) -> str:
    """Return the path of the configuration with another memory budget."""
    text = (version.folder / config).read_text(encoding="utf-8")
    found = folder / "memory.toml"
    found.write_text(text.replace("[optimization]", f"[optimization]\nmemory = {memory}"), encoding="utf-8")
    return str(found)


def compare(old: Checkout, new: Checkout) -> list[tuple[bool, str]]:
    """Return for each training whether the models agree, and how far their arrays are apart."""
    found = []
    for name, (memory, config, *words) in TRAININGS.items():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            before, after = (trained(version, new, (config, *words), folder) for version in (old, new))
            other = trained(old, new, (with_memory(old, config, memory, folder), *words), folder)
        found.append(agree(name, before, after, other))
    return found


def agree(name: str, before: Arrays, after: Arrays, other: Arrays) -> tuple[bool, str]:
    """Return whether models agree: every array of ``after``, or as well as ``other`` with ``before``."""
    eps = max(float(np.finfo(array.dtype).eps) for array in before.values() if array.dtype.kind == "f")
    alone = sorted(before.keys() ^ after.keys())
    apart = {key: rho(after[key], before[key], eps) for key in before.keys() & after.keys()}
    allowed = {key: max(BOUND, MARGIN * rho(other[key], before[key], eps)) for key in apart}
    worst = max(apart, key=lambda key: (apart[key] > allowed[key], apart[key]))
    said = f"{name}: {len(apart)} arrays, the history among them, agree to rho {apart[worst]:.3g} ({worst}; "
    said += f"{allowed[worst] / MARGIN:.3g} between batches)" if allowed[worst] > BOUND else "300 allowed)"
    holds = all(apart[key] <= allowed[key] for key in apart) and not alone
    return holds, said + (f"; not in both: {alone}" if alone else "")
