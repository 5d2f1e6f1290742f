"""Reading results: what a file declares is checked, and what is wrong is a sentence."""

from __future__ import annotations

import json

import numpy as np
import plot_samples
import pytest

from refms.errors import FileError
from refms.plots import results
from refms.plots.results import read_result, runs_of


@pytest.mark.parametrize(
    "sample",
    [plot_samples.comparison, plot_samples.study, plot_samples.inspection, plot_samples.variance],
)
def test_results_are_read_as_they_were_written(tmp_path, sample):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(sample()), encoding="utf-8")
    assert read_result(path) == sample()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b"[" * 100000, "not valid JSON"),
        (b"[]", "says no 'kind'; expected a result of refms compare, study, inspect"),
        (b'{"a": 1}', "says no 'kind'"),
        (b'{"kind": 3}', "says no 'kind'"),
        (b'{"kind": "comprae"}', "Did you mean 'compare'"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_other_files_are_refused_with_their_name(tmp_path, content, sentence):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(FileError, match=sentence) as caught:
        read_result(path)
    assert "run.json" in str(caught.value)


def test_a_missing_or_a_huge_file_is_refused(tmp_path, monkeypatch):
    with pytest.raises(FileError, match="cannot be read"):
        read_result(tmp_path / "none.json")
    path = tmp_path / "run.json"
    path.write_text(json.dumps(plot_samples.comparison()), encoding="utf-8")
    monkeypatch.setattr(results, "LARGEST_RESULT", 10)
    with pytest.raises(FileError, match="longer than 10 bytes"):
        read_result(path)


def test_null_and_what_is_too_large_are_not_measured():
    columns = {"objective": [1, None, 10**400, float("nan")], "seconds": None}
    run = runs_of({"runs": {"a": {"columns": columns}}})["a"]
    np.testing.assert_array_equal(run.column("objective"), [1, np.nan, np.nan, np.nan])
    assert run.last("objective") == 1.0
    assert np.isnan(run.last("seconds"))
    assert run.column("seconds").shape == (4,)
