"""Write and parse a small store whose every byte is known."""

from __future__ import annotations

import struct
import zlib

from tbviz.store.format.schema import HEADER, MAGIC, FitPosition
from tbviz.store.write.writer import Writer

LAYOUT = {
    "picture": "activations",
    "layer": "conv",
    "media": "gray8",
    "tile": [2, 2],
    "tiles": 1,
    "columns": 1,
    "images": 2,
}


def sheets(epoch: int) -> list[bytes]:
    return [b"first %d" % epoch, b"second sheet %d" % epoch]


def append(writer: Writer, epoch: int) -> None:
    layout = writer.layout(LAYOUT)
    writer.append(
        {
            "kind": "activations",
            **FitPosition(epoch).fields(),
            "layer": "conv",
            "layout": layout,
            "media": "gray8",
        },
        sheets(epoch),
        [(0.0, 1.0 + epoch, 0.25, 0.75), (-1.0, 2.0, -0.5, 1.5)],
    )


def write(log_dir, positions: int = 4) -> Writer:
    """Write and close a store of this many positions, one record each."""
    writer = Writer(log_dir)
    for epoch in range(positions):
        append(writer, epoch)
        writer.flush()
    writer.close()
    return writer


def record(meta: bytes, payload: bytes = b"") -> bytes:
    """Encode a record by the table in docs/format.md, without the writer."""
    return (
        b"\x89tbv\r\n\x1a\n"
        + struct.pack("<I", len(meta))
        + struct.pack("<I", len(payload))
        + struct.pack("<I", zlib.crc32(meta))
        + struct.pack("<I", zlib.crc32(payload))
        + meta
        + payload
    )


def parse(pack: bytes) -> list[tuple[int, bytes, bytes]]:
    """Return where each record begins, its meta and its payload."""
    found, at = [], 0
    while at < len(pack):
        magic, meta_length, payload_length, meta_crc, payload_crc = HEADER.unpack_from(pack, at)
        begin = at + HEADER.size
        meta = pack[begin : begin + meta_length]
        payload = pack[begin + meta_length : begin + meta_length + payload_length]
        assert magic == MAGIC
        assert (meta_crc, payload_crc) == (zlib.crc32(meta), zlib.crc32(payload))
        found.append((at, meta, payload))
        at = begin + meta_length + payload_length
    assert at == len(pack)
    return found
