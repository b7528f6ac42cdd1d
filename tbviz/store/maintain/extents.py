"""Locate records in a local pack, and read them there, whatever the index says."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from tbviz.store.disk.files import open_file
from tbviz.store.format.schema import FILE_NAME, HEADER, decode_meta
from tbviz.store.read.pack_scanner import PackScanner
from tbviz.store.read.records import read_at
from tbviz.store.read.segment import SegmentReader
from tbviz.store.read.source import ScannedRecord, Source

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path


class Extent(NamedTuple):
    """The location of a record in its pack.

    Args:
        begin: Where its header begins.
        offset: Where its payload begins.
        end: Where it ends.
        meta: Its meta as the index has it if the pack's own is damaged, else None.
    """

    begin: int
    offset: int
    end: int
    meta: bytes | None


def meta_of(file: BinaryIO, extent: Extent) -> bytes:
    """Read the meta of a record of an open pack."""
    if extent.meta is not None:
        return extent.meta
    return read_at(file, extent.begin + HEADER.size, extent.offset - extent.begin - HEADER.size)


def payload_of(file: BinaryIO, extent: Extent) -> bytes:
    """Read the payload of a record of an open pack."""
    return read_at(file, extent.offset, extent.end - extent.offset)


class ExtentSource(PackScanner):
    """A source that contains only some records of a pack.

    Args:
        pack: The pack.
        extents: Its records, in order.
    """

    def __init__(self, pack: Path, extents: Sequence[Extent]) -> None:
        super().__init__(pack)
        self._extents = extents

    def scan(self) -> Generator[ScannedRecord]:
        """Yield the records."""
        with open_file(self.path) as file:
            for extent in self._extents:
                yield ScannedRecord(decode_meta(meta_of(file, extent)), extent.offset, extent.end)
        self.consumed = self._extents[-1].end if self._extents else 0


def segment_of(pack: Path, source: Source) -> SegmentReader:
    """Read the segment of a pack from a source."""
    match = FILE_NAME.fullmatch(pack.name)
    segment = SegmentReader(0 if match is None else int(match["seq"]), uid_of(pack), source)
    segment.refresh()
    return segment


def uid_of(pack: Path) -> str:
    """Return the writer in a pack's name."""
    return pack.stem.partition("-")[2]
