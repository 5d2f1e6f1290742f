"""The study of the front on few digits, and its measures on exact small cases."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import resolution_front
from matplotlib.figure import Figure
from results.resolution_front import section
from small_nets import images, untrained

from refms.grid import Grid
from refms.multiscale.resolution import transfer

TOML = """
sizes = [4, 8]
pairs = ["averaging-bilinear", "averaging-constant"]
[configuration.data]
dataset = "digits"
train = 60
validation = 40
smoothing = 1.25
[configuration.network]
channels = 2
layers = 1
[configuration.optimization]
iterations = 1
hessian_fraction = 0.5
classifier_steps = 1
[[nets]]
name = "base"
sizes = [4, 8]
fit_classifier = true
[[nets]]
name = "short"
changes = { "network.final_time" = 0.5 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("front")
    (made / "few.toml").write_text(TOML, encoding="utf-8")
    assert resolution_front.main([str(made / "few.toml"), "-o", str(made / "out")]) == 0
    return made


@pytest.fixture(scope="module")
def result(folder):
    return json.loads((folder / "out/resolution_front.json").read_text(encoding="utf-8"))


def test_each_net_is_trained_on_its_meshes_and_moved_in_every_way(result):
    assert [(net["name"], net["size"]) for net in result["nets"]] == [("base", 4), ("base", 8), ("short", 4)]
    for net in result["nets"]:
        assert {row["to"] for row in net["transfers"]} == {12 - net["size"]}
        assert len(net["transfers"]) == 5 * 4
        assert len(net.get("fitted", [])) == (4 if net["name"] == "base" else 0)
    assert result["nets"][2]["configuration"]["network"]["final_time"] == 0.5
    widths = {row["images"]: row["smoothing"] for row in result["nets"][0]["transfers"][:3]}
    assert widths == {"raw": 0.0, "training": 1.25, "matched": pytest.approx(math.sqrt(1.25**2 + 1))}


def test_only_what_changed_is_done_again(folder, capsys):
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*.h5")}
    (folder / "few.toml").write_text(TOML.replace('final_time" = 0.5', 'final_time" = 1.0'), encoding="utf-8")
    capsys.readouterr()
    words = [str(folder / "few.toml"), "-o", str(folder / "out")]
    with pytest.raises(resolution_front.FileError, match=r"resolution_front.json' exists"):
        resolution_front.main(words)
    other = ["--result", str(folder / "other.json"), "--figure", str(folder / "other.svg")]
    with pytest.raises(resolution_front.FileError, match=r"short-4.json' was made with another config"):
        resolution_front.main([*words, *other])
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*.h5")} == before
    assert resolution_front.main([*words, "--force"]) == 0
    after = {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*.h5")}
    assert {name for name in before if before[name] != after[name]} == {"short-4.h5"}
    told = capsys.readouterr().out
    assert "short-4: native" in told
    assert "base" not in told


def test_the_section_shows_every_net(result):
    text = section({**result, "name": "few"})
    assert text.count("| base | 4 |") == 3 + 1 + 4
    assert text.count("| short | 4 |") == 3 + 1
    for net in result["nets"]:
        assert f"{100 * net['native']['accuracy']:.2f}" in text
    assert "few.toml -o OUT --result validation/learning_across_scales/results/few.json" in text
    assert "--figure validation/learning_across_scales/results/resolution_front.png" in text


def test_the_front_is_drawn_a_panel_a_direction(result):
    figure = Figure()
    resolution_front.picture(figure, result["nets"])
    up, down = figure.axes
    assert (up.get_title(), down.get_title()) == ("from 4×4 to 8×8 cells", "from 8×8 to 4×4 cells")
    lines = {line.get_label(): line.get_xydata() for line in up.get_lines()}
    for label, stencils in (("K_H = R K_h P, images agree", "galerkin"), ("unchanged, images agree", "keep")):
        found = [
            [100 * net["native"]["accuracy"], 100 * row["accuracy"]]
            for net in result["nets"]
            for row in net["transfers"]
            if (net["size"], row["pair"], row["weights"]) == (4, "averaging-bilinear", "pair")
            and (row["stencils"], row["images"]) == (stencils, "agreeing")
        ]
        assert len(found) == 2
        np.testing.assert_allclose(lines[label], found)


# The measures


def with_stencils(size, fine):
    """Return a net of one channel whose layers all have one stencil."""
    net = untrained(size, channels=1)
    return net.with_arrays(stencils=np.broadcast_to(fine, net.arrays["stencils"].shape).copy())


def test_frequencies_above_the_coarse_nyquist_frequency():
    high = resolution_front.high_frequencies(Grid((8,)))
    assert np.fft.fftfreq(8)[high].tolist() == [0.375, -0.5, -0.375]
    assert resolution_front.high_frequencies(Grid((8, 8))).sum() == 64 - 25


def test_the_gain_of_the_laplacian_is_that_of_its_symbol():
    """λ = 2 cos ω₁ + 2 cos ω₂ − 4: at most 4 in size where both |ω| ≤ π/2, 8 at the corner."""
    laplacian = np.array([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
    found = resolution_front.gains(laplacian[None, None, None], Grid((8, 8)))
    assert found == {"low": pytest.approx(4.0), "high": pytest.approx(8.0)}


def test_a_multiple_of_the_identity_has_no_gap_and_unchanged_derivatives_have():
    """With averaging-constant 2I stays 2I; an unchanged derivative has i sin ω against i sin 2ω."""
    centre, slope = np.zeros((3, 3)), np.zeros((3, 3))
    centre[1, 1], slope[1] = 2.0, [-0.5, 0.0, 0.5]
    for fine, rule, gap in ((centre, "galerkin", 0.0), (centre, "keep", 0.0), (slope, "keep", None)):
        coarse = with_stencils(4, fine)
        other = transfer(coarse, Grid((8, 8)), "averaging-constant", rule)
        found = resolution_front.symbol_gap(coarse, other, images("digits", 20))
        assert found > 0.1 if gap is None else found <= 1e-12


def test_energy_above_the_coarse_nyquist_frequency_is_a_share_and_falls_with_smoothing():
    net = with_stencils(8, np.zeros((3, 3)))
    shares = [
        resolution_front.feature_spectra(
            replace(net, preprocessing=replace(net.preprocessing, smoothing=sigma)), images("digits", 20)
        )
        for sigma in (0.0, 1.0, 2.0)
    ]
    first = [share[0] for share in shares]
    assert 1 > first[0] > first[1] > first[2] > 0
    assert all(share == pytest.approx([share[0]] * len(share)) for share in shares)  # K = 0, b = 0: y stays
