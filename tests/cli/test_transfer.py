"""`refms transfer`: a trained model on another mesh or with more layers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from refms.data.dataset import subset
from refms.errors import InputWarning
from refms.grid import Grid
from refms.io import first_difference
from refms.model_file import load_model, model_artifact
from refms.multiscale.agreement import agreeing_smoothing
from refms.multiscale.depth import to_depth
from refms.multiscale.resolution import transfer
from refms.run.experiment import part_of


def assert_written(name, model):
    assert first_difference(model_artifact(load_model(name)), model_artifact(model)) is None
    assert load_model(name).architecture == model.architecture
    assert load_model(name).record == model.record


@pytest.mark.parametrize(
    ("source", "to", "pair", "stencils", "weights"),
    [
        ("coarse.h5", 8, "averaging-bilinear", "galerkin", "adjoint"),
        ("coarse.h5", 16, "averaging-constant", "galerkin", "pair"),
        ("coarse.h5", 8, "nearest", "keep", "pair"),
        ("fine.h5", 4, "nearest", "galerkin", "pair"),
        ("fine.h5", 4, "averaging-bilinear", "galerkin", "pair"),
        ("fine.h5", 2, "injection-cubic", "keep", "pair"),
    ],
)
def test_the_file_holds_the_transferred_model(result, source, to, pair, stencils, weights):
    words = ("--to", to, "--pair", pair, "--stencils", stencils, "-o", "new.h5")
    found = result("transfer", source, *words)
    assert_written("new.h5", transfer(load_model(source), Grid((to, to)), pair, stencils))
    del found["versions"]
    assert found == {
        "model": "new.h5",
        "from": source,
        "grid": [to, to],
        "layers": 2,
        "pair": pair,
        "stencils": stencils,
        "weights": weights,
        "smoothing": 0.0,
    }


def test_weights_by_the_pair_are_asked_for_by_name(result, refms):
    found = result("transfer", "coarse.h5", "--to", 8, "--weights", "pair", "-o", "new.h5")
    assert found["weights"] == "pair"
    expected = transfer(load_model("coarse.h5"), Grid((8, 8)), "averaging-bilinear", weights="pair")
    assert_written("new.h5", expected)
    assert refms("transfer", "coarse.h5", "--to", 8, "--weights", "adjiont", "-o", "b.h5").code == 2


def test_images_are_smoothed_to_match_where_that_is_asked_for(result):
    """σ² + v_R + v_P = 0 + 1/4 + 1/4 on the way to the images' own mesh, whose cells are counted."""
    words = ("--to", 8, "--pair", "averaging-constant", "--smoothing", "matched", "-o", "new.h5")
    assert result("transfer", "coarse.h5", *words)["smoothing"] == pytest.approx(0.5**0.5)
    model = load_model("new.h5")
    assert model.preprocessing.smoothing == pytest.approx(0.5**0.5)
    found = result("evaluate", "new.h5")
    assert found["smoothing"] == model.preprocessing.smoothing


def test_the_smoothing_at_which_the_logits_agree_is_measured(result, refms):
    words = ("--to", 8, "--smoothing", "agreeing", "--force", "-o", "new.h5")
    sigma = result("transfer", "coarse.h5", *words)["smoothing"]
    coarse, moved = load_model("coarse.h5"), load_model("new.h5")
    training = part_of(coarse, "train")
    some = subset(training, np.arange(min(500, training.count)))
    with pytest.warns(InputWarning, match="logits of the moved net differ"):
        expected = agreeing_smoothing(coarse, moved, some, 2.5)
    assert sigma == pytest.approx(expected.smoothing, rel=0.02)
    told = refms("transfer", "coarse.h5", *words)
    assert f"images are to be smoothed with σ = {sigma:.3g} cells; logits differ by" in told.out
    assert told.err.startswith("refms: note: the logits of the moved net differ by 33 %")
    other = refms(
        "transfer", "coarse.h5", "--to", 8, "--smoothing", "matched", "--dataset", "x", "-o", "b.h5"
    )
    assert other.code == 2
    assert not Path("b.h5").exists()


def test_depth_prolongs_in_time_alone_or_with_the_mesh(result):
    assert result("transfer", "coarse.h5", "--depth", 4, "-o", "deep.h5")["layers"] == 4
    assert_written("deep.h5", to_depth(load_model("coarse.h5"), 4))
    found = result("transfer", "coarse.h5", "--to", 8, "--depth", 4, "-o", "both.h5")
    assert (found["grid"], found["layers"]) == ([8, 8], 4)
    fine = transfer(load_model("coarse.h5"), Grid((8, 8)), "averaging-bilinear")
    assert_written("both.h5", to_depth(fine, 4))


@pytest.mark.parametrize(
    "words",
    [
        ("--integrator", "midpoint"),
        ("--integrator", "verlet"),
        ("--integrator", "rk4", "--layer", "antisymmetric"),
    ],
)
def test_nets_with_other_steps_and_layers_are_trained_and_moved(result, words):
    few = ("--size", 4, "--train", 400, "--validation", 200, "--channels", 4, "--iterations", 2, "--quiet")
    native = result("train", *few, *words, "-o", "native.h5")
    assert native["validation"]["accuracy"] > 0.75
    model = load_model("native.h5")
    assert model.architecture.integrator == words[1]
    for way, expected in (
        (("--to", 8), transfer(model, Grid((8, 8)), "averaging-bilinear")),
        (("--depth", 8), to_depth(model, 8)),
    ):
        result("transfer", "native.h5", *way, "-o", "moved.h5")
        assert_written("moved.h5", expected)
        Path("moved.h5").unlink()


