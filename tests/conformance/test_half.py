"""Half precisions: right implementations pass in their own eps, mistakes are found, the rest is not asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from refms.conformance import PROPERTIES, Profile, run
from refms.conformance.adapters.adapter import Adapter
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.half import in_half
from refms.conformance.adapters.loading import load
from refms.conformance.adapters.misbehaviour import Misbehaviour
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.measures.precision import EPS, rounded
from refms.conformance.mutants import mutant_named
from refms.names import HALVES

STATED = [item for item in PROPERTIES if item.half]
TORCH = Path(__file__).parents[2] / "validation" / "peers" / "torch_peer.py"


def declared(dtype):
    return replace(reference_profile(), dtype=dtype)


@pytest.mark.parametrize("dtype", HALVES)
def test_what_is_rounded_once_passes_and_nothing_else_is_asked(dtype):
    report = run(in_half(ReferenceAdapter(), declared(dtype)))
    verdicts = {row.id: row.verdict for row in report.rows}
    assert {name for name, verdict in verdicts.items() if verdict == "PASS"} == {item.id for item in STATED}
    assert set(verdicts.values()) == {"PASS", "NOT APPLICABLE"}
    assert report.passed


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize(
    ("name", "id_"),
    [
        ("kernel flipped on all axes", "C9"),
        ("R sums where it should average", "T5"),
        ("layers in reverse order", "N9"),
        ("biases left out", "N9"),
        ("1/m missing in the loss", "H4"),
        ("dilation along the last axis only", "K2"),
        ("input channels dealt to the groups in turn", "K3"),
        ("cells beyond the border counted in means", "P1"),
        ("half of K − Kᵀ", "Y3"),
    ],
)
def test_mistakes_are_found(dtype, name, id_):
    wrong = in_half(mutant_named(name).around(ReferenceAdapter()), declared(dtype))
    report = run(wrong, properties=[item for item in STATED if item.id == id_])
    (row,) = (row for row in report.rows if row.id == id_)
    assert row.verdict == "FAIL"


@pytest.mark.parametrize("dtype", HALVES)
def test_pytorch_in_half_precision_passes(dtype):
    pytest.importorskip("torch", reason="torch is not installed: pip install refms[peers]")
    chosen = [item for item in STATED if item.id in ("C9", "C14", "G1", "N9", "H4", "S6", "K5", "Y5")]
    report = run(load(f"{TORCH}:TorchPeer").make(dtype), properties=chosen)
    assert report.counts["PASS"] == len(chosen)


class Thirds(Adapter):
    """Returns thirds in float32, rounded to a precision or not."""

    def __init__(self, precision):
        super().__init__(Profile("thirds", "bfloat16"))
        self.precision = precision

    def activation(self, Z, name):
        return rounded(Z / 3, self.precision)


def test_float32_that_was_not_rounded_is_no_bfloat16():
    Z = np.ones((2, 2), "float32")
    assert Gate(Thirds("bfloat16")).activation(Z, "tanh").dtype == "float32"
    with pytest.raises(Misbehaviour, match="bfloat16 does not have"):
        Gate(Thirds("float32")).activation(Z, "tanh")


def test_bfloat16_of_ml_dtypes_is_taken():
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes comes with JAX: pip install refms[peers]")
    numbers = np.random.default_rng(0).standard_normal(1000)
    theirs = numbers.astype("float32").astype(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(rounded(numbers.astype("float32"), "bfloat16"), theirs.astype("float32"))

    class Theirs(Thirds):
        def activation(self, Z, name):
            return Z.astype(ml_dtypes.bfloat16)

    assert Gate(Theirs("")).activation(np.ones((2, 2), "float32"), "tanh").dtype == "float32"


def test_bfloat16_has_eight_bits_and_the_range_of_float32():
    near = np.array([1 + EPS["bfloat16"], 1 + EPS["bfloat16"] / 2, 1 + 1.5 * EPS["bfloat16"]])
    assert rounded(near, "bfloat16").tolist() == [1 + EPS["bfloat16"], 1.0, 1 + 2 * EPS["bfloat16"]]
    far = np.array([3e38, -np.inf, np.nan, -0.0, 1e-40])
    found = rounded(far, "bfloat16")
    assert np.isfinite(found[0])
    assert found[1] == -np.inf
    assert np.isnan(found[2])
    assert np.signbit(found[3])
    assert found[4] == 2.0**-133
