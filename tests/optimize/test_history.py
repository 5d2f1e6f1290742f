import dataclasses
import math

import numpy as np
import pytest

from refms.errors import InputError
from refms.optimize import History, HistoryRow

ROW = HistoryRow(
    iteration=2,
    block="Größe",
    status="accepted",
    objective_before=2.0,
    objective=1 / 3,
    gradient_norm=1e-3,
    cg_iterations=7,
    cg_residual=9e-3,
    cg_status="",
    step_length=0.5,
    evaluations=3,
    work_units=1.5,
    seconds=0.25,
    extra={"train_accuracy": 0.75},
)
HISTORY = History((ROW, dataclasses.replace(ROW, iteration=3, block="b", extra={"loss": 0.1}), ROW))


def test_columns_and_back_is_the_same_history():
    assert History.from_columns(HISTORY.columns()) == HISTORY
    assert History.from_columns(History().columns()) == History()
    texts = {k: np.char.decode(v) if v.dtype.kind == "S" else v for k, v in HISTORY.columns().items()}
    assert History.from_columns(texts) == HISTORY


def test_columns_have_the_types_of_a_file():
    columns = HISTORY.columns()
    assert columns["iteration"].dtype == "int64"
    assert columns["objective"].dtype == "float64"
    assert columns["block"].dtype.kind == "S"
    assert columns["extra/train_accuracy"].tolist()[::2] == [0.75, 0.75]
    assert math.isnan(columns["extra/train_accuracy"][1])
    assert all(len(column) == 3 for column in columns.values())


def test_a_line_holds_every_number_once_and_splits_into_words():
    line = dataclasses.replace(ROW, block="two words").text()
    words = dict(word.split("=") for word in line.split(" "))
    assert "\n" not in line
    assert set(words) == {f.name for f in dataclasses.fields(ROW)} - {"extra"} | {"train_accuracy"}
    assert float(words["objective"]) == pytest.approx(1 / 3, rel=1e-8)
    assert words["block"] == "two-words"
    assert words["cg_status"] == "none"
    assert HISTORY.text().count("\n") == 2


@pytest.mark.parametrize("change", ["missing", "unknown", "short"])
def test_wrong_columns_are_refused(change):
    columns = HISTORY.columns()
    if change == "missing":
        del columns["seconds"]
    elif change == "unknown":
        columns["colour"] = columns["seconds"]
    else:
        columns["seconds"] = columns["seconds"][:2]
    with pytest.raises(InputError, match="history columns"):
        History.from_columns(columns)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("objective", np.ones(3) * 1j),
        ("iteration", np.full(3, 1.5)),
        ("extra/accuracy", np.ones(3) * 1j),
        ("seconds", np.array([b"x"] * 3)),
    ],
)
def test_columns_of_other_kinds_of_numbers_are_refused(name, column):
    columns = {**HISTORY.columns(), name: column}
    with pytest.raises(InputError, match=f"history column '{name}' has dtype"):
        History.from_columns(columns)
