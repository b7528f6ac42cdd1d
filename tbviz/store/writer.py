"""Writing a store: one pack and its index, appended to, never rewritten."""

from __future__ import annotations

import errno
import os
import threading
import time
import zlib
from typing import TYPE_CHECKING

from tbviz.store.errors import StoreError
from tbviz.store.locks import hold
from tbviz.store.schema import (
    FILE_NAME,
    FORMAT,
    HEADER,
    MAGIC,
    MAX_META,
    MAX_PAYLOAD,
    MEDIA,
    encode_json,
    layout_id,
    store_directory,
)
from tbviz.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# What a failed flush keeps for the next one, so that memory is bounded on a full disk.
_KEPT = 1000
_TRIES = 100
# Some file systems cannot sync (pipes, some FUSE mounts): there, writing is all that can be done.
_CANNOT_SYNC = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EROFS}
_fdatasync = getattr(os, "fdatasync", os.fsync)


class Writer:
    """One `fit`'s writer into one log directory. It makes no file before the first `flush`.

    Records are collected by `append` and written by `flush`. A process forked from the one
    that made the writer writes nothing. Safe to call from several threads.

    Args:
        log_dir: The log directory, the one that `keras.callbacks.TensorBoard` gets.
        sync: Whether each flush waits until the disk has the bytes (fdatasync). Without, a
            power failure may cost more than the position in hand; a killed process does not.

    Attributes:
        uid: Sixteen hexadecimal digits that no other writer has.
        collected: Bytes of all records that `append` was given.
    """

    def __init__(self, log_dir: str | Path, *, sync: bool = True) -> None:
        self.uid = os.urandom(8).hex()
        self.collected = 0
        self._directory = store_directory(log_dir)
        self._sync = sync
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._pack: int | None = None
        self._index: int | None = None
        self._name = ""
        self._pack_end = 0
        self._index_end = 0
        self._records: list[_Record] = []
        self._lines: list[bytes] = []  # of records in the pack that the index does not have yet
        self._layouts: set[str] = set()
        self._closed = False
        self.append({"kind": "writer", "format": FORMAT, "uid": self.uid, "tbviz": __version__})

    @property
    def path(self) -> Path | None:
        """The pack, None before the first flush."""
        return self._directory / f"{self._name}.pack" if self._name else None

    @property
    def size(self) -> int:
        """Bytes of the pack on disk."""
        return self._pack_end

    def append(
        self,
        meta: Mapping[str, object],
        payload: Sequence[bytes] = (),
        summaries: Sequence[tuple[float, float, float, float]] | None = None,
    ) -> None:
        """Collect one record for the next `flush`.

        Args:
            meta: Its fields, `kind` first of all. `time`, `bytes` and `sheets` are filled in.
            payload: The sheets, in order.
            summaries: For `gray8`, one a sheet: finite minimum and maximum, 0.5 and 99.5
                percentiles of the raw values.

        Raises:
            StoreError: If the record is not one that the format allows.
        """
        if os.getpid() != self._pid:
            return
        record = _Record.make(meta, payload, summaries)
        with self._lock:
            if self._closed:
                raise StoreError(
                    f"received a record of kind {meta.get('kind')!r} after close(); "
                    "expected none; make a new Writer"
                )
            self._records.append(record)
            self.collected += len(record.data)

    def layout(self, fields: Mapping[str, object]) -> str:
        """Collect a `layout` record unless this writer has written the same before.

        Args:
            fields: The layout's fields without `kind`, `id` and `time`.

        Returns:
            The id to cite in the pictures' `layout`.
        """
        identifier = layout_id(fields)
        if os.getpid() != self._pid:
            return identifier
        with self._lock:
            if identifier not in self._layouts:
                self.append({"kind": "layout", "id": identifier, **fields})
                self._layouts.add(identifier)
        return identifier

    def flush(self) -> None:
        """Write what was collected: pack, fdatasync, index, fdatasync.

        Raises:
            StoreError: If the pack could not be written. What is on disk is as it was before;
                records that belong to a position are dropped, the others (layouts, probes,
                the model ...) are kept for the next flush, since later records need them.
        """
        if os.getpid() != self._pid:
            return
        with self._lock:
            if self._records:
                records, self._records = self._records, []
                try:
                    self._write_pack(records)
                except OSError as error:
                    keep = [record for record in records if not record.positioned]
                    self._records = keep[:_KEPT]
                    raise StoreError(
                        f"could not write {sum(len(r.data) for r in records)} bytes under "
                        f"{self._directory}: {error.strerror or error}; expected a directory "
                        "that can be written to, with space left; what was written before is "
                        "whole; free space or pass another log_dir"
                    ) from error
            if self._lines:
                self._write_index()

    def close(self) -> None:
        """Flush, then give the files back. A second call does nothing.

        Raises:
            StoreError: As `flush` does; the files are given back all the same.
        """
        if os.getpid() != self._pid or self._closed:
            return
        with self._lock:
            try:
                self.flush()
            finally:
                self._closed = True
                for descriptor in (self._pack, self._index):
                    if descriptor is not None:
                        os.close(descriptor)
                self._pack = self._index = None

    def _open(self) -> int:
        self._directory.mkdir(parents=True, exist_ok=True)
        for _ in range(_TRIES):
            found = [FILE_NAME.fullmatch(path.name) for path in self._directory.iterdir()]
            seq = 1 + max((int(match["seq"]) for match in found if match), default=0)
            name = f"{seq:06d}-{self.uid}"
            try:
                pack = _create(self._directory / f"{name}.pack")
            except FileExistsError:
                continue
            hold(pack)
            self._name, self._pack = name, pack
            return pack
        raise FileExistsError(errno.EEXIST, "no free name for a pack", str(self._directory))

    def _write_pack(self, records: list[_Record]) -> None:
        pack = self._open() if self._pack is None else self._pack
        if os.fstat(pack).st_nlink == 0:
            raise FileNotFoundError(
                errno.ENOENT, f"{self._name}.pack was deleted while it was being written"
            )
        end = self._pack_end
        try:
            for record in records:
                _write(pack, record.data, end)
                end += len(record.data)
            self._settle(pack)
        except BaseException:
            _truncate(pack, self._pack_end)
            raise
        offset = self._pack_end
        for record in records:
            self._lines.append(record.line(offset))
            offset += len(record.data)
        self._pack_end = end

    def _write_index(self) -> None:
        data = b"".join(self._lines)
        try:
            if self._index is None:
                self._index = _create(self._directory / f"{self._name}.jsonl")
            _write(self._index, data, self._index_end)
            self._settle(self._index)
        except OSError:
            # The index is a cache: the pack has the records, readers hop over them. The lines
            # wait for the next flush.
            if self._index is not None:
                _truncate(self._index, self._index_end)
            return
        self._index_end += len(data)
        self._lines = []

    def _settle(self, descriptor: int) -> None:
        if not self._sync:
            return
        try:
            _fdatasync(descriptor)
        except OSError as error:
            if error.errno not in _CANNOT_SYNC:
                raise


