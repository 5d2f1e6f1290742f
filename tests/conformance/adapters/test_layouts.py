"""An adapter in columns serves images in both layouts, and the catalogue sees no difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refms.conformance import PROPERTIES, Adapter, run
from refms.conformance.adapters.adapter import provides
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.layouts import in_layout
from refms.conformance.adapters.reference import ReferenceAdapter, reference_profile
from refms.conformance.mutants.conventions import as_declared
from refms.conformance.operations import OPERATIONS
from refms.errors import InputError

# Between them they call every operation that takes or returns a field.
IDS = ("C1", "C8", "C14", "T2", "T8", "N9", "H2", "O1", "O2", "O3", "O4", "O12", "U4")


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_the_catalogue_passes_in_other_layouts(layout):
    adapter = as_declared(ReferenceAdapter(profile=replace(reference_profile(), layout=layout)))
    assert adapter.profile.layout == layout
    chosen = [item for item in PROPERTIES if item.id in IDS]
    assert run(adapter, properties=chosen).counts["PASS"] == len(IDS)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_every_field_is_laid_out(layout):
    profile = replace(reference_profile(), layout=layout, reduction="sum", volume_weighted=False)
    images, columns = Gate(as_declared(ReferenceAdapter(profile=profile))), Gate(ReferenceAdapter())
    rng = np.random.default_rng(0)
    S, Y = rng.standard_normal((2, 3, 3, 1)), rng.standard_normal((4, 3, 2, 6))
    Z = columns.convolution(S, Y)
    np.testing.assert_array_equal(images.convolution(S, Y), Z)
    np.testing.assert_array_equal(images.convolution_adjoint(S, Z), columns.convolution_adjoint(S, Z))
    np.testing.assert_array_equal(
        images.stencil_gradient(Z, Y, (3, 1)), columns.stencil_gradient(Z, Y, (3, 1))
    )
    np.testing.assert_array_equal(images.restrict(Y, "nearest"), columns.restrict(Y, "nearest"))
    np.testing.assert_array_equal(images.prolong(Y, "nearest"), columns.prolong(Y, "nearest"))


def test_columns_are_no_images():
    adapter = in_layout(ReferenceAdapter(), "NCHW")
    assert adapter.convolution(np.ones((2, 1, 3)), np.ones((4, 1, 5)), (5,), "periodic").shape == (4, 2, 5)
    with pytest.raises(InputError, match="layout"):
        in_layout(ReferenceAdapter(), "columns")


def test_what_is_missing_stays_missing():
    empty = in_layout(Adapter(reference_profile()), "NHWC")
    assert not any(provides(empty, name) for name in OPERATIONS)
    assert all(provides(in_layout(ReferenceAdapter(), "NHWC"), name) for name in OPERATIONS)
