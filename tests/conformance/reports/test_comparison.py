"""Reports read back and compared: what is worse, and what is no report."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings

from refms.cli.main import main
from refms.conformance import PROPERTIES, run
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.reports.comparison import ABSENT, Change, compare, notable
from refms.conformance.reports.report import VERDICTS
from refms.conformance.reports.saved import LONGEST_FILE, SavedRow, read_reports
from refms.errors import FileError
from refms.strategies import corrupt_files


def report(rows, /, **others):
    listed = [{"id": id_, "verdict": verdict, "rho": rho} for id_, (verdict, rho) in rows.items()]
    return {
        "profile": {"name": "mine", "dtype": "float64"},
        "tier": "quick",
        "seed": 0,
        "rows": listed,
    } | others


def text(*reports):
    return json.dumps({"reports": reports})


GOOD = report({"C1": ("PASS", 0.5), "C2": ("FAIL", "inf"), "C3": ("NOT RUN", None)})


@pytest.fixture
def read(tmp_path):
    def reader(content):
        path = tmp_path / "a.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_reports(path)

    return reader


def test_what_a_run_writes_is_read_back(read):
    made = run(ReferenceAdapter(), properties=PROPERTIES[:3])
    (found,) = read(text(made.to_dict()))
    assert (found.name, found.dtype, found.tier, found.seed) == ("refms on numpy", "float64", "quick", 0)
    assert {id_: (row.verdict, row.rho) for id_, row in found.rows.items()} == {
        row.id: (row.verdict, row.rho) for row in made.rows
    }
    assert read(text(GOOD))[0].rows["C2"] == SavedRow("FAIL", math.inf)


RANKED = {"PASS": 0, "MARGINAL": 1, "FAIL": 2}


@pytest.mark.parametrize("before", [*VERDICTS, "absent"])
@pytest.mark.parametrize("after", [*VERDICTS, "absent"])
def test_worse_is_failing_or_no_longer_tested(before, after):
    rows = [ABSENT if verdict == "absent" else SavedRow(verdict, 1.0) for verdict in (before, after)]
    change = Change("C1", "float64", *rows)
    if (before, after) == ("FAIL", "NOT APPLICABLE"):
        assert not change.worse
    elif before in RANKED:
        assert change.worse == (after not in RANKED or RANKED[after] > RANKED[before])
    else:
        assert change.worse == (after == "FAIL")
    assert change.changed == (before != after)
    assert not (change.better and change.worse)
    assert change.better == (change.changed and not change.worse and after in RANKED)


def test_precisions_and_properties_are_put_side_by_side(read):
    single = report({"C1": ("PASS", 1.0)}, profile={"name": "mine", "dtype": "float32"})
    other = report({"C1": ("PASS", 1.5), "C2": ("PASS", 2.0), "C4": ("FAIL", None)})
    found = {(one.id, one.dtype): one for one in compare(read(text(GOOD, single)), read(text(other)))}
    assert list(found) == [(f"C{k}", "float64") for k in (1, 2, 3, 4)] + [("C1", "float32")]
    assert found["C1", "float64"].ratio == 3
    assert notable(found["C1", "float64"])
    assert found["C2", "float64"].ratio is None
    assert found["C2", "float64"].sentence == "C2 float64: FAIL -> PASS, ρ inf -> 2"
    worse = [key for key, one in found.items() if one.worse]
    assert worse == [("C4", "float64"), ("C1", "float32")]


NO_REPORTS = {
    "empty": "",
    "binary": b"\xff\xfe\x00",
    "a list": "[]",
    "no reports": "{}",
    "none": text(),
    "too many": text(*[report({}, profile={"name": "m", "dtype": str(k)}) for k in range(17)]),
    "equal precisions": text(GOOD, GOOD),
    "no profile": text(report({}, profile=3)),
    "a number as name": text(report({}, profile={"name": 1, "dtype": "float64"})),
    "no rows": text(report({}, rows={"C1": "PASS"})),
    "a row that is none": text(report({}, rows=[None])),
    "an unknown verdict": text(report({"C1": ("FINE", 1.0)})),
    "a negative rho": text(report({"C1": ("PASS", -1.0)})),
    "a textual rho": text(report({"C1": ("PASS", "small")})),
    "an unhashable rho": text(report({"C1": ("PASS", [])})),
    "a boolean rho": text(report({"C1": ("PASS", True)})),
    "a name that stands twice": text(GOOD).replace('"FAIL"', '"FAIL", "verdict": "PASS"'),
    "a constant that is no JSON": text(report({}, others=0)).replace('"others": 0', '"others": NaN'),
    "NaN": text(report({"C1": ("PASS", math.nan)})),
    "an infinite rho": text(GOOD).replace("0.5", "1e999"),
    "an endless integer": text(GOOD).replace("0.5", "9" * 5000),
    "a long integer": text(GOOD).replace("0.5", "9" * 400),
    "a negative seed": text(report({}, seed=-1)),
    "the same row twice": text(report({}, rows=[GOOD["rows"][0]] * 2)),
    "too many rows": text(report({f"C{k}": ("PASS", None) for k in range(5000)})),
    "deep nesting": "[" * 100_000,
    "deep nesting inside": '{"reports": ' + "[" * 100_000,
}


@pytest.mark.parametrize("content", NO_REPORTS.values(), ids=NO_REPORTS)
def test_what_is_no_report_is_refused_in_a_sentence(read, content):
    with pytest.raises(FileError, match=r"is no report: .*; expected|is not valid JSON: ") as caught:
        read(content)
    assert len(str(caught.value)) < 1000


def test_files_that_are_missing_or_too_long_are_not_opened(tmp_path):
    with pytest.raises(FileError, match="cannot be read"):
        read_reports(tmp_path / "none.json")
    with open(tmp_path / "long.json", "wb") as file:
        file.truncate(LONGEST_FILE + 1)
    with pytest.raises(FileError, match="is longer than"):
        read_reports(tmp_path / "long.json")


def test_names_do_not_reach_the_terminal_as_they_are(read):
    (found,) = read(text(report({"\x1b[2J\n": ("PASS", None)}, tier="x" * 10_000)))
    assert list(found.rows) == ["\\x1b[2J\\n"]
    assert len(found.tier) == 200


@settings(max_examples=100)
@given(corrupt_files(text(GOOD, report({"C1": ("PASS", 1e-3)}, tier="full")).encode()))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "damaged.json"
    path.write_bytes(content)
    try:
        assert all(row.verdict in VERDICTS for one in read_reports(path) for row in one.rows.values())
    except FileError as error:
        assert str(path) in str(error)  # noqa: PT017 - most files are refused, but not all


def test_another_class_of_determinism_is_remarked_though_the_verdict_is_the_same(read, tmp_path, capsys):
    item = next(item for item in PROPERTIES if item.id == "E1")
    made = run(ReferenceAdapter(), properties=[item]).to_dict()
    (row,) = [row for row in made["rows"] if row["id"] == "E1"]
    assert row["notes"]["convolution"] == "bitwise"
    (before,) = read(text(made))
    row["notes"]["convolution"] = "within rounding"
    (after,) = read(text(made))
    changes = compare([before], [after])
    assert [remark for change in changes for remark in change.remarks] == [
        "E1 float64, convolution: bitwise -> within rounding"
    ]
    assert not any(change.changed for change in changes)
    assert not any(remark for change in compare([before], [before]) for remark in change.remarks)
    paths = [tmp_path / "before.json", tmp_path / "after.json"]
    other = json.loads(json.dumps(made))
    next(row for row in other["rows"] if row["id"] == "E1")["notes"]["convolution"] = "bitwise"
    for path, found in zip(paths, (other, made), strict=True):
        path.write_text(text(found), encoding="utf-8")
    assert main(["conform", "diff", *map(str, paths)]) == 0
    assert "E1 float64, convolution: bitwise -> within rounding" in capsys.readouterr().out


@pytest.mark.parametrize("notes", [[], {"a": 1}, dict.fromkeys(map(str, range(300)), "")])
def test_notes_that_are_none_are_refused(read, notes):
    given = report({"C1": ("PASS", 0.5)})
    given["rows"][0]["notes"] = notes
    with pytest.raises(FileError, match="is no report"):
        read(text(given))
