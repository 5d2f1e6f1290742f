"""Files as the library needs them: looked at before they are opened, and replaced in one step."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from refms.errors import FileError, InputError
from refms.io.locking import remove_abandoned, try_lock

_TEMPORARY = re.compile(r"\..{1,32}\.[0-9a-f]{16}\.refms\.tmp", re.DOTALL)
_SENTENCES = {
    errno.ENOSPC: "the disk is full. Free some space, or write to another disk.",
    errno.EDQUOT: "your disk quota is used up. Free some space, or write to another disk.",
    errno.EFBIG: "the file would be larger than the system allows. Raise the limit (ulimit -f).",
    errno.EACCES: "permission is denied. Choose a folder that you may write to.",
    errno.EPERM: "permission is denied. Choose a folder that you may write to.",
    errno.EROFS: "the disk is read-only. Choose a folder that you may write to.",
    errno.ENOENT: "its folder does not exist. Create the folder first.",
    errno.ENOTDIR: "its folder is not a folder. Check the spelling of the path.",
    errno.ENAMETOOLONG: "the name is too long. Choose a shorter one.",
}


class Stream(Protocol):
    """What can be read from, a piece at a time: a file, or one that is unpacked on the way."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none only at the end."""
        ...


def fill(stream: Stream, target: memoryview) -> int:
    """Fill ``target``, bytes, from the stream and return how many there were."""
    filled = 0
    while filled < target.nbytes:
        piece = stream.read(min(2**20, target.nbytes - filled))
        if not piece:
            break
        target[filled : filled + len(piece)] = piece
        filled += len(piece)
    return filled


def regular_file_size(path: str | os.PathLike[str]) -> int:
    """Return the size in bytes of a file that exists, is a regular file and may be read, or raise FileError.

    Nothing is opened before this is known: opening a pipe would wait for ever, and a device has no end.

    Examples
    --------
    >>> regular_file_size(__file__) > 0
    True
    """
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(
            f"{os.fspath(path)!r} cannot be read: {reason}. Check the spelling of the path."
        ) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise FileError(f"{os.fspath(path)!r} is {kind}; expected the name of a file.")
    if not os.access(path, os.R_OK):
        raise FileError(
            f"{os.fspath(path)!r} cannot be read: permission is denied. Ask its owner for read access."
        )
    return status.st_size


def read_whole(path: str | os.PathLike[str], longest: int, what: str) -> bytes:
    """Return the bytes of a regular file whose length is known before it is read, or raise FileError."""
    if regular_file_size(path) > longest:
        raise FileError(f"{os.fspath(path)!r} is longer than {longest} bytes; expected {what}.")
    return first_bytes(path, longest)


def first_bytes(path: str | os.PathLike[str], count: int) -> bytes:
    """Return so many bytes of a regular file, from its beginning, or all that it has, or raise FileError."""
    regular_file_size(path)
    try:
        with open(path, "rb") as file:
            return file.read(count)
    except OSError as error:
        raise FileError(f"{os.fspath(path)!r} cannot be read: {error.strerror or error}.") from error


@contextlib.contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Let what is wrong with a file begin with its name, where that is not said yet."""
    name = repr(os.fspath(path))
    try:
        yield
    except InputError as error:
        if str(error).startswith(name):
            raise
        raise FileError(f"{name} {error}") from error


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Let the caller write a temporary file, and put it in the place of ``path`` only if all went well.

    The temporary file lies in the same folder; it is flushed to the disk, moved over ``path`` in one step,
    and the folder is flushed too. At every moment ``path`` is the whole earlier file or the whole new one,
    even if the program is killed or the power fails. On any error the temporary file is removed; what killed
    processes left in the folder is removed by the next one that writes there.

    Parameters
    ----------
    path : str or path
        The file to write; a symbolic link is followed to its target.
    overwrite : bool
        Whether an existing file may be replaced; its permissions are kept.

    Yields
    ------
    pathlib.Path
        Name of the temporary file, empty, which the caller has to fill and close.

    Raises
    ------
    FileError
        If the file exists and may not be replaced, or the system refuses (full disk, permissions, …).

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with atomic_write(f"{folder.name}/note.txt") as temporary:
    ...     _ = temporary.write_text("all or nothing")
    >>> os.listdir(folder.name)
    ['note.txt']
    >>> folder.cleanup()
    """
    target = Path(os.path.realpath(path))
    _require_free(target, overwrite)
    _sweep(target.parent)
    temporary, held = _new_temporary(target)
    try:
        yield temporary
        if target.exists():
            shutil.copymode(target, temporary)
        os.fsync(held)
        _require_free(target, overwrite)
        if os.name == "nt":  # where an open file cannot be moved, nor removed by others
            os.close(held)
        os.replace(temporary, target)
    except OSError as error:
        _remove(temporary)
        raise _write_error(target, error, "nothing was changed") from error
    except BaseException:
        _remove(temporary)
        raise
    finally:
        with contextlib.suppress(OSError):
            os.close(held)
    try:
        _flush(target.parent, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError as error:
        raise _write_error(
            target, error, "the new file is in place, but may be lost if the power fails"
        ) from error


def _new_temporary(target: Path) -> tuple[Path, int]:
    """Return an empty file beside the target, and its descriptor, by whose lock others see that it lives."""
    while True:
        temporary = target.with_name(f".{target.name[:32]}.{secrets.token_hex(8)}.refms.tmp")
        try:
            held = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except OSError as error:
            raise _write_error(target, error, "nothing was changed") from error
        try:
            if try_lock(held):
                return temporary, held
        except OSError:  # no locks on this file system: nobody else sweeps there either
            return temporary, held
        os.close(held)  # swept by another process before it was locked


def _sweep(folder: Path) -> None:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name):
                remove_abandoned(entry.path)


def _require_free(target: Path, overwrite: bool) -> None:
    if not os.path.lexists(target):
        return
    if not target.is_file():
        raise FileError(f"{str(target)!r} exists and is not a regular file; choose another name.")
    if not overwrite:
        raise FileError(
            f"{str(target)!r} exists already; choose another name, or allow it to be overwritten."
        )


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(temporary: Path) -> None:
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)


def _write_error(target: Path, error: OSError, state: str) -> FileError:
    reason = _SENTENCES.get(error.errno or 0, f"{error.strerror or error}.")
    return FileError(f"{str(target)!r} cannot be written: {reason} ({state[0].upper()}{state[1:]}.)")
