"""Correct implementations and the instances that each of them is given.

refms under every declaration, under the two that the paper cannot keep at once, and the peers that share no
mathematics with it; those of PyTorch and JAX where these are installed.
"""

import importlib.util
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from refms.conformance.adapters.adapter import provides
from refms.conformance.adapters.loading import load
from refms.conformance.adapters.profile import LAYOUTS, ORIENTATIONS, REDUCTIONS, reference_profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.spread import SPREAD, Spread
from refms.conformance.mutants.conventions import as_declared
from refms.conformance.property import Property

PEERS = Path(__file__).resolve().parents[1] / "peers"
FEW_CELLS = Spread(room=40)
"""For loops in plain Python, which take too long on large grids."""

COSTLY = {"sampling": 60, "determinism": 8, "state": 8}
"""Family -> by how much fewer instances it gets: hundreds of products each, or every operation many times."""


CONFIDENT = ("S14",)
"""What a library's log_softmax does not give: the digits of a confident example."""


@dataclass(frozen=True)
class Population:
    """One implementation and its share of the instances.

    Parameters
    ----------
    name : str
        What it is.
    group : str
        What it counts as in the report.
    share : float
        Part of all instances.
    declared : mapping of str to object
        What differs from the profile of refms; empty for a peer.
    peer : str
        ``"file.py:Class"`` or ``"module:Class"``; empty for refms.
    spread : Spread
        How widely its instances are drawn.
    wrong : tuple of str
        Properties that it really does not have.
    library : str
        What it needs that may not be installed, or "".
    """

    name: str
    group: str
    share: float
    declared: tuple[tuple[str, Any], ...] = ()
    peer: str = ""
    spread: Spread = SPREAD
    wrong: tuple[str, ...] = ()
    library: str = ""

    def adapter(self, dtype: str) -> Any:
        """Return the implementation in one precision."""
        if self.peer:
            return load(self.peer).adapter(dtype)
        profile = replace(reference_profile(self.name, dtype), **dict(self.declared))
        return as_declared(ReferenceAdapter(profile=profile))


def _conventions() -> Iterator[Population]:
    """Yield refms under every declaration of layout, orientation, reduction and weight."""
    choices = list(itertools.product(LAYOUTS, ORIENTATIONS, REDUCTIONS, (True, False)))
    for layout, orientation, reduction, weighted in choices:
        words = (layout, orientation, reduction, "h^d Wᵀy" if weighted else "Wᵀy")
        keys = ("layout", "orientation", "reduction", "volume_weighted")
        declared = tuple(zip(keys, (layout, orientation, reduction, weighted), strict=True))
        yield Population(
            f"refms: {', '.join(words)}", "refms, 24 declarations", 0.799 / len(choices), declared
        )


POPULATIONS = (
    *_conventions(),
    Population(
        "refms: the pair of Example 1 alone",
        "refms, averaging-bilinear alone (Example 1)",
        0.05,
        (("pairs", ("averaging-bilinear",)),),
    ),
    Population(
        "refms: a pair with RP = γI alone",
        "refms, averaging-constant alone (RP = γI)",
        0.05,
        (("pairs", ("averaging-constant",)),),
    ),
    Population("SciPy", "the SciPy peer", 0.04, peer=f"{PEERS}/scipy_peer.py:ScipyPeer", wrong=CONFIDENT),
    Population(
        "from help", "the peer written from help(Adapter)", 0.02, peer=f"{PEERS}/from_help.py:FromHelp"
    ),
    # It was written before the contract said which steps are none, and how accurate a block step is.
    Population(
        "plain NumPy",
        "the implementation that bugs are planted in",
        0.02,
        peer="unseen.adapter:Unseen",
        wrong=("O11", "O12"),
    ),
    Population(
        "PyTorch",
        "the PyTorch peer",
        0.01,
        peer=f"{PEERS}/torch_peer.py:TorchPeer",
        wrong=CONFIDENT,
        library="torch",
    ),
    Population(
        "JAX", "the JAX peer", 0.001, peer=f"{PEERS}/jax_peer.py:JaxPeer", wrong=CONFIDENT, library="jax"
    ),
    Population(
        "plain loops",
        "the plain-loops peer",
        0.01,
        peer=f"{PEERS}/plain_loops.py:PlainLoops",
        spread=FEW_CELLS,
    ),
)
"""All of them."""


@dataclass(frozen=True)
class Lot:
    """Instances of one property for one implementation in one precision: what one process does at a time.

    Parameters
    ----------
    population : str
        Name of the implementation.
    dtype : str
        Precision.
    law : str
        Id of the property.
    first, count : int
        Which of the instances of the seed. They go round dimensions, pairs, boundaries and activations, and
        lots that hold few of them must not all begin at the same place.
    seed : int
        Of the instances.
    """

    population: str
    dtype: str
    law: str
    first: int
    count: int
    seed: int


def lots(instances: int, seed: int, properties: Sequence[Property]) -> tuple[Lot, ...]:
    """Return lots with at least so many instances together, if all are in the domains.

    Shares of the populations times shares of the properties, which are inverse to their cost; at least one
    instance each; half of them in each precision. Every lot has a seed of its own.
    """
    made: list[Lot] = []
    offered = [
        (one, [item for item in properties if item.id not in one.wrong and _has(adapter, item)])
        for one in POPULATIONS
        if not one.library or importlib.util.find_spec(one.library)
        for adapter in [one.adapter("float64")]
    ]
    for one, possible in offered:
        shares = {item.id: 1 / (item.cost * COSTLY.get(item.family, 1)) for item in possible}
        total = sum(shares.values())
        for item, dtype in itertools.product(possible, ("float64", "float32")):
            count = -int(-instances * one.share * shares[item.id] / total // 2)  # rounded up
            made.append(Lot(one.name, dtype, item.id, 7 * len(made) % 211, count, seed * 100_000 + len(made)))
    return tuple(made)


def _has(adapter: Any, item: Property) -> bool:
    used = not item.uses or any(provides(adapter, one) for one in item.uses)
    return used and all(provides(adapter, need) for need in item.needs)
