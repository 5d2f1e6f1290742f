"""The front doors: which function reads what, and what must hold of everything that it is given."""

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzzing import seeds
from fuzzing.hdf5_mutations import mutated
from fuzzing.text_mutations import Plainly, mutated_json, mutated_toml
from fuzzing.value_mutations import mutated_artifact
from refms import model_file
from refms.conformance.reports.saved import read_reports
from refms.conformance.reports.xfails import read_xfails
from refms.data.mnist import load_mnist
from refms.data.picture_list import load_list
from refms.environment import peak_memory
from refms.errors import FileError, InputError, InputWarning
from refms.exchange import reading, write_cases
from refms.exchange.layout import expectations
from refms.exchange.matrix_files import read_matrix
from refms.grid import Grid
from refms.io import Artifact, describe, read_arrays, read_artifact
from refms.maps.architectures.residual import Residual
from refms.model import initial_model
from refms.model_file import load_model, save_model
from refms.objective.reading import Classes
from refms.plots.results import read_result, runs_of
from refms.run.checkpoint_files import CheckpointFiles
from refms.run.config import Configuration
from refms.run.config.reconstruction import Reconstruction
from refms.run.plan import Plan
from refms.run.plan_work import plan_work
from refms.run.resume import newest_checkpoint

MEMORY = 2**28
"""Bytes by which one input may raise the resident memory of the process."""

Change = Callable[[bytes, int, int, Plainly], bytes]
"""Input, seed, largest size, the fuzzer's own mutation -> changed input."""


def _store(folder: Path, data: bytes, name: str = "x") -> None:
    (folder / name).write_bytes(data)


def _plain(data: bytes, seed: int, most: int, plainly: Plainly) -> bytes:
    del seed
    return plainly(data, most)


@dataclass(frozen=True)
class Target:
    """A front door.

    ``door``: what comes in, and by which command; ``seeds``: () ↦ valid inputs; ``read``: the public function
    that the command line uses, of a folder; ``words``: folder ↦ the words after ``refms`` that read the same;
    ``longest``: bytes of the largest input; ``change``: how inputs are changed; ``store``: (folder, input)
    puts it where the reader finds it.
    """

    door: str
    seeds: Callable[[], list[bytes]]
    read: Callable[[Path], object]
    words: Callable[[Path], list[str]]
    longest: int
    change: Change = _plain
    store: Callable[[Path, bytes], None] = _store

    def check(self, folder: Path, data: bytes) -> str:
        """Return the sentence with which the reader refuses an input; empty if it reads it.

        Raises whatever else happens, and AssertionError for what is no sentence or took too much memory.
        """
        self.store(folder, data)
        before = peak_memory() or 0
        sentence = ""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InputWarning)  # a note to the user
                self.read(folder)
        except InputError as error:
            sentence = str(error)
            shown = sentence.isprintable() and 20 <= len(sentence) <= 2000 and str(folder) in sentence
            if not shown:
                raise AssertionError(f"not a sentence that names its file: {sentence!r}") from error
        grown = (peak_memory() or 0) - before
        if grown > MEMORY:
            raise AssertionError(f"this input alone took {grown} bytes of memory")
        return sentence


def _store_idx(folder: Path, data: bytes) -> None:
    cut = 2 + int.from_bytes(data[:2], "little")
    (folder / "train-labels-idx1-ubyte").write_bytes(data[2:cut])
    (folder / "train-images-idx3-ubyte").write_bytes(data[cut:])


def _store_list(folder: Path, data: bytes) -> None:
    seeds.store_pictures(folder)
    (folder / "x.csv").write_bytes(data)


def _stored_as(name: str) -> Callable[[Path, bytes], None]:
    return lambda folder, data: _store(folder, data, name)


def _signed(start: bytes) -> Change:
    """Keep the first bytes most of the time: by them the format is recognised."""

    def change(data: bytes, seed: int, most: int, plainly: Plainly) -> bytes:
        found = plainly(data, most)
        return found if seed % 8 == 0 else start + found[len(start) :]

    return change


def _artifact_change(small: Callable[[], list[bytes]], whole: Callable[[], list[Artifact]]) -> Change:
    """Change what whole artefacts hold, or bytes of small ones, which are read five times as fast."""
    small, whole = functools.cache(small), functools.cache(whole)

    def change(data: bytes, seed: int, most: int, plainly: Plainly) -> bytes:
        if seed % 8 == 0:
            return mutated_artifact(whole(), seed, most)
        few = [one for one in small() if len(one) <= _SMALL]
        return mutated(data if len(data) <= _SMALL else few[seed % len(few)], seed, _SMALL, plainly)

    return change


def _read_model(folder: Path) -> None:
    """Do what ``refms show`` does and then what ``refms evaluate`` does."""
    describe(model_file.read_artifact_contained(folder / "x"))
    load_model(folder / "x")


def _read_restoration(folder: Path) -> None:
    """Do what ``refms work`` does before it prints."""
    plan_work(Reconstruction.from_toml(folder / "x"))


def _read_results(folder: Path) -> None:
    reading.read_results(folder / "x")


def _read_result(folder: Path) -> None:
    """Do what ``refms plot`` does before it draws."""
    path = folder / "x"
    result = read_result(path)
    try:
        runs_of(result)
    except InputError as error:
        raise FileError(f"{str(path)!r}: {error}") from error


def _store_checkpoint(folder: Path, data: bytes) -> None:
    (folder / "x.checkpoint-2.h5").write_bytes(data)


def _read_checkpoint(folder: Path) -> None:
    newest_checkpoint(CheckpointFiles(folder / "x.h5"), seeds.resumable(), Configuration())


