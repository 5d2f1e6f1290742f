"""Checkpoints of a training: model files beside the one it will write, with what it needs to go on."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from refms.errors import FileError, InputError, require_whole
from refms.model import Model
from refms.model_file import load_with_memory, save_model
from refms.optimize.newton import Damping
from refms.run.training import Checkpoint

_KEY = "checkpoint"


@dataclass(frozen=True)
class CheckpointFiles:
    """The checkpoints of the training that writes one model file: ``OUT.checkpoint-7.h5`` beside ``OUT.h5``.

    Examples
    --------
    >>> CheckpointFiles(Path("runs/model.h5")).path(7).as_posix()
    'runs/model.checkpoint-7.h5'
    """

    target: Path
    kept: int = 2

    def path(self, iteration: int) -> Path:
        """Return the file of the checkpoint after an iteration."""
        return self.target.with_name(f"{self.target.stem}.checkpoint-{iteration}{self.target.suffix}")

    def existing(self) -> list[Path]:
        """Return the checkpoints that are there, the newest last."""
        start, end = (re.escape(part) for part in (f"{self.target.stem}.checkpoint-", self.target.suffix))
        if not self.target.parent.is_dir():
            return []
        found = {
            int(match[1]): path
            for path in self.target.parent.iterdir()
            if (match := re.fullmatch(rf"{start}(\d+){end}", path.name))
        }
        return [found[iteration] for iteration in sorted(found)]

    def write(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint atomically, and only then remove those that are too old."""
        model = replace(
            checkpoint.model, record={**checkpoint.model.record, **record_of_checkpoint(checkpoint)}
        )
        save_model(self.path(checkpoint.iteration), model, overwrite=True, memory=checkpoint.memory)
        for old in self.existing()[: -self.kept]:
            with contextlib.suppress(OSError):  # it is tried again after the next iteration
                old.unlink()

    def newest(self) -> Checkpoint:
        """Return the newest checkpoint, with NumPy arrays; FileError if there is none that can be used.

        Without one, a model that is there tells where its training ended, if more iterations may follow.
        """
        paths = self.existing() or [path for path in (self.target,) if path.exists()]
        if not paths:
            raise FileError(
                f"there is no checkpoint of {str(self.target)!r} to resume, no {self.path(1).name} or later; "
                "leave out --resume to begin anew."
            )
        model, memory = load_with_memory(paths[-1])
        try:
            found = replace(_checkpoint_of(model), memory=memory)
            if paths[-1] not in (self.target, self.path(found.iteration)):
                raise InputError(f"it is of iteration {found.iteration}")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FileError(
                f"{str(paths[-1])!r} is a model but no checkpoint ({error}); "
                + ("begin anew." if paths[-1] == self.target else "remove it to resume from an older one.")
            ) from error
        return found

    def remove(self) -> None:
        """Remove all checkpoints."""
        for path in self.existing():
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise FileError(f"{str(path)!r} cannot be removed: {error.strerror}.") from error


def record_of_checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what a model's record tells of a checkpoint, but for the arrays that its rule remembers."""
    state: dict[str, Any] = {
        "iteration": checkpoint.iteration,
        "damping": checkpoint.damping,
        "notes": list(checkpoint.notes),
    }
    if checkpoint.state:
        state["state"] = dict(checkpoint.state)
    return {_KEY: state}


def _checkpoint_of(model: Model) -> Checkpoint:
    """Return the checkpoint that a model's record tells of; KeyError, TypeError or ValueError if none."""
    record = dict(model.record)
    state = record.pop(_KEY, None)
    if state is None or "transfers" in record:
        raise InputError("it tells of no training that goes on")
    iteration, damping, notes = (state[name] for name in ("iteration", "damping", "notes"))
    reached, more = max((row.iteration for row in model.history), default=0), state.get("state", {})
    # stages have rows at intervals, blocks after every iteration
    if require_whole(iteration, "iteration", 1) < reached or (iteration > reached and not more):
        raise InputError(f"iteration is {iteration}, and the history ends with {reached}")
    if damping is not None:
        Damping(damping)
    if not (isinstance(notes, list) and all(isinstance(note, str) for note in notes)):
        raise InputError("notes are no list of sentences")
    return Checkpoint(replace(model, record=record), int(iteration), damping, tuple(notes), dict(more))
