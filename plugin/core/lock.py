"""A file lock for one process at a time, which the operating system releases when its holder exits."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import TunerError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
#: Where SQLite locks a database: the bytes PENDING, RESERVED and SHARED. A connection in WAL mode keeps one of them.
_SQLITE_FIRST, _SQLITE_LOCKS = 0x40000000, 512
_TRIES = 4
_PAUSE_S = 0.05


@contextlib.contextmanager
def hold_lock(path: Path, refusal: TunerError) -> Iterator[int]:
    """Hold the lock and yield its descriptor; raises ``refusal`` where another process holds it.

    On a file system without locks (some network homes) the caller goes on without one. One that only looks
    (``is_held``) is waited for.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock_patiently(descriptor)
        except OSError as error:
            if error.errno in _TAKEN:
                raise refusal from None
        yield descriptor
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Tell whether another process holds the lock; where there is no such file or no lock, nobody does."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        _lock(descriptor)
    except OSError as error:
        return error.errno in _TAKEN
    finally:
        os.close(descriptor)
    return False


def is_database_held(path: Path) -> bool:
    """Tell whether another program has a SQLite database open in WAL mode, or is reading or writing it.

    No journal is made or changed. Where files that are open cannot be replaced (Windows), nobody is looked for. A
    database that this very process has open must not be asked for: its own locks would be gone.
    """
    if sys.platform == "win32":
        return False
    with contextlib.suppress(OSError), path.open("r+b") as file:  # who may not write it changes nothing in it
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SQLITE_LOCKS, _SQLITE_FIRST)
        except OSError as error:
            return error.errno in _TAKEN
    return False


def _lock_patiently(descriptor: int) -> None:
    for left in reversed(range(_TRIES)):
        try:
            return _lock(descriptor)
        except OSError as error:
            if not left or error.errno not in _TAKEN:
                raise
        time.sleep(_PAUSE_S)
    return None


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
