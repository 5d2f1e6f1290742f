"""Several processes: the same bits as one, one that writes, and an end for all where one fails."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from small_nets import examples, images, untrained
from small_reconstructions import small

from refms.model_file import load_model
from refms.objective.workers import Workers
from refms.parallel import LEAST_EXAMPLES, MPI, SHARDS, Comm, communicator
from refms.run.checkpoint_files import CheckpointFiles
from refms.run.config import OptimizationSection
from refms.run.image_experiment import image_experiment_of
from refms.run.reconstruction import reconstruct
from refms.run.training import train

HERE = Path(sys.executable).parent
MPIEXEC = HERE / "mpiexec"
NEEDS_MPI = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None or not MPIEXEC.exists(),
    reason="mpi4py and MPICH, the extra `mpi`, are not installed",
)


class Threads:
    """Processes played by threads: they meet at a barrier and hand their shards to each other."""

    def __init__(self, size):
        self.size, self.barrier, self.parts = size, threading.Barrier(size), [None] * size

    def work(self, task):
        """Return what each process makes of a task, a function of its member."""
        with ThreadPoolExecutor(self.size) as pool:
            return list(pool.map(lambda rank: task(Member(rank, self.size, self)), range(self.size)))


@dataclass(frozen=True)
class Member(Comm):
    """One of them."""

    everyone: Threads = None

    def gathered(self, parts, total):
        meet, shards = self.everyone.barrier, self.everyone.parts
        shards[self.rank] = list(parts)
        meet.wait(600)
        found = [part for own in shards for part in own]
        meet.wait(600)
        assert len(found) == total
        return found


def trained_by(size):
    """Return what each of so many processes has trained."""
    start = untrained(4)
    digits = examples(start, images(count=SHARDS * LEAST_EXAMPLES + 7))
    options = OptimizationSection(
        iterations=2, hessian_fraction=0.5, dtype="float64", propagation_cg_iterations=3, classifier_steps=1
    )
    return Threads(size).work(
        lambda member: train(start, digits, options=options, workers=Workers(member)).model
    )


def test_any_number_of_processes_trains_the_same_bits():
    (alone,) = trained_by(1)
    for size in (2, 3, 4):
        for model in trained_by(size):
            for name, array in alone.arrays.items():
                np.testing.assert_array_equal(model.arrays[name], array)
            assert [row.work_units for row in model.history] == [row.work_units for row in alone.history]


def test_any_number_of_processes_restores_images_with_the_same_bits():
    count = SHARDS * LEAST_EXAMPLES
    asked = {"estimator": "mge", "levels": 2, "batches": [3, count + 7], "iterations": [2]}
    configuration = small(data={"train": count + 20}, multiscale=asked)
    one, *others = [
        model
        for size in (1, 3)
        for model in Threads(size).work(
            lambda member: reconstruct(image_experiment_of(configuration, workers=Workers(member))).model
        )
    ]
    for model in others:
        for name, array in one.arrays.items():
            np.testing.assert_array_equal(model.arrays[name], array)


def test_alone_there_is_nothing_to_connect(monkeypatch):
    monkeypatch.delenv("PMI_SIZE", raising=False)
    assert communicator().size == 1


def launch(size, *words, folder=None):
    command = [MPIEXEC, "-n", str(size), sys.executable, *words]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=600, env=env, cwd=folder, check=False
    )


TRAIN = ["-m", "refms", "train", "--dataset", "digits", "--size", "4", "--train", "400", "--validation", "50"]
TRAIN += ["--iterations", "1"]


@NEEDS_MPI
def test_mpiexec_trains_the_same_bits_and_one_process_prints_and_writes(tmp_path):
    models, printed = [], []
    for size in (1, 2, 3):
        target = tmp_path / f"{size}.h5"
        done = launch(size, *TRAIN, "-o", str(target))
        assert done.returncode == 0, done.stderr
        models.append(load_model(target))
        printed.append((done.stdout.count("training accuracy"), done.stderr.count("iteration=1/1")))
    assert printed == [(1, 1)] * 3
    for model in models[1:]:
        for name, array in models[0].arrays.items():
            np.testing.assert_array_equal(model.arrays[name], array)


@NEEDS_MPI
def test_the_fast_sum_is_the_sum(tmp_path):
    """With fewer shards than processes, too: then some bring nothing."""
    code = """
