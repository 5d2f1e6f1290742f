"""Second derivatives by Cauchy's integral are exact wherever logits change much along a direction."""

from __future__ import annotations

import numpy as np
import pytest

from refms.conformance import PROPERTIES
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.instance import Instance
from refms.conformance.runner import examine

O4 = next(item for item in PROPERTIES if item.id == "O4")


@pytest.mark.parametrize("growing", [1.0, 100.0, 1e4])
def test_the_curvature_in_the_classifier_is_found_whatever_the_size_of_the_features(growing, monkeypatch):
    draw = Instance.parameters

    def grown(self, name="parameters"):
        """Return parameters whose opening makes large features, as small images may: they are not scaled."""
        p = draw(self, name)
        return p | {"opening": p["opening"] * np.asarray(growing, self.dtype)}

    monkeypatch.setattr(Instance, "parameters", grown)
    adapter = ReferenceAdapter()
    for seed in range(20):
        case = Instance(
            *((7,), (1,), 1, 1, 1, 2, 1, "periodic", "averaging-bilinear", "identity", 2.0, "float64", seed),
            stencil_scale=1e-5,
        )
        found = examine(Gate(adapter), O4, case)
        assert found.verdict == "PASS", found
