"""Second derivatives by Cauchy's integral are exact wherever logits change much along a direction."""

from __future__ import annotations

import numpy as np
import pytest

from refms.conformance import PROPERTIES
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.domain import instances
from refms.conformance.instances.instance import Instance
from refms.conformance.mutants.arrays import scale
from refms.conformance.mutants.mutant import Mutant
from refms.conformance.runner import examine

CATALOGUE = {item.id: item for item in PROPERTIES if item.family == "gauss-newton"}


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
        found = examine(Gate(adapter), CATALOGUE["O4"], case)
        assert found.verdict == "PASS", found


HOMOGENEOUS = {"O6", "O7", "O8"}  # what they state holds for multiples too


@pytest.mark.parametrize("factor", [1e200, 1e-200, np.nan])
@pytest.mark.parametrize("id_", CATALOGUE)
def test_results_whose_squares_leave_the_range_pass_nothing(id_, factor):
    changes = dict.fromkeys(("gradient", "gauss_newton", "jacobian_transpose"), lambda t: scale(t(), factor))
    gate = Gate(Mutant("-", "gauss-newton", changes).around(ReferenceAdapter()))
    right = id_ in HOMOGENEOUS and np.isfinite(factor)
    for x in instances(CATALOGUE[id_].domain, gate.profile, 3, 2):
        assert examine(gate, CATALOGUE[id_], x).verdict == ("PASS" if right else "FAIL")
