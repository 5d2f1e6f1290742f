"""Inputs once more, without the fuzzer, and the smallest ones for each sentence.

python -m fuzzing.replay TARGET FILES…                 # prints JSON: what was said of each
python -m fuzzing.replay TARGET FILES… --keep FOLDER   # copies the smallest file for each sentence
"""

from __future__ import annotations

import argparse
import faulthandler
import json
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
    parser.add_argument("--seconds", type=float, help="end with a stack after that time")
    options = parser.parse_args()
    if options.seconds is not None:
        faulthandler.dump_traceback_later(options.seconds, exit=True)
    target = TARGETS[options.target]
    read_in_this_process()
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


if __name__ == "__main__":
    main()
