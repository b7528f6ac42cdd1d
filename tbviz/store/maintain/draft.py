"""Write a pack and its index so that no reader sees them before they are complete."""

from __future__ import annotations

import errno
import os
import zlib
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Self

from tbviz.store.disk.durable import sync_directory, sync_file, write_all
from tbviz.store.disk.locks import hold
from tbviz.store.format.record import index_line
from tbviz.store.format.schema import FILE_NAME, HEADER

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_BUFFER = 1 << 20
_TRIES = 10


class Draft:
    """A pack and its index that will replace a pack; deleted at the context's end if unpublished.

    Args:
        old: The pack. The new one has its `seq` and its mode.
        index_only: Whether the pack stays and only its index is rewritten. Defaults to False.

    Attributes:
        uid: The new writer, or the old one if the pack stays.
        pack: The draft of the pack.
        target: The pack's final path.

    Raises:
        OSError: If the files cannot be made, written, synced or renamed.
    """

    def __init__(self, old: Path, *, index_only: bool = False) -> None:
        match = FILE_NAME.fullmatch(old.name)
        if match is None:
            raise FileNotFoundError(errno.EINVAL, "not the name of a pack", str(old))
        self.uid = match["uid"] if index_only else os.urandom(8).hex()
        self.target = old.with_name(f"{match['seq']}-{self.uid}.pack")
        self.pack = self.target.with_name(f".{self.target.name}")
        self._mode = old.stat().st_mode & 0o777
        self._published = False
        self._index_path = self.pack.with_suffix(".jsonl")
        # The pack's draft comes first and is locked, so that other commands leave both alone.
        self._pack = None if index_only else _NewFile(self.pack, self._mode, lock=True)
        self._index: _NewFile | None = None

    def __enter__(self) -> Self:
        try:
            self._index = _NewFile(self._index_path, self._mode)
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._published:
            self._close()
        else:
            self._discard()

    def add(self, record: bytes, meta: bytes) -> tuple[int, int, int]:
        """Append a record and its index line.

        Returns:
            The CRC of its meta, and the length and CRC of its payload.
        """
        if self._pack is None:
            raise ValueError("only the index is written")
        size = HEADER.size + len(meta)
        self.add_line(meta, self._pack.end + size)
        self._pack.write(record)
        payload = memoryview(record)[size:]
        return zlib.crc32(meta), len(payload), zlib.crc32(payload)

    def add_line(self, meta: bytes, offset: int) -> None:
        """Append the index line of a record whose payload begins at this byte of the pack."""
        if self._index is not None:
            self._index.write(index_line(meta, zlib.crc32(meta), offset))

    def finish(self) -> None:
        """Sync everything to the disk."""
        for file in (self._pack, self._index):
            if file is not None:
                file.sync()

    def publish(self) -> None:
        """Rename the files to their final names, the pack last: readers begin with the pack."""
        index = self.target.with_suffix(".jsonl")
        self._index_path.replace(index)
        if self._pack is not None:
            try:
                self.pack.replace(self.target)
            except OSError:
                index.unlink(missing_ok=True)
                raise
        self._published = True
        sync_directory(self.target.parent)

    def _discard(self) -> None:
        # Each callback runs even if another fails, the last one first.
        with ExitStack() as stack:
            stack.callback(self._close)
            if self._pack is not None:
                stack.callback(self.pack.unlink, missing_ok=True)
            stack.callback(self._index_path.unlink, missing_ok=True)

    def _close(self) -> None:
        for file in (self._index, self._pack):
            if file is not None:
                file.close()


class _NewFile:
    """A new file that is written from beginning to end."""

    def __init__(self, path: Path, mode: int, *, lock: bool = False) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        self._descriptor = _create_locked(path, flags, mode) if lock else os.open(path, flags, mode)
        with suppress(OSError):  # some file systems have no modes
            path.chmod(mode)  # whatever this process' own mask is
        self._buffer = bytearray()
        self.end = 0

    def write(self, data: bytes) -> None:
        self._buffer += data
        self.end += len(data)
        if len(self._buffer) >= _BUFFER:
            self._write_out()

    def sync(self) -> None:
        self._write_out()
        sync_file(self._descriptor)

    def close(self) -> None:
        with suppress(OSError):  # `sync` has already reported failures of the disk
            os.close(self._descriptor)

    def _write_out(self) -> None:
        write_all(self._descriptor, self._buffer)
        self._buffer = bytearray()


def _create_locked(path: Path, flags: int, mode: int) -> int:
    """Create a file and lock it, if the file system has locks.

    Before it is locked, another process may take it for a leftover: it locks and deletes the file.
    The next file of that name must not exist until that is done.
    """
    for _ in range(_TRIES):
        descriptor = os.open(path, flags, mode)
        try:
            locked = any(hold(descriptor) is not False for _ in range(_TRIES))
            if locked and os.fstat(descriptor).st_nlink:
                return descriptor
        except BaseException:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        os.close(descriptor)
        if not locked:
            break
    path.unlink(missing_ok=True)
    raise OSError(errno.EBUSY, "its draft was locked or deleted by another process", str(path))
