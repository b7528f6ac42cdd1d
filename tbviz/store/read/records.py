"""Find records in an open pack, and in the lines of its index, whatever state both are in."""

from __future__ import annotations

import os
import re
import zlib
from typing import TYPE_CHECKING, BinaryIO

from tbviz.store.disk.files import open_file
from tbviz.store.format.schema import HEADER, MAGIC, MAX_META, MAX_PAYLOAD, decode_meta
from tbviz.store.read.source import ScannedRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FRONT = re.compile(rb'\{"offset":([0-9]{1,18}),"check":([0-9]{1,10}),')
# Bytes read at once. A megabyte is no faster, and takes ten bytes for each image of a long run.
_BLOCK = 1 << 17
_MAX_LINE = MAX_META + 64
# Most metas are small: one read returns header and meta.
_PEEK = 2048


class NoRecord:
    """The reason why there is no record at an offset."""


TORN = NoRecord()  # header or meta are incomplete
PENDING = NoRecord()  # header and meta are complete and valid, the payload is incomplete
DAMAGED = NoRecord()


def record_at(pack: BinaryIO, begin: int, size: int) -> ScannedRecord | NoRecord:
    """Return the record that begins here, by its header, or why there is none."""
    head = read_at(pack, begin, min(_PEEK, size - begin))
    if len(head) < HEADER.size:
        return TORN if MAGIC.startswith(head[: len(MAGIC)]) else DAMAGED
    magic, meta_length, payload_length, meta_crc, _ = HEADER.unpack_from(head)
    if magic != MAGIC or meta_length > MAX_META:
        return DAMAGED
    offset = begin + HEADER.size + meta_length
    if offset > size:
        return TORN
    data = head[HEADER.size : HEADER.size + meta_length]
    if len(data) < meta_length:
        data = read_at(pack, begin + HEADER.size, meta_length)
    if zlib.crc32(data) != meta_crc:
        return DAMAGED
    try:
        meta = decode_meta(data)
    except ValueError:
        return DAMAGED
    # The meta has a CRC, the header has none: if they differ, the meta is right.
    length = meta.get("bytes", 0)
    if type(length) is not int or not 0 <= length <= MAX_PAYLOAD:
        length = payload_length
    end = offset + length
    return ScannedRecord(meta, offset, end) if end <= size else PENDING


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
                if found is PENDING or isinstance(found, ScannedRecord):
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
