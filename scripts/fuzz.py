"""Fuzz the doors through which files of strangers come in, guided by coverage (extra ``fuzz``: atheris).

    python scripts/fuzz.py --target idx --runs 500000 --seed 0
    python scripts/fuzz.py --record       # also writes validation/conformance/results/fuzz.json

Every input is either read or refused in a sentence (``InputError``); anything else, more than 5 seconds of
the processor, or more than 256 MiB of memory for one input is a finding. Findings are then given to the
command line, which reads HDF5 files in a process of its own: where HDF5 itself fails, it has to say a
sentence and end with 2.
"""

import argparse
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
from fuzzing.board import Board
from fuzzing.page import RECORD, contained
from fuzzing.targets import MEMORY, TARGETS, Target

from refms.cli.streams import end_with
from refms.environment import machine, versions
from refms.io.files import atomic_write

HOME = Path(__file__).resolve().parent
SECONDS = 5
"""Processor time that an input may take."""

STANDSTILL = 600.0
"""Seconds on the clock without a new input, after which a process is ended from outside."""

ROUND = 50_000
"""Executions of one process, which then gives back what HDF5 lost in memory."""

_FRAME = re.compile(r'File ".*?/(refms/[\w/]+\.py)", line (\d+),? in (\w+)')


@dataclass
class Finding:
    """A way in which inputs broke the promise.

    ``kind``: exception, signal, timeout or memory; ``where``: the innermost line of refms, and what was
    raised there; ``data``: the smallest input that did this; ``front_door``: what the command line made of
    it.
    """

    kind: str
    where: str
    data: bytes
    count: int = 1
    front_door: str = ""


@dataclass
class Tally:
    """What came of fuzzing one target."""

    executions: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0
    corpus: int = 0
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)

    def add(self, executions: int, peak_bytes: int, found: Finding | None) -> None:
        """Add what came of one process; of equal findings the smallest input stays."""
        self.executions += executions
        self.peak_bytes = max(self.peak_bytes, peak_bytes)
        if found is None:
            return
        known = self.findings.setdefault((found.kind, found.where), found)
        if known is not found:
            known.count += 1
            known.data = min(known.data, found.data, key=len)


def main(words: Sequence[str] | None = None) -> int:
    """Run the targets; return 0 if every promise was kept, 1 otherwise."""
    options = _options(words)
    results = {}
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        for name in options.target or TARGETS:
            results[name] = tally = fuzz(name, options.runs, options.seed, Path(scratch) / name, options.jobs)
            print(_line(name, tally), flush=True)
            if options.output is not None:
                _keep(options.output / name, TARGETS[name], tally, Path(scratch) / name / "corpus")
            if options.record:
                _write(options.seed, options.jobs, name, tally)
    findings = [finding for tally in results.values() for finding in tally.findings.values()]
    return 0 if all(contained(vars(finding)) for finding in findings) else 1


