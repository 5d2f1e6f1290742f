"""The pages are up to date; that of results is in order, with nothing unknown on it."""

import re

import make_pages
import pytest
import results
from benchmarks.tables import TABLES
from results import crossing, summary


@pytest.mark.parametrize("page", make_pages.PAGES)
def test_a_page_is_what_its_results_give(page, capsys):
    assert make_pages.main([page, "--check"]) == 0, capsys.readouterr().out


def test_modules_and_tests_named_in_the_words_of_pages_exist():
    root = make_pages.VALIDATION.parent
    pieces = [path.read_text("utf-8") for path in (root / "scripts").rglob("*.md")]
    named = re.findall(r"\b(?:tests|refms)/[a-z0-9_/.]*[a-z0-9_]", " ".join(pieces))
    assert "tests/fuzzing/corpus" in named
    assert [path for path in named if not (root / path).exists()] == []


def test_an_old_page_is_noticed(tmp_path, capsys):
    words = ["benchmarks", "--results", str(tmp_path / "benchmarks")]
    assert make_pages.main([*words, "--check"]) == 1
    assert make_pages.main(words) == 0
    assert make_pages.main([*words, "--check"]) == 0
    page = tmp_path / "BENCHMARKS.md"
    assert page.read_text(encoding="utf-8").count("Not measured") == len(TABLES)
    page.write_text("by hand")
    assert make_pages.main([*words, "--check"]) == 1
    assert "run scripts/make_pages.py benchmarks" in capsys.readouterr().out


def test_sections_come_in_the_order_of_the_experiments():
    folder = results.RESULTS
    page = results.text(folder)
    assert page.startswith("# Results")
    places = {}
    for path in folder.glob("*.json"):
        result = results.read(path)
        assert page.count(results.section(result)) == 1
        places[page.index(results.section(result))] = results.EXPERIMENTS.index(result["experiment"])
    assert [order for _, order in sorted(places.items())] == sorted(places.values())
    assert page.count("\n## ") == len(places) + 2  # the summary, and what crossing costs


def test_a_result_of_no_known_experiment_is_refused(tmp_path):
    (tmp_path / "strange.json").write_text('{"experiment": "alchemy"}')
    with pytest.raises(ValueError, match=r"strange\.json: the experiment is 'alchemy'; expected one of"):
        results.text(tmp_path)


def test_what_crossing_costs_is_the_mean_over_splits_of_differences_on_the_same_net():
    way = {"from": 14, "to": 28, "pair": "averaging-bilinear", "stencils": "galerkin", "images": "agreeing"}
    splits = [
        {
            "native": {"14": {"validation": {"accuracy": native}}},
            "transfers": [
                {**way, "weights": "pair", "accuracy": pair, "distance": 0.1},
                {**way, "weights": "adjoint", "accuracy": adjoint},
                {**way, "weights": "pair", "images": "raw", "accuracy": 0.0},
            ],
        }
        for native, pair, adjoint in ((0.9, 0.8, 0.85), (0.7, 0.64, 0.67))
    ]
    data = {"dataset": "idx:shop", "train": 2000}
    result = {"experiment": "across_resolutions", "splits": splits, "configuration": {"data": data}}
    result["sizes"] = [14, 28]
    (row,) = (line for line in crossing.section({"few": result}).split("\n") if line.startswith("| `few`"))
    assert row == (
        "| `few` | idx:shop | 2,000 | 14 → 28 | 80.00 ± 14.14 | 8.00 ± 2.83 | 4.00 ± 1.41 | 4.00 ± 1.41 "
        "| 10.0 | – |"
    )
    assert crossing.section({}) == ""


def test_the_summary_has_the_numbers_of_the_sections():
    folder = results.RESULTS
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
