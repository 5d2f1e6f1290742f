"""State and storage: what is kept from call to call, what is stored otherwise, and what is no mistake."""

from __future__ import annotations

import threading

import pytest

from refms.conformance import PROPERTIES, Adapter, Profile
from refms.conformance.adapters.around import in_other_precision
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.domain import instances
from refms.conformance.mutants import mutant_named
from refms.conformance.operations import OPERATIONS
from refms.conformance.runner import examine

CATALOGUE = {item.id: item for item in PROPERTIES if item.family == "state"}
RIGHT = ReferenceAdapter()


class Only(Adapter):
    """Some operations of refms, and those that are given."""

    def __init__(self, *names, profile=None, **changed):
        super().__init__(profile or reference_profile())
        for name in names:
            setattr(self, name, getattr(RIGHT, name))
        for name, function in changed.items():
            setattr(self, name, function)


def outcome(adapter, id_, number=0):
    item = CATALOGUE[id_]
    return examine(Gate(adapter), item, instances(item.domain, adapter.profile, 2, 0)[number])


def outcomes(adapter, *ids):
    return {name: outcome(adapter, name).verdict for name in ids or CATALOGUE}


@pytest.mark.parametrize("id_", CATALOGUE)
def test_every_operation_is_asked(id_):
    called = set()

    class Asking(Adapter):
        pass

    for name in OPERATIONS:

        def call(self, *given, name=name):
            called.add(name)
            return getattr(RIGHT, name)(*given)

        setattr(Asking, name, call)
    for number in (0, 1):
        assert outcome(Asking(reference_profile()), id_, number).verdict == "PASS"
    assert called == set(OPERATIONS)


@pytest.mark.parametrize(
    ("name", "id_", "words"),
    [
        ("gradient kept under the addresses of its arguments", "E4", "changed in place"),
        ("labels kept under their address", "E4", "C changed in place"),
        ("features kept for parameters and images, whatever T", "E5", "problem alone"),
        ("result computed when it is read, from what arguments hold then", "E6", "changes with an argument"),
        ("images of the call before used as work space", "E6", "a later call overwrote one"),
        ("images read in the order of their memory", "E7", "convolution, Y in Fortran order"),
        ("signs of strides left out", "E7", "prolong, Y with negative strides"),
        ("gaps between the entries of logits read", "E7", "cross_entropy, Z"),
        ("images added to zeros with their strides", "E7", "blur, Y with stride 0"),
        ("images doubled in place and halved again", "E7", "read-only"),
        ("images doubled in place and halved again if they can be written to", "E9", "mesh_free"),
        ("result returned from where other threads put theirs", "E9", "logits, between two lines"),
        ("result in a work space of the precision that came first", "E8", "average_pool returned dtype"),
        (
            "results kept in five places, the sixth under the name of the first",
            "E8",
            "weight_smoothness_gradient",
        ),
    ],
)
def test_a_mistake_is_found_and_the_sentence_says_when_it_shows(name, id_, words):
    wrong = mutant_named(name).around(RIGHT)
    found = (outcome(wrong, id_, number) for number in (0, 1))
    assert any(one.verdict == "FAIL" and words in one.sentence for one in found)


def test_who_has_no_twin_in_the_other_precision_is_not_asked_for_one():
    class Stubborn(ReferenceAdapter):
        def __init__(self, profile):
            super().__init__(profile=profile)

    assert in_other_precision(Stubborn(reference_profile())) is None
    assert in_other_precision(ReferenceAdapter()).profile.dtype == "float32"
    declared = ReferenceAdapter(profile=reference_profile("mine"))
    assert in_other_precision(declared) is None  # another twin than the class makes would be needed


def test_who_waits_for_a_lock_is_not_waited_for():
    lock = threading.Lock()
    kept = {}

    def prolong(Y, grid, pair):
        with lock:
            kept["result"] = RIGHT.prolong(Y, grid, pair)
            return kept["result"].copy()

    assert outcomes(Only(prolong=prolong), "E9") == {"E9": "PASS"}


def test_results_kept_for_all_that_they_hang_on_are_no_mistake():
    kept = {}

    def restrict(Y, grid, pair):
        name = Y.tobytes(), Y.shape, grid, pair
        if name not in kept:
            kept[name] = RIGHT.restrict(Y, grid, pair)
        return kept[name].copy()

    assert set(outcomes(Only(restrict=restrict)).values()) == {"PASS"}


def test_an_argument_that_comes_back_whole_is_no_view():
    same = Only(activation=lambda Z, name: Z if name == "tanh" else RIGHT.activation(Z, name))
    assert outcomes(same, "E6") == {"E6": "PASS"}
    view = Only(activation=lambda Z, name: Z[::-1])
    found = outcome(view, "E6")
    assert (found.verdict, "its own: it changes with an argument" in found.sentence) == ("FAIL", True)


def test_who_refuses_an_array_has_not_been_tested_with_it_and_who_needs_to_write_is_wrong():
    def refusing(Y, grid, pair):
        if min(Y.strides) < 0:
            raise ValueError("negative strides are not supported")
        return RIGHT.restrict(Y, grid, pair)

    found = outcome(Only(restrict=refusing), "E7")
    assert found.verdict == "MARGINAL"
    assert "arguments with negative strides: it refuses them" in found.sentence

    def writing(Y, grid, pair):
        Y[...] = Y
        return RIGHT.restrict(Y, grid, pair)

    found = outcome(Only(restrict=writing), "E7")
    assert (found.verdict, "read-only" in found.sentence) == ("FAIL", True)


def test_images_kept_under_their_address_are_found_in_other_layouts_although_addresses_come_again():
    class Images(Adapter):
        def __init__(self):
            super().__init__(Profile("mine", dimensions=(1,), pairs=("averaging-constant",), layout="NHWC"))
            self.kept = {}

        def restrict(self, Y, grid, pair):
            mine = self.kept.setdefault(Y.__array_interface__["data"], Y.copy())
            return (mine[:, 0::2] + mine[:, 1::2]) / 2

    assert outcome(Images(), "E4").verdict == "FAIL"


def test_without_any_operation_nothing_was_tested():
    with pytest.raises(NotImplementedError):
        outcome(Adapter(Profile("nothing yet")), "E4")
