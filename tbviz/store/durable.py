"""Writing so that the disk has it, whatever its file system can do."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Some file systems cannot sync (some FUSE mounts): there, writing is all that can be done.
_CANNOT = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EROFS}
# More of them cannot sync directories. Of a file these two would be failures.
_CANNOT_DIRECTORIES = {*_CANNOT, errno.EACCES, errno.EISDIR}


def write_all(descriptor: int, data: bytes | bytearray) -> None:
    """Write all of it where the descriptor stands.

    Raises:
        OSError: If that cannot be done; some of it may be written.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_file(descriptor: int) -> None:
    """Have the disk hold what was written to a file, where it can be told to.

    Raises:
        OSError: If the disk fails.
    """
    try:
        getattr(os, "fdatasync", os.fsync)(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


def sync_directory(directory: Path) -> None:
    """Have the disk hold the names in a directory, where it can be told to.

    Raises:
        OSError: If the disk fails.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:
        return  # Windows
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_DIRECTORIES:
            raise
    finally:
        os.close(descriptor)
