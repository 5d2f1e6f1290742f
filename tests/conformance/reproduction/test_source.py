"""Every oracle says what refms computes, under all conventions that a profile can declare."""

from __future__ import annotations

import inspect
import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from drawn_calls import drawn_arguments
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.conformance import Profile
from refms.conformance.adapters.adapter import Adapter
from refms.conformance.adapters.profile import ACTIVATIONS, BOUNDARIES, LAYOUTS, ORIENTATIONS, REDUCTIONS
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.instance import Instance
from refms.conformance.mutants.conventions import as_declared
from refms.conformance.operations import OPERATIONS, OPTIONAL
from refms.conformance.reproduction.judging import AdapterCall
from refms.conformance.reproduction.source import _DEFINED, JUDGED
from refms.definition.transfer import PAIRS

WITHOUT = OPTIONAL["optimization"] | {
    "hessian",
    "conjugate_gradients",
    "line_search",
    "newton_step",
    "block_step",
    "subsample",
    "draw_windows",
    "subsampled_gauss_newton",
}
"""Their results do not follow from their arguments alone, they take functions or many steps, or need two
complex steps at once: failure scripts of these carry the call and no oracle."""

ENTRY_BY_ENTRY = {
    "gradient",
    "gauss_newton",
    "jacobian_transpose",
    "regularized_gradient",
    "regularized_gauss_newton",
} | {f"{name}_gradient" for name in ("midpoint", "rk4", "leapfrog", "verlet")}
"""Their oracles make a complex step for every parameter."""

CONVENTIONS = [
    Profile(
        "theirs",
        dtype=dtype,
        stencil_sizes=(1, 3, 5),
        boundaries=BOUNDARIES,
        orientation=orientation,
        pairs=tuple(PAIRS),
        layout=layout,
        activations=ACTIVATIONS,
        volume_weighted=weighted,
        reduction=reduction,
    )
    for dtype, orientation, layout, weighted, reduction in itertools.product(
        ("float64", "float32"), ORIENTATIONS, LAYOUTS, (True, False), REDUCTIONS
    )
]


@st.composite
def drawn(draw):
    """Return a profile and an instance of any kind within it, small enough for complex steps."""
    profile = draw(st.sampled_from(CONVENTIONS))
    d = draw(st.integers(1, 3))
    most = {1: 5, 2: 3, 3: 2}[d]
    return profile, Instance(
        grid=tuple(2 * draw(st.integers(1, most)) for _ in range(d)),
        stencil=tuple(draw(st.sampled_from((1, 3, 5) if d < 3 else (1, 3))) for _ in range(d)),
        c_in=draw(st.integers(1, 2)),
        c_out=draw(st.integers(1, 2)),
        examples=draw(st.integers(1, 2)),
        classes=draw(st.integers(2, 3)),
        layers=draw(st.integers(1, 2)),
        boundary=draw(st.sampled_from(BOUNDARIES)),
        pair=draw(st.sampled_from(tuple(PAIRS))),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        final_time=draw(st.sampled_from((0.5, 1.0, 2.0))),
        dtype=profile.dtype,
        seed=draw(st.integers(0, 10_000)),
        volume_weighted=profile.volume_weighted,
    )


def test_only_what_has_no_one_right_result_has_no_oracle():
    assert set(OPERATIONS) == set(JUDGED) | WITHOUT
    assert not set(JUDGED) & WITHOUT


def test_no_argument_has_the_name_of_a_function_that_scripts_carry():
    """Else the function would stand where the argument was."""
    arguments = {one.name for name in JUDGED for one in OPERATIONS[name].arguments}
    assert arguments & set(_DEFINED) == set()


def asked(profile, operation, x):
    """Return the call of an adapter with random arguments."""
    given = drawn_arguments(operation, profile, x, soft_labels=True)
    return AdapterCall.through_gate(profile, operation, given)


def right(profile):
    """Return refms as a profile declares it."""
    return as_declared(ReferenceAdapter(profile=profile))


def agrees(operation, profile, x):
    call = asked(profile, operation, x)
    assert call.expect() is not None
    assert call.judge(right(profile)) is None


@pytest.mark.parametrize("operation", sorted(set(JUDGED) - ENTRY_BY_ENTRY))
@settings(max_examples=15)
@given(case=drawn())
def test_the_oracle_agrees_with_refms_under_all_conventions(operation, case):
    agrees(operation, *case)


@pytest.mark.parametrize("operation", sorted(ENTRY_BY_ENTRY))
@settings(max_examples=6)
@given(case=drawn())
def test_derivatives_entry_by_entry_agree_with_refms_under_all_conventions(operation, case):
    profile, x = case
    if math.prod(x.stencil) > 5:
        x = replace(x, stencil=(3, *(1,) * (x.d - 1)), c_in=1, layers=1)
    agrees(operation, profile, x)


@pytest.mark.parametrize("operation", sorted(JUDGED))
def test_the_oracle_would_see_a_mistake(operation):
    """The test above can fail: the adapter is wrong by a thousandth of the largest number."""

    class Off(Adapter):
        def __getattribute__(self, name):
            if name != operation:
                return super().__getattribute__(name)
            return lambda *given: off(getattr(right(profile), operation)(*given))

    def off(found):
        if isinstance(found, dict):
            return {key: off(array) for key, array in found.items()}
        dense = found.toarray() if hasattr(found, "toarray") else found
        return dense + 1e-3 * (np.abs(dense).max() or 1.0)

    profile = Profile("theirs", pairs=("averaging-bilinear",))
    x = Instance((4,), (3,), 2, 1, 2, 2, 1, "periodic", "averaging-bilinear", "tanh", 1.0, "float64", 3)
    found = asked(profile, operation, x).judge(Off(profile))
    assert found is not None
    assert found.kind == "values"
    assert found.size > 1e6


@pytest.mark.parametrize("profile", [CONVENTIONS[0], CONVENTIONS[-1]], ids=["first", "last"])
@pytest.mark.parametrize("operation", sorted(JUDGED))
def test_an_oracle_takes_what_the_adapter_takes_and_needs_numpy_alone(operation, profile):
    x = Instance((4, 4), (3, 3), 2, 2, 1, 2, 1, "zero", "nearest", "smoothed_relu", 1.0, profile.dtype, 0)
    text = asked(profile, operation, x).oracle
    assert len(text.splitlines()) <= 160
    assert max(map(len, text.splitlines())) <= 110
    assert "refms" not in text
    imported = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert set(imported) <= {"import itertools", "import math", "from fractions import Fraction"}
    namespace = {"np": np}
    exec("from __future__ import annotations\n" + text, namespace)
    wanted = list(inspect.signature(getattr(Adapter, operation)).parameters)[1:]
    assert list(inspect.signature(namespace["oracle"]).parameters) == wanted


def test_a_kink_is_not_judged():
    profile = Profile("theirs", activations=("relu",))

    class OneAtZero(Adapter):
        def activation_derivative(self, Z, name):
            return np.where(Z >= 0, 1.0, 0.0)

    theirs, name = OneAtZero(profile), "activation_derivative"
    at_zero, elsewhere = (
        AdapterCall(profile, name, {"Z": np.array(z), "name": "relu"}) for z in ([-1.0, 0.0], [-1.0, 2.0])
    )
    assert theirs.activation_derivative(*at_zero.arguments.values()).tolist() == [0.0, 1.0]
    assert at_zero.expect() is None
    assert at_zero.judge(theirs) is None
    assert elsewhere.judge(theirs) is None