def fuzz(name: str, runs: int, seed: int, home: Path, jobs: int = 1) -> Tally:
    """Feed inputs to one target, in so many processes at a time, sharing a corpus; the n-th has seed + n."""
    target, tally, start = TARGETS[name], Tally(), time.monotonic()
    for folder in ("corpus", "seeds", "artifacts"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(target.seeds()):
        (home / "seeds" / f"{number:03}").write_bytes(data)
    with ThreadPoolExecutor(jobs) as pool:
        while tally.executions < runs:
            share = min(math.ceil((runs - tally.executions) / jobs), ROUND)
            begun = range(seed + 1, seed + jobs + 1)  # for libFuzzer 0 is no seed
            for found in pool.map(lambda own, share=share: _round(name, share, own, home), begun):
                tally.add(*found)
            seed += jobs
            print(f"  {name}: {tally.executions:,} of {runs:,}", file=sys.stderr, flush=True)
    tally.seconds = time.monotonic() - start
    tally.corpus = sum(1 for _ in (home / "corpus").iterdir())
    for finding in tally.findings.values():
        finding.front_door = front_door(target, finding.data, home / "door")
    return tally


def _round(name: str, runs: int, seed: int, home: Path) -> tuple[int, int, Finding | None]:
    """Let one process run until it is done or a finding ends it; return executions, memory and finding."""
    own = home / str(seed)
    (own / "read").mkdir(parents=True)
    board = Board(own / "board")
    command = [sys.executable, "-m", "fuzzing.loop", name, str(own / "read"), str(own / "board")]
    command += [f"-runs={runs}", f"-seed={seed}", f"-timeout={SECONDS}", "-rss_limit_mb=1024", "-verbosity=0"]
    command += [f"-artifact_prefix={home / 'artifacts'}/", str(home / "corpus"), str(home / "seeds")]
    with open(own / "log", "w+b") as log:
        child = subprocess.Popen(command, cwd=HOME, stdout=log, stderr=log)
        status, usage, stuck = _waited_for(child, board)
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        said = log.read().decode("utf-8", "replace")
    if not board.count:
        raise RuntimeError(f"the fuzzer does not run: {said[-2000:]}")
    alarm = stuck or status == signal.SIGALRM or "libFuzzer: timeout" in said
    finding = _unending(name, board.last, own / "unending") if alarm else _finding(status, said, board.last)
    return board.count, usage.ru_maxrss * 1024, finding if status else None


def _unending(name: str, data: bytes, path: Path) -> Finding | None:
    """Return where an input takes too long; None if it was not the input, but the machine or the fuzzer."""
    path.write_bytes(data)
    command = [sys.executable, "-m", "fuzzing.replay", name, str(path), "--seconds", str(SECONDS)]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    frames = _frames(done.stderr)
    if not done.returncode:
        return None
    return Finding("timeout", f"more than {SECONDS} s at {frames[0] if frames else 'an unknown place'}", data)


def _frames(said: str) -> list[str]:
    """Return the lines of refms in a stack."""
    return [f"{path}:{line} {name}" for path, line, name in _FRAME.findall(said)]


def _waited_for(child: subprocess.Popen[bytes], board: Board) -> tuple[int, Any, bool]:
    """Wait for a process, and end it if it stands still: an alarm within malloc stops libFuzzer for good."""
    last, since = -1, time.monotonic()
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            return status, usage, False
        time.sleep(0.05)
        if board.count != last:
            last, since = board.count, time.monotonic()
        elif time.monotonic() - since > STANDSTILL:
            child.kill()
            _, status, usage = os.wait4(child.pid, 0)
            return status, usage, True


def front_door(target: Target, data: bytes, folder: Path) -> str:
    """Return how the command line ends that gets an input as a file, and what it says: best "exit 2: …"."""
    folder.mkdir(exist_ok=True)
    target.store(folder, data)
    command = [sys.executable, "-m", "refms", *target.words(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "no end within a minute"
    return f"exit {done.returncode}: {done.stderr.strip()[-500:]}".replace(f"{folder}/", "")


def _finding(status: int, said: str, data: bytes) -> Finding:
    """Return what ended a process of the fuzzer."""
    frames = _frames(said)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return Finding("signal", f"{name} at {frames[0] if frames else 'an unknown place'}", data)
    if "libFuzzer: out-of-memory" in said:
        return Finding("memory", "more than 1024 MiB", data)
    raised = re.search(r"=== Uncaught Python exception: ===\n(.*)", said)
    text = re.sub(r"'.*'|[0-9]+", "…", raised[1])[:120] if raised else said[-300:]
    return Finding("exception", f"{text} at {frames[-1] if frames else 'an unknown place'}", data)


def _write(seed: int, jobs: int, name: str, tally: Tally) -> None:
    """Put a result into the record; targets that were not run keep theirs."""
    made = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "versions": {**versions(), "atheris": version("atheris"), "HDF5": h5py.version.hdf5_version},
        "seed": seed,
        "jobs": jobs,
        "limits": {"seconds": SECONDS, "bytes": MEMORY},
    }
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    record[name] = {**made, **_entry(tally)}
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(RECORD, overwrite=True) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _keep(folder: Path, target: Target, tally: Tally, corpus: Path) -> None:
    """Write the inputs of the findings, and the smallest input for every sentence."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, finding in enumerate(tally.findings.values()):
        (folder / f"finding-{finding.kind}-{number}").write_bytes(finding.data)
    shutil.copytree(corpus, folder / "corpus", dirs_exist_ok=True)


def _entry(tally: Tally) -> dict[str, Any]:
    findings = [
        {"kind": f.kind, "where": f.where, "count": f.count, "bytes": len(f.data), "front_door": f.front_door}
        for f in tally.findings.values()
    ]
    return {
        "executions": tally.executions,
        "seconds": round(tally.seconds),
        "peak_bytes": tally.peak_bytes,
        "corpus": tally.corpus,
        "findings": findings,
    }


def _line(name: str, tally: Tally) -> str:
    kept = sum(contained(vars(finding)) for finding in tally.findings.values())
    peak = tally.peak_bytes / 2**20
    return (
        f"{name}: {tally.executions:,} executions in {tally.seconds:.0f} s, peak {peak:.0f} MiB, corpus "
        f"{tally.corpus}; {len(tally.findings)} findings, {kept} of which end with a sentence and exit code 2"
    )


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="by default all, one by one")
    parser.add_argument(
        "--runs", type=int, default=200_000, help="executions of each target (default: 200000)"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="of the fuzzer (default: 0)")
    parser.add_argument(
        "--scratch", type=Path, default=_memory_disk(), help="folder for files, best in memory"
    )
    parser.add_argument("-o", "--output", type=Path, help="folder for the corpus and the inputs of findings")
    parser.add_argument(
        "--record", action="store_true", help="update validation/conformance/results/fuzz.json"
    )
    return parser.parse_args(words)


def _memory_disk() -> Path | None:
    disk = Path("/dev/shm")
    return disk if os.access(disk, os.W_OK) else None


if __name__ == "__main__":
    end_with(main)
