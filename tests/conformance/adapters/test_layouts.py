"""An adapter in columns serves images in both layouts, and the catalogue sees no difference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from refms.conformance import PROPERTIES, Adapter, run
from refms.conformance.adapters.adapter import provides
from refms.conformance.adapters.layouts import in_layout
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.mutants.conventions import as_declared
from refms.conformance.operations import OPERATIONS

# Between them they call every operation that takes or returns a field.
IDS = ("C1", "C8", "C14", "T2", "T8", "N9", "H2", "O1", "O2", "O3", "O4", "O12", "U4")


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_the_catalogue_passes_in_other_layouts(layout):
    adapter = as_declared(ReferenceAdapter(profile=replace(reference_profile(), layout=layout)))
    assert adapter.profile.layout == layout
    chosen = [item for item in PROPERTIES if item.id in IDS]
    assert run(adapter, properties=chosen).counts["PASS"] == len(IDS)


def test_what_is_missing_stays_missing():
    empty = in_layout(Adapter(reference_profile()), "NHWC")
    assert not any(provides(empty, name) for name in OPERATIONS)
    assert all(provides(in_layout(ReferenceAdapter(), "NHWC"), name) for name in OPERATIONS)
