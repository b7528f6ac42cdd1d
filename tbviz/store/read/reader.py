"""Read a store even while it is being written, damaged, or deleted and recreated."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING

from tbviz.store.disk.locations import RemoteLocation, store_directory
from tbviz.store.errors import DamagedError, StoreError, UnknownWriterError
from tbviz.store.format.foreign_format import clause, sentence
from tbviz.store.format.schema import MAX_PAYLOAD, FitPosition
from tbviz.store.read.folder import folder_of
from tbviz.store.read.segment import SegmentReader, SheetAddress
from tbviz.store.read.source import Folder

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence

    from tbviz.store.read.sheet_columns import SheetColumns

_TRIES = 10


class Reader:
    """The content of one store. Call `refresh` to read what is new.

    Positions are counted over all segments in writer order: position 0 is the first of the
    first segment. Not safe to call from several threads, except `sheet` and `sheets`.

    Args:
        store: The store, `<log_dir>/plugins/tbviz`, a path or a URI. It need not exist yet.
        timeout: Maximum seconds to wait for the index lines of the last records of a pack, so that
            a position that is being written is not seen in part. Defaults to 0.0.

    Attributes:
        segments: One per writer, oldest first. An empty pack is not a segment yet; a rewritten
            pack replaces its old one. A segment of another format is listed, but none of its
            records are read; `refused` says why.
    """

    def __init__(self, store: str | Path | RemoteLocation | Folder, timeout: float = 0.0) -> None:
        self.folder = folder_of(store)
        self._timeout = timeout
        self.segments: list[SegmentReader] = []
        self._known: dict[str, SegmentReader] = {}
        self._bases: list[int] = [0]

    def refresh(self) -> bool:
        """Read what is new on disk. Never fails: damage is counted in the segments.

        Returns:
            Whether anything changed.
        """
        changed = False
        for _ in range(_TRIES):
            known, news, vanished = self._read_segments()
            changed |= news
            if not vanished:
                break  # else another pack has replaced it
        if not known and self._known and not self.folder.reachable():
            return False  # too many open files, or a share that is offline for a moment
        changed |= known.keys() != self._known.keys()
        self._known = known
        # Both exist if a rewrite was interrupted before the old one was deleted.
        replaced = {uid for segment in known.values() for uid in segment.replaces}
        self.segments = [segment for uid, segment in known.items() if uid not in replaced]
        self._bases = [0]
        for segment in self.segments:
            self._bases.append(self._bases[-1] + len(segment))
        return changed

    def _read_segments(self) -> tuple[dict[str, SegmentReader], bool, bool]:
        """Return the segments, whether anything is new, and whether a new one has vanished."""
        changed = vanished = False
        known: dict[str, SegmentReader] = {}
        for pack in self.folder.packs():
            segment = before = self._known.get(pack.uid)
            try:
                if segment is None or segment.seq != pack.seq or segment.source.shrank():
                    source = self.folder.source(pack, self._timeout)
                    segment = SegmentReader(pack.seq, pack.uid, source)
                    changed = True
                changed |= segment.refresh()
            except OSError as error:
                if before is None and isinstance(error, FileNotFoundError):
                    vanished = True  # gone between listing and opening
                    continue
                if segment is None:
                    continue
            known[pack.uid] = segment
        return known, changed, vanished

    def __len__(self) -> int:
        """Return the number of positions."""
        return self._bases[-1]

    @property
    def refused(self) -> list[str]:
        """Return one sentence per segment that is not read, with the reason."""
        return [
            sentence(number, segment.refused)
            for number, segment in enumerate(self.segments, 1)
            if segment.refused
        ]

    @property
    def positions(self) -> list[tuple[int, FitPosition]]:
        """Return every position, each with the number of its segment, counted from 1."""
        return [
            (index + 1, segment.position(ordinal))
            for index, segment in enumerate(self.segments)
            for ordinal in range(len(segment))
        ]

    def _expected(self) -> str:
        return f"0 to {len(self) - 1}" if len(self) else "none, as there are no positions"

    def based(self) -> Iterator[tuple[int, SegmentReader]]:
        """Yield each segment with the number of its first position."""
        return zip(self._bases, self.segments, strict=False)

    def location(self, position: int) -> tuple[SegmentReader, int]:
        """Return the segment of a position, and the position's number within it.

        Raises:
            StoreError: If there is no such position.
        """
        if not 0 <= position < len(self):
            raise StoreError(
                f"received position {position}, expected {self._expected()}{clause(self.refused)}"
            )
        index = bisect_right(self._bases, position) - 1
        return self.segments[index], position - self._bases[index]

    def series(self) -> list[tuple[str, str]]:
        """Return the (kind, layer) of every series, in the order of their first pictures."""
        keys = (key for segment in self.segments for key in segment.series)
        return list(dict.fromkeys(keys))

    def columns(self, kind: str, layer: str) -> list[tuple[int, SegmentReader, SheetColumns]]:
        """Return a series in each segment that has it, with the segment's first position.

        Raises:
            StoreError: If no segment has it.
        """
        parts = [
            (base, segment, segment.series[kind, layer])
            for base, segment in self.based()
            if (kind, layer) in segment.series
        ]
        if not parts:
            raise StoreError(
                f"received series {kind!r} of layer {layer!r}, expected one logged"
                f"{clause(self.refused)}"
            )
        return parts

    def find(self, kind: str, layer: str, position: int, image: int = 0) -> SheetAddress:
        """Return the address of one sheet.

        Raises:
            StoreError: If the series has no sheet of this image at this position.
        """
        segment, ordinal = self.location(position)
        columns = segment.series.get((kind, layer))
        record = None if columns is None else columns.positions.index(ordinal)
        if columns is None or record is None or not 0 <= image < columns.sheets:
            raise StoreError(
                f"received {kind!r} of layer {layer!r}, position {position}, image {image}; "
                f"expected one that was logged{clause(self.refused)}"
            )
        return SheetAddress(segment.uid, *columns.sheet(record, image))

    def knows(self, writers: Iterable[str]) -> bool:
        """Return whether it has seen packs of all these writers."""
        return all(writer in self._known for writer in writers)

    def sheet(self, writer: str, offset: int, length: int, crc: int) -> bytes:
        """Read the bytes of one sheet.

        Raises:
            UnknownWriterError: If no pack of this writer is known.
            DamagedError: If the bytes are missing or have another CRC.
        """
        segment = self._known.get(writer)
        if segment is None:
            raise UnknownWriterError(f"received writer {writer!r}, expected one of this run")
        if segment.refused:
            raise DamagedError(f"the segment of writer {writer!r} was {segment.refused}")
        if not _is_possible(offset, length):
            raise DamagedError(f"received {length} bytes at {offset}, expected a range of the pack")
        try:
            data = segment.source.read(offset, length)
        except OSError as error:
            raise DamagedError(f"{segment.source.name} could not be read: {error}") from error
        if not _matches(data, length, crc):
            raise DamagedError(
                f"the {length} bytes at {offset} of {segment.source.name} are not those that were "
                "written; expected the CRC in the index"
            )
        return data

    def sheets(self, wanted: Sequence[SheetAddress]) -> list[bytes | None]:
        """Read the bytes of several sheets, with few requests if they are remote.

        Returns:
            The bytes, None for each sheet for which `sheet` would raise an error.
        """
        by_writer: dict[str, list[int]] = {}
        for index, sheet in enumerate(wanted):
            if sheet.writer in self._known and _is_possible(sheet.offset, sheet.length):
                by_writer.setdefault(sheet.writer, []).append(index)
        found: list[bytes | None] = [None] * len(wanted)
        for writer, indices in by_writer.items():
            ranges = [(wanted[index].offset, wanted[index].length) for index in indices]
            segment = self._known.get(writer)
            readable = segment is not None and not segment.refused
            got = segment.source.read_many(ranges) if segment is not None and readable else ()
            for index, data in zip(indices, got, strict=False):
                if _matches(data, wanted[index].length, wanted[index].crc):
                    found[index] = data
        return found

    def read(self, sheet: SheetAddress) -> bytes:
        """Read the bytes at the address of a sheet. Raises the same errors as `sheet`."""
        return self.sheet(*sheet)

    def picture(self, kind: str, layer: str, position: int, image: int = 0) -> bytes:
        """Read the PNG of one image (0 if the series belongs to no image) at one position.

        Raises:
            StoreError: If there is none, or it is damaged.
        """
        return self.read(self.find(kind, layer, position, image))


def _is_possible(offset: int, length: int) -> bool:
    return offset >= 0 and 0 <= length <= MAX_PAYLOAD


def _matches(data: bytes, length: int, crc: int) -> bool:
    return len(data) == length and zlib.crc32(data) == crc


def open_reader(log_dir: str | os.PathLike[str] | RemoteLocation) -> Reader:
    """Open and read the current content of a log directory, or of a URI that fsspec knows.

    Raises:
        StoreError: If it is a URI, and the package that its store needs is not installed; or if
            everything logged there is in another format.

    Example:
        >>> run = open_reader("logs")
        >>> png = run.picture("activations", "conv1", position=3, image=0)
    """
    reader = Reader(store_directory(log_dir))
    reader.refresh()
    if reader.segments and all(segment.refused for segment in reader.segments):
        raise StoreError(f"cannot read anything logged in {log_dir}{clause(reader.refused)}")
    return reader
