"""Algorithm 1 as an experiment: meshes in order, work that adds up, methods compared fairly."""

import json
from dataclasses import replace
from pathlib import Path

import coarse_to_fine
import numpy as np
import pytest
from results import section

from refms.data.digits import load_digits
from refms.errors import InputError
from refms.io import read_artifact
from refms.model_file import load_model
from refms.multiscale.resolution import transfer

TOML = """
[data]
dataset = "digits"
train = 150
validation = 100
smoothing = 0.75
pair = "averaging-constant"
[network]
channels = 2
[regularization]
theta_tikhonov = 0.1
[optimization]
iterations = 2
[experiment]
sizes = [2, 4, 8]
seeds = [0, 1]
rules = ["galerkin", "keep"]
"""


def run(folder: Path, *words: str, text: str = TOML) -> Path:
    (folder / "c.toml").write_text(text)
    assert coarse_to_fine.main([str(folder / "c.toml"), "-o", str(folder / "out"), *words]) == 0
    return folder / "out"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return run(tmp_path_factory.mktemp("coarse_to_fine"))


@pytest.fixture(scope="module")
def result(out):
    return json.loads((out / "coarse_to_fine.json").read_text())


def curve(out: Path, seed: int, method: str) -> dict[str, np.ndarray]:
    arrays = read_artifact(out / "coarse_to_fine.h5").arrays
    start = f"seed{seed}/{method}/"
    return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}


def test_an_evaluation_costs_a_quarter_on_each_coarser_mesh(result):
    assert result["cost"] == {"2": 1 / 16, "4": 1 / 4, "8": 1.0}


def test_work_of_the_meshes_is_scaled_and_added(out):
    found = curve(out, 1, "galerkin")
    units = [
        json.loads((out / f"seed1_{name}.json").read_text())["curve"]
        for name in ("coarsest_2", "galerkin_4", "galerkin_8")
    ]
    spent = 0.0
    for size, share, unit in zip((2, 4, 8), (1 / 16, 1 / 4, 1.0), units, strict=True):
        here = found["size"] == size
        np.testing.assert_allclose(found["work_units"][here], spent + share * np.array(unit["work_units"]))
        np.testing.assert_array_equal(found["validation_accuracy"][here], unit["validation_accuracy"])
        spent += share * unit["work_units"][-1]
    assert np.all(np.diff(found["work_units"]) >= 0)
    assert np.all(np.diff(found["cpu_seconds"]) >= 0)


def test_each_mesh_starts_from_the_prolonged_net_of_the_one_before(out):
    for rule in ("galerkin", "keep"):
        coarse = load_model(out / f"seed0_{rule}_4.h5")
        start = transfer(coarse, coarse.grid.refine(), "averaging-constant", rule)
        bench = coarse_to_fine.Bench(out, load_digits())
        configuration = coarse_to_fine.Configuration.from_dict(coarse.record["configuration"])
        _, validation = bench.examples(configuration, start)
        logits = start.outputs(validation.inputs)
        accuracy = float((logits.argmax(axis=0) == validation.targets.argmax(axis=0)).mean())
        found = curve(out, 0, rule)
        assert accuracy == found["validation_accuracy"][found["size"] == 8][0]


def test_images_match_and_weights_keep_what_they_read_where_that_is_asked_for(tmp_path):
    """v_R + v_P = 1/2 in cells of the finer mesh of each pair: 2 + 1/2 from 2×2 to 8×8, in cells of 8×8."""
    asked = TOML.replace("theta_tikhonov = 0.1", "theta_tikhonov = 0.1\ntheta_transfer = 0.01")
    asked = asked.replace('rules = ["galerkin", "keep"]', 'weights = "adjoint"\nmatched = true')
    asked = asked.replace('pair = "averaging-constant"', 'pair = "injection-linear"').replace("[0, 1]", "[0]")
    out = run(tmp_path, text=asked)
    nets = {name: load_model(out / f"seed0_{name}.h5") for name in ("coarsest_2", "galerkin_4", "galerkin_8")}
    alone = load_model(out / "seed0_fine-only_8.h5")
    for (name, net), added in zip(nets.items(), (0.0, 2.0, 2.5), strict=True):
        told = net.record["asked"]["configuration"]
        assert net.preprocessing.smoothing == pytest.approx((0.75**2 + added) ** 0.5)
        assert told["data"]["smoothing"] == net.preprocessing.smoothing
        assert told["regularization"]["theta_transfer"] == (0.0 if name == "galerkin_8" else 0.01)
    assert alone.preprocessing == replace(nets["galerkin_8"].preprocessing, levels=0)
    assert alone.record["asked"]["configuration"] == nets["galerkin_8"].record["asked"]["configuration"]
    start = transfer(nets["galerkin_4"], nets["galerkin_8"].grid, "injection-linear", weights="adjoint")
    start = replace(start, preprocessing=nets["galerkin_8"].preprocessing)
    _, validation = coarse_to_fine.Bench(out, load_digits()).examples(
        coarse_to_fine.Configuration.from_dict(alone.record["asked"]["configuration"]), start
    )
    accuracy = float(
        (start.outputs(validation.inputs).argmax(axis=0) == validation.targets.argmax(axis=0)).mean()
    )
    found = curve(out, 0, "galerkin")
    assert accuracy == found["validation_accuracy"][found["size"] == 8][0]


