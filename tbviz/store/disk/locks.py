"""Lock packs, and ask the operating system whether a pack is being written.

A writer locks its pack as long as its process lives; a kill releases the lock. So nobody has to
guess from a clock whether a silent run is dead.
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


_INTERVAL = 1.0  # seconds between two checks of the same lock
# A process that only checks whether a pack is locked holds its lock for a moment.
_TRIES = 3
_PAUSE = 0.02


def hold(descriptor: int) -> bool | None:
    """Lock an open pack until it is closed.

    Returns:
        Whether this process has the lock now, None if the file system has no locks.
    """
    if not _HAS_LOCKS:
        return None
    for _ in range(_TRIES - 1):
        locked = _lock(descriptor, fcntl.LOCK_EX)
        if locked is not False:
            return locked
        time.sleep(_PAUSE)
    return _lock(descriptor, fcntl.LOCK_EX)


def held(path: Path) -> bool | None:
    """Return whether a process is writing this pack, None if that is unknown.

    Raises:
        OSError: If it cannot be opened.
    """
    if not _HAS_LOCKS:
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Shared: two processes that check at once do not take each other for a writer.
        locked = _lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)
    return None if locked is None else not locked


def _lock(descriptor: int, kind: int) -> bool | None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


class LockMonitor:
    """Report whether a pack is being written, for callers that ask often.

    Args:
        path: The pack.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._checked_at = float("-inf")
        self._held: bool | None = None
        self._size_when_free: int | None = None  # bytes when the pack was first seen unlocked

    def held(self) -> bool | None:
        """Return the same as `held`, up to a second old; also None if the pack cannot be opened."""
        now = time.monotonic()
        if now - self._checked_at >= _INTERVAL:
            self._checked_at = now
            try:
                self._held = self._check()
            except OSError:
                self._held = None
        return self._held

    def _check(self) -> bool | None:
        if self._size_when_free is None:
            now = held(self._path)
            if now is False:
                self._size_when_free = self._path.stat().st_size
            return now
        # No writer comes back to a pack, so the lock need not be checked again. A pack that grows
        # is written from another machine, or copied as it grows: its lock is not visible here.
        return None if self._path.stat().st_size > self._size_when_free else False
