"""Finding the records of a pack: by its index, by hopping, and past damage.

A pack may be growing, torn, truncated, bit-flipped or no pack at all; its index may be behind,
ahead, or nonsense. Nothing here fails on it.
"""

from __future__ import annotations

import os
import re
import time
import zlib
from typing import TYPE_CHECKING, BinaryIO

from tbviz.store.files import open_file
from tbviz.store.locks import Holder
from tbviz.store.schema import HEADER, MAGIC, MAX_META, MAX_PAYLOAD, decode_meta
from tbviz.store.source import ScannedRecord

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

_FRONT = re.compile(rb'\{"offset":([0-9]{1,18}),"check":([0-9]{1,10}),')
# Read at once: a megabyte is no quicker, and is ten bytes for each image of a long run.
_BLOCK = 1 << 17
# A record may be half there in so many bytes at the end of a pack.
_TAIL = HEADER.size + MAX_META
_LONGEST_LINE = MAX_META + 64
# Small metas are the rule: one read gets header and meta.
_PEEK = 2048


class PackScanner:
    """Yields the records of one pack, each once, as they come to be on disk.

    Args:
        path: The pack. Its index is looked for beside it.
        timeout: Seconds that records at the end of a pack wait for their index lines, the first
            ones for the index itself. A position's lines come at once and last, so a reader with
            patience sees it whole. Where no line comes, nothing behind waits until one does.

    Attributes:
        consumed: Bytes of the pack that have been understood or given up.
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
        self._holder = Holder(path)

    @property
    def damaged(self) -> int:
        """Damaged places met so far, bytes at the end that are no record among them."""
        return self._damaged + self._bad_tail

    def scan(self) -> Generator[ScannedRecord]:
        """The records that are new since the last call.

        Raises:
            OSError: If the pack cannot be opened or read.
        """
        if _seen(self.path.stat()) == self._seen:
            return
        with open_file(self.path) as pack:
            status = os.fstat(pack.fileno())
            seen = _seen(status)
            lines = self._index_consumed
            yield from self._by_index(pack, status.st_size, whole=self._waits(status))
            if self._index_consumed > lines or self.consumed >= status.st_size:
                self._since = None
            if self.consumed < status.st_size and self._waits(status):
                return  # the rest is being written
            yield from self._by_hopping(pack, status.st_size)
            # Last: a caller that stops half-way asks again.
            self._seen = seen

    @property
    def name(self) -> str:
        """The pack's file name."""
        return self.path.name

    def read(self, offset: int, length: int) -> bytes:
        """These bytes, none where not all of them are there.

        Raises:
            OSError: If the pack cannot be opened or read.
        """
        with open_file(self.path) as pack:
            return _read_if_there(pack, offset, length)

    def read_many(self, places: Sequence[tuple[int, int]]) -> list[bytes]:
        """As `read`, of several offsets and lengths; none of what cannot be read."""
        try:
            with open_file(self.path) as pack:
                return [_read_if_there(pack, *location) for location in places]
        except OSError:
            return [b""] * len(places)

    def shrank(self) -> bool:
        """Whether the pack lost bytes that were understood; then all of it is read again.

        Raises:
            OSError: If there is no pack.
        """
        return self.path.stat().st_size < self.consumed

    def held(self) -> bool | None:
        """Whether somebody writes the pack; None where that cannot be told."""
        return self._holder.held()

    def _by_index(self, pack: BinaryIO, size: int, *, whole: bool) -> Iterator[ScannedRecord]:
        hopped = False
        index = self.path.with_suffix(".jsonl")
        for line, line_end in index_lines(index, self._index_consumed, whole=whole):
            entry = index_entry(line)
            if entry is None:
                continue  # the pack has the record
            begin, found = entry
            if begin > self.consumed and not hopped:
                # Lines are missing before this one.
                yield from self._by_hopping(pack, size)
                hopped = True
            if begin > self.consumed:
                continue  # ahead of the pack, or a wrong offset; a later line will tell
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
            # Torn at the end, or damaged: a whole record behind it tells. Without one, the end
            # may still be being written, and is looked at again when the pack has changed.
            following = next_record(pack, begin + 1, size)
            if following is None:
                self._bad_tail = found is _DAMAGED
                if found is _DAMAGED:
                    self._searched = max(begin, size - _TAIL)
                return
            self._searched = following

    def _waits(self, status: os.stat_result) -> bool:
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


class _Not:
    """Why there is no record at a place."""


_TORN = _Not()  # header or meta are not all there yet
_PENDING = _Not()  # header and meta are, and good; the payload is not
_DAMAGED = _Not()


def record_at(pack: BinaryIO, begin: int, size: int) -> ScannedRecord | _Not:
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
    # The CRC vouches for the meta, nothing for the header: where they differ, the meta is right.
    length = meta.get("bytes", 0)
    if type(length) is not int or not 0 <= length <= MAX_PAYLOAD:
        length = payload_length
    end = offset + length
    return ScannedRecord(meta, offset, end) if end <= size else _PENDING


def next_record(pack: BinaryIO, begin: int, size: int) -> int | None:
    """Where the next record with good header and meta begins, None if none does."""
    overlap = len(MAGIC) - 1
    # Whoever puts a magic and a long meta's length at every 24th byte has us read no more than
    # some lengths of the pack.
    budget = 2 * (size - begin) + MAX_META
    while begin < size:
        block = read_at(pack, begin, _BLOCK)
        at = block.find(MAGIC)
        while at >= 0:
            exclusive = _claimed_meta(pack, begin + at)
            if exclusive <= max(_PEEK, budget):
                found = record_at(pack, begin + at, size)
                if found is _PENDING or isinstance(found, ScannedRecord):
                    return begin + at
                budget -= exclusive
            at = block.find(MAGIC, at + 1)
        if len(block) <= overlap:
            return None
        begin += len(block) - overlap
    return None


def _claimed_meta(pack: BinaryIO, begin: int) -> int:
    head = read_at(pack, begin, HEADER.size)
    return int(HEADER.unpack(head)[1]) if len(head) == HEADER.size else 0


def _read_if_there(pack: BinaryIO, offset: int, length: int) -> bytes:
    # Asked for by strangers: no room is made for what cannot be there.
    size = os.fstat(pack.fileno()).st_size
    return read_at(pack, offset, length) if offset + length <= size else b""


def read_at(file: BinaryIO, offset: int, length: int) -> bytes:
    """As many of these bytes as are there."""
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
    """The whole lines of an index from a byte on, each with where it ends.

    With `whole`, none where the index ends within a line or grows just now: others see what is
    written at once page by page, so lines that belong together may not all be there.
    """
    try:
        file = open_file(path)
    except OSError:
        return
    with file:
        size = os.fstat(file.fileno()).st_size
        rest = b""
        if whole and size and not _rests(file, size):
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
            if len(rest) > _LONGEST_LINE:
                return  # no index of ours


def _rests(index: BinaryIO, size: int) -> bool:
    try:
        return read_at(index, size - 1, 1) == b"\n" and os.fstat(index.fileno()).st_size == size
    except OSError:
        return False


def index_entry(line: bytes) -> tuple[int, ScannedRecord] | None:
    """Where a line's record begins, and the record; None where the line is damaged."""
    match = _FRONT.match(line)
    if match is None:
        return None
    location, check = match.groups()
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
    offset = int(location)
    return offset - HEADER.size - len(data), ScannedRecord(meta, offset, offset + length)
