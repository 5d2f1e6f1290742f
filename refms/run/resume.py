"""Whether a training may begin anew, and from where an interrupted one goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from refms.errors import FileError, InputError
from refms.model import Model
from refms.run.checkpoint_files import CheckpointFiles
from refms.run.config.sections import Sections
from refms.run.training import Checkpoint


def require_free(files: CheckpointFiles, *, force: bool) -> None:
    """Refuse to begin anew over the checkpoints of an interrupted training, unless ``force`` is set."""
    existing = files.existing()
    if existing and not force:
        raise FileError(
            f"{str(existing[-1])!r} is a checkpoint of an interrupted training; --resume goes on with it, "
            "--force begins anew and removes it."
        )


def newest_checkpoint(files: CheckpointFiles, start: Model, configuration: Sections) -> Checkpoint:
    """Return where an interrupted training goes on; its record says what is asked for now.

    Raises FileError if there is no checkpoint, it was made with another configuration (the number of
    iterations apart) or data set than ``start``, or all iterations are done.
    """
    found = files.newest()
    name = str(files.path(found.iteration))
    was, asked = (_asked(model, configuration) for model in (found.model, start))
    other = [f"{key} = {was.get(key)!r}, not {asked[key]!r}" for key in asked if was.get(key) != asked[key]]
    if other:
        raise FileError(
            f"{name!r} was made with {'; '.join(other)}. Resume with what it was made with, or begin anew."
        )
    total = configuration.iterations
    if found.iteration >= total:
        raise FileError(
            f"{name!r} holds {found.iteration} iterations; expected fewer than iterations = {total}."
        )
    return replace(found, model=replace(found.model, record=start.record))


@contextmanager
def way_on(files: CheckpointFiles) -> Iterator[None]:
    """Say where a training can go on, where memory runs out (an InputError) or a file cannot be written."""
    try:
        yield
    except MemoryError as error:
        raise InputError(
            f"out of memory{f' ({error})' if str(error) else ''}.{_intact(files)} Give the process more "
            "memory, or begin anew with a lower [optimization] memory, fewer channels or fewer examples."
        ) from error
    except FileError as error:
        raise FileError(f"{error}{_intact(files)}") from error


def _intact(files: CheckpointFiles) -> str:
    existing = files.existing()
    if not existing:
        return ""
    return f" {str(existing[-1])!r} is intact: the same command with --resume goes on from it."


def _asked(model: Model, configuration: Sections) -> dict[str, Any]:
    """Return what a training was asked for by ``section.key``.

    Without the number of iterations of block-coordinate descent, which may be raised; that of stages says how
    the learning rate falls.
    """
    stored = model.record.get("configuration")
    sections = configuration.complete(stored if isinstance(stored, Mapping) else {})
    flat = {
        f"{section}.{key}": value
        for section, keys in sections.items()
        if isinstance(keys, Mapping)
        for key, value in keys.items()
    }
    flat.pop("optimization.iterations", None)
    # As JSON gives it back: tuples are lists there.
    found: dict[str, Any] = json.loads(json.dumps({**flat, "dataset": model.record.get("dataset")}))
    return found