def test_the_default_pair_is_that_of_example_1(refms):
    assert refms("transfer", "coarse.h5", "--to", 8, "-o", "a.h5").code == 0
    assert load_model("a.h5").record["transfers"][0]["pair"] == "averaging-bilinear"


def test_it_is_printed_for_people(refms):
    ran = refms("transfer", "coarse.h5", "--to", 8, "-o", "new.h5")
    assert re.fullmatch(r"new\.h5: grid \(8, 8\), 2 layers, stencils 3x3, largest entry \S+\n", ran.out)


@pytest.mark.parametrize("pair", ["nearest", "injection-cubic"])
def test_a_singular_pair_is_refused_with_what_to_do_and_least_squares_work_when_asked_for(refms, pair):
    ran = refms("transfer", "coarse.h5", "--to", 8, "--pair", pair, "-o", "new.h5")
    assert ran.refused
    for words in (repr(pair), "size 3", "averaging-bilinear", "least"):
        assert words in ran.err
    assert not Path("new.h5").exists()
    words = ("--to", 8, "--pair", pair, "--least-squares", "-o", "new.h5")
    assert refms("transfer", "coarse.h5", *words).code == 0
    assert np.isfinite(load_model("new.h5").arrays["stencils"]).all()


def test_nothing_is_overwritten_without_force_not_even_the_source(refms):
    before = Path("coarse.h5").read_bytes()
    for target in ("coarse.h5", "fine.h5"):
        ran = refms("transfer", "coarse.h5", "--to", 8, "-o", target)
        assert ran.refused
        assert target in ran.err
    assert Path("coarse.h5").read_bytes() == before
    assert refms("transfer", "coarse.h5", "--to", 8, "-o", "coarse.h5", "--force").code == 0
    assert load_model("coarse.h5").grid == Grid((8, 8))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "nothing to do; give --to SIZE or --levels K, --depth N, or both"),
        (("--to", 12), "not related by doubling"),
        (("--to", 0), "an extent of the grid is"),
        (("--to", -8), "an extent of the grid is"),
        (("--to", 8, "--pair", "averaging-bilinaer"), "Did you mean 'averaging-bilinear'"),
        (("--depth", 0), "0"),
        (("--depth", 3, "--to", 5), "not related by doubling"),
    ],
)
def test_what_does_not_fit_is_refused(refms, words, expected):
    ran = refms("transfer", "coarse.h5", *words, "-o", "new.h5")
    assert ran.refused
    assert expected in ran.err
    assert not Path("new.h5").exists()


def test_a_mesh_is_named_by_its_extents_or_by_levels(refms, result):
    assert result("transfer", "coarse.h5", "--levels", 1, "-o", "up.h5")["grid"] == [8, 8]
    assert_written("up.h5", transfer(load_model("coarse.h5"), Grid((8, 8)), "averaging-bilinear"))
    assert result("transfer", "fine.h5", "--levels", -2, "-o", "down.h5")["grid"] == [2, 2]
    for words in (("--levels", 21), ("--levels", -3), ("--to", "8x8x8"), ("--to", "8x16")):
        assert refms("transfer", "coarse.h5", *words, "-o", "no.h5").refused
    for words in (("--to", "8x"), ("--to", 8, "--levels", 1)):
        assert refms("transfer", "coarse.h5", *words, "-o", "no.h5").code == 2
    assert not Path("no.h5").exists()


def test_a_net_that_is_not_square_is_trained_moved_and_evaluated_by_the_advice_of_messages(refms, result):
    rng, head = np.random.default_rng(0), bytes([0, 0, 8])
    Path("wide").mkdir()
    for name, array in (
        ("images-idx3", rng.integers(0, 255, (40, 4, 8))),
        ("labels-idx1", np.arange(40) % 2),
    ):
        extents = bytes([array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
        Path("wide", f"train-{name}-ubyte").write_bytes(head + extents + array.astype("uint8").tobytes())
    Path("few.toml").write_text(
        "[data]\nsize = [2, 4]\n[network]\nchannels = 2\n[optimization]\niterations = 1\n"
    )
    data = ("--dataset", "idx:wide", "--data-dir", ".")
    assert result("train", "few.toml", *data, "--quiet", "-o", "low.h5")["grid"] == [2, 4]
    assert result("train", *data, "--size", "2x4", "--iterations", 1, "--quiet", "-o", "b.h5")["grid"] == [
        2,
        4,
    ]
    assert result("evaluate", "low.h5", *data, "--size", "2x4")["grid"] == [2, 4]
    ran = refms("evaluate", "low.h5", *data, "--size", "4x8")
    assert ran.refused
    words = re.search(r"refms (transfer \S+ --to 4x8 -o) OUT", ran.err)[1].split()
    assert refms(*words, "high.h5").code == 0
    assert result("evaluate", "high.h5", *data, "--size", "4x8")["grid"] == [4, 8]
    assert result("transfer", "high.h5", "--levels", -1, "-o", "again.h5")["grid"] == [2, 4]
    for size, advice in (
        ("8", "No transfer leads there; expected --size 2x4"),
        ("8x8x8", "one for each axis"),
    ):
        ran = refms("evaluate", "low.h5", *data, "--size", size)
        assert ran.refused
        assert advice in ran.err


def test_fewer_layers_must_divide(refms):
    assert refms("transfer", "coarse.h5", "--depth", 4, "-o", "deep.h5").code == 0
    ran = refms("transfer", "deep.h5", "--depth", 3, "-o", "new.h5")
    assert ran.refused
    assert "does not divide the 4 layers" in ran.err
    assert refms("transfer", "deep.h5", "--depth", 2, "-o", "back.h5").code == 0
    np.testing.assert_array_equal(
        load_model("back.h5").arrays["stencils"], load_model("coarse.h5").arrays["stencils"]
    )
