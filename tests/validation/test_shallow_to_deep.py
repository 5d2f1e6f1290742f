"""Fig. 2 as an experiment: every depth from every start, prolonged starts begin where they should."""

import json
from pathlib import Path

import numpy as np
import pytest
import shallow_to_deep
from results import section

from refms.data.digits import load_digits
from refms.errors import InputError
from refms.io import read_artifact
from refms.model_file import load_model
from refms.multiscale.depth import to_depth

TOML = """
[data]
dataset = "digits"
train = 150
validation = 100
size = 4
[network]
channels = 2
[optimization]
iterations = 2
[experiment]
depths = [2, 4, 8]
seeds = [3]
"""


def run(folder: Path, *words: str, text: str = TOML) -> Path:
    (folder / "c.toml").write_text(text)
    assert shallow_to_deep.main([str(folder / "c.toml"), "-o", str(folder / "out"), *words]) == 0
    return folder / "out"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return run(tmp_path_factory.mktemp("shallow_to_deep"))


@pytest.fixture(scope="module")
def result(out):
    return json.loads((out / "shallow_to_deep.json").read_text())


def test_every_depth_has_every_start_and_the_final_time_is_the_same(out, result):
    starts = {depth: [*found] for depth, found in result["depths"].items()}
    every = ["random", "linear", "cubic"]
    assert starts == {"2": ["random"], "4": every, "8": every}
    for depth in (2, 4, 8):
        network = load_model(out / f"seed3_random_{depth}.h5").architecture
        assert (network.layers, network.final_time) == (depth, 2.0)
    assert load_model(out / "seed3_cubic_8.h5").architecture.final_time == 2.0


@pytest.mark.parametrize("kind", ["linear", "cubic"])
def test_a_prolonged_start_is_the_shallower_net_interpolated_in_time(out, result, kind):
    shallow = load_model(out / f"seed3_{kind}_4.h5")
    start = to_depth(shallow, 8, kind)
    bench = shallow_to_deep.Bench(out, load_digits())
    configuration = shallow_to_deep.Configuration.from_dict(shallow.record["configuration"])
    _, validation = bench.examples(configuration, start)
    hits = start.outputs(validation.inputs).argmax(axis=0) == validation.targets.argmax(axis=0)
    assert result["depths"]["8"][kind]["accuracy at the start"]["values"] == [float(hits.mean())]


def test_prolonged_starts_begin_far_below_a_random_one(result):
    for depth in ("4", "8"):
        found = result["depths"][depth]
        for kind in ("linear", "cubic"):
            start = found[kind]["objective at the start"]["mean"]
            assert start < 0.6 * found["random"]["objective at the start"]["mean"]


def test_iterations_are_counted_until_the_accuracy_of_the_random_start(out, result):
    arrays = read_artifact(out / "shallow_to_deep.h5").arrays
    last = arrays["seed3/random/8/validation_accuracy"][-1]
    for kind in ("random", "linear", "cubic"):
        there = np.flatnonzero(arrays[f"seed3/{kind}/8/validation_accuracy"] >= last)
        expected = int(there[0]) if there.size else None
        found = result["depths"]["8"][kind]["iterations to the accuracy of the random start"]
        assert found["values"] == [expected]


def test_whole_ways_add_up_and_say_when_they_are_there():
    def unit(accuracy, seconds):
        curve = {"iteration": [0, 1, 2], "validation_accuracy": accuracy, "cpu_seconds": seconds}
        return {"curve": curve}

    run = {
        "random": {2: unit([0.1, 0.5, 0.6], [0, 1, 2]), 4: unit([0.1, 0.7, 0.8], [0, 3, 9])},
        "linear": {4: unit([0.6, 0.9, 0.85], [0, 4, 8])},
    }
    found = shallow_to_deep.ways([run], [2, 4])
    values = {start: [one["values"][0] for one in numbers.values()] for start, numbers in found.items()}
    assert values == {"random": [0.8, 9, 9, 4], "linear": [0.85, 10, 6, 4]}
    run["random"][2] = unit([0.1, 0.8, 0.6], [0, 1, 2])
    assert shallow_to_deep.ways([run], [2, 4])["linear"]["layers by then"]["values"] == [2]


def test_an_interrupted_run_goes_on(out, result, monkeypatch):
    for name in ("seed3_cubic_8.json", "seed3_cubic_8.h5"):
        (out / name).unlink()
    made = []
    right = shallow_to_deep.Bench.trained.__globals__["train"]
    monkeypatch.setattr("common.trainings.train", lambda *given: made.append(1) or right(*given))
    run(out.parent, "--force")
    assert len(made) == 1
    again = json.loads((out / "shallow_to_deep.json").read_text())["depths"]
    for name in ("objective", "accuracy"):
        assert again["8"]["cubic"][name] == result["depths"]["8"]["cubic"][name]


def test_the_section_has_a_row_for_every_training(result):
    page = section({**result, "name": "some"})
    for depth, found in result["depths"].items():
        for start in found:
            assert f"| {depth} | {start} |" in page
    assert "shallow_to_deep.py validation/learning_across_scales/c.toml -o OUT" in page
    assert "1 seed." in page


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("depths = [4, 2]", "expected growing numbers"),
        ("depths = [0, 2]", "expected growing numbers"),
        ('starts = ["quadratic"]', "interpolation"),
    ],
)
def test_bad_settings_are_refused(tmp_path, line, told):
    with pytest.raises(InputError, match=told):
        run(tmp_path, text=TOML.split("[experiment]")[0] + f"[experiment]\n{line}\n")
