"""Encode one record: its bytes in a pack, and its line in the index."""

from __future__ import annotations

import json
import time
import zlib
from typing import TYPE_CHECKING

from tbviz.store.errors import StoreError
from tbviz.store.format.schema import (
    HEADER,
    MAGIC,
    MAX_META,
    MAX_PAYLOAD,
    MEDIA,
    FitPosition,
    encode_json,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Record:
    """An encoded record.

    Attributes:
        kind: The kind of record.
        data: Its bytes in the pack.
        positioned: Whether it belongs to a position.
    """

    __slots__ = ("_check", "_meta", "data", "kind", "positioned")

    def __init__(self, kind: str, meta: bytes, payload: bytes, *, positioned: bool) -> None:
        self.kind = kind
        self._meta = meta
        self._check = zlib.crc32(meta)
        self.data = header(meta, payload) + meta + payload
        self.positioned = positioned

    @classmethod
    def make(
        cls,
        meta: Mapping[str, object],
        payload: Sequence[bytes],
        summaries: Sequence[tuple[float, float, float, float]] | None,
    ) -> Record:
        """Encode a record; the arguments are those of `Writer.append`.

        Raises:
            StoreError: If the format does not allow it.
        """
        kind = meta.get("kind")
        if not isinstance(kind, str) or not kind:
            raise StoreError(
                f"received a record of kind {kind!r}; expected a name such as 'metrics'"
            )
        for name in ("epoch", "batch"):
            value = meta.get(name)
            if value is not None and (not isinstance(value, int) or value < 0):
                raise StoreError(
                    f"received {name} {value!r} in a record of kind {kind!r}; expected a whole "
                    "number of at least 0, the position of the record (a cost has seconds in its "
                    "`wall`)"
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
        return cls(kind, encoded, b"".join(payload), positioned="epoch" in meta)

    def without_position(self) -> Record:
        """Return the same record without its position. It must not have a payload."""
        if not self.positioned:
            return self
        meta = json.loads(self._meta)
        fields = {name: value for name, value in meta.items() if name not in FitPosition._fields}
        return Record(self.kind, encode_json(fields), b"", positioned=False)

    @property
    def size(self) -> int:
        """Return its bytes, index line included, to within the digits of a number."""
        return len(self.data) + len(self.line(0))

    def line(self, begin: int) -> bytes:
        """Return its index line if it begins at this byte of the pack."""
        return index_line(self._meta, self._check, begin + HEADER.size + len(self._meta))


def header(meta: bytes, payload: bytes) -> bytes:
    """Encode the header of a record with this meta and payload."""
    return HEADER.pack(MAGIC, len(meta), len(payload), zlib.crc32(meta), zlib.crc32(payload))


def index_line(meta: bytes, check: int, offset: int) -> bytes:
    """Encode the index line of a record: its meta, the meta's CRC, the offset of its payload."""
    return b'{"offset":%d,"check":%d,%b\n' % (offset, check, meta[1:])


def index_of(records: Sequence[Record], begin: int) -> bytes:
    """Encode the index lines of consecutive records that begin at this byte of the pack."""
    lines = []
    for record in records:
        lines.append(record.line(begin))
        begin += len(record.data)
    return b"".join(lines)


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
        wanted = f"{len(payload)}, one per sheet" if media == "gray8" else "none"
        raise StoreError(f"received {given} summaries for media {media!r}; expected {wanted}")
    rows: list[list[float]] = [[len(sheet), zlib.crc32(sheet)] for sheet in payload]
    for row, summary in zip(rows, summaries or (), strict=False):
        row.extend(float(f"{value:.6g}") for value in summary)
    return rows