def test_the_comparison_is_what_the_curves_say(out, result):
    alone = [curve(out, seed, "fine-only") for seed in (0, 1)]
    up = [curve(out, seed, "galerkin") for seed in (0, 1)]
    found = result["methods"]["galerkin"]
    for place in (0, 1):
        fine = up[place]["size"] == 8
        accuracy, work = (up[place][name][fine] for name in ("validation_accuracy", "work_units"))
        assert found["accuracy at the end"]["values"][place] == accuracy[-1]
        best = alone[place]["validation_accuracy"].max()
        reached = work[accuracy >= best]
        expected = reached[0] if reached.size else None
        assert found["work to the best of fine-only"]["values"][place] == expected
        within = accuracy[work <= 0.75 * alone[place]["work_units"][-1]]
        expected = within[-1] if within.size else None
        assert found["accuracy at 0.75 of the work"]["values"][place] == expected
    values = found["best accuracy"]["values"]
    assert found["best accuracy"]["mean"] == pytest.approx(np.mean(values))
    assert found["best accuracy"]["sd"] == pytest.approx(np.std(values, ddof=1))


def test_equal_work_and_equal_accuracy_by_hand():
    def made(size, accuracy, work):
        arrays = {"size": size, "validation_accuracy": accuracy, "work_units": work, "cpu_seconds": work}
        return {name: np.array(values, dtype="float64") for name, values in arrays.items()}

    alone = made([8] * 5, [0.1, 0.5, 0.7, 0.9, 0.8], [0, 10, 20, 30, 40])
    up = made([4, 4, 8, 8, 8, 8], [0.1, 0.95, 0.6, 0.85, 0.92, 0.93], [0, 15, 15, 25, 35, 45])
    found = coarse_to_fine.compared([{"fine-only": alone, "galerkin": up}], 8)
    values = {name: found["galerkin"][name]["values"][0] for name in found["galerkin"]}
    assert values == {
        "accuracy at the start": 0.6,
        "accuracy at 0.25 of the work": None,  # 10 is spent on the coarse mesh
        "accuracy at 0.5 of the work": 0.6,
        "accuracy at 0.75 of the work": 0.85,
        "accuracy at 1 of the work": 0.92,
        "accuracy at the end": 0.93,
        "best accuracy": 0.93,
        "work": 45.0,
        "processor seconds": 45.0,
        "work to the best of fine-only": 35.0,  # the best is 0.9, not the last
        "processor seconds to the best of fine-only": 35.0,
    }
    assert found["fine-only"]["work to the best of fine-only"]["values"] == [30.0]
    assert found["fine-only"]["accuracy at 0.25 of the work"]["values"] == [0.5]


def test_fine_only_needs_its_own_work_to_its_own_best(out, result):
    found = result["methods"]["fine-only"]
    assert found["work to the best of fine-only"]["values"] == [
        float(c["work_units"][c["validation_accuracy"].argmax()])
        for c in (curve(out, seed, "fine-only") for seed in (0, 1))
    ]


def test_a_second_run_trains_nothing_and_finds_the_same(out, result, monkeypatch):
    monkeypatch.setattr("common.trainings.train", None)
    with pytest.raises(coarse_to_fine.InputError, match="--force"):
        run(out.parent)
    run(out.parent, "--force")
    again = json.loads((out / "coarse_to_fine.json").read_text())
    assert again["methods"] == result["methods"]


def test_the_section_names_command_and_numbers(result):
    page = section({**result, "name": "some"})
    assert "coarse_to_fine.py validation/learning_across_scales/c.toml -o OUT --result" in page
    assert "2 seeds" in page
    assert "150 / 100 images" in page
    best = result["methods"]["galerkin"]["best accuracy"]
    assert f"{100 * best['mean']:.2f} ± {100 * best['sd']:.2f}" in page
    assert page.count("fine-only needs") == 2
    assert "all meshes are smoothed with σ = 0.75" in page
    settings = {**result["settings"], "matched": True, "weights": "adjoint"}
    assert "h^d⟨w, y⟩ is kept for W" in section({**result, "name": "some", "settings": settings})


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("sizes = [2, 6]", "each twice the one before"),
        ("sizes = [8]", "at least two"),
        ('rules = ["galrkin"]', "galerkin"),
        ('weights = "adjiont"', "adjoint"),
        ("seeds = [1, 1]", "different numbers"),
        ("sizes = [16, 32]", "larger than the images"),
    ],
)
def test_bad_settings_are_refused(tmp_path, line, told):
    with pytest.raises(InputError, match=told):
        run(tmp_path, text=TOML.split("[experiment]")[0] + f"[experiment]\n{line}\n")
