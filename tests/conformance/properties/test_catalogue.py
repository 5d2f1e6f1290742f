"""No property passes where one of its operations gives NaN or infinity."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from refms.conformance import PROPERTIES
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.corners import CORNERS
from refms.conformance.instances.domain import instances
from refms.conformance.mutants import Mutant
from refms.conformance.runner import examine

REFUSED = {("G6", "stencil_up")}
"""Where a property only asks whether something is refused."""


def spoiled(found, factor):
    if isinstance(found, Mapping):
        return {key: spoiled(array, factor) for key, array in found.items()}
    dense = found.toarray() if hasattr(found, "toarray") else found
    return dense * np.asarray(factor, getattr(dense, "dtype", "float64"))


@pytest.mark.parametrize("factor", [np.nan, np.inf])
@pytest.mark.parametrize("item", PROPERTIES, ids=lambda item: item.id)
def test_no_property_passes_where_an_operation_gives_nothing_finite(item, factor):
    for operation in set(item.needs) - {"subsample"}:
        wrong = Mutant("-", item.family, {operation: lambda t: spoiled(t(), factor)})
        gate = Gate(wrong.around(ReferenceAdapter()))
        found = examine(gate, item, instances(item.domain, gate.profile, 1, 0)[0])
        assert (found.verdict == "FAIL") == ((item.id, operation) not in REFUSED), (operation, found.sentence)


def test_every_property_says_what_it_does_not_see():
    assert [item.id for item in PROPERTIES if not item.corner] == []
    assert set(CORNERS) == {item.id for item in PROPERTIES}
    assert len({item.corner for item in PROPERTIES}) == len(PROPERTIES)
