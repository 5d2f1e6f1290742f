"""A failure becomes a script that shows it: 1 on the wrong implementation, 0 on the right one."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from refms.conformance import PROPERTIES, Adapter, Profile
from refms.conformance.adapters.around import Around
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.layouts import in_layout
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.domain import admits, instances
from refms.conformance.measures.outcome import holds
from refms.conformance.mutants import MUTANTS, mutant_named
from refms.conformance.property import family
from refms.conformance.reproduction import MARK, Patience, name_adapter, reproduce
from refms.conformance.reproduction.calls import right_under
from refms.conformance.reproduction.script import PLACEHOLDER
from refms.conformance.reproduction.source import JUDGED
from refms.conformance.runner import examine

CATALOGUE = {item.id: item for item in PROPERTIES}


def right(profile, mutant=None):
    """Return refms as a profile declares it, with a mistake if one is given."""
    columns = right_under(profile)
    made = mutant.around(columns) if mutant else columns
    return made if profile.layout == "columns" else in_layout(made, profile.layout)


def failing(adapter, *items):
    """Return a gate, a property that fails and an instance on which it does."""
    gate = Gate(adapter)
    return next(
        (gate, item, case)
        for item in items
        for case in instances(item.domain, gate.profile, 12, 0)
        if examine(gate, item, case).verdict == "FAIL"
    )


def ended(script, adapter, capsys):
    """Run a script in this process with an adapter in the place of the placeholder."""
    assert script.count(PLACEHOLDER) == 1
    namespace = {"adapter": adapter, "__name__": "script"}
    try:
        exec(compile(script.replace(PLACEHOLDER, ""), "script", "exec"), namespace)
    except SystemExit as done:
        return int(done.code or 0), capsys.readouterr().out
    return 0, capsys.readouterr().out


NAMED = [
    ("C9", "kernel flipped on all axes"),
    ("C1", "first and last axis of the kernel exchanged"),
    ("C3", "zero boundary where periodic was asked for"),
    ("C12", "periodic boundary where zero was asked for"),
    ("C1", "images rounded to half the digits"),
    ("C14", "adjoint without the flip"),
    ("C8", "stencil gradient averaged over the examples"),
    ("C2", "entries of the matrix that meet overwrite each other"),
    ("T1", "R sums where it should average"),
    ("T2", "P one fine cell too far along the last axis"),
    ("G1", "coarse stencil flipped"),
    ("G2", "fine stencil from a regularised inverse"),
    ("N4", "step δt = T/(N+1), the index slip"),
    ("N9", "layers in reverse order"),
    ("N10", "σ′ too large by 0.1 %"),
    ("D1", "layers copied in place of interpolated"),
    ("H2", "h^d missing in the logits"),
    ("H3", "1/m missing in loss and gradient"),
    ("S2", "cross entropy in logarithms to base two"),
    ("S10", "labels taken to sum to one in the gradient"),
    ("S9", "softmax Hessian diag p without −ppᵀ"),
    ("O1", "gradient of the biases left out"),
    ("O3", "biases forgotten in the Jacobian"),
    ("O3", "δt missing in the transposed Jacobian of the stencils"),
    ("O4", "Gauss-Newton product with diag p in place of diag p − ppᵀ"),
    ("R1", "h^d missing in the smoothness of W"),
    ("R4", "δt missing in the smoothness in time"),
    ("R1", "sign of the gradient of the smoothness of W"),
]

PROFILES = [
    reference_profile("theirs"),
    replace(
        reference_profile("theirs", "float32"),
        layout="NHWC",
        orientation="convolution",
        reduction="sum",
        volume_weighted=False,
    ),
    replace(reference_profile("theirs"), layout="NCHW", boundaries=("zero", "periodic")),
]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda one: f"{one.layout}-{one.dtype}")
@pytest.mark.parametrize(("id_", "name"), NAMED)
def test_a_wrong_call_becomes_a_short_script_that_knows_right_from_wrong(id_, name, profile, capsys):
    mutant = mutant_named(name)
    if name == "h^d missing in the logits" and not profile.volume_weighted:
        pytest.skip("here it is no mistake")
    wrong = right(profile, mutant)
    gate, item, case = failing(wrong, CATALOGUE[id_])
    found = reproduce(gate, item, case)
    operation = found.sentence.split(",")[0].split("[")[0]
    assert operation in mutant.changes
    assert "first differing index (" in found.sentence
    assert f"adapter.{operation}(" in found.script
    code, printed = ended(found.script, wrong, capsys)
    assert code == 1
    assert "first differing index (" in printed
    assert "got" in printed
    assert "expected" in printed
    code, printed = ended(found.script, right(profile), capsys)
    assert code == 0
    assert printed.splitlines()[-1] == "no entry differs"
    assert len(found.script.splitlines()) < 180
    assert found.script.startswith(MARK)
    assert admits(item.domain, profile, found.instance)


SINGLE = [
    one for one in MUTANTS if set(one.changes) <= {*JUDGED} and one.family not in ("state", "determinism")
]
"""Mistakes that a single call shows."""


@pytest.mark.parametrize("mutant", SINGLE[::8], ids=lambda one: one.name)
def test_every_kind_of_mistake_has_a_script(mutant, capsys):
    wrong = mutant.around(ReferenceAdapter())
    touched = (item for item in PROPERTIES if set(item.operations) & set(mutant.changes))
    gate, item, case = failing(
        wrong, *sorted(touched, key=lambda one: (one.family != mutant.family, one.cost))
    )
    found = reproduce(gate, item, case, Patience(seconds=0.5))
    assert ended(found.script, wrong, capsys)[0] == 1
    assert ended(found.script, ReferenceAdapter(), capsys)[0] == 0


def test_the_smallest_cases_are_delta_images_and_unit_stencils(capsys):
    wrong = mutant_named("kernel flipped on all axes").around(ReferenceAdapter())
    found = reproduce(*failing(wrong, CATALOGUE["C9"]))
    assert found.instance.grid == found.instance.stencil == (3,)
    assert 'S = np.array([[[1, 0, 0]]], "float64")' in found.script
    assert 'Y = np.array([[1], [0], [0]], "float64")' in found.script
    assert found.sentence == "convolution, first differing index (1, 0): got 0, expected 1"
    page = Path(__file__).parents[3] / "scripts" / "site" / "adapter.md"
    assert f"```text\n{ended(found.script, wrong, capsys)[1]}```" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("id_", "name"),
    [
        ("O9", "β = 0 in CG, steepest descent"),
        ("O11", "any decrease accepted by the line search"),
        ("O13", "half of the Newton step"),
        ("O12", "a block step uphill"),
    ],
)
def test_where_no_single_call_is_wrong_the_property_is_replayed(id_, name, capsys):
    wrong = mutant_named(name).around(ReferenceAdapter())
    found = reproduce(*failing(wrong, CATALOGUE[id_]))
    assert found.sentence == ""
    assert "examine(Gate(adapter), item, instance)" in found.script
    assert f"# formula: {CATALOGUE[id_].statement[:30]}" in found.script
    code, printed = ended(found.script, wrong, capsys)
    assert code == 1
    assert printed.startswith("FAIL ")
    assert ended(found.script, ReferenceAdapter(), capsys)[0] == 0


class Mine(ReferenceAdapter):
    """Right in every call."""


def test_a_relation_does_not_shrink_to_where_refms_fails_too():
    def check(gate, x):
        yield holds(type(gate.adapter) is not Mine and x.cells > 1, "it is not mine", "it is")

    item = family("demonstration")("demo1", "", "-")(check)
    case = instances(item.domain, reference_profile(), 1, 0)[0]
    found = reproduce(Gate(Mine()), item, case)
    assert found.instance.grid == (2,)
    assert 'item = ...  # put the property "demo1" here' in found.script.replace("'", '"')


def restricting(change):
    """Return refms with a change of what R gives, and perhaps of the image."""

    def changed(name, operation, *arguments):
        found = operation(*arguments)
        return change(found, arguments[0]) if name == "restrict" else found

    return Around(ReferenceAdapter(), changed)


def raises(found, Y):
    raise ValueError("no\nimport os")


def overwrites(found, Y):
    Y[:] = 0
    return found


def ends(found, Y):
    raise SystemExit(0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (raises, "restrict raises ValueError: no"),
        (lambda found, Y: found.astype("float32"), "restrict has dtype float32, expected float64"),
        (lambda found, Y: found.reshape(-1), "restrict has shape (1,), expected (1, 1)"),
        (overwrites, "restrict modifies an argument, first differing index (0, 0): got 0, expected 1"),
        (lambda found, Y: None, "restrict has shape (), expected (1, 1)"),
        (lambda found, Y: np.nan * found, "restrict, first differing index (0, 0): got nan, expected 0"),
    ],
)
def test_misbehaviour_has_a_script_too(change, sentence, capsys):
    adapter = restricting(change)
    found = reproduce(*failing(adapter, CATALOGUE["T1"]))
    assert found.sentence.startswith(sentence)
    if change is raises:
        assert "\nimport os" not in found.script  # what an exception says stays in its comment
        with pytest.raises(ValueError, match="no"):
            ended(found.script, adapter, capsys)
    else:
        assert ended(found.script, adapter, capsys)[0] == 1
    assert ended(found.script, ReferenceAdapter(), capsys)[0] == 0


def test_an_adapter_that_ends_python_with_0_still_ends_its_script_with_1(capsys):
    found = reproduce(*failing(restricting(ends), CATALOGUE["T1"]))
    code, printed = ended(found.script, restricting(ends), capsys)
    assert code == 1
    assert "SystemExit" in printed


def test_what_should_be_refused_is_shown_to_be_accepted(capsys):
    wrong = mutant_named("odd rows at the end dropped by R").around(ReferenceAdapter())
    found = reproduce(*failing(wrong, CATALOGUE["T8"]))
    assert found.sentence == "restrict returns a result where it should raise"
    code, printed = ended(found.script, wrong, capsys)
    assert code == 1
    assert "expected an error" in printed
    code, printed = ended(found.script, ReferenceAdapter(), capsys)
    assert code == 0
    assert "refused, as it should be" in printed


class Waking(ReferenceAdapter):
    """Wrong in its first three calls, right from then on."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def restrict(self, Y, grid, pair):
        self.calls += 1
        return super().restrict(Y, grid, pair) * (2 if self.calls <= 3 else 1)


