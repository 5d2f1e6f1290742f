"""The adapter of refms computes on the backend it is given and hands host arrays back."""

from __future__ import annotations

import numpy as np
import pytest

from refms.conformance import PROPERTIES
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.domain import instances_in_tier
from refms.conformance.runner import examine

FAMILIES = sorted({item.family for item in PROPERTIES} - {"state"})
"""How arrays are stored is seen before they are sent to a device: `refms verify` looks at that."""


@pytest.mark.parametrize("family", FAMILIES)
def test_the_catalogue_passes_on_the_device(device, family):
    gate = Gate(ReferenceAdapter(device.backend))
    chosen = [item for item in PROPERTIES if item.family == family]
    cases = [(item, x) for item in chosen for x in instances_in_tier(item, gate.profile, "quick", 5)[:1]]
    found = {(item.id, x.describe()): examine(gate, item, x) for item, x in cases}
    assert {case: outcome.sentence for case, outcome in found.items() if outcome.verdict != "PASS"} == {}


def test_results_come_back_to_the_host(device):
    adapter = ReferenceAdapter(device.backend)
    S, Y = np.ones((1, 1, 3)), np.ones((4, 1))
    for result in (
        adapter.convolution(S, Y, (4,), "periodic"),
        adapter.convolution_matrix(S, (4,), "periodic").toarray(),
        adapter.stencil_up(S, "averaging-bilinear"),
        adapter.time_smoothness_gradient(np.ones((2, 3)), 1.0),
    ):
        assert type(result) is np.ndarray
