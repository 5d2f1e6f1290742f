"""The experiment across resolutions on few digits: what it measures, what it does not do twice."""

import json
import math
from contextlib import nullcontext

import across_resolutions
import pytest
from results.across_resolutions import section

from refms.errors import FileError

TOML = """
[data]
dataset = "digits"
train = 60
validation = 40
smoothing = 0.75
[network]
channels = 2
layers = 1
[optimization]
iterations = 1
hessian_fraction = 0.5
classifier_steps = 1
classifier_cg_iterations = 2
propagation_cg_iterations = 2
"""
WORDS = ("--sizes", "4", "8", "--split", "0", "3", "--matched", "--fit-classifier")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("across")
    (made / "few.toml").write_text(TOML, encoding="utf-8")
    assert across_resolutions.main([str(made / "few.toml"), *WORDS, "-o", str(made / "out")]) == 0
    return made


@pytest.fixture(scope="module")
def result(folder):
    return json.loads((folder / "out/across_resolutions.json").read_text(encoding="utf-8"))


def test_every_net_goes_to_every_other_mesh_in_every_way(result):
    assert [split["seed"] for split in result["splits"]] == [0, 3]
    for split in result["splits"]:
        ways = [tuple(row.values())[:6] for row in split["transfers"]]
        assert len(set(ways)) == len(ways)
        between = {(row["from"], row["to"]) for row in split["transfers"]}
        assert between == {(4, 8), (8, 4)}
        # bilinear with W by the pair and the adjoint, and unchanged; constant, and unchanged; four widths
        assert len(ways) == 2 * 5 * 4
        assert {row["newton_steps"] for row in split["fitted"]} == {1}
        assert len(split["fitted"]) == 2 * 4
    assert len(result["splits"][0]["identities"]) == 2 * 2
    assert result["splits"][1]["identities"] == {}


def test_splits_are_disjoint_draws_and_give_other_nets(result):
    first, second = (split["native"]["4"]["history"] for split in result["splits"])
    assert first != second


def test_images_of_finer_meshes_are_smoothed_to_match_the_coarsest(result):
    """σ² + 1 (v_R + v_P of the bilinear pair, in cells of the 8×8 images); σ² + 1/2 for the constant pair."""
    split = result["splits"][0]
    assert split["native"]["4"]["smoothing"] == 0.75
    assert split["native"]["8"]["smoothing"] == pytest.approx(math.sqrt(0.75**2 + 1))
    widths = {
        (row["from"], row["to"], row["pair"], row["images"]): row["smoothing"] for row in split["transfers"]
    }
    bilinear, constant = "averaging-bilinear", "averaging-constant"
    assert widths[4, 8, bilinear, "matched"] == split["native"]["8"]["smoothing"]
    assert widths[4, 8, constant, "matched"] == pytest.approx(math.sqrt(0.75**2 + 0.5))
    assert widths[8, 4, bilinear, "matched"] == pytest.approx(0.75)
    assert widths[8, 4, bilinear, "training"] == split["native"]["8"]["smoothing"]
    assert {width for key, width in widths.items() if key[-1] == "raw"} == {0.0}


def test_nets_go_two_levels_up_to_images_that_are_interpolated(folder):
    """The cells of 16×16 are half as wide as those of the images: v counts a quarter, then a whole."""
    words = ("--sizes", "4", "--targets", "16", "--pairs", "averaging-bilinear", "--matched")
    assert across_resolutions.main([str(folder / "few.toml"), *words, "-o", str(folder / "up")]) == 0
    found = json.loads((folder / "up/across_resolutions.json").read_text(encoding="utf-8"))["splits"][0]
    assert {(row["from"], row["to"]) for row in found["transfers"]} == {(4, 16)}
    matched = [row["smoothing"] for row in found["transfers"] if row["images"] == "matched"]
    assert matched == pytest.approx([math.sqrt(0.75**2 + 1 + 1 / 4)] * 3)
    identity = found["identities"]["4 to 16, averaging-bilinear"]
    assert identity["logit_change_without_propagation_adjoint"] <= 1e-5 * identity["largest_logit"]


