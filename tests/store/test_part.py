"""The bytes of a part, by the table in docs/format.md."""

from __future__ import annotations

import struct
import zlib

import pytest

from tbviz.store.format.part import decode_footer, encode_part, footer_size
from tbviz.store.format.record import Record, index_of

RECORDS = [Record.make({"kind": "notice", "text": text, "time": 0.0}, [], None) for text in "ab"]
PACK = b"".join(record.data for record in RECORDS)
LINES = index_of(RECORDS, 1000)
PART = encode_part(RECORDS, 1000, 700)


def test_a_part_is_its_records_their_lines_and_a_trailer():
    fields = b"\x89tbp\r\n\x1a\n" + struct.pack("<QI", 700, len(LINES))
    crc = struct.pack("<I", zlib.crc32(LINES + fields))
    assert PACK + LINES + fields + crc == PART


@pytest.mark.parametrize("more", [0, 1, len(PACK)])
def test_a_footer_is_decoded_from_any_tail_that_holds_it(more):
    size = len(PART) - len(PACK)
    tail = PART[-size - more :]
    assert footer_size(tail) == size
    footer = decode_footer(tail)
    assert (footer.size, footer.before, footer.lines) == (size, 700, LINES.splitlines())


def test_the_size_of_a_footer_is_known_from_the_trailer_alone():
    assert footer_size(PART[-24:]) == len(PART) - len(PACK)
    assert decode_footer(PART[-24:]) is None


def test_a_damaged_footer_is_refused():
    for at in range(len(PACK), len(PART)):
        damaged = bytearray(PART)
        damaged[at] ^= 1
        assert decode_footer(bytes(damaged)) is None
    assert decode_footer(b"") is None
    assert footer_size(PART[-23:]) == 0
