import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.errors import InputError
from refms.io import Artifact, attribute_differences, describe, first_difference


def golden(**arrays):
    return Artifact(
        "golden", {}, {name.replace("_", "/"): np.asarray(array) for name, array in arrays.items()}
    )


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 11),
    st.sampled_from(["float32", "float64", "complex64", "int64", "uint8"]),
)
def test_one_changed_value_is_found_at_its_index(seed, position, dtype):
    array = np.random.default_rng(seed).integers(0, 100, (3, 4)).astype(dtype)
    changed = array.copy()
    changed.flat[position] += 3
    difference = first_difference(golden(x=array), golden(x=changed))
    assert difference.index == divmod(position, 4)
    assert (difference.reason, difference.deviation, difference.count) == ("values", 3.0, 1)
    assert first_difference(golden(x=array), golden(x=changed), atol=3.0) is None
    assert first_difference(golden(x=array), golden(x=array)) is None


def test_layers_are_gone_through_in_the_order_of_their_numbers():
    a = golden(layer_2=np.zeros(2), layer_10=np.zeros(2), layer_1=np.zeros(2))
    b = golden(layer_2=np.ones(2), layer_10=np.ones(2), layer_1=np.zeros(2))
    assert first_difference(a, b).name == "layer/2"


def test_the_first_difference_in_an_array_and_the_largest_one_are_told_apart():
    difference = first_difference(golden(x=[0.0, 1.0, 2.0]), golden(x=[0.0, 1.5, 7.0]))
    assert difference.index == (1,)
    assert difference.deviation == 5.0
    assert difference.count == 2
    assert "1.0 against 1.5" in difference.sentence


def test_tolerances_are_symmetric_and_relative_to_the_larger_value():
    a, b = golden(x=[1.0, 100.0]), golden(x=[1.0, 110.0])
    for left, right in ((a, b), (b, a)):
        assert first_difference(left, right, rtol=10 / 110) is None
        assert first_difference(left, right, rtol=10 / 111).index == (1,)


def test_missing_arrays_shapes_and_dtypes_are_differences():
    cases = [
        (golden(x=np.zeros(2)), golden(y=np.zeros(2)), "missing"),
        (golden(x=np.zeros(2)), golden(x=np.zeros((2, 1))), "shape"),
        (golden(x=np.zeros(2)), golden(x=np.zeros(2, dtype=np.float32)), "dtype"),
    ]
    for a, b, reason in cases:
        difference = first_difference(a, b, rtol=1.0)
        assert (difference.reason, difference.name, difference.deviation) == (reason, "x", np.inf)
    assert "second" in first_difference(*cases[0][:2]).sentence


def test_nan_equals_nan_and_infinity_itself_but_nothing_else():
    special = golden(x=[np.nan, np.inf, -np.inf])
    assert first_difference(special, golden(x=[np.nan, np.inf, -np.inf])) is None
    assert first_difference(special, golden(x=[0.0, np.inf, -np.inf]), rtol=1.0, atol=1.0).index == (0,)
    assert first_difference(special, golden(x=[np.nan, 1.0, -np.inf]), atol=1.0).deviation == np.inf
    assert first_difference(special, golden(x=[np.nan, np.inf, np.inf]), atol=1.0).index == (2,)


def test_large_integers_that_round_to_one_float_still_differ():
    assert first_difference(golden(x=np.array([2**53])), golden(x=np.array([2**53 + 1]))).index == (0,)


def test_unsigned_bytes_do_not_wrap_around():
    a, b = golden(x=np.array([0], dtype=np.uint8)), golden(x=np.array([255], dtype=np.uint8))
    assert first_difference(a, b).deviation == 255.0
    assert first_difference(a, b, atol=1.0) is not None


@pytest.mark.parametrize("tolerance", [-1.0, np.nan, np.inf])
def test_tolerances_that_mean_nothing_are_refused(tolerance):
    with pytest.raises(InputError, match="rtol"):
        first_difference(golden(), golden(), rtol=tolerance)
    with pytest.raises(InputError, match="atol"):
        first_difference(golden(), golden(), atol=tolerance)


def test_attributes_are_compared_by_their_dotted_names():
    a = Artifact("model", {"seed": 3, "solver": {"steps": 1, "name": "bcd"}}, {})
    b = Artifact("history", {"seed": 3, "solver": {"steps": 2, "name": "bcd"}, "more": None}, {})
    assert attribute_differences(a, b) == (
        'kind: "model" against "history"',
        "more: nothing against null",
        "solver.steps: 1 against 2",
    )
    assert attribute_differences(a, a) == ()


def test_a_description_names_everything_and_nothing_a_terminal_obeys():
    arrays = {
        "layer/10": np.array([1.0, np.nan]),
        "layer/2": np.zeros((0, 2)),
        "spectrum": np.array([3 + 4j]),
        "lost": np.array([np.inf]),
        "count": np.int64(7),
    }
    lines = describe(Artifact("model", {"name": "\x1b[31mred", "a": {"b": 1, "c": {}}}, arrays))
    assert lines[0].startswith("model, sha256:")
    assert lines[1:4] == ("a.b = 1", "a.c = {}", 'name = "\\u001b[31mred"')
    assert [line.split()[0] for line in lines[4:]] == ["count", "layer/2", "layer/10", "lost", "spectrum"]
    assert lines[4].endswith("7 … 7")
    assert lines[5].endswith("empty")
    assert lines[6].endswith("1 … 1, 1 not finite")
    assert lines[7].endswith("no finite value, 1 not finite")
    assert lines[8].endswith("modulus 5 … 5")
