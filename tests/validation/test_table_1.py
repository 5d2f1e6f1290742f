"""Seconds of each mesh: loss evaluations and work are those of Table 1, whatever the time is."""

import json
from pathlib import Path

import pytest
import table_1
from common.plan import options_of, read_plan

from refms.errors import InputError
from refms.run.config.reconstruction import Reconstruction

FOLDER = Path(__file__).parents[2] / "validation" / "multiscale_training"


def test_the_full_table_has_the_printed_loss_evaluations():
    asked = read_plan(
        options_of("", [str(FOLDER / "table_1.toml"), "-o", "x", "--full"]), table_1.Settings, Reconstruction
    )
    settings, levels = asked.settings, asked.configuration.multiscale.levels
    batches = [table_1.batches_of(settings.images, settings.batch, k) for k in range(levels, 0, -1)]
    assert [table_1.loss_evaluations(sizes) for sizes in batches] == [752, 624, 560, 528, 512]
    with pytest.raises(InputError, match="more images"):
        table_1.batches_of(8, 4, 3)


def test_a_tiny_table_has_the_work_of_its_meshes(tmp_path):
    (tmp_path / "tiny.toml").write_text(
        '[data]\ndataset = "digits"\nsize = 8\ntrain = 20\nvalidation = 4\nvalidation_part = "train"\n'
        "[network.options]\nwidth = 4\nblocks = 1\n[multiscale]\nlevels = 2\nbatch = 2\n"
        "[experiment]\nimages = 8\nbatch = 2\n"
    )
    assert table_1.main([str(tmp_path / "tiny.toml"), "-o", str(tmp_path)]) == 0
    fine, coarse = json.loads((tmp_path / "table_1.json").read_text())["rows"]
    assert [fine["cells"], coarse["cells"]] == [8, 4]
    assert [fine[name]["work"] for name in ("single", "mge")] == [8.0, 2 * 1.25 + 6 * 0.25]
    assert coarse["single"]["work"] == coarse["mge"]["work"] == 2.0
    assert min(fine["single"]["seconds"], coarse["mge"]["seconds"]) > 0