def test_what_is_not_always_wrong_is_replayed():
    item = CATALOGUE["T1"]
    case = instances(item.domain, reference_profile(), 1, 0)[0]
    found = reproduce(Gate(Waking()), item, case, Patience(checks=0))
    assert found.sentence == ""
    assert "examine(" in found.script


def test_without_patience_the_case_stays_as_it_is():
    wrong = mutant_named("R sums where it should average").around(ReferenceAdapter())
    gate, item, case = failing(wrong, CATALOGUE["T1"])
    assert reproduce(gate, item, case, Patience(checks=0)).instance == case
    assert reproduce(gate, item, case, Patience(seconds=0.0)).instance == case


class Late(Adapter):
    """Right, but for kernels of which the last entry is large."""

    def __init__(self):
        super().__init__(Profile("late", dimensions=(1,), stencil_sizes=(3,)))
        self.right = right_under(self.profile)

    def convolution(self, S, Y, grid, boundary):
        found = self.right.convolution(S, Y, grid, boundary)
        return found + (1 if np.abs(S[..., -1]).max() > 0.5 else 0)


def test_only_what_the_mistake_needs_is_left():
    found = reproduce(*failing(Late(), CATALOGUE["C1"]))
    assert 'S = np.array([[[0, 0, 1]]], "float64")' in found.script
    assert 'Y = np.array([[0]], "float64")' in found.script


