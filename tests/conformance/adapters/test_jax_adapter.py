"""A network of JAX with its own parameters: the right one passes, and the mistake of a wrong one is named."""

from __future__ import annotations

import numpy as np
import pytest

from refms.conformance import PROPERTIES, JaxAdapter, Profile, run

jax = pytest.importorskip("jax")

NAMES = {
    "opening": "opening/kernel",
    "stencils": "layer{k+1}/kernel",
    "biases": "layer{k+1}/bias",
    "W": "head/kernel",
    "mu": "head/bias",
}


def convolve(x, kernel):
    """Return what flax.linen.Conv(padding="CIRCULAR") does with NWC images and a kernel (3, in, out)."""
    wide = jax.numpy.pad(x, [(0, 0), (1, 1), (0, 0)], mode="wrap")
    return jax.lax.conv_general_dilated(wide, kernel, (1,), "VALID", dimension_numbers=("NWC", "WIO", "NWC"))


def mine(dtype, step=lambda spec: spec.step):
    """Return an adapter of a network whose parameters are those of Flax's layers."""

    def network(spec):
        def logits(p, x):
            y = convolve(x, p["opening"]["kernel"])
            for k in range(spec.layers):
                layer = p[f"layer{k + 1}"]
                y = y + step(spec) * jax.numpy.tanh(convolve(y, layer["kernel"]) + layer["bias"])
            return y.reshape(len(y), -1) @ p["head"]["kernel"] / y[0, :, 0].size + p["head"]["bias"]

        return logits

    profile = Profile("mine", dtype, dimensions=(1,), stencil_sizes=(3,), layout="NHWC")
    return JaxAdapter(profile, network, NAMES)


def rows(adapter, *ids):
    report = run(adapter, properties=[item for item in PROPERTIES if item.id in ids])
    return {row.id: row for row in report.rows if row.id in ids}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_right_network_passes(dtype):
    before = jax.numpy.ones(1).dtype
    found = rows(mine(dtype), "N9", "H3", "O2", "O3", "O4")
    assert {row.verdict for row in found.values()} == {"PASS"}
    assert jax.numpy.ones(1).dtype == before


def test_a_mistake_is_named():
    row = rows(mine("float64", lambda spec: spec.final_time / (spec.layers + 1)), "N9")["N9"]
    assert row.diagnosis == "your output equals: step δt = T/(N+1), the index slip"


def test_derivatives_follow_from_operations_of_ones_own():
    adapter = JaxAdapter(Profile("mine"), time_smoothness=lambda Theta, final_time: (Theta**3).sum())
    Theta = np.array([[1.0, 2.0]])
    found = adapter.time_smoothness_gradient(Theta, 1.0)
    assert (found.dtype, found.tolist()) == (np.float64, [[3.0, 12.0]])
