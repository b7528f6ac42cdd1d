"""Write the records of a writer to a disk: one pack and its index, append-only."""

from __future__ import annotations

import errno
import os
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tbviz.store.disk.durable import sync_file, write_all
from tbviz.store.disk.locks import hold
from tbviz.store.format.names import highest_seq
from tbviz.store.format.record import index_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbviz.store.format.record import Record

_TRIES = 100

_in_use: weakref.WeakSet[PackWriter] = weakref.WeakSet()


class PackWriter:
    """A pack and its index in a directory, which the first write creates.

    Args:
        directory: The store.
        uid: The writer.
        sync: Whether each write waits until the disk has the bytes (fdatasync).
    """

    remedy = (
        "expected a directory that can be written to, with free space; what was written before is "
        "intact; free space or pass another log_dir"
    )

    def __init__(self, directory: Path, uid: str, *, sync: bool) -> None:
        self._directory = directory
        self._uid = uid
        self._sync = sync
        self._name = ""
        self._pack: int | None = None
        self._index: int | None = None
        self._pack_end = 0
        self._index_end = 0
        self._lines: list[bytes] = []  # of records in the pack that the index still lacks
        self._torn = False  # whether a failed write left bytes that could not be cut off
        self._closed = False
        _in_use.add(self)

    @property
    def path(self) -> Path | None:
        """Return the pack, None before the first write."""
        return self._directory / f"{self._name}.pack" if self._name else None

    @property
    def size(self) -> int:
        """Return the bytes of the pack on disk."""
        return self._pack_end

    def write(self, records: Sequence[Record]) -> None:
        """Append records to the pack and sync it. If that fails, the pack is unchanged.

        Raises:
            OSError: If that fails, the pack was deleted, or this writer is closed.
        """
        pack = self._open() if self._pack is None else self._pack
        if os.fstat(pack).st_nlink == 0:
            raise FileNotFoundError(
                errno.ENOENT, f"{self._name}.pack was deleted while it was being written"
            )
        end = self._pack_end
        lines = index_of(records, end)
        try:
            for record in records:
                _write(pack, record.data, end)
                end += len(record.data)
            self._settle(pack)
        except BaseException:
            self._torn |= not _cut(pack, self._pack_end)
            raise
        self._lines.append(lines)
        self._pack_end = end

    def catch_up(self) -> None:
        """Append the missing lines to the index and sync it.

        The index is a cache: readers find the records in the pack without it. If this fails, the
        lines are written the next time.
        """
        if not self._lines or self._pack is None:
            return
        data = b"".join(self._lines)
        try:
            if self._index is None:
                if _is_deleted(self._pack):
                    return  # an index without its pack would be of no use
                self._index = _create(self._directory / f"{self._name}.jsonl")
            _write(self._index, data, self._index_end)
            self._settle(self._index)
        except OSError:
            if self._index is not None:
                self._torn |= not _cut(self._index, self._index_end)
            return
        self._index_end += len(data)
        self._lines = []

    def gone(self) -> bool:
        """Return whether the pack was deleted, False if that is unknown."""
        path, pack = self.path, self._pack
        if path is None:
            return False
        if pack is not None and _is_deleted(pack):
            return True  # even if a copy has replaced it
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Close both files and release the lock on the pack. Nothing is written afterwards.

        Remains of failed writes are cut off, and a pack without a record is deleted.

        Raises:
            OSError: If the system reports that written data is lost; both are closed nevertheless.
        """
        self._closed = True
        self._lines = []
        for descriptor, end in ((self._pack, self._pack_end), (self._index, self._index_end)):
            if descriptor is not None and self._torn:
                _cut(descriptor, end)
        if self._pack is not None and not self._pack_end:
            with suppress(OSError):
                (self._directory / f"{self._name}.pack").unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Close both files as they are.

        Raises:
            OSError: As `close`.
        """
        descriptors = self._pack, self._index
        # Reset first: a process forked in between would close another file with the same number.
        self._pack = self._index = None
        failures = []
        for descriptor in descriptors:
            if descriptor is not None:
                try:
                    os.close(descriptor)  # never twice: the number is free, whatever it raises
                except OSError as error:
                    failures.append(error)
        if failures:
            raise failures[0]

    def __del__(self) -> None:
        with suppress(OSError):
            self.release()  # for a writer that was never closed

    def _open(self) -> int:
        if self._closed or self._name:
            # A second pack would begin where the first ended, or have the name of a deleted one.
            raise OSError(errno.EBADF, "this writer is closed")
        self._directory.mkdir(parents=True, exist_ok=True)
        for _ in range(_TRIES):
            seq = 1 + highest_seq(path.name for path in self._directory.iterdir())
            name = f"{seq:06d}-{self._uid}"
            try:
                self._pack = _create(self._directory / f"{name}.pack")
            except FileExistsError:
                continue
            self._name = name
            hold(self._pack)
            return self._pack
        raise FileExistsError(errno.EEXIST, "no free name for a pack", str(self._directory))

    def _settle(self, descriptor: int) -> None:
        if self._sync:
            sync_file(descriptor)


def _create(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)


def _write(descriptor: int, data: bytes, offset: int) -> None:
    # At an offset, not at the end: the remains of a failed write are overwritten.
    os.lseek(descriptor, offset, os.SEEK_SET)
    write_all(descriptor, data)


def _cut(descriptor: int, size: int) -> bool:
    """Cut off what a failed write left after this size; return whether that succeeded."""
    try:
        os.ftruncate(descriptor, size)
    except OSError:
        return False  # the next write begins at the same offset, so nothing is lost
    return True


def _is_deleted(descriptor: int) -> bool:
    try:
        return os.fstat(descriptor).st_nlink == 0
    except OSError:
        return False


def _close_copies() -> None:
    """Close the files in a forked child: a lock lasts until its last copy is closed."""
    for files in list(_in_use):
        with suppress(OSError):
            files.release()


if hasattr(os, "register_at_fork"):
    # A data loader's worker that outlives a killed training would keep its pack locked.
    os.register_at_fork(after_in_child=_close_copies)