import numpy as np
from refms.parallel import communicator, own_shards
for total in (1, 2, 12):
    comm = communicator(reproducible=False)
    shards = np.random.default_rng(0).standard_normal((total, 2, 3)).astype("float32")
    own = [shards[k] for k in own_shards(total, comm.rank, comm.size)]
    (found,) = comm.gathered(own, total)
    np.testing.assert_allclose(found, shards.sum(axis=0), rtol=1e-5, atol=1e-6)
    assert found.dtype == "float32"
    ordered = communicator().gathered(own, total)
    np.testing.assert_array_equal(ordered, shards)
print("same")
"""
    done = launch(3, "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("same") == 3


@NEEDS_MPI
def test_training_with_the_fast_sum_writes_a_model(tmp_path):
    done = launch(2, *TRAIN, "--allreduce", "-o", "model.h5", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert load_model(tmp_path / "model.h5").history.rows


@NEEDS_MPI
def test_a_process_that_fails_ends_all_with_a_sentence_and_leaves_the_file_as_it_was(tmp_path):
    target = tmp_path / "model.h5"
    assert launch(1, *TRAIN, "-o", str(target)).returncode == 0
    before = target.read_bytes()
    done = launch(2, *TRAIN, "--dtype", "float16", "-o", str(target), "--force")
    assert done.returncode != 0
    assert "process" in done.stderr
    assert "float16" in done.stderr
    assert target.read_bytes() == before


def test_several_processes_without_mpi4py_are_refused(tmp_path, monkeypatch):
    (tmp_path / "mpi4py.py").write_text("raise ImportError('not here')\n")
    env = {**os.environ, "PMI_SIZE": "2", "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, *TRAIN, "-o", str(tmp_path / "model.h5")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=env, check=False)
    assert done.returncode == 2
    assert "mpi4py is not installed" in done.stderr
    assert not (tmp_path / "model.h5").exists()


@NEEDS_MPI
def test_a_process_that_dies_ends_all_and_the_training_goes_on_from_the_last_checkpoint(tmp_path):
    words = [*TRAIN[:-1], "5", "--quiet"]
    assert launch(1, *words, "-o", str(tmp_path / "whole.h5")).returncode == 0
    target = tmp_path / "run.h5"
    files = CheckpointFiles(target)
    command = [MPIEXEC, "-n", "2", sys.executable, *words, "-o", str(target)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as launched:
        end = time.monotonic() + 600
        while not files.existing():
            assert time.monotonic() < end
            time.sleep(0.005)
        os.kill(one_that_computes(target), signal.SIGKILL)
        assert launched.wait(600) != 0
        assert "KILLED" in launched.stdout.read().upper() + launched.stderr.read().upper()
    assert not target.exists()
    assert 1 <= files.newest().iteration < 5
    done = launch(2, *words, "-o", str(target), "--resume")
    assert done.returncode == 0, done.stderr
    for name, array in load_model(tmp_path / "whole.h5").arrays.items():
        np.testing.assert_array_equal(load_model(target).arrays[name], array)
    assert files.existing() == []


def one_that_computes(target):
    """Return the process id of the last of the processes that write a target, by what /proc says."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            if words and words[0] == os.fsencode(sys.executable) and os.fsencode(str(target)) in words:
                found.append(int(entry.name))
    assert len(found) == 2
    return max(found)


class Recorded:
    """Two processes of MPI, of which this is the first; the second has the same numbers."""

    def __init__(self):
        self.buffers = []

    def bcast(self, value):
        return value

    def Allgatherv(self, own, received):
        self.buffers += [own, received[0]]
        assert sum(received[1]) == received[0].size
        received[0][: len(own)], received[0][len(own) :] = own, own

    def Allreduce(self, own, received):
        self.buffers += [own, received]
        received[...] = 2 * own


@pytest.mark.parametrize("cuda_aware", [True, False])
@pytest.mark.parametrize("reproducible", [True, False])
def test_arrays_of_a_device_go_through_the_host_unless_mpi_takes_them(fake_gpu, reproducible, cuda_aware):
    host = np.random.default_rng(0).standard_normal((2, 3)).astype("float32")
    comm = MPI(0, 2, Recorded(), reproducible, cuda_aware)
    found = comm.gathered([fake_gpu.array(part) for part in host], 4)
    assert all(fake_gpu.owns(buffer) == cuda_aware for buffer in comm.world.buffers)
    total = sum(fake_gpu.host(part).astype("float64") for part in found)
    np.testing.assert_allclose(total, 2 * host.sum(axis=0), rtol=1e-6)
    assert all(part.dtype == "float32" for part in found)
