"""The page of results: up to date, in order, and nothing unknown on it."""

from __future__ import annotations

import make_results
import pytest
import results
from results import summary


def test_the_page_is_what_the_results_give(capsys):
    assert make_results.main(["--check"]) == 0, capsys.readouterr().out


def test_an_old_page_is_noticed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(make_results, "TARGET", tmp_path / "RESULTS.md")
    assert make_results.main(["--check"]) == 1
    assert make_results.main([]) == 0
    assert make_results.main(["--check"]) == 0
    (tmp_path / "RESULTS.md").write_text("by hand")
    assert make_results.main(["--check"]) == 1
    assert "run scripts/make_results.py" in capsys.readouterr().out


def test_sections_come_in_the_order_of_the_experiments():
    folder = make_results.ROOT / results.FOLDER / "results"
    page = results.text(folder)
    assert page.startswith("# Results")
    places = {}
    for path in folder.glob("*.json"):
        result = results.read(path)
        assert page.count(results.section(result)) == 1
        places[page.index(results.section(result))] = results.EXPERIMENTS.index(result["experiment"])
    assert [order for _, order in sorted(places.items())] == sorted(places.values())
    assert page.count("\n## ") == len(places) + 1  # the summary


def test_a_result_of_no_known_experiment_is_refused(tmp_path):
    (tmp_path / "strange.json").write_text('{"experiment": "alchemy"}')
    with pytest.raises(ValueError, match=r"strange\.json: the experiment is 'alchemy'; expected one of"):
        results.text(tmp_path)


def test_the_summary_has_the_numbers_of_the_sections():
    folder = make_results.ROOT / results.FOLDER / "results"
    found = {path.stem: results.read(path) for path in folder.glob("trans*.json")}
    head = summary.section(found)
    assert "| native, 14×14 | 98.28 |" in head
    rows = [
        line.split("|") for line in head.split("\n") if line.startswith(("| native", "| 14×14", "| 28×28"))
    ]
    numbers = [cell.strip() for row in rows for cell in row[3:-1]]
    assert len(numbers) == 6 * 4
    told = "".join(results.section(result) for result in found.values())
    assert [number for number in numbers if f" {number} " not in told] == []
    assert summary.section({}) == ""
