"""Encode and decode a part of a virtual pack: its records, then a footer with their index lines."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

from tbviz.store.format.record import index_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbviz.store.format.record import Record

MAGIC = b"\x89tbp\r\n\x1a\n"
# Magic, end of the last part that is known to be stored, length of the lines; then the CRC.
_TRAILER = struct.Struct("<8sQI")
_CRC = struct.Struct("<I")
_FIXED = _TRAILER.size + _CRC.size


class Footer(NamedTuple):
    """The end of a part.

    Args:
        size: Its bytes.
        before: The end of the last part that was known to be stored.
        lines: The index lines of the part's records.
    """

    size: int
    before: int
    lines: list[bytes]


def encode_part(records: Sequence[Record], start: int, before: int) -> bytes:
    """Encode a part.

    Args:
        records: Its records.
        start: Where it begins in the virtual pack.
        before: The end of the last part that is known to be stored.
    """
    lines = index_of(records, start)
    trailer = _TRAILER.pack(MAGIC, before, len(lines))
    crc = _CRC.pack(zlib.crc32(trailer, zlib.crc32(lines)))
    return b"".join([*(record.data for record in records), lines, trailer, crc])


def footer_size(tail: bytes) -> int:
    """Return the bytes of the footer at the end of these bytes, 0 if there is none."""
    if len(tail) < _FIXED:
        return 0
    magic, _, length = _TRAILER.unpack_from(tail, len(tail) - _FIXED)
    return _FIXED + length if magic == MAGIC else 0


def decode_footer(tail: bytes) -> Footer | None:
    """Decode the footer at the end of these bytes; return None if it is damaged or incomplete."""
    size = footer_size(tail)
    if not 0 < size <= len(tail):
        return None
    lines = tail[len(tail) - size : len(tail) - _FIXED]
    trailer = tail[len(tail) - _FIXED :]
    crc = zlib.crc32(trailer[: _TRAILER.size], zlib.crc32(lines))
    if crc != _CRC.unpack_from(trailer, _TRAILER.size)[0]:
        return None
    _, before, _ = _TRAILER.unpack_from(trailer)
    return Footer(size, before, lines.splitlines())