class _Record:
    """A record's bytes in the pack, and what its index line needs."""

    __slots__ = ("_check", "_meta", "data", "positioned")

    def __init__(self, meta: bytes, payload: bytes, *, positioned: bool) -> None:
        self._meta = meta
        self._check = zlib.crc32(meta)
        header = HEADER.pack(MAGIC, len(meta), len(payload), self._check, zlib.crc32(payload))
        self.data = header + meta + payload
        self.positioned = positioned

    @classmethod
    def make(
        cls,
        meta: Mapping[str, object],
        payload: Sequence[bytes],
        summaries: Sequence[tuple[float, float, float, float]] | None,
    ) -> _Record:
        kind = meta.get("kind")
        if not isinstance(kind, str) or not kind:
            raise StoreError(f"received a record of kind {kind!r}; expected a name as 'metrics'")
        for name in ("epoch", "batch"):
            value = meta.get(name)
            if value is not None and (not isinstance(value, int) or value < 0):
                raise StoreError(
                    f"received {name} {value!r} in a record of kind {kind!r}; expected a whole "
                    "number from 0 on, the record's position (a cost record's seconds between "
                    "positions are its `wall`)"
                )
        fields: dict[str, object] = {"time": time.time(), **meta}
        if payload:
            fields |= {"bytes": sum(map(len, payload)), "sheets": _rows(meta, payload, summaries)}
        elif summaries:
            raise StoreError(f"received {len(summaries)} summaries for {kind!r}, expected sheets")
        encoded = encode_json(fields)
        size = sum(map(len, payload))
        if len(encoded) > MAX_META or size > MAX_PAYLOAD:
            raise StoreError(
                f"received a record of kind {kind!r} with {len(encoded)} bytes of meta and {size} "
                f"of payload; expected at most {MAX_META} and {MAX_PAYLOAD}; log fewer channels, "
                "images or layers"
            )
        return cls(encoded, b"".join(payload), positioned="epoch" in meta)

    def line(self, record_offset: int) -> bytes:
        """The record's index line, for a record that begins at this byte of the pack."""
        payload_offset = record_offset + HEADER.size + len(self._meta)
        return b'{"offset":%d,"check":%d,%b\n' % (payload_offset, self._check, self._meta[1:])


def _rows(
    meta: Mapping[str, object],
    payload: Sequence[bytes],
    summaries: Sequence[tuple[float, float, float, float]] | None,
) -> list[list[float]]:
    media = meta.get("media")
    if media not in MEDIA:
        raise StoreError(f"received media {media!r}; expected one of {', '.join(MEDIA)}")
    if (summaries is not None) != (media == "gray8") or len(summaries or payload) != len(payload):
        given = "no" if summaries is None else len(summaries)
        wanted = f"{len(payload)}, one a sheet" if media == "gray8" else "none"
        raise StoreError(f"received {given} summaries for media {media!r}; expected {wanted}")
    rows: list[list[float]] = [[len(sheet), zlib.crc32(sheet)] for sheet in payload]
    for row, summary in zip(rows, summaries or (), strict=False):
        row.extend(float(f"{value:.6g}") for value in summary)
    return rows


def _create(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)


def _write(descriptor: int, data: bytes, offset: int) -> None:
    # At a place, not at the end: what a failed write left behind is written over.
    os.lseek(descriptor, offset, os.SEEK_SET)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _truncate(descriptor: int, size: int) -> None:
    try:
        os.ftruncate(descriptor, size)
    except OSError:
        return  # the next write begins at the same place, so nothing is lost
