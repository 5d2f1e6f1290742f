"""Whether two versions train the same models: every array and the history, to ρ <= 300."""

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from versions.checkout import Checkout

FOLDER = "validation/learning_across_scales"
DIGITS, MNIST = f"{FOLDER}/digits.toml", f"{FOLDER}/transferable.toml"
TEN_THOUSAND = ("--train", "10000", "--validation", "1000", "--iterations", "3")
TRAININGS = {
    "digits": (DIGITS,),
    "MNIST, float64": (MNIST, *TEN_THOUSAND, "--dtype", "float64"),
    "MNIST, float32": (MNIST, *TEN_THOUSAND, "--dtype", "float32"),
}
BOUND = 300.0

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


def compare(old: Checkout, new: Checkout) -> list[tuple[bool, str]]:
    """Return for each training whether the models agree, and how far their arrays are apart."""
    found = []
    for name, words in TRAININGS.items():
        with tempfile.TemporaryDirectory() as folder:
            before, after = (trained(version, new, words, Path(folder)) for version in (old, new))
        eps = max(np.finfo(array.dtype).eps for array in before.values() if array.dtype.kind == "f")
        alone = sorted(before.keys() ^ after.keys())
        apart = {key: rho(after[key], before[key], float(eps)) for key in before.keys() & after.keys()}
        worst = max(apart, key=lambda key: apart[key])
        said = (
            f"{name}: {len(apart)} arrays, the history among them, agree to rho {apart[worst]:.3g} ({worst})"
        )
        found.append(
            (apart[worst] <= BOUND and not alone, said + (f"; not in both: {alone}" if alone else ""))
        )
    return found
