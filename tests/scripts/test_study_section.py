"""The section of a study: means over the seeds, and the work to an accuracy near the best."""

import json

import pytest
import results

from refms.run.config import Configuration
from refms.run.plan import Plan
from refms.run.study import points_of


def run(value: str, seed: int, accuracies: list[float]) -> dict:
    count = len(accuracies)
    columns = {
        "iteration": [*range(count)],
        "work_units": [100.0 * k for k in range(count)],
        "seconds": [0.5 * k for k in range(count)],
        "objective": [2.0 / (k + 1) for k in range(count)],
        "validation_accuracy": accuracies,
    }
    scores = {"train": {"accuracy": 1.0, "examples": 60}, "validation": {"accuracy": accuracies[-1]}}
    scores["validation"]["examples"] = 40
    return {"value": value, "seed": seed, "columns": columns, **scores}


@pytest.fixture
def result(tmp_path):
    runs = [
        run("bcd", 0, [0.1, 0.93, 0.96]),
        run("bcd", 1, [0.1, 0.958, 0.98]),
        run("adam", 0, [0.1, 0.5, 0.967]),
        run("adam", 1, [0.1, 0.5, 0.9]),
    ]
    study = {"work_units": 250, "seeds": [0, 1], "method": "bcd", "iterations": 0}
    found = {
        "kind": "study",
        "parameter": "study.method",
        "configuration": {
            "data": {"dataset": "digits", "size": 0},
            "study": study,
            "optimization": {"iterations": 5},
        },
        "machine": "abacus",
        "date": "2026-01-01",
        "versions": {"refms": "0"},
        "runs": {f"{one['value']}|{one['seed']}": one for one in runs},
    }
    (tmp_path / "methods.json").write_text(json.dumps(found))
    return results.read(tmp_path / "methods.json")


def test_rows_are_means_over_the_seeds_and_the_work_to_near_the_best(result):
    """The best mean is 97.00 %; 96.50 % is reached by bcd once, after 200 units, and by adam once."""
    page = results.section(result)
    assert (
        "| bcd | 2 | 200 | 1.0 ± 0.0 | 0.6667 ± 0.0000 | 100.00 ± 0.00 | 97.00 ± 1.41 | 200 (1 of 2) |"
        in page
    )
    assert "93.35 ± 4.74 | 200 (1 of 2) |" in page
    assert "work to 96.50 %" in page
    assert "until 250 work units are spent" in page
    assert "60 / 40 images for training / validation,\n2 seeds" in page


def test_without_a_budget_the_iterations_are_told(result):
    result["configuration"]["study"]["work_units"] = 0
    assert "5 iterations of bcd each" in results.section(result)


def test_what_is_published_was_asked_for_by_the_configuration_beside_it():
    folder = results.RESULTS.parent
    published = list(results.RESULTS.glob("study_*.json"))
    assert len(published) == 2
    for path in published:
        plan, found = Plan.from_toml(folder / f"{path.stem}.toml"), json.loads(path.read_text())
        assert {point.name: point.configuration for point in points_of(plan)} == {
            name: Configuration.complete(one["configuration"]) for name, one in found["runs"].items()
        }
