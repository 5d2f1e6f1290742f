"""The peers are run against their libraries: what they implement passes, in both precisions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from refms.conformance import PROPERTIES, run, runner
from refms.conformance.adapters.adapter import provides
from refms.conformance.adapters.loading import load

FOLDER = Path(__file__).parents[2] / "validation" / "peers"
PEERS = {
    "plain_loops": ("PlainLoops", None, 65),
    "scipy_peer": ("ScipyPeer", None, 80),
    "from_help": ("FromHelp", None, 184),
    "torch_peer": ("TorchPeer", "torch", 85),
    "jax_peer": ("JaxPeer", "jax", 72),
}
"""File -> class, the library that is an extra, and how many properties at least are tested of 184."""

LOG_SOFTMAX = {"scipy_peer", "torch_peer", "jax_peer"}
"""Those whose library's cross entropy leaves no digits of a confident example, which S14 finds."""

FAMILIES = sorted({item.family for item in PROPERTIES})


def peer(name):
    adapter, library, _ = PEERS[name]
    if library is not None:
        pytest.importorskip(library, reason=f"{library} is not installed: pip install refms[peers]")
    return load(f"{FOLDER / name}.py:{adapter}")


# PyTorch's own forward derivatives still load a part of it that it has deprecated.
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", PEERS)
def test_what_a_peer_implements_passes(name, dtype, family, monkeypatch):
    few = 1 if name == "jax_peer" else 2  # JAX compiles each anew; false_alarms.py draws more
    monkeypatch.setitem(runner.TIERS, "quick", few)
    chosen = [item for item in PROPERTIES if item.family == family]
    report = run(peer(name).adapter(dtype), properties=chosen)
    rows = [row for row in report.rows if row.family == family]
    known = {"S14"} if name in LOG_SOFTMAX and family == "loss" else set()
    failed = {row.id: f"{row.sentence} [{row.worst_instance}]" for row in rows if row.verdict == "FAIL"}
    assert set(failed) == known, failed
    assert "MARGINAL" not in {row.verdict for row in rows}


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_implements_most_of_the_catalogue(name):
    adapter = peer(name).adapter("float64")
    cannot = [item.id for item in PROPERTIES if not all(provides(adapter, need) for need in item.needs)]
    assert len(PROPERTIES) - len(cannot) >= PEERS[name][2], cannot


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_does_not_use_the_mathematics_that_it_is_to_judge(name):
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    imports = [line for line in source.splitlines() if "refms" in line and "import" in line]
    base = {"torch_peer": "Profile, TorchAdapter", "jax_peer": "JaxAdapter, Profile"}
    assert imports == [f"from refms.conformance import {base.get(name, 'Adapter, Profile')}"]
    parts = [path.read_text(encoding="utf-8") for path in FOLDER.glob(f"{name}_*.py")]
    assert not [text for text in parts if "refms" in text]


def test_the_peers_differ_in_their_conventions():
    found = Counter()
    for name in ("plain_loops", "scipy_peer"):
        profile = peer(name).adapter("float64").profile
        found[(profile.layout, profile.orientation, profile.reduction, profile.volume_weighted)] += 1
    assert len(found) == 2


def test_a_mistake_in_a_peer_is_found():
    adapter = peer("scipy_peer").adapter("float64")
    right = adapter.convolution
    adapter.convolution = lambda S, Y, grid, boundary: right(S[..., ::-1].copy(), Y, grid, boundary)
    chosen = [item for item in PROPERTIES if item.id == "C9"]
    assert run(adapter, properties=chosen).counts["FAIL"] == 1
