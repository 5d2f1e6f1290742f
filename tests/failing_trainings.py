"""Trainings that fail at their n-th file operation, for every n; run as a program, in an empty folder.

    python failing_trainings.py kill | EIO | ENOSPC

``kill``: the process ends at once, in the middle of what it writes. ``EIO``: that operation alone fails.
``ENOSPC``: from there on nothing can be written any more. After each the files are looked at, the training
goes on without failures, and its model must be the one of a training that never failed. Prints what went
wrong, as JSON, and how many operations there were.
"""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from pathlib import Path

from refms.cli.main import main
from refms.io import first_difference, read_artifact
from refms.io.artifact import Artifact

WORDS = ["train", "--size", "4", "--train", "20", "--validation", "10", "--channels", "1", "--layers", "1"]
WORDS += ["--iterations", "3", "--quiet", "--force", "-o", "run.h5"]
OPERATIONS = (
    "open",
    "fsync",
    "replace",
    "unlink",
    "mkdir",
    "write",
    "ftruncate",
    "chmod",
    "scandir",
    "listdir",
)
READING = ("scandir", "listdir", "stat", "lstat", "unlink")
KILLED = 137


class Failure:
    """Count operations on files of this folder, and let the n-th fail."""

    def __init__(self, n, how):
        self.n, self.how, self.count = n, how, 0

    def step(self, name, half=lambda: None):
        self.count += 1
        if self.count == self.n and self.how == "kill":
            half()
            os._exit(KILLED)
        lasting = self.how == "ENOSPC" and name not in READING
        if self.count == self.n or (lasting and self.count > self.n):
            half()
            number = getattr(errno, self.how)
            raise OSError(number, os.strerror(number))

    def install(self):
        for name in (*OPERATIONS, "stat", "lstat"):
            setattr(os, name, self.counted(name, getattr(os, name)))
        io.open = self.counted("open", io.open)

    def counted(self, name, function):
        def operation(*arguments, **options):
            if is_here(arguments[0]):
                self.step(name)
            found = function(*arguments, **options)
            return Written(found, self.step) if isinstance(found, io.BufferedWriter) else found

        return operation


class Written:
    """A file half of which is written where that fails."""

    def __init__(self, file, step):
        self.file, self.step = file, step

    def write(self, data):
        def half():
            self.file.write(bytes(data)[: len(data) // 2])
            self.file.flush()

        self.step("write", half)
        return self.file.write(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


def is_here(what):
    if isinstance(what, int):
        return what > 2
    try:
        return os.path.abspath(what).startswith(os.getcwd())
    except TypeError:
        return False


def forked(words, failure=None):
    """Run a command in a process of its own that is set up already; return its exit code."""
    child = os.fork()
    if child == 0:
        for descriptor in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
        if failure is not None:
            failure.install()
        code = main(words)
        os._exit(99 if failure is not None and failure.count < failure.n else code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def contents(path):
    """Return an artefact without its times."""
    found = read_artifact(path)
    kept = {name: array for name, array in found.arrays.items() if name != "history/seconds"}
    return Artifact(found.kind, found.attributes, kept)


def same(path, other):
    return first_difference(contents(path), other) is None


def restart(old):
    for path in Path().iterdir():
        path.unlink()
    Path("run.h5").write_bytes(old)


def faults_of(n, how, old, earlier, whole, known):
    """Return what is wrong after a training whose n-th operation failed; None if it has fewer."""
    restart(old)
    code = forked(WORDS, Failure(n, how))
    if code == 99:
        return None
    models = sorted(path.name for path in Path().glob("*.h5"))
    new = same("run.h5", whole)
    faults = [] if new or same("run.h5", earlier) else ["run.h5 is neither the earlier model nor the new one"]
    faults += [f"{name} is no checkpoint" for name in models[:-1] if not contents(name).arrays]
    if code == 0 and not (new and models == ["run.h5"]):
        faults.append(f"code 0 with {sorted(os.listdir())}")
    if code not in (0, 2, KILLED):
        faults.append(f"code {code}")
    if how != "kill" and list(Path().glob(".*.tmp")):
        faults.append(f"left {sorted(os.listdir())}")
    state = (tuple(models), new, len(os.listdir()))
    if state not in known:
        known.add(state)
        go_on = ["--resume"] if len(models) > 1 else []
        if forked([*WORDS, *go_on]) or not same("run.h5", whole) or os.listdir() != ["run.h5"]:
            faults.append(f"does not go on from {state}")
    return faults


def report(how):
    """Return (operation, what is wrong there), and the number of operations."""
    assert main([*WORDS, "--iterations", "1"]) == 0  # in this process, which then has all that it needs
    old, earlier = Path("run.h5").read_bytes(), contents("run.h5")
    assert forked(WORDS) == 0
    whole, known, found, n = contents("run.h5"), set(), [], 1
    while (faults := faults_of(n, how, old, earlier, whole, known)) is not None:
        found += [(n, fault) for fault in faults]
        n += 1
    return {"faults": found, "operations": n - 1, "states": len(known)}


if __name__ == "__main__":
    sys.stdout = io.StringIO()
    found = report(sys.argv[1])
    print(json.dumps(found), file=sys.__stdout__)
