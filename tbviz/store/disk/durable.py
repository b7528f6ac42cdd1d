"""Write and sync files, as far as their file system supports it."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Some file systems cannot sync (some FUSE mounts); then writing has to do.
_CANNOT = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EROFS}
# More of them cannot sync directories. For a file, these two errors would be failures.
_CANNOT_DIRECTORIES = {*_CANNOT, errno.EACCES, errno.EISDIR}


def write_all(descriptor: int, data: bytes | bytearray) -> None:
    """Write all bytes at the current offset of a descriptor.

    Raises:
        OSError: If that fails; some bytes may have been written.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_file(descriptor: int) -> None:
    """Sync a file to the disk, if its file system can.

    Raises:
        OSError: If the disk fails.
    """
    try:
        getattr(os, "fdatasync", os.fsync)(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


def sync_directory(directory: Path) -> None:
    """Sync the names in a directory to the disk, if its file system can.

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