THEIRS = """
from refms.conformance.mutants import mutant_named
from refms.conformance.adapters.reference import ReferenceAdapter

def Wrong(dtype):
    return mutant_named({name!r}).around(ReferenceAdapter(dtype=dtype))

def Right(dtype):
    return ReferenceAdapter(dtype=dtype)
"""


@pytest.mark.parametrize(
    ("id_", "name", "dtype"),
    [
        ("C9", "kernel flipped on all axes", "float64"),
        ("O1", "gradient too large by 0.1 %", "float32"),
    ],
)
def test_the_script_runs_by_itself(id_, name, dtype, tmp_path):
    gate, item, case = failing(mutant_named(name).around(ReferenceAdapter(dtype=dtype)), CATALOGUE[id_])
    (tmp_path / "theirs.py").write_text(THEIRS.format(name=name), encoding="utf-8")
    found = reproduce(gate, item, case)
    for spec, code in (("theirs.py:Wrong", 1), ("theirs:Right", 0)):
        script = tmp_path / "script.py"
        script.write_text(name_adapter(found.script, spec, dtype), encoding="utf-8")
        ran = subprocess.run(
            [sys.executable, script],
            cwd=tmp_path,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert ran.returncode == code, ran.stdout + ran.stderr
        assert ran.stderr == ""
        assert ("first differing index (" in ran.stdout) == (code == 1)


@pytest.mark.parametrize("spec", ['a"b\\.py:Mine', "new\nline.py:Mine", "ö.py:Mine"])
def test_a_name_stays_a_string(spec):
    script = name_adapter(f"import sys\n\n{PLACEHOLDER}\n", spec, "float64")
    heard = []

    class Heard:
        @staticmethod
        def adapter(dtype):
            return dtype

    def load(given):
        heard.append(given)
        return Heard

    exec(script.replace("from refms.conformance.adapters.loading import load", ""), {"load": load})
    assert heard == [spec]
