"""Pictures of the tasks, and mesh-free filters, which are the same function on every mesh."""

import numpy as np
import pytest
import task_pictures

from refms.grid import Grid
from refms.maps.architectures.image_blocks import draw_initial
from refms.maps.layers.mesh_free import mesh_free_map


def test_a_filter_is_the_same_function_on_every_mesh():
    xi = draw_initial(mesh_free_map(Grid((8, 8)), 4).layout, 0, "float64")["xi"]
    xi[:, -1] = np.log(0.5)  # smooth enough for 16 cells: exp(−τ q) is 1e-7 at their last frequency
    fine, coarse = (task_pictures.impulse(xi, Grid((n, n))) for n in (32, 16))
    assert abs(fine[:, ::2, ::2] - coarse).max() < 1e-6 * abs(fine).max()


@pytest.mark.parametrize("task", ["denoise", "super-resolve"])
def test_a_task_leaves_a_picture_once(tmp_path, capsys, task):
    (tmp_path / "tiny.toml").write_text(
        '[data]\ndataset = "photographs"\ntrain = 8\nvalidation = 4\nsize = 32\n'
        "[network.options]\nwidth = 4\nblocks = 1\n[multiscale]\nlevels = 2\nbatch = 1\niterations = [2, 1]\n"
        f'[experiment]\ntasks = ["{task}"]\nshown = 2\nfilters = 2\n'
    )
    words = [str(tmp_path / "tiny.toml"), "-o", str(tmp_path / "out")]
    assert task_pictures.main(words) == 0
    assert capsys.readouterr().out.count("wrote") == 2
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert made == sorted([f"{task}.png", "mesh_free_filters.png"])
    assert task_pictures.main(words) == 0
    assert capsys.readouterr().out == ""
