"""Inputs once more, without the fuzzer, and the smallest ones for each sentence.

python -m fuzzing.replay TARGET FILES…                 # prints JSON: what was said of each
python -m fuzzing.replay TARGET FILES… --keep FOLDER   # copies the smallest file for each sentence
"""

import argparse
import faulthandler
import json
import signal
import tempfile
import zlib
from pathlib import Path

from fuzzing.sentences import kind_of
from fuzzing.targets import TARGETS, read_in_this_process


def main() -> None:
    """Replay files; whatever is neither read nor refused in a sentence ends the process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target", choices=list(TARGETS))
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--seconds", type=float, help="end with a stack after so much processor time")
    options = parser.parse_args()
    target = TARGETS[options.target]
    read_in_this_process()
    if options.seconds is not None:
        _end_after(options.seconds)
    with tempfile.TemporaryDirectory() as folder:
        said = {path: target.check(Path(folder), path.read_bytes()) for path in options.files}
    if options.keep is None:
        print(json.dumps({path.name: sentence for path, sentence in said.items()}))
        return
    options.keep.mkdir(parents=True, exist_ok=True)
    smallest: dict[str, Path] = {}
    for path, sentence in said.items():
        kind = kind_of(sentence)
        smallest[kind] = min(
            smallest.get(kind, path), path, key=lambda found: (found.stat().st_size, found.name)
        )
    for kind, path in smallest.items():
        (options.keep / f"{zlib.crc32(kind.encode()):08x}").write_bytes(path.read_bytes())


def _end_after(seconds: float) -> None:
    """Let this process end with a stack: after seconds of its own, whatever else the machine does."""
    faulthandler.register(signal.SIGPROF, chain=True)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    faulthandler.dump_traceback_later(100 * seconds, exit=True)  # it waits for something


if __name__ == "__main__":
    main()
