"""Example 1 as an experiment: the printed stencil, eq. (8) to round-off, and the picture."""

import json

import example_1
import numpy as np
import pytest

from refms.io import read_artifact
from refms.stencils.transfer import TRANSFER_PAIRS

TOML = '[data]\ndataset = "digits"\n[experiment]\nshown = 2\n'


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("example_1")
    (folder / "c.toml").write_text(TOML)
    assert example_1.main([str(folder / "c.toml"), "-o", str(folder)]) == 0
    found = json.loads((folder / "example_1.json").read_text())
    return found, read_artifact(folder / "example_1.h5").arrays, folder


def test_every_named_pair_is_there_and_says_the_truth_about_example_1(result):
    pairs = result[0]["pairs"]
    assert [*pairs] == [pair.name for pair in TRANSFER_PAIRS]
    for pair in TRANSFER_PAIRS:
        deviation = pairs[pair.name]["deviation_from_printed"]
        assert (deviation is not None and deviation < 0.0063) == pair.reproduces_example_1


def test_equation_8_holds_to_round_off_and_fails_with_the_unchanged_stencil(result):
    for found in result[0]["pairs"].values():
        assert max(found["rho"].values()) < 30
        assert max(found["matrix_rho"].values()) < 30
        assert found["relative_error"] < 1e-14
        assert found["relative_error_unchanged"] > 0.1


def test_the_fine_stencil_comes_back_where_it_is_determined(result):
    for pair in TRANSFER_PAIRS:
        back = result[0]["pairs"][pair.name]["error_of_prolonged_again"]
        assert (back is not None) == (3 in pair.closed_sizes)
        assert back is None or back < 1e-13


def test_the_arrays_are_what_the_loops_of_the_definition_give(result):
    arrays = result[1]
    fine = arrays["averaging-constant/fine"]
    assert fine.shape == (64, 10)
    image = fine[:, 4].reshape(8, 8)
    blocks = image.reshape(4, 2, 4, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(arrays["averaging-constant/coarse"][:, 4], blocks.ravel(), atol=1e-15)
    shifts = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
    s_h, s_H = arrays["averaging-constant/s_h"], arrays["averaging-constant/s_H"]
    filtered = sum(s_h[a + 1, b + 1] * np.roll(image, (-a, -b), (0, 1)) for a, b in shifts)
    np.testing.assert_allclose(arrays["averaging-constant/fine_filtered"][:, 4], filtered.ravel(), atol=1e-14)
    prolonged = np.kron(blocks, np.ones((2, 2)))
    filtered = sum(s_h[a + 1, b + 1] * np.roll(prolonged, (-a, -b), (0, 1)) for a, b in shifts)
    galerkin = filtered.reshape(4, 2, 4, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(arrays["averaging-constant/galerkin"][:, 4], galerkin.ravel(), atol=1e-14)
    coarse = sum(s_H[a + 1, b + 1] * np.roll(blocks, (-a, -b), (0, 1)) for a, b in shifts)
    np.testing.assert_allclose(galerkin, coarse, atol=1e-14)


def test_one_image_a_class_and_a_picture(result):
    found, _, folder = result
    assert found["images"] == 10
    assert found["figure"] == "example_1.png"
    assert (folder / "example_1.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("shown = 10", "shown is 10; expected 0 to 9"),
        ('figure_pair = "x"', "figure_pair is 'x'; expected one"),
    ],
)
def test_bad_settings_are_refused_before_anything_is_written(tmp_path, line, told):
    (tmp_path / "c.toml").write_text(f'[data]\ndataset = "digits"\n[experiment]\n{line}\n')
    with pytest.raises(example_1.InputError, match=told):
        example_1.main([str(tmp_path / "c.toml"), "-o", str(tmp_path / "out")])
    assert not [*(tmp_path / "out").glob("*")]