def _evaluate_on_idx(folder: Path) -> list[str]:
    model = folder / "model.h5"
    save_model(model, initial_model(Residual(Grid((28, 28)), channels=1), Classes(10)), overwrite=True)
    return ["evaluate", str(model), "--dataset", "mnist", "--data-dir", str(folder), "--part", "train"]


def _verify(folder: Path) -> list[str]:
    cases = folder / "cases.h5"
    write_cases(cases, overwrite=True)
    return ["conform", "verify", str(cases), str(folder / "x")]


def _command(*words: str) -> Callable[[Path], list[str]]:
    """Return folder ↦ words, of which "x…" is in the folder."""
    return lambda folder: [str(folder / word) if word.startswith("x") else word for word in words]


def read_in_this_process() -> None:
    """Let the readers do here what they otherwise let child processes do, and let them not repeat themselves.

    A child for each input would take all of the time, and its coverage would not be seen. refms' own goldens,
    which tell the names of results, are the same for every input; and a model is read once, not twice.
    """
    goldens, known = expectations(), dict[bytes, Artifact]()

    def read_once(path: Path) -> Artifact:
        data = path.read_bytes()
        if data not in known:
            known.clear()
            known[data] = read_artifact(path)
        return known[data]

    def hdf5_here(path: Path, *, max_bytes: int, read: Callable[..., Any] = read_arrays) -> Any:
        here = read is read_arrays  # SciPy does not survive most damaged .mat files
        return read(path, max_bytes=max_bytes) if here else contained(path, max_bytes=max_bytes, read=read)

    contained = reading.read_arrays_contained
    reading.expectations = lambda: goldens
    reading.read_arrays_contained = hdf5_here
    model_file.read_artifact_contained = read_once


_SMALL = 8192

_XFAILS = (
    "conform",
    "run",
    "refms.conformance.adapters.reference:ReferenceAdapter",
    "--only",
    "D1",
    "--xfails",
)

TARGETS = {
    "idx": Target(
        "IDX images and labels, plain and gzip (`load_mnist`)",
        seeds.idx,
        load_mnist,
        _evaluate_on_idx,
        2048,
        store=_store_idx,
    ),
    "list-csv": Target(
        "lists of pictures (`csv:FILE`)",
        seeds.lists,
        lambda folder: load_list(str(folder / "x.csv")),
        _command("data", "x.csv"),
        512,
        store=_store_list,
    ),
    "matrix-npz": Target(
        "matrices in `.npz` (`refms plot matrix`)",
        seeds.matrices_npz,
        lambda folder: read_matrix(folder / "x.npz"),
        _command("plot", "matrix", "x.npz", "-o", "xout"),
        4096,
        _signed(b"PK\3\4"),
        _stored_as("x.npz"),
    ),
    "matrix-mtx": Target(
        "matrices in `.mtx` (`refms plot matrix`)",
        seeds.matrices_mtx,
        lambda folder: read_matrix(folder / "x.mtx"),
        _command("plot", "matrix", "x.mtx", "-o", "xout"),
        1024,
        _signed(b"%%MatrixMarket matrix coordinate "),
        _stored_as("x.mtx"),
    ),
    "results-hdf5": Target(
        "results in HDF5 (`refms conform verify`)",
        seeds.results_hdf5,
        _read_results,
        _verify,
        16384,
        mutated,
    ),
    "results-npz": Target(
        "results in `.npz` (`refms conform verify`)",
        seeds.results_npz,
        _read_results,
        _verify,
        4096,
        _signed(b"PK\3\4"),
    ),
    "results-mat": Target(
        "results in `.mat` (`refms conform verify`)",
        seeds.results_mat,
        _read_results,
        _verify,
        4096,
        _signed(b"MATLAB 5.0 "),
    ),
    "model-hdf5": Target(
        "models (`refms show`, `refms evaluate`)",
        seeds.models,
        _read_model,
        _command("show", "x"),
        65536,
        _artifact_change(seeds.models, seeds.model_artifacts),
    ),
    "checkpoint-hdf5": Target(
        "checkpoints (`refms train --resume`)",
        seeds.checkpoints,
        _read_checkpoint,
        _command("train", "--quiet", "--resume", "-o", "x.h5"),
        65536,
        _artifact_change(seeds.checkpoints, seeds.checkpoint_artifacts),
        _store_checkpoint,
    ),
    "configuration-toml": Target(
        "configurations in TOML (`refms train`, `compare`, `study`)",
        seeds.configurations,
        lambda folder: Plan.from_toml(folder / "x"),
        _command("study", "x", "-o", "xout"),
        4096,
        mutated_toml,
    ),
    "reconstruction-toml": Target(
        "configurations in TOML (`refms reconstruct`, `work`, `variance`)",
        seeds.restorations,
        _read_restoration,
        _command("work", "x"),
        4096,
        mutated_toml,
    ),
    "xfails-toml": Target(
        "expected failures in TOML (`refms conform run --xfails`)",
        seeds.xfails,
        lambda folder: read_xfails(folder / "x"),
        _command(*_XFAILS, "x"),
        2048,
        mutated_toml,
    ),
    "report-json": Target(
        "reports in JSON (`refms conform diff`)",
        seeds.reports,
        lambda folder: read_reports(folder / "x"),
        _command("conform", "diff", "x", "x"),
        4096,
        mutated_json,
    ),
    "result-json": Target(
        "results of comparisons and studies in JSON (`refms plot`)",
        seeds.results_json,
        _read_result,
        _command("plot", "x", "-o", "xout"),
        4096,
        mutated_json,
    ),
}
