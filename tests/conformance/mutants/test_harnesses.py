"""What mutants of optimisers rewrite is right but for the mistake: without one, their properties pass."""

from __future__ import annotations

import pytest

from refms.conformance import PROPERTIES
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.mutants import Mutant
from refms.conformance.mutants import descent as blocks
from refms.conformance.mutants import minimization as steps
from refms.conformance.runner import check_property

RIGHT = {
    "V1": ("preconditioned_conjugate_gradients", steps._pcg()),
    "V3": ("trust_region_step", steps._path()),
    "V4": ("newton", steps._descent()),
    "V5": ("levenberg_marquardt", steps._descent()),
    "V6": ("trust_region", steps._region()),
    "V7": ("momentum", steps._velocity(steps._heavy_ball)),
    "V8": ("adam", steps._moments()),
    "V10": ("classifier_kronecker", blocks._dense),
    "V11": ("train_classifier", blocks._trained(lambda f, loss, t: f)),
    "V12": ("block_coordinate_descent", blocks._blocks()),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_rewritten_operation_without_a_mistake_is_right(name):
    operation, change = RIGHT[name]
    gate = Gate(Mutant("-", "minimization", {operation: change}).around(ReferenceAdapter()))
    item = next(one for one in PROPERTIES if one.id == name)
    row = check_property(gate, item, "quick", 3)
    assert row.verdict == "PASS", row.sentence
