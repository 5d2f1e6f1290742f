"""What a training with `-o run.h5` left in the current folder."""

from pathlib import Path

import numpy as np

from refms.model_file import load_model
from refms.run.checkpoint_files import CheckpointFiles


def checkpoints():
    """Return the names of its checkpoints, the newest last."""
    return [path.name for path in CheckpointFiles(Path("run.h5")).existing()]


def assert_same(a, b):
    """Compare two models bit for bit, and their histories but for wall times."""
    first, second = load_model(a), load_model(b)
    assert first.record == second.record
    for name, array in first.arrays.items():
        assert array.tobytes() == second.arrays[name].tobytes()
    columns = second.history.columns()
    for name, column in first.history.columns().items():
        if name != "seconds":
            np.testing.assert_array_equal(column, columns[name], err_msg=name)
