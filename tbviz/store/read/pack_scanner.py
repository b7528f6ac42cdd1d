"""Find the records of a pack: with its index, by hopping from header to header, and past damage.

A pack may be growing, torn, truncated, bit-flipped or not a pack at all; its index may be behind,
ahead, or nonsense. None of this raises an error here.
"""

from __future__ import annotations

import os
import re
import time
import zlib
from typing import TYPE_CHECKING, BinaryIO

from tbviz.store.disk.files import open_file
from tbviz.store.disk.locks import LockMonitor
from tbviz.store.format.schema import HEADER, MAGIC, MAX_META, MAX_PAYLOAD, decode_meta
from tbviz.store.read.source import ScannedRecord

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

_FRONT = re.compile(rb'\{"offset":([0-9]{1,18}),"check":([0-9]{1,10}),')
# Bytes read at once. A megabyte is no faster, and takes ten bytes for each image of a long run.
_BLOCK = 1 << 17
# The last bytes of a pack, which may be part of an incomplete record.
_TAIL = HEADER.size + MAX_META
_MAX_LINE = MAX_META + 64
# Most metas are small: one read returns header and meta.
_PEEK = 2048


class PackScanner:
    """Yield the records of one pack, each once, as they arrive on disk.

    Args:
        path: The pack. Its index is the file beside it.
        timeout: Maximum seconds to wait for the index lines of records at the end of a pack, or
            for the index itself. The lines of a position are written at once and last, so a reader
            with a timeout sees complete positions only. If the timeout has passed, later records
            are not waited for until the index grows again.

    Attributes:
        consumed: Bytes of the pack that were parsed or skipped.
    """

    def __init__(self, path: Path, timeout: float = 0.0) -> None:
        self.path = path
        self._timeout = timeout
        self.consumed = 0
        self._damaged = 0
        self._bad_tail = False
        self._index_consumed = 0
        self._since: float | None = None  # when lines were first waited for in vain
        self._searched = 0  # no whole record begins between `consumed` and here
        self._seen = (0, 0)  # size and time of change at the last scan
        self._lock_monitor = LockMonitor(path)

    @property
    def damaged(self) -> int:
        """Count the damaged ranges so far, including bytes at the end that are not a record."""
        return self._damaged + self._bad_tail

    def scan(self) -> Generator[ScannedRecord]:
        """Yield the records that are new since the last call.

        Raises:
            OSError: If the pack cannot be opened or read.
        """
        if _seen(self.path.stat()) == self._seen:
            return
        with open_file(self.path) as pack:
            status = os.fstat(pack.fileno())
            seen = _seen(status)
            lines = self._index_consumed
            yield from self._by_index(pack, status.st_size, whole=self._is_waiting(status))
            if self._index_consumed > lines or self.consumed >= status.st_size:
                self._since = None
            if self.consumed < status.st_size and self._is_waiting(status):
                return  # the remaining records are being written
            yield from self._by_hopping(pack, status.st_size)
            # At the end, since a caller that stops half-way calls again.
            self._seen = seen

    @property
    def name(self) -> str:
        """Return the pack's file name."""
        return self.path.name

    def read(self, offset: int, length: int) -> bytes:
        """Read these bytes; return none if some of them are missing.

        Raises:
            OSError: If the pack cannot be opened or read.
        """
        with open_file(self.path) as pack:
            return _read_if_there(pack, offset, length)

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read several ranges `(offset, length)`; return no bytes for one that cannot be read."""
        try:
            with open_file(self.path) as pack:
                return [_read_if_there(pack, offset, length) for offset, length in ranges]
        except OSError:
            return [b""] * len(ranges)

    def shrank(self) -> bool:
        """Return whether the pack lost bytes that were parsed; then all of it is read again.

        Raises:
            OSError: If there is no pack.
        """
        return self.path.stat().st_size < self.consumed

    def held(self) -> bool | None:
        """Return whether a process is writing the pack, None if that is unknown."""
        return self._lock_monitor.held()

    def _by_index(self, pack: BinaryIO, size: int, *, whole: bool) -> Iterator[ScannedRecord]:
        hopped = False
        index = self.path.with_suffix(".jsonl")
        for line, line_end in index_lines(index, self._index_consumed, whole=whole):
            entry = index_entry(line)
            if entry is None:
                continue  # the pack has the record
            begin, found = entry
            if begin > self.consumed and not hopped:
                # The index lacks lines before this one.
                yield from self._by_hopping(pack, size)
                hopped = True
            if begin > self.consumed:
                continue  # ahead of the pack, or a wrong offset; a later line decides
            if begin == self.consumed:
                if found.end > size:
                    # The index was opened after the pack: its lines may be newer than the size.
                    size = os.fstat(pack.fileno()).st_size
                if found.end > size:
                    return  # pending
                self._advance(found.end)
                yield found
            self._index_consumed = line_end

    def _by_hopping(self, pack: BinaryIO, size: int) -> Iterator[ScannedRecord]:
        while self.consumed < size:
            begin = max(self.consumed, self._searched)
            found = record_at(pack, begin, size)
            if found is _PENDING:
                return
            if isinstance(found, ScannedRecord):
                if begin > self.consumed:
                    self._damaged += 1
                self._advance(found.end)
                yield found
                continue
            # Torn at the end, or damaged: it is damaged if a complete record follows. Otherwise it
            # may still be being written, and is read again when the pack has changed.
            following = next_record(pack, begin + 1, size)
            if following is None:
                self._bad_tail = found is _DAMAGED
                if found is _DAMAGED:
                    self._searched = max(begin, size - _TAIL)
                return
            self._searched = following

    def _is_waiting(self, status: os.stat_result) -> bool:
        if not 0 <= time.time() - status.st_mtime < self._timeout:
            return False
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        return now - self._since < self._timeout

    def _advance(self, end: int) -> None:
        self.consumed = self._searched = end
        self._bad_tail = False


def _seen(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


class _NoRecord:
    """The reason why there is no record at an offset."""


_TORN = _NoRecord()  # header or meta are incomplete
_PENDING = _NoRecord()  # header and meta are complete and valid, the payload is incomplete
_DAMAGED = _NoRecord()


def record_at(pack: BinaryIO, begin: int, size: int) -> ScannedRecord | _NoRecord:
    """Return the record that begins here, by its header, or why there is none."""
    head = read_at(pack, begin, min(_PEEK, size - begin))
    if len(head) < HEADER.size:
        return _TORN if MAGIC.startswith(head[: len(MAGIC)]) else _DAMAGED
    magic, meta_length, payload_length, meta_crc, _ = HEADER.unpack_from(head)
    if magic != MAGIC or meta_length > MAX_META:
        return _DAMAGED
    offset = begin + HEADER.size + meta_length
    if offset > size:
        return _TORN
    data = head[HEADER.size : HEADER.size + meta_length]
    if len(data) < meta_length:
        data = read_at(pack, begin + HEADER.size, meta_length)
    if zlib.crc32(data) != meta_crc:
        return _DAMAGED
    try:
        meta = decode_meta(data)
    except ValueError:
        return _DAMAGED
    # The meta has a CRC, the header has none: if they differ, the meta is right.
    length = meta.get("bytes", 0)
    if type(length) is not int or not 0 <= length <= MAX_PAYLOAD:
        length = payload_length
    end = offset + length
    return ScannedRecord(meta, offset, end) if end <= size else _PENDING


def next_record(pack: BinaryIO, begin: int, size: int) -> int | None:
    """Return the offset of the next record with valid header and meta, None if there is none."""
    overlap = len(MAGIC) - 1
    # A hostile pack may have a magic and the length of a long meta at every 24th byte: then a few
    # times the length of the pack are read, and no more.
    budget = 2 * (size - begin) + MAX_META
    while begin < size:
        block = read_at(pack, begin, _BLOCK)
        at = block.find(MAGIC)
        while at >= 0:
            length = _stated_meta_length(pack, begin + at)
            if length <= max(_PEEK, budget):
                found = record_at(pack, begin + at, size)
                if found is _PENDING or isinstance(found, ScannedRecord):
                    return begin + at
                budget -= length
            at = block.find(MAGIC, at + 1)
        if len(block) <= overlap:
            return None
        begin += len(block) - overlap
    return None


def _stated_meta_length(pack: BinaryIO, begin: int) -> int:
    head = read_at(pack, begin, HEADER.size)
    return int(HEADER.unpack(head)[1]) if len(head) == HEADER.size else 0


def _read_if_there(pack: BinaryIO, offset: int, length: int) -> bytes:
    # Anybody may request any length: no memory is allocated for bytes that do not exist.
    size = os.fstat(pack.fileno()).st_size
    return read_at(pack, offset, length) if offset + length <= size else b""


def read_at(file: BinaryIO, offset: int, length: int) -> bytes:
    """Read these bytes, or as many as there are."""
    file.seek(offset)
    parts = []
    while length > 0:
        part = file.read(length)
        if not part:
            break
        parts.append(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def index_lines(path: Path, begin: int, *, whole: bool = False) -> Iterator[tuple[bytes, int]]:
    """Yield the complete lines of an index from a byte on, each with its end.

    With `whole`, yield none if the index ends within a line or is growing: other processes see a
    write page by page, so some of the lines that belong together may be missing.
    """
    try:
        file = open_file(path)
    except OSError:
        return
    with file:
        size = os.fstat(file.fileno()).st_size
        rest = b""
        if whole and size and not _is_complete(file, size):
            return
        while True:
            try:
                at = begin + len(rest)
                block = read_at(file, at, min(_BLOCK, size - at))
            except OSError:
                return
            if not block:
                return
            data = rest + block
            start = 0
            while (stop := data.find(b"\n", start)) >= 0:
                yield data[start:stop], begin + stop + 1
                start = stop + 1
            begin += start
            rest = data[start:]
            if len(rest) > _MAX_LINE:
                return  # not an index of tbviz


def _is_complete(index: BinaryIO, size: int) -> bool:
    try:
        return read_at(index, size - 1, 1) == b"\n" and os.fstat(index.fileno()).st_size == size
    except OSError:
        return False


def index_entry(line: bytes) -> tuple[int, ScannedRecord] | None:
    """Return the offset of a line's record, and the record; None if the line is damaged."""
    match = _FRONT.match(line)
    if match is None:
        return None
    payload_offset, check = match.groups()
    data = b"{" + line[match.end() :]
    if zlib.crc32(data) != int(check):
        return None
    try:
        meta = decode_meta(data)
    except ValueError:
        return None
    length = meta.get("bytes", 0)
    if type(length) is not int or not 0 <= length <= MAX_PAYLOAD:
        return None
    offset = int(payload_offset)
    return offset - HEADER.size - len(data), ScannedRecord(meta, offset, offset + length)
