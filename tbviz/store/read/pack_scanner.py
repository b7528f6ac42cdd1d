"""Find the records of a pack: with its index, by hopping from header to header, and past damage.

A pack may be growing, torn, truncated, bit-flipped or not a pack at all; its index may be behind,
ahead, or nonsense. None of this raises an error here.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, BinaryIO

from tbviz.store.disk.files import open_file
from tbviz.store.disk.locks import LockMonitor
from tbviz.store.format.schema import HEADER, MAX_META
from tbviz.store.read.records import (
    DAMAGED,
    PENDING,
    index_entry,
    index_lines,
    next_record,
    read_at,
    record_at,
)
from tbviz.store.read.source import ScannedRecord

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

# The last bytes of a pack, which may be part of an incomplete record.
_TAIL = HEADER.size + MAX_META


class PackScanner:
    """Yield the records of one pack, each once, as they arrive on disk.

    Args:
        path: The pack. Its index is the file beside it.
        timeout: Maximum seconds to wait for the index lines of records at the end of a pack, or for
            the index itself. The lines of a position are written at once and last, so a reader with
            a timeout sees complete positions only. If the timeout has passed, later records are not
            waited for until the index grows again. Defaults to 0.0.

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
            if found is PENDING:
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
                self._bad_tail = found is DAMAGED
                if found is DAMAGED:
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


def _read_if_there(pack: BinaryIO, offset: int, length: int) -> bytes:
    # Anybody may request any length: no memory is allocated for bytes that do not exist.
    size = os.fstat(pack.fileno()).st_size
    return read_at(pack, offset, length) if offset + length <= size else b""
