"""Whether a pack is being written, as the operating system knows it.

A writer locks its pack for as long as its process lives; a kill gives the lock back. So nobody
has to guess from a clock whether a run that says nothing is dead.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    _HAS_LOCKS = False
else:
    _HAS_LOCKS = True


_REST = 1.0  # seconds between two looks at the same lock
# Who only asks whether a pack is held has its lock for a moment.
_TRIES = 3
_MOMENT = 0.02


def hold(descriptor: int) -> bool | None:
    """Lock an open pack until it is closed.

    Returns:
        Whether it is ours now; None where the file system has no locks.
    """
    if not _HAS_LOCKS:
        return None
    for _ in range(_TRIES - 1):
        ours = _lock(descriptor, fcntl.LOCK_EX)
        if ours is not False:
            return ours
        time.sleep(_MOMENT)
    return _lock(descriptor, fcntl.LOCK_EX)


def held(path: Path) -> bool | None:
    """Whether somebody writes this pack; None where that cannot be told.

    Raises:
        OSError: If it cannot be opened.
    """
    if not _HAS_LOCKS:
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Shared: two who ask at once do not take each other for a writer.
        ours = _lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)
    return None if ours is None else not ours


def _lock(descriptor: int, kind: int) -> bool | None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


class Holder:
    """Whether somebody writes a pack, for who asks often.

    Args:
        path: The pack.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._asked = float("-inf")
        self._held: bool | None = None
        self._left: int | None = None  # bytes of the pack when nobody was first seen to hold it

    def held(self) -> bool | None:
        """As `held`, at most a second old; None too where the pack cannot be opened."""
        now = time.monotonic()
        if now - self._asked >= _REST:
            self._asked = now
            try:
                self._held = self._look()
            except OSError:
                self._held = None
        return self._held

    def _look(self) -> bool | None:
        if self._left is None:
            now = held(self._path)
            if now is False:
                self._left = self._path.stat().st_size
            return now
        # No writer comes back to a pack, so the lock need not be asked again. One that grows is
        # written from another machine, or copied as it grows: no lock is seen here.
        return None if self._path.stat().st_size > self._left else False
