"""Repeats, threads and batch splits: what is bitwise, what is within ρ, and what is a failure."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace
from functools import partial
from xml.etree import ElementTree

import numpy as np
import pytest

from refms.conformance import PROPERTIES, Adapter, Profile, run, table
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.domain import instances
from refms.conformance.measures.determinism import CLASSES, call_at_once, classify, library_threads
from refms.conformance.measures.trials import Trial
from refms.conformance.mutants import mutant_named
from refms.conformance.operations import SPLIT, TRIED
from refms.conformance.reports.html import html_page
from refms.conformance.reports.junit import junit
from refms.conformance.reports.markdown import markdown
from refms.conformance.reports.summary import summarize
from refms.conformance.runner import check_property, examine

CATALOGUE = {item.id: item for item in PROPERTIES}
TRIAL = Trial("restrict", (), bound=1.0)


def outcome(adapter, id_, seed=0):
    """Return what a property finds on one instance."""
    item = CATALOGUE[id_]
    return examine(Gate(adapter), item, instances(item.domain, adapter.profile, 1, seed)[0])


def classes(found):
    return {note.subject: note.text for note in found.notes}


def noted(adapter, id_):
    found = outcome(adapter, id_)
    return found.verdict, classes(found)


class Only(Adapter):
    """The restriction of refms, with a change."""

    def __init__(self, change):
        super().__init__(reference_profile())
        self.change, self.right = change, ReferenceAdapter()

    def restrict(self, Y, grid, pair):
        return self.change(self.right.restrict(Y, grid, pair))


# -- classes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected", "verdict"),
    [
        (1.0, "bitwise", "PASS"),
        (1.0 + 2.0**-52, "within ρ", "PASS"),
        (1.0 + 29 * 2.0**-52, "within ρ", "PASS"),
        (1.0 + 31 * 2.0**-52, "neither", "FAIL"),
        (np.nan, "neither", "FAIL"),
    ],
)
def test_two_results_are_bitwise_within_rho_or_neither(value, expected, verdict):
    found = classify(TRIAL, (np.ones(2),), [(np.array([1.0, value]),)], 1.0, "float64", "again")
    assert (found.notes[0].text, found.verdict) == (expected, verdict)


def test_the_sign_of_zero_is_a_bit_and_nan_is_never_the_same():
    zero, nan = np.zeros(1), np.full(1, np.nan)
    assert classify(TRIAL, (zero,), [(-zero,)], 1.0, "float64", "-").notes[0].text == "within ρ"
    assert classify(TRIAL, (nan,), [(nan,)], 1.0, "float64", "-").verdict == "FAIL"


# -- threads -------------------------------------------------------------------------------------------------


def test_functions_are_called_at_the_same_time():
    meeting = threading.Barrier(3, timeout=600)

    def call(number):
        meeting.wait()  # would never return if one came after the other
        return (np.full(1, number),)

    found = call_at_once([lambda k=k: call(k) for k in range(3)], times=2)
    assert [[int(one[0][0]) for one in results] for results in found] == [[0, 0], [1, 1], [2, 2]]


def test_an_error_in_a_thread_is_raised_and_the_interval_is_as_before():
    before = sys.getswitchinterval()

    def broken():
        raise ValueError("not from here")

    sys.setswitchinterval(0.25)
    try:
        with pytest.raises(ValueError, match="not from here"):
            call_at_once([broken, lambda: (np.ones(1),)], times=1)
        assert sys.getswitchinterval() == 0.25
    finally:
        sys.setswitchinterval(before)


def test_division_by_zero_in_a_thread_is_no_warning():
    (found,) = call_at_once([lambda: (np.ones(1) / np.zeros(1),)], times=1)
    assert np.isinf(found[0][0])


def test_without_threadpoolctl_the_report_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert library_threads() is None
    verdict, notes = noted(Only(lambda found: found), "E2")
    assert verdict == "PASS"
    assert notes["threads of BLAS and OpenMP"] == "not varied, threadpoolctl is not installed"


def test_with_threadpoolctl_numbers_of_threads_are_varied():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    seen = set()

    def looking(found):
        seen.update(one["num_threads"] for one in threadpoolctl.threadpool_info())
        return found

    _, notes = noted(Only(looking), "E2")
    assert notes["threads of BLAS and OpenMP"] == "1 and 2"
    assert {1, 2} <= seen


# -- the properties ------------------------------------------------------------------------------------------


def test_the_reference_repeats_itself_bitwise_also_from_threads():
    for id_ in ("E1", "E2"):
        verdict, notes = noted(ReferenceAdapter(), id_)
        assert verdict == "PASS"
        assert {notes[name] for name in TRIED} == {"bitwise"}
    verdict, notes = noted(ReferenceAdapter(), "E3")
    assert verdict == "PASS"
    assert set(notes) == set(SPLIT)
    assert set(notes.values()) == {"bitwise", "within ρ"}


def views(*names):
    """Return an adapter with some operations, whose results lie in buffers that the next call overwrites."""
    adapter, kept = Adapter(reference_profile()), {}

    def called(name, *arguments):
        result = getattr(ReferenceAdapter(), name)(*arguments)
        old = kept.setdefault((name, str(getattr(result, "shape", ""))), result)
        for mine, new in zip(parts(old), parts(result), strict=True):
            mine[...] = new
        return old

    for name in names:
        setattr(adapter, name, partial(called, name))
    return adapter


def parts(result):
    if isinstance(result, dict):
        return list(result.values())
    return [result.data] if hasattr(result, "toarray") else [result]


def test_views_of_a_buffer_are_found_in_every_kind_of_result():
    names = ("convolution_matrix", "restrict", "logits", "gradient")
    found = outcome(views(*names), "E1")
    assert (found.verdict, classes(found)) == ("FAIL", dict.fromkeys(names, "neither"))
    assert "the next call overwrote one" in found.sentence


def test_views_of_a_buffer_are_found_in_other_layouts_and_through_dlpack():
    class Capsule:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **options):
            return self.array.__dlpack__()

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    class Images(Adapter):
        buffer = None

        def restrict(self, Y, grid, pair):
            found = (Y[:, :, 0::2] + Y[:, :, 1::2]) / 2
            if self.buffer is None or self.buffer.shape != found.shape:
                self.buffer = found
            self.buffer[...] = found
            return Capsule(self.buffer)

    images = Images(Profile("mine", dimensions=(1,), pairs=("averaging-constant",), layout="NCHW"))
    found = outcome(images, "E1")
    assert "results of restrict stay as they are: the next call overwrote one" in found.sentence


def test_rounding_that_differs_from_call_to_call_is_within_rho():
    generator = np.random.default_rng(0)
    verdict, notes = noted(
        Only(lambda found: found * (1 + generator.choice([0, 2.0**-52], found.shape))), "E1"
    )
    assert (verdict, notes) == ("PASS", {"restrict": "within ρ"})


@pytest.mark.parametrize(
    ("name", "id_", "operation"),
    [
        ("gradients added to those of earlier calls", "E1", "gradient"),
        ("first call of each shape computed less accurately", "E1", "logits"),
        ("results in an array that the next call overwrites", "E1", "convolution"),
        ("arguments kept where other threads put theirs", "E2", "convolution"),
        ("subsample drawn from a generator that threads share", "E2", "subsample"),
        ("features normalised over the batch", "E3", "forward"),
        ("last batch of the gradient counts like a full one", "E3", "gradient"),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_mistake_fails_and_is_in_no_other_operation(name, id_, operation, dtype):
    found = outcome(mutant_named(name).around(ReferenceAdapter(dtype=dtype)), id_)
    notes = classes(found)
    assert found.verdict == "FAIL"
    assert operation in found.sentence
    assert notes[operation] == "neither"
    others = set(TRIED) - {"restrict", operation}
    assert "neither" not in {notes[name] for name in others & set(notes)}


class Racing(Only):
    """Arguments put down in the adapter; with a lock this does no harm."""

    def __init__(self, lock):
        super().__init__(lambda found: found)
        self.lock = lock

    def restrict(self, Y, grid, pair):
        with self.lock:
            self.given = Y
            threading.Event().wait(1e-3)
            return super().restrict(self.given, grid, pair)


def test_a_race_is_found_and_a_lock_mends_it():
    class Open:
        def __enter__(self):
            pass

        def __exit__(self, *given):
            pass

    assert [outcome(Racing(Open()), "E2", seed).verdict for seed in range(5)] == ["FAIL"] * 5
    assert outcome(Racing(threading.Lock()), "E2").verdict == "PASS"


def test_one_operation_that_raises_hides_nothing_about_the_others():
    class Broken(ReferenceAdapter):
        def restrict(self, Y, grid, pair):
            raise RuntimeError("no device")

        def prolong(self, Y, grid, pair):
            raise NotImplementedError("next year")

    for id_ in ("E1", "E2", "E3"):
        found = outcome(Broken(), id_)
        notes = classes(found)
        assert found.verdict == "FAIL"
        assert "RuntimeError: no device" in found.sentence
        assert notes["restrict"] == "not told, it raises"
        assert "prolong" not in notes
        assert notes["convolution"] in CLASSES[:2]


def test_constant_results_and_results_that_ignore_their_arguments_prove_nothing():
    assert "nothing was tested" in outcome(Only(np.zeros_like), "E1").sentence
    assert "nothing was tested" in outcome(Only(np.zeros_like), "E3").sentence
    ignoring = Only(lambda found: np.arange(found.size, dtype=found.dtype).reshape(found.shape))
    assert "other ones give the same" in outcome(ignoring, "E1").sentence


def test_an_adapter_without_any_of_the_operations_is_not_implemented():
    class Stencils(ReferenceAdapter):
        def __getattribute__(self, name):
            if name in SPLIT:
                raise AttributeError(name)
            return super().__getattribute__(name)

    def row(adapter, id_):
        return check_property(Gate(adapter), CATALOGUE[id_], "quick", 0, explain=False)

    assert row(Adapter(Profile("nothing yet")), "E1").verdict == "NOT IMPLEMENTED"
    assert row(Stencils(), "E1").verdict == "PASS"
    found = row(Stencils(), "E3")
    assert found.verdict == "NOT IMPLEMENTED"
    assert "the adapter has no convolution, " in found.sentence


# -- reports -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report():
    chosen = [CATALOGUE[name] for name in ("E1", "E2", "E3")]
    return run(ReferenceAdapter(), properties=chosen)


def test_the_class_of_every_operation_stands_in_every_format(report):
    told = {one["id"]: one for one in json.loads(json.dumps(report.to_dict()))["rows"]}
    assert told["E1"]["notes"] == dict.fromkeys(TRIED, "bitwise")
    assert told["E3"]["notes"]["gradient"] == "within ρ"
    line = f"{', '.join(TRIED)}: bitwise"
    assert line.replace("_", "\\_") in markdown(summarize([report]))
    assert line in html_page(summarize([report]))
    (suite,) = ElementTree.fromstring(junit(summarize([report])))
    said = {case.get("name").split()[0]: case.findtext("system-out") for case in suite}
    assert said["E1"] == line
    assert said["C1"] is None


def test_the_headline_and_the_table_say_how_deterministic_it_is(report):
    assert report.headline.endswith("repeats bitwise, threads bitwise, batch splits within ρ")
    assert f"{len(TRIED)} operations: bitwise" in table([report])
    rows = tuple(replace(row, notes=(*row.notes, ("forward", "neither"))) for row in report.rows)
    worse = replace(report, rows=rows)
    assert "batch splits neither" in worse.headline
    assert "forward: neither" in table([worse])
    assert "repeats" not in run(ReferenceAdapter(), properties=[CATALOGUE["S6"]]).headline


def test_classes_of_several_instances_are_joined_to_the_worst():
    class Sometimes(Only):
        """One in three dimensions that is not the same again."""

        def restrict(self, Y, grid, pair):
            found = super().restrict(Y, grid, pair)
            self.calls = getattr(self, "calls", 0) + 1
            return found * (1 + (self.calls % 2) * 2.0**-52) if len(grid) == 2 else found

    adapter = Sometimes(lambda found: found)
    found = check_property(Gate(adapter), CATALOGUE["E1"], "full", 0)
    assert found.instances > 10
    assert dict(found.notes) == {"restrict": "within ρ"}