def test_every_pair_takes_nets_where_it_is_defined(folder):
    """From 3×3 stencils two of the seven determine no finer stencils; unchanged ones go everywhere."""
    words = ("--sizes", "4", "8", "--pairs", "all", "-o", str(folder / "all"))
    assert across_resolutions.main([str(folder / "few.toml"), *words]) == 0
    found = json.loads((folder / "all/across_resolutions.json").read_text(encoding="utf-8"))
    assert found["options"] == ["--sizes 4 8", "--pairs all"]
    (split,) = found["splits"]
    for rule, here, missing in (
        ("keep", 4, set()),
        ("keep", 8, set()),
        ("galerkin", 8, set()),
        ("galerkin", 4, {"nearest", "injection-cubic"}),
    ):
        pairs = {row["pair"] for row in split["transfers"] if (row["stencils"], row["from"]) == (rule, here)}
        assert pairs == {*across_resolutions.ALL_PAIRS} - missing
    assert len(split["identities"]) == 7 + 5
    for found in split["identities"].values():
        assert found["galerkin_rho"] <= 30


def test_an_unknown_pair_is_refused_before_any_training(folder):
    words = [str(folder / "few.toml"), "--sizes", "4", "--pairs", "bilinear", "-o", str(folder / "none")]
    with pytest.raises(across_resolutions.InputError, match="averaging-bilinear"):
        across_resolutions.main(words)
    assert not (folder / "none").exists()


def test_the_finest_net_is_trained_to_go_down_and_others_to_go_up(folder, result):
    for size, goal in (("4", "finer"), ("8", "coarser")):
        found = json.loads((folder / f"out/split0/native{size}.json").read_text(encoding="utf-8"))
        assert found["configuration"]["regularization"]["transfer_to"] == goal


def test_the_identities_hold(result):
    for name, found in result["splits"][0]["identities"].items():
        assert found["galerkin_rho"] <= 30
        assert found["logit_change_without_propagation_adjoint"] <= 1e-5 * found["largest_logit"]
        assert ("constant" in name) == (found["logit_change_without_propagation"] <= 1e-5)


def test_what_is_there_is_not_done_again(folder, result, capsys, monkeypatch):
    capsys.readouterr()
    monkeypatch.setattr("common.crossing.transfer", None)
    again = folder / "again.json"
    words = [str(folder / "few.toml"), *WORDS, "-o", str(folder / "out"), "--result", str(again)]
    assert across_resolutions.main(words) == 0
    with pytest.raises(FileError, match=r"again.json' exists"):
        across_resolutions.main(words)
    assert "refms" not in capsys.readouterr().out
    assert json.loads(again.read_text(encoding="utf-8"))["splits"] == result["splits"]


def test_a_net_whose_training_was_stopped_is_not_taken_but_trained_on(folder, monkeypatch):
    """Ctrl-C leaves a valid net of one iteration; the same command goes on, and finds what it would have."""
    longer = folder / "longer.toml"
    longer.write_text(TOML.replace("iterations = 1\n", "iterations = 2\n"), encoding="utf-8")
    words = [str(longer), "--sizes", "4", "8", "--pairs", "nearest"]
    with monkeypatch.context() as patch:
        patch.setattr("refms.cli.training.interruption", lambda quiet: nullcontext(lambda: True))
        with pytest.raises(KeyboardInterrupt):
            across_resolutions.main([*words, "-o", str(folder / "stopped")])
    assert not (folder / "stopped/split0/native8.h5").exists()
    for name in ("stopped", "whole"):
        assert across_resolutions.main([*words, "-o", str(folder / name)]) == 0
    stopped, whole = (
        json.loads((folder / name / "across_resolutions.json").read_text(encoding="utf-8"))["splits"][0]
        for name in ("stopped", "whole")
    )
    assert stopped["transfers"] == whole["transfers"]
    assert len(stopped["native"]["4"]["history"]) == 2


def test_nets_of_another_configuration_are_not_taken(folder):
    other = folder / "other.toml"
    other.write_text(TOML.replace("layers = 1", "layers = 2"), encoding="utf-8")
    with pytest.raises(across_resolutions.InputError, match="another configuration"):
        across_resolutions.main([str(other), *WORDS, "-o", str(folder / "out"), "--force"])


def test_the_section_has_means_over_the_splits(result):
    text = section({**result, "name": "few"})
    values = [split["native"]["4"]["validation"]["accuracy"] for split in result["splits"]]
    spread = abs(values[0] - values[1]) / math.sqrt(2)
    assert f"| 4×4 | 0.75 | {50 * sum(values):.2f} ± {100 * spread:.2f} | – |" in text
    assert "mean ± standard deviation over 2 splits" in text
    assert "few.toml --sizes 4 8 --split 0 3 --matched --fit-classifier -o OUT" in text
    assert text.count("| 4 → 8 |") == 5 + 4
    assert "91.0" not in text  # the paper's numbers are about MNIST
    alone = section({**result, "name": "few", "splits": result["splits"][:1]})
    assert "±" not in alone.split("training of the net")[0]
