"""The ways to compute with the network: refms, and each peer, all with the interface of ``OptimalControl``.

An engine is made from a ``Problem`` and offers ``block(name, blocks, iteration)``, which returns an objective
(``refms.optimize.Objective``) on flat NumPy vectors in the order of refms. So one optimiser drives all of
them, and a measurement differs in nothing but the engine. Engines are imported when they are asked for: a
library that is not installed costs nothing but its own rows.
"""

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.cases import Problem

MODULES = {
    "refms": "benchmarks.engines.refms_engine",
    "torch": "benchmarks.engines.torch_engines",
    "torch by hand": "benchmarks.engines.torch_by_hand",
    "curvlinops": "benchmarks.engines.curvlinops_engine",
    "BackPACK": "benchmarks.engines.backpack_engine",
    "JAX": "benchmarks.engines.jax_engines",
    "SciPy": "benchmarks.engines.scipy_engine",
}
"""Family -> module, whose ``ENGINES`` names its ways."""

Build = Callable[[Problem], Any]


def families() -> dict[str, str]:
    """Return the name of every engine that can be used here, with its family."""
    return {name: family for family in MODULES for name in engines((family,))[0]}


def engines(
    chosen: Sequence[str] | None = None,
) -> tuple[dict[str, Build], dict[str, str]]:
    """Return the engines of some families (by default all) that can be used here, and why others cannot."""
    usable: dict[str, Build] = {}
    missing: dict[str, str] = {}
    for family in chosen or MODULES:
        try:
            usable.update(importlib.import_module(MODULES[family]).ENGINES)
        except ImportError as error:
            missing[family] = str(error)
    return usable, missing
