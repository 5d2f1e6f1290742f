"""Scales of whole histories: rounding in each step counts, not that of the start alone."""

from __future__ import annotations

from refms.conformance import PROPERTIES
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.instance import Instance
from refms.conformance.runner import examine


def test_rounding_in_the_steps_of_a_right_descent_is_no_mistake():
    """The sample's matrix almost annuls the last direction of CG: what cancels there is not in the start."""
    x = Instance(
        grid=(5, 5, 5),
        stencil=(5, 3, 3),
        c_in=2,
        c_out=3,
        examples=17,
        classes=4,
        layers=3,
        boundary="periodic",
        pair="averaging-bilinear",
        activation="identity",
        final_time=2.0,
        dtype="float64",
        seed=5000300222,
        image_scale=0.06237075090225538,
    )
    descent = next(one for one in PROPERTIES if one.id == "V12")
    outcome = examine(Gate(ReferenceAdapter()), descent, x)
    assert outcome.verdict == "PASS", outcome.sentence
