"""Whether a training may begin anew, and from where an interrupted one goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from refms.errors import FileError, InputError, require_whole
from refms.io.checkpoint_files import CheckpointFiles
from refms.model import Model
from refms.run.config import Configuration
from refms.run.training import Checkpoint


def require_free(files: CheckpointFiles, checkpoints: int, *, resume: bool, force: bool) -> None:
    """Refuse to begin anew over the checkpoints of a training that was interrupted, or remove them.

    Parameters
    ----------
    files : CheckpointFiles
        Where to look.
    checkpoints : int
        How many shall be kept.
    resume, force : bool
        Whether to go on with them, and whether they may be removed.

    Raises
    ------
    InputError
        If the number is negative.
    FileError
        If there are any, and nothing was said about them.
    """
    require_whole(checkpoints, "checkpoints", 0)
    existing = [] if resume else files.existing()
    if existing and not force:
        raise FileError(
            f"{str(existing[-1])!r} is a checkpoint of an interrupted training; --resume goes on with it, "
            "--force begins anew and removes it."
        )
    if existing:
        files.remove()


def resumed(files: CheckpointFiles, start: Model, configuration: Configuration) -> Checkpoint:
    """Return the newest checkpoint, if it belongs to the training that is asked for.

    Parameters
    ----------
    files : CheckpointFiles
        Where to look.
    start : Model
        The model before any training.
    configuration : Configuration
        What is asked for; its number of iterations may be another one than it was.

    Returns
    -------
    Checkpoint
        Where the training goes on; its record says what is asked for now.

    Raises
    ------
    FileError
        If there is no checkpoint, it was made with another configuration or data set, or all iterations are
        done.
    """
    found = files.newest()
    name = str(files.path(found.iteration))
    was, asked = (_asked(model) for model in (found.model, start))
    other = [f"{key} = {was.get(key)!r}, not {asked[key]!r}" for key in asked if was.get(key) != asked[key]]
    if other:
        raise FileError(
            f"{name!r} was made with {'; '.join(other)}. Resume with what it was made with, or begin anew."
        )
    total = configuration.optimization.iterations
    if found.iteration >= total:
        raise FileError(
            f"{name!r} holds {found.iteration} iterations; expected fewer than iterations = {total}."
        )
    return replace(found, model=replace(found.model, record=start.record))


@contextmanager
def told_where_it_goes_on(files: CheckpointFiles) -> Iterator[None]:
    """Say where a training can go on, where memory runs out or a file cannot be written.

    Parameters
    ----------
    files : CheckpointFiles
        Its checkpoints; they are left as they are.

    Raises
    ------
    InputError
        In the place of MemoryError.
    FileError
        In the place of itself.
    """
    try:
        yield
    except MemoryError as error:
        raise InputError(
            f"out of memory{f' ({error})' if str(error) else ''}.{_way_on(files)} Give the process more "
            "memory, or begin anew with a lower [optimization] memory, fewer channels or fewer examples."
        ) from error
    except FileError as error:
        raise FileError(f"{error}{_way_on(files)}") from error


def _way_on(files: CheckpointFiles) -> str:
    existing = files.existing()
    if not existing:
        return ""
    return f" {str(existing[-1])!r} is intact: the same command with --resume goes on from it."


def _asked(model: Model) -> dict[str, Any]:
    """Return what a training was asked for, the number of iterations apart, by ``section.key``."""
    sections = Configuration().to_dict()  # what an older checkpoint does not know had its default
    for section, keys in model.record.get("configuration", {}).items():
        sections[section] = {**sections.get(section, {}), **keys}
    flat = {f"{section}.{key}": value for section, keys in sections.items() for key, value in keys.items()}
    flat.pop("optimization.iterations", None)
    # As JSON gives it back: tuples are lists there.
    found: dict[str, Any] = json.loads(json.dumps({**flat, "dataset": model.record.get("dataset")}))
    return found
