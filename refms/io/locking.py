"""Locks between processes, which the system releases when a process ends, however it does."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from refms.errors import FileError

_NO_FOLLOWING: int = getattr(os, "O_NOFOLLOW", 0)
_HELD = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
"""What a file system says that knows no locks: there a run has to do without."""


@contextlib.contextmanager
def exclusive(lock: Path, name: str) -> Iterator[None]:
    """Hold a lock file while the caller writes the output ``name``; FileError names who holds it already.

    The file is there only as long as the lock, or until the next run where the process was killed.
    """
    descriptor = _acquire(lock, name)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()  # before it is released: later it might be another one's
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed or this process ends; return False where another one has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 2**30, os.SEEK_SET)  # what is locked there cannot be read by others
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise
    return True


def remove_abandoned(path: str) -> None:
    """Remove a file that its writer would hold locked, if nobody does; what cannot be removed stays."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | _NO_FOLLOWING)
        try:
            if try_lock(descriptor):
                os.unlink(path)
        finally:
            os.close(descriptor)


def _acquire(lock: Path, name: str) -> int:
    """Return the descriptor of the lock file once it is locked, with the name of this process in it."""
    while True:
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | _NO_FOLLOWING, 0o666)
        except OSError as error:
            raise FileError(
                f"{name!r} cannot be written: no lock can be made beside it ({error.strerror}). Choose a "
                "folder that you may write to."
            ) from error
        try:
            if not _is_ours(descriptor):
                raise _refusal(name, os.read(descriptor, 200).decode("utf-8", "replace"))
            if lock.exists() and os.path.samestat(os.fstat(descriptor), lock.stat()):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, _this_process().encode())
                return descriptor
        except OSError as error:
            os.close(descriptor)
            raise FileError(f"{name!r} cannot be locked: {error.strerror}.") from error
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its last holder removed it in the meantime


def _this_process() -> str:
    return f"process {os.getpid()} on {platform.node()}"


def _refusal(name: str, holder: str) -> FileError:
    if holder == _this_process():
        return FileError(f"{name!r} is given for two outputs; choose another name for one of them.")
    who = holder or "another process"
    return FileError(f"{name!r} is being written by {who}; wait until it has ended, or choose another name.")


def _is_ours(descriptor: int) -> bool:
    try:
        return try_lock(descriptor)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return True
        raise
