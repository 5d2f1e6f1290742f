import errno
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import h5py
import numpy as np
import pytest

from refms.io import Artifact, read_artifact, write_artifact

OLD = Artifact("model", {"name": "old"}, {"x": np.zeros(1000)})
NEW = Artifact("model", {"name": "new"}, {"x": np.ones(2000)})


@pytest.fixture
def path(tmp_path):
    write_artifact(tmp_path / "a.h5", OLD)
    return tmp_path / "a.h5"


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_an_error_inside_hdf5_leaves_the_earlier_file(path, monkeypatch):
    before = path.read_bytes()
    monkeypatch.setattr(h5py.Group, "create_dataset", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_artifact(path, NEW, overwrite=True)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["a.h5"]


WRITER = """
import sys
import numpy as np
from refms.io import Artifact, write_artifact

small = Artifact("model", {"name": "small"}, {"x": np.ones(10)})
large = Artifact("model", {"name": "large"}, {"x": np.ones(200_000)})
print("ready", flush=True)
while True:
    for artifact in (small, large):
        write_artifact(sys.argv[1], artifact, overwrite=True)
"""


@contextmanager
def busy_writer(path):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline() == b"ready\n"
        yield
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()


@pytest.mark.parametrize("delay", [0.0, 0.013, 0.057])
def test_a_writer_killed_at_any_moment_leaves_a_whole_file(path, delay):
    with busy_writer(path):
        time.sleep(delay)
    assert read_artifact(path).attributes["name"] in {"old", "small", "large"}


def test_a_reader_beside_a_busy_writer_always_sees_a_whole_file(path):
    seen = []
    with busy_writer(path):
        while len(seen) < 100 or (len(set(seen)) < 2 and len(seen) < 20_000):
            seen.append(read_artifact(path).attributes["name"])
    assert {"small", "large"} <= set(seen) <= {"old", "small", "large"}
