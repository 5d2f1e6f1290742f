"""Checkpoints of a training: model files beside the one it will write, with what it needs to go on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from refms.errors import FileError
from refms.model_file import load_model, save_model
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
        state = {
            "iteration": checkpoint.iteration,
            "damping": checkpoint.damping,
            "notes": list(checkpoint.notes),
        }
        model = replace(checkpoint.model, record={**checkpoint.model.record, _KEY: state})
        save_model(self.path(checkpoint.iteration), model, overwrite=True)
        for old in self.existing()[: -self.kept]:
            old.unlink(missing_ok=True)

    def newest(self) -> Checkpoint:
        """Return the newest checkpoint, with NumPy arrays; FileError if there is none that can be used."""
        paths = self.existing()
        if not paths:
            raise FileError(
                f"there is no checkpoint of {str(self.target)!r} to resume, no {self.path(1).name} or later; "
                "leave out --resume to begin anew."
            )
        model = load_model(paths[-1])
        record = dict(model.record)
        try:
            state = record.pop(_KEY)
            damping = None if state["damping"] is None else float(state["damping"])
            iteration, notes = int(state["iteration"]), tuple(map(str, state["notes"]))
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(
                f"{str(paths[-1])!r} is a model but no checkpoint; remove it to resume from an older one."
            ) from error
        return Checkpoint(replace(model, record=record), iteration, damping, notes)

    def remove(self) -> None:
        """Remove all checkpoints."""
        for path in self.existing():
            path.unlink(missing_ok=True)
