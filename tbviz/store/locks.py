"""Whether a pack is being written, as the operating system knows it.

A writer locks its pack for as long as its process lives; a kill gives the lock back. So nobody
has to guess from a clock whether a run that says nothing is dead.
"""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    _HAS_LOCKS = False
else:
    _HAS_LOCKS = True


def hold(descriptor: int) -> bool | None:
    """Lock an open pack until it is closed.

    Returns:
        Whether it is ours now; None where the file system has no locks.
    """
    if not _HAS_LOCKS:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def held(path: Path) -> bool | None:
    """Whether somebody writes this pack; None where that cannot be told.

    Raises:
        OSError: If it cannot be opened.
    """
    if not _HAS_LOCKS:
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        ours = hold(descriptor)
    finally:
        os.close(descriptor)
    return None if ours is None else not ours
