"""The doors: what they let in, and what their sentences say about what they keep out."""

import copy
import dataclasses
import decimal
import fractions
import math
import pickle

import numpy as np
import pytest

from refms.errors import (
    FileError,
    InputError,
    SingularTransferError,
    precision,
    presentable,
    require_choice,
    require_same_precision,
    require_shape,
    require_whole,
    require_whole_fields,
)

SINGLE, DOUBLE = ("float32", "complex64"), ("float64", "complex128")


@pytest.mark.parametrize(("dtypes", "name"), [(SINGLE, "single"), (DOUBLE, "double")])
def test_precision_has_two_values(device, dtypes, name):
    for dtype in dtypes:
        assert precision(device.array(np.zeros(1, dtype))) == name


@pytest.mark.parametrize("dtype", ["float16", "int32", "int64", "uint8", "bool", "longdouble", "U3"])
def test_other_dtypes_are_never_converted_silently(dtype):
    with pytest.raises(InputError, match=r"weights has dtype .*weights\.astype"):
        precision(np.zeros(1, dtype), "weights")


def test_real_and_complex_of_one_precision_may_meet():
    for dtypes in (SINGLE, DOUBLE):
        first, second = (np.zeros(1, dtype) for dtype in dtypes)
        require_same_precision(S=first, Y=second)
    require_same_precision()


@pytest.mark.parametrize(
    "dtypes", [("float32", "float64"), ("complex64", "float64"), ("float32", "complex128")]
)
def test_mixed_precision_is_refused_by_name(dtypes):
    S, Y = (np.zeros(1, dtype) for dtype in dtypes)
    with pytest.raises(InputError, match=f"S is {dtypes[0]}, Y is {dtypes[1]}"):
        require_same_precision(S=S, Y=Y)


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [((3,), (4,)), ((3, 2), (3,)), ((3,), (3, None)), ((3, 0), (3, None)), ((0,), (None,)), ((2, 3), (3, 2))],
)
def test_shapes_that_do_not_fit_are_told(shape, wanted):
    with pytest.raises(InputError) as caught:
        require_shape(np.zeros(shape), wanted, "Y", "(rows, examples)")
    message = str(caught.value)
    assert message.startswith(f"Y has shape {shape}; expected (")
    assert message.endswith(" = (rows, examples).")
    assert ("any >= 1" in message) == (None in wanted)


@pytest.mark.parametrize(
    ("value", "hint"),
    [("periodc", " Did you mean 'periodic'?"), ("Zero", " Did you mean 'zero'?"), ("xyz", "")],
)
def test_a_wrong_choice_gets_the_nearest_match(value, hint):
    with pytest.raises(InputError) as caught:
        require_choice(value, ["periodic", "zero"], "boundary")
    assert str(caught.value) == f"unknown boundary {value!r}; expected one of 'periodic', 'zero'.{hint}"


@pytest.mark.parametrize("value", [None, 3, ("zero",)])
def test_a_choice_that_is_no_word_is_refused(value):
    with pytest.raises(InputError, match="unknown boundary"):
        require_choice(value, ["periodic", "zero"], "boundary")


def test_what_a_file_says_of_itself_cannot_speak_to_the_terminal():
    said = str(FileError("holds '\x1b[2J\r\n\udcff' and ä"))
    assert said == r"holds '\x1b[2J\r\n\udcff' and ä"
    assert said.isprintable()


@pytest.mark.parametrize("letter", ["a", "\x00", "\U0010ffff"])
def test_a_message_stays_short_and_keeps_its_end(letter):
    said = str(FileError(letter * 10**6 + ". Take another copy."))
    assert len(said) <= 1000
    assert said.endswith("Take another copy.")
    assert presentable(said) == said


@pytest.mark.parametrize("three", [3, np.int64(3), np.uint8(3), 3.0, np.float32(3), fractions.Fraction(3)])
def test_whole_numbers_of_any_kind_become_python_ints(three):
    @dataclasses.dataclass(frozen=True)
    class Steps:
        layers: int
        seed: int = 0

        def __post_init__(self):
            require_whole_fields(self, layers=1, seed=0)

    for found in (require_whole(three, "layers", 1), Steps(three).layers, Steps(1, three).seed):
        assert (type(found), found) == (int, 3)
    with pytest.raises(InputError, match="layers is 0; expected 1 or more, a whole number"):
        Steps(0)


NO_COUNTS = {
    "bools": [True, np.True_],
    "fractions": [1.5, np.float64(1.5), math.nan],
    "out of range": [-1, 11, 1e300, 10**5000, math.inf, -math.inf],
    "no numbers": ["3", None, 3 + 0j, [3], np.array(3), np.array([3]), decimal.Decimal(3)],
}


@pytest.mark.parametrize("kind", NO_COUNTS)
def test_what_is_no_count_is_refused(kind):
    for value in NO_COUNTS[kind]:
        with pytest.raises(InputError, match=r"iterations is .*; expected 0 to 10, a whole number"):
            require_whole(value, "iterations", most=10)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_errors_reach_other_processes_with_all_they_say(again):
    for kind in (InputError, FileError):
        error = kind("what it was")
        assert (type(again(error)), str(again(error))) == (kind, "what it was")
    singular = again(SingularTransferError("no way up", rank=3, size=5, condition=math.inf))
    assert isinstance(singular, SingularTransferError)
    assert (str(singular), singular.rank, singular.size) == ("no way up", 3, 5)
    assert singular.condition == math.inf
