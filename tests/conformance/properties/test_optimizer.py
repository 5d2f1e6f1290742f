"""Block steps at the edges of their contract: no step at all, and the inner product that is declared."""

from __future__ import annotations

from dataclasses import replace

from refms.conformance import PROPERTIES
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.instance import Instance
from refms.conformance.mutants.conventions import as_declared
from refms.conformance.runner import examine

(O12,) = (item for item in PROPERTIES if item.id == "O12")

# The Gauss-Newton matrix is nearly singular, and Armijo's rule refuses 1, ½, …, 2⁻¹⁰ of the long step.
REFUSED = Instance(
    grid=(7,),
    stencil=(3,),
    c_in=1,
    c_out=1,
    examples=1,
    classes=11,
    layers=2,
    boundary="periodic",
    pair="averaging-bilinear",
    activation="tanh",
    final_time=0.6076055877791857,
    dtype="float32",
    seed=3005410203,
    volume_weighted=False,
    image_scale=0.02719736107517718,
    within=3.0,
)


def unweighted():
    return as_declared(
        ReferenceAdapter(profile=replace(reference_profile("-", "float32"), volume_weighted=False))
    )


class Still(ReferenceAdapter):
    """No step is ever made."""

    def block_step(self, parameters, X, C, problem, block):
        return {key: array.copy() for key, array in parameters.items()}


def test_who_stays_where_every_step_is_refused_is_right_and_elsewhere_wrong():
    assert examine(Gate(unweighted()), O12, REFUSED).verdict == "PASS"
    mild = replace(REFUSED, dtype="float64", volume_weighted=True, image_scale=1.0, within=0.0)
    found = examine(Gate(Still()), O12, mild)
    assert found.verdict == "FAIL"
    assert "Armijo's rule refuses all steps" in found.criterion + found.sentence


def test_a_classifier_without_weights_is_stepped_in_its_own_inner_product():
    """Conjugate gradients in h^d W stop elsewhere: here H s was 0.11 off −g."""
    x = replace(REFUSED, grid=(4, 4, 2), stencil=(1, 1, 1), c_out=3, examples=15, classes=4, layers=12)
    x = replace(x, boundary="zero", final_time=1.0, image_scale=1.0, seed=3005410202)
    outcome = examine(Gate(unweighted()), O12, x)
    assert outcome.verdict == "PASS", outcome.sentence
