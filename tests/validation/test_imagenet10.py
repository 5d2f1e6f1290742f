"""ImageNet-10 as an experiment: shared stages, what moves between them, work that adds up, the page."""

import json
from pathlib import Path

import imagenet10
import numpy as np
import pytest
from common.trainings import resized
from results import section

from refms.data.dataset import Dataset
from refms.data.digits import load_digits
from refms.errors import InputError
from refms.grid import Grid
from refms.model_file import load_model
from refms.multiscale.resolution import transfer
from refms.run.config import Configuration
from refms.run.experiment import split_by

TOML = """
[data]
dataset = "digits"
train = 60
validation = 40
pair = "averaging-bilinear"
[network]
architecture = "resnet"
options = { width = 2, groups = 1, blocks = [1, 1] }
[classifier]
pooling = 0
[stochastic]
method = "adam"
batch = 20
shift_cells = 1
[experiment]
seeds = [0, 1]
falling = true
methods.fine-only = [[8, 3]]
methods.galerkin = [[4, 2], [8, 1]]
methods.galerkin-rescaled = [[4, 2], [8, 1]]
methods.keep = [[4, 2], [8, 1]]
methods.progressive = [[4, 1], [6, 1], [8, 1]]
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imagenet10")
    (folder / "c.toml").write_text(TOML)
    assert imagenet10.main([str(folder / "c.toml"), "-o", str(folder / "out")]) == 0
    return folder / "out"


@pytest.fixture(scope="module")
def result(out):
    return json.loads((out / "imagenet10.json").read_text())


def test_stages_that_two_methods_share_are_trained_once(out):
    names = sorted(path.stem for path in out.glob("seed0_*.h5"))
    assert names == [
        "seed0_4x1",
        "seed0_4x1_progressive_6x1",
        "seed0_4x1_progressive_6x1_8x1",
        "seed0_4x2",
        "seed0_4x2_galerkin-rescaled_8x1",
        "seed0_4x2_galerkin_8x1",
        "seed0_4x2_keep_8x1",
        "seed0_8x3",
    ]


def test_every_method_starts_from_the_same_draw_and_the_schedule_falls_on_the_finest_mesh_alone(out):
    asked = [load_model(path).record["asked"]["configuration"] for path in sorted(out.glob("seed1_*.h5"))]
    assert {one["network"]["seed"] for one in asked} == {1}
    assert {one["data"]["split_seed"] for one in asked} == {1}
    assert {one["stochastic"]["draw_seed"] for one in asked} == {1}
    assert {(one["data"]["size"], one["stochastic"]["schedule"]) for one in asked} == {
        (4, "constant"),
        (6, "constant"),
        (8, "cosine"),
    }


@pytest.mark.parametrize("method", ["galerkin", "keep"])
def test_the_finest_mesh_begins_with_the_coarse_net_moved_by_its_rule(out, result, method):
    coarse = load_model(out / "seed0_4x2.h5")
    start = transfer(coarse, Grid((8, 8)), "averaging-bilinear", method)
    data = Configuration.from_dict(coarse.record["asked"]["configuration"]).data
    expected = start.score(split_by(data, load_digits())[1])
    unit = json.loads((out / f"seed0_4x2_{method}_8x1.json").read_text())
    assert unit["curve"]["validation_accuracy"][0] == expected.accuracy
    assert unit["curve"]["validation_loss"][0] == pytest.approx(expected.loss, rel=1e-5)
    assert result["methods"][method]["accuracy at the start"]["values"][0] == expected.accuracy


def test_rescaled_stencils_are_as_long_as_they_were_and_the_net_is_the_same(out):
    coarse = load_model(out / "seed0_4x2.h5")
    plain, short = (
        imagenet10.moved(coarse, 8, rule, "averaging-bilinear") for rule in ("galerkin", "galerkin-rescaled")
    )
    for name, array in coarse.arrays.items():
        length, longer = np.linalg.norm(array), np.linalg.norm(plain.arrays[name])
        assert np.linalg.norm(short.arrays[name]) == pytest.approx(length, rel=1e-6)
        np.testing.assert_allclose(
            longer * short.arrays[name], length * plain.arrays[name], rtol=1e-5, atol=1e-6 * longer * length
        )
    X = np.random.default_rng(0).standard_normal((64, 5)).astype(coarse.dtype)
    expected = plain.outputs(X)
    assert np.abs(short.outputs(X) - expected).max() < 1e-3 * np.abs(expected).max()


def test_work_is_three_evaluations_an_image_and_less_on_coarser_meshes(result):
    works = {method: found["work"]["values"] for method, found in result["methods"].items()}
    coarse, middle = result["cost"]["4"], result["cost"]["6"]
    assert works["fine-only"] == [3 * 3 * 60] * 2
    assert coarse < 0.27 < middle < 0.6
    np.testing.assert_allclose(works["galerkin"], 180 * (2 * coarse + 1), rtol=1e-12)
    np.testing.assert_allclose(works["progressive"], 180 * (coarse + middle + 1), rtol=1e-12)


def test_differences_are_those_of_the_same_split(result):
    ends = {method: found["accuracy at the end"]["values"] for method, found in result["methods"].items()}
    assert "fine-only" not in result["differences"]
    for method, found in result["differences"].items():
        expected = np.array(ends[method]) - ends["fine-only"]
        np.testing.assert_allclose(found["accuracy at the end"]["values"], expected)


def test_images_between_the_meshes_are_means_over_their_cells():
    images = np.arange(2 * 3 * 36, dtype=np.uint8).reshape(2, 3, 6, 6)
    data = Dataset(images, np.array([0, 1]), 2, "ramps", 255.0)
    found = resized(data, Grid((4, 4)))
    weights = np.kron(np.eye(2), np.array([[2, 1, 0], [0, 1, 2]]) / 3)  # cells of 1.5 old ones
    np.testing.assert_allclose(found.images, weights @ images @ weights.T, rtol=1e-6)
    assert resized(data, Grid((3, 3))) is data  # halving leads there


def test_the_section_says_what_was_measured(result):
    text = section({**result, "name": "imagenet10", "experiment": "imagenet10"})
    mean = result["methods"]["keep"]["accuracy at the end"]["mean"]
    assert f"{100 * mean:.2f}" in text
    assert "82.67" in text


@pytest.mark.parametrize(
    "methods",
    [
        {"fine-only": [[8, 1]], "galerkin": [[8, 1], [4, 1]]},
        {"fine-only": [[8, 1]], "galerkin": [[4, 1]]},
        {"fine-only": [[4, 1], [8, 1]]},
        {"galerkin": [[4, 1], [8, 1]]},
        {"fine-only": [8, 1]},
        {"fine-only": [[8, 1]], "multigrid": [[4, 1], [8, 1]]},
    ],
)
def test_stages_that_lead_nowhere_are_refused(methods):
    with pytest.raises(InputError):
        imagenet10.Settings(methods=methods)


def test_the_full_run_is_the_papers():
    folder = Path(imagenet10.__file__).parent
    options = imagenet10.options_of("", [str(folder / "imagenet10.toml"), "-o", "out", "--full"])
    full = imagenet10.read_plan(options, imagenet10.Settings)
    data, net = full.configuration.data, full.configuration.network
    assert (data.train, data.validation, len(full.settings.seeds)) == (10_000, 3_000, 5)
    assert net.network(Grid((56, 56)), 3).blocks == (3, 4, 6, 3)
    assert net.options["width"] == 64
    assert full.configuration.stochastic.patience == 10


def test_the_published_splits_are_ordered_as_the_pages_say():
    """Coarse to fine ends ahead of the finest mesh alone in every split, but with K_H = R K_h P by itself."""
    folder = Path(imagenet10.__file__).parent
    methods = json.loads((folder / "results" / "imagenet10.json").read_text())["methods"]
    ends = {method: np.array(found["accuracy at the end"]["values"]) for method, found in methods.items()}
    assert len(ends["keep"]) == 5
    for ahead in ("keep", "progressive", "galerkin-rescaled"):
        assert (ends[ahead] > ends["fine-only"]).all()
        assert methods[ahead]["work"]["mean"] < 0.615 * methods["fine-only"]["work"]["mean"]
    assert (ends["keep"] > ends["galerkin-rescaled"]).all()
    assert (ends["galerkin-rescaled"] > ends["galerkin"]).all()


def test_what_the_guide_says_of_the_splits_was_measured():
    root = Path(imagenet10.__file__).parents[2]
    guide = (root / "scripts" / "site" / "learning_across_scales.md").read_text("utf-8")
    result = json.loads((root / "validation/learning_across_scales/results/imagenet10.json").read_text())
    words = []
    for found in result["differences"].values():
        points = [100 * value for value in found["accuracy at the end"]["values"]]
        mean, each = f"{np.mean(points):+.2f} ± {np.std(points, ddof=1):.2f}", [f"{x:+.1f}" for x in points]
        words.append(f"| {mean} | {', '.join(each)} |".replace("-", "−"))
    fine = result["methods"]["fine-only"]
    end, shares = fine["accuracy at the end"], {}
    for name in ("work", "processor seconds"):
        numbers = [result["methods"][method][name]["mean"] for method in result["differences"]]
        shares[name] = [f"{number / fine[name]['mean']:.2f}" for number in sorted(numbers)]
    seconds = shares["processor seconds"]
    before = [result["methods"][name]["accuracy at the start"]["mean"] for name in ("galerkin", "keep")]
    words += [
        f"({100 * before[0]:.0f} % against {100 * before[1]:.0f} %)",
        f"At {shares['work'][0]} of the work and {seconds[0]}",
        f"to {seconds[-1]} of the processor time",
        f"above its {100 * end['mean']:.2f} ± {100 * end['sd']:.2f} %",
        f"{result['examples']['train']:,} images, five splits",
    ]
    assert [told for told in words if told not in guide] == []
