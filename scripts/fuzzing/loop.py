"""One process of the fuzzer: libFuzzer's loop around one target, until it is done or a finding ends it.

Started by ``scripts/fuzz.py``: python -m fuzzing.loop TARGET FOLDER BOARD [flags of libFuzzer] [corpora]
"""

import faulthandler
import resource
import sys
import warnings
import zlib
from pathlib import Path

import atheris

from fuzzing.board import Board
from fuzzing.sentences import kind_of

with atheris.instrument_imports(include=["refms", "zipfile", "gzip"]):
    from fuzzing.targets import TARGETS, read_in_this_process

SENTENCES = 1024
ADDRESSES = 2**31
"""Bytes of address space of this process: what wants more than that is refused it, as by a small machine."""

# A signal is to end the process with Python's stack in its last words, not with libFuzzer's.
_FLAGS = [f"-handle_{signal}=0" for signal in ("segv", "bus", "abrt", "ill", "fpe")]


class Sentences:
    """Branches in the eyes of libFuzzer, one for each sentence: so the fuzzer sees a little of HDF5, too."""

    def __init__(self) -> None:
        # private names of atheris; it has no public way to report a branch of code it did not instrument
        self.first = min([atheris._reserve_counter() for _ in range(SENTENCES)])

    def take(self, sentence: str) -> None:
        """Count a kind of sentence."""
        kind = zlib.crc32(kind_of(sentence).encode("utf-8", "replace"))
        atheris._trace_branch(self.first + kind % SENTENCES)


def main() -> None:
    """Never return: libFuzzer ends the process."""
    name, folder, shared, *flags = sys.argv[1:]
    target, home, board, sentences = TARGETS[name], Path(folder), Board(Path(shared)), Sentences()
    read_in_this_process()
    warnings.simplefilter("error")  # a reader that warns says what no user can do anything with
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def one(data: bytes) -> None:
        board.post(data)
        sentences.take(target.check(home, data))

    def change(data: bytes, most: int, seed: int) -> bytes:
        return target.change(data, seed, most, atheris.Mutate)

    atheris.Setup([sys.argv[0], f"-max_len={target.longest}", *_FLAGS, *flags], one, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
