"""The front doors: which function reads what, and what must hold of everything that it is given."""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzzing import seeds
from fuzzing.artifact_mutations import mutated_artifact
from fuzzing.hdf5_mutations import mutated
from refms import model_file
from refms.data.mnist import load_mnist
from refms.errors import InputError
from refms.exchange import reading, write_cases
from refms.exchange.layout import expectations
from refms.grid import Grid
from refms.io import (
    Artifact,
    describe,
    read_arrays,
    read_artifact,
)
from refms.maps.architectures.residual import Residual
from refms.model import initial_model
from refms.model_file import load_model, save_model
from refms.objective.reading import Classes

MEMORY = 2**28
"""Bytes by which one input may raise the resident memory of the process."""

Plainly = Callable[[bytes, int], bytes]
"""The fuzzer's own mutation: input, largest size -> changed input."""


@dataclass(frozen=True)
class Target:
    """A front door.

    ``seeds``: () ↦ valid inputs; ``store``: (folder, input) puts it where the reader finds it; ``read``: the
    public function that the command line uses; ``words``: folder ↦ the words after ``refms`` that read the
    same; ``longest``: bytes of the largest input; ``change``: (input, seed, largest size, the fuzzer's own
    mutation) ↦ changed input.
    """

    seeds: Callable[[], list[bytes]]
    store: Callable[[Path, bytes], None]
    read: Callable[[Path], object]
    words: Callable[[Path], list[str]]
    longest: int
    change: Callable[[bytes, int, int, Plainly], bytes]

    def check(self, folder: Path, data: bytes) -> str:
        """Return the sentence with which the reader refuses an input; empty if it reads it.

        Raises whatever else happens, and AssertionError for what is no sentence or took too much memory.
        """
        self.store(folder, data)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        sentence = ""
        try:
            self.read(folder)
        except InputError as error:
            sentence = str(error)
            shown = sentence.isprintable() and 20 <= len(sentence) <= 2000 and str(folder) in sentence
            if not shown:
                raise AssertionError(f"not a sentence that names its file: {sentence!r}") from error
        grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        if grown > MEMORY:
            raise AssertionError(f"this input alone took {grown} bytes of memory")
        return sentence


def _store_idx(folder: Path, data: bytes) -> None:
    cut = 2 + int.from_bytes(data[:2], "little")
    (folder / "train-labels-idx1-ubyte").write_bytes(data[2:cut])
    (folder / "train-images-idx3-ubyte").write_bytes(data[cut:])


def _store(folder: Path, data: bytes) -> None:
    (folder / "x").write_bytes(data)


def _plain(data: bytes, seed: int, most: int, plainly: Plainly) -> bytes:
    del seed
    return plainly(data, most)


def _signed(start: bytes) -> Callable[[bytes, int, int, Plainly], bytes]:
    """Keep the first bytes most of the time: by them the format is recognised."""

    def change(data: bytes, seed: int, most: int, plainly: Plainly) -> bytes:
        found = plainly(data, most)
        return found if seed % 8 == 0 else start + found[len(start) :]

    return change


def _model_change(data: bytes, seed: int, most: int, plainly: Plainly) -> bytes:
    """Change what whole models hold, or bytes of small ones: to read a whole one takes five times as long."""
    if seed % 8 == 0:
        return mutated_artifact(_ARTIFACTS, seed, most)
    small = data if len(data) <= _SMALL_MODEL else _FEW_ARRAYS[seed % len(_FEW_ARRAYS)]
    return mutated(small, seed, _SMALL_MODEL, plainly)


def _read_model(folder: Path) -> None:
    """Do what ``refms show`` does and then what ``refms evaluate`` does."""
    describe(model_file.read_artifact_contained(folder / "x"))
    load_model(folder / "x")


def _read_results(folder: Path) -> None:
    reading.read_results(folder / "x")


def _evaluate_on_idx(folder: Path) -> list[str]:
    model = folder / "model.h5"
    save_model(model, initial_model(Residual(Grid((28, 28)), channels=1), Classes(10)), overwrite=True)
    return ["evaluate", str(model), "--dataset", "mnist", "--data-dir", str(folder), "--part", "train"]


def _verify(folder: Path) -> list[str]:
    cases = folder / "cases.h5"
    write_cases(cases, overwrite=True)
    return ["conform", "verify", str(cases), str(folder / "x")]


def _show(folder: Path) -> list[str]:
    return ["show", str(folder / "x")]


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


_SMALL_MODEL = 8192
_FEW_ARRAYS = [data for data in seeds.models() if len(data) <= _SMALL_MODEL]
_ARTIFACTS = seeds.model_artifacts()

TARGETS = {
    "idx": Target(seeds.idx, _store_idx, load_mnist, _evaluate_on_idx, 2048, _plain),
    "results-hdf5": Target(seeds.results_hdf5, _store, _read_results, _verify, 16384, mutated),
    "results-npz": Target(seeds.results_npz, _store, _read_results, _verify, 4096, _signed(b"PK\3\4")),
    "results-mat": Target(seeds.results_mat, _store, _read_results, _verify, 4096, _signed(b"MATLAB 5.0 ")),
    "model-hdf5": Target(seeds.models, _store, _read_model, _show, 65536, _model_change),
}
