"""Rewrite a pack: write a new one that replaces it, check the new one, then delete the old one.

A kill in between leaves the old pair, or both; readers then use the new one only. The lock that
keeps others away from a pack that is being rewritten is the same one that a writer holds.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from tbviz.store.disk.durable import sync_directory
from tbviz.store.disk.files import open_file
from tbviz.store.errors import StoreError
from tbviz.store.format.record import header, index_line
from tbviz.store.format.schema import FORMAT, HEADER, decode_meta, encode_json
from tbviz.store.maintain.damaged_sheets import DamagedSheets
from tbviz.store.maintain.draft import Draft
from tbviz.store.maintain.extents import (
    Extent,
    ExtentSource,
    meta_of,
    payload_of,
    segment_of,
    uid_of,
)
from tbviz.store.maintain.scan import PackScan, scan_pack
from tbviz.store.read.pack_scanner import PackScanner
from tbviz.store.read.records import read_at
from tbviz.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tbviz.store.read.segment import SegmentReader


class Rewritten(NamedTuple):
    """The pack that replaced a rewritten one.

    Args:
        name: The new pack's name.
        before: Bytes of the old pair.
        after: Bytes of the new pair.
        records: How many records it has.
        lost: The damaged sheets of both packs, as `DamagedSheets.texts` returns them.
        lost_sheets: How many damaged sheets there are.
    """

    name: str
    before: int
    after: int
    records: int
    lost: tuple[str, ...]
    lost_sheets: int


def rewrite(
    pack: Path, pack_scan: PackScan, by: str, keep: Callable[[dict[str, Any]], bool]
) -> Rewritten:
    """Replace a pack, inside the context of `exclusive`.

    Args:
        pack: The old pack.
        pack_scan: Its scan.
        by: `"prune"` or `"repair"`, for the new writer's record.
        keep: Called with the meta of each record; whether the new pack contains the record.

    Raises:
        StoreError: If that fails; the old pack is unchanged, unless the message says otherwise.
    """
    before = pair_size(pack)
    try:
        with Draft(pack) as draft:
            copied = _copy(pack, pack_scan, by, keep, draft)
            draft.finish()
            _check(pack, draft, copied)
            status = pack.stat()
            if status.st_size != pack_scan.size:
                raise StoreError(f"{pack.name} was written to in the meantime; it is unchanged")
            draft.publish()
    except OSError as error:
        raise StoreError(
            f"could not rewrite {pack}: {error.strerror or error}; it is unchanged; expected up to "
            f"{before} bytes of free space next to it"
        ) from error
    remove(pack)
    return Rewritten(
        draft.target.name,
        before,
        pair_size(draft.target),
        len(copied.records),
        tuple(copied.damaged.texts()),
        copied.damaged.count,
    )


def rewritten_size(
    pack: Path, pack_scan: PackScan, by: str, keep: Callable[[dict[str, Any]], bool]
) -> int:
    """Return the bytes of the pair that `rewrite` would write, to within a few bytes.

    `rewrite` draws the new writer's name, and the length of a checksum in the index depends on it.

    Raises:
        OSError: If the pack cannot be read.
    """
    end = lines = 0
    with open_file(pack) as file:
        for extent, meta in _selected(pack, file, pack_scan, by, keep, uid_of(pack)):
            offset = end + HEADER.size + len(meta)
            end = offset + (0 if extent is None else extent.end - extent.offset)
            lines += len(index_line(meta, zlib.crc32(meta), offset))
    return end + lines


def rebuild_index(pack: Path, pack_scan: PackScan) -> None:
    """Rewrite the index of a pack, inside the context of `exclusive`.

    Raises:
        StoreError: If that fails; the index is unchanged.
    """
    try:
        with Draft(pack, index_only=True) as draft, open_file(pack) as file:
            for extent in pack_scan.records:
                draft.add_line(meta_of(file, extent), extent.offset)
            draft.finish()
            draft.publish()
    except OSError as error:
        raise StoreError(
            f"could not write the index of {pack}: {error.strerror or error}; it is unchanged"
        ) from error


def remove(pack: Path) -> None:
    """Delete a pack and its index, the pack last: an index needs its pack.

    Raises:
        StoreError: If that fails.
    """
    try:
        pack.with_suffix(".jsonl").unlink(missing_ok=True)
        pack.unlink(missing_ok=True)
        sync_directory(pack.parent)
    except OSError as error:
        raise StoreError(
            f"could not delete {pack}: {error.strerror or error}; the pack that replaces it "
            "is complete, and readers use that one; delete the file and its .jsonl, or repeat the "
            "command"
        ) from error


class _Copied:
    """The content of a draft."""

    def __init__(self) -> None:
        self.extents: list[Extent] = []  # of the copied records in the old pack
        self.records: list[tuple[int, int, int]] = []  # CRC of meta, length and CRC of payload
        self.damaged = DamagedSheets()


def _copy(
    pack: Path,
    pack_scan: PackScan,
    by: str,
    keep: Callable[[dict[str, Any]], bool],
    draft: Draft,
) -> _Copied:
    copied = _Copied()
    with open_file(pack) as file:
        for extent, meta in _selected(pack, file, pack_scan, by, keep, draft.uid):
            if extent is None:
                copied.records.append(draft.add(header(meta, b"") + meta, meta))
                continue
            payload = payload_of(file, extent)
            damaged = copied.damaged.check(decode_meta(meta), payload)
            head = read_at(file, extent.begin, extent.offset - extent.begin)
            if extent.meta is not None or not damaged:
                # The same bytes, unless the header was damaged.
                head = header(meta, payload) + meta
            copied.records.append(draft.add(head + payload, meta))
            copied.extents.append(extent)
    return copied


def _selected(
    pack: Path,
    file: BinaryIO,
    pack_scan: PackScan,
    by: str,
    keep: Callable[[dict[str, Any]], bool],
    uid: str,
) -> Iterator[tuple[Extent | None, bytes]]:
    """Yield the records of the new pack: the extent of each in the old one, and its meta.

    The first record is new and has no extent. It names the writer and the writer that it replaces.
    """
    for number, extent in enumerate(pack_scan.records):
        meta = meta_of(file, extent)
        fields = decode_meta(meta)
        if number == 0:
            yield None, encode_json(_writer(pack, uid, fields, by))
        if fields["kind"] != "writer" and keep(fields):
            yield extent, meta


def _writer(pack: Path, uid: str, first: dict[str, Any], by: str) -> dict[str, Any]:
    own = first if first["kind"] == "writer" else {"format": FORMAT, "tbviz": __version__}
    before = str(own.get("by") or "")
    return {
        "kind": "writer",
        # The old record's: a run that has ended must not look alive again.
        "time": first.get("time", 0.0),
        **own,
        "uid": uid,
        "replaces": [uid_of(pack)],
        "by": before if by in before.split(", ") else f"{before}, {by}".removeprefix(", "),
    }


def _check(pack: Path, draft: Draft, copied: _Copied) -> None:
    """Read a draft back and compare it with what it should contain."""
    found = scan_pack(draft.pack)
    same = found.whole and found.lines.complete and len(found.records) == len(copied.records)
    if same:
        with open_file(draft.pack) as file:
            same = all(
                _record(file, extent) == written
                for extent, written in zip(found.records, copied.records, strict=True)
            )
    if same:
        expected = segment_of(pack, ExtentSource(pack, copied.extents))
        read = segment_of(pack, PackScanner(draft.pack))
        same = contents(read) == contents(expected)
    if not same:
        raise StoreError(
            f"the new pack for {pack.name} differs from what was written; the draft was deleted "
            "and nothing has changed; check the disk and the memory of this machine"
        )


def _record(file: Any, extent: Extent) -> tuple[int, int, int]:
    payload = payload_of(file, extent)
    return zlib.crc32(meta_of(file, extent)), len(payload), zlib.crc32(payload)


def contents(segment: SegmentReader) -> tuple[Any, ...]:
    """Return the content of a segment in a form that can be compared; offsets do not count."""
    positions = [segment.position(ordinal) for ordinal in range(len(segment))]
    series = {
        key: (
            [positions[ordinal] for ordinal in columns.positions.values()],
            columns.media,
            columns.layouts,
            columns.table().tobytes(),
        )
        for key, columns in segment.series.items()
    }
    entries = (segment.models, segment.probes, segment.notices, list(segment.layouts.values()))
    numbers = {
        name: numbers.span(0, len(segment))
        for name, numbers in (*segment.metrics.items(), *segment.cost.items())
    }
    metas = [[entry.meta for entry in kind] for kind in entries]
    # As text: NaN is not equal to itself.
    return (
        positions,
        series,
        repr((metas, segment.begin, segment.finish, numbers)),
        segment.predictions,
        segment.health.contents(),
    )


def pair_size(pack: Path) -> int:
    """Return the bytes of a pack and its index on disk.

    Raises:
        OSError: If there is no pack, or its size cannot be read.
    """
    index = pack.with_suffix(".jsonl")
    return pack.stat().st_size + (index.stat().st_size if index.exists() else 0)
