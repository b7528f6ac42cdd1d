"""A pack is rewritten by one that stands for it: whole, checked, and only then the old one goes.

Whoever is killed in between leaves either the old pair, or both, of which readers see the new one
alone. The lock that keeps others from a pack that is being rewritten is the one a writer holds.
"""

from __future__ import annotations

import os
import time
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from tbviz.store import heads
from tbviz.store.draft import Draft, sync_directory
from tbviz.store.errors import StoreError
from tbviz.store.examination import Examination, Place, examine
from tbviz.store.files import open_file
from tbviz.store.locks import hold
from tbviz.store.pack import PackScanner, read_at
from tbviz.store.schema import FILE_NAME, FORMAT, HEADER, MAGIC, decode_meta, encode_json
from tbviz.store.segment import Segment
from tbviz.store.source import Found, Source
from tbviz.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_TRIES = 3


class BusyError(StoreError):
    """The pack is being written, or rewritten, by somebody else."""


class Rewritten(NamedTuple):
    """What became of a pack.

    Args:
        name: The new pack's name.
        before: Bytes of the old pair.
        after: Bytes of the new pair.
        kept: Records that were kept.
        dropped: Records that were left out on purpose.
        damaged_sheets: What is known of sheets that were damaged before and still are.
    """

    name: str
    before: int
    after: int
    kept: int
    dropped: int
    damaged_sheets: tuple[str, ...]


@contextmanager
def claimed(pack: Path, *, force: bool = False) -> Iterator[None]:
    """Keep everybody else from writing or rewriting a pack, while the context lasts.

    Args:
        pack: An existing pack.
        force: Whether to go on where the file system has no locks and the run looks alive.

    Raises:
        BusyError: If it is being written or rewritten.
        OSError: If it cannot be opened, or was deleted meanwhile.
    """
    descriptor = os.open(pack, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        ours = hold(descriptor)
        for _ in range(_TRIES - 1):
            if ours is not False:
                break
            time.sleep(0.02)  # it may be somebody who only asks whether it is held
            ours = hold(descriptor)
        if ours is False:
            raise BusyError(f"{pack.name} is being written; it is left alone")
        if ours is None and not force and _looks_alive(pack):
            raise BusyError(
                f"{pack.name} looks as if it were being written, and the file system has no locks "
                "that would tell; it is left alone. If no training writes to it, give --force"
            )
        if os.fstat(descriptor).st_nlink == 0:
            raise FileNotFoundError(f"{pack.name} was rewritten by somebody else meanwhile")
        yield
    finally:
        os.close(descriptor)


def read_places(pack: Path, examination: Examination) -> Source:
    """The readable records of a pack, whatever its index says."""
    return _Chosen(pack, examination.records)


def open_places(pack: Path, examination: Examination) -> Segment:
    """What the readable records of a pack say, whatever its index says."""
    return _segment(pack, read_places(pack, examination))


def rewrite(
    pack: Path, examination: Examination, by: str, keep: Callable[[dict[str, Any]], bool]
) -> Rewritten:
    """Put a new pack in the place of one that is `claimed`.

    Args:
        pack: The old one.
        examination: What was found in it.
        by: `"prune"` or `"repair"`, for the new writer's record.
        keep: Called with the meta of each record; whether it goes into the new pack.

    Raises:
        StoreError: If that is not possible; the old pack is as it was, unless the message says
            otherwise.
    """
    before = _pair_size(pack)
    try:
        with Draft(pack) as draft:
            copied = _copy(pack, examination, by, keep, draft)
            draft.finish()
            _check(pack, draft, copied)
            status = pack.stat()
            if status.st_size != examination.size:
                raise StoreError(f"{pack.name} was written to meanwhile; it is left as it is")
            draft.publish()
    except OSError as error:
        raise StoreError(
            f"could not rewrite {pack}: {error.strerror or error}; up to {before} free bytes are "
            "needed beside it; it is as it was"
        ) from error
    remove(pack)
    return Rewritten(
        draft.target.name,
        before,
        _pair_size(draft.target),
        len(copied.records),
        copied.dropped,
        tuple(copied.damaged_sheets),
    )


def rebuild_index(pack: Path, examination: Examination) -> None:
    """Write the index of a `claimed` pack anew, in place of the one that is there.

    Raises:
        StoreError: If that is not possible; the index is as it was.
    """
    try:
        with Draft(pack, index_only=True) as draft, open_file(pack) as file:
            for place in examination.records:
                draft.add_line(_meta(file, place), place.offset)
            draft.finish()
            draft.publish()
    except OSError as error:
        raise StoreError(
            f"could not write the index of {pack}: {error.strerror or error}; it is as it was"
        ) from error


def remove(pack: Path) -> None:
    """Delete a pack and its index, the pack last: it is what says that they belong together.

    Raises:
        StoreError: If that is not possible.
    """
    try:
        pack.with_suffix(".jsonl").unlink(missing_ok=True)
        pack.unlink(missing_ok=True)
        sync_directory(pack.parent)
    except OSError as error:
        raise StoreError(
            f"could not delete {pack}: {error.strerror or error}; what stands in its place is "
            "complete and readers use it; delete the file and its .jsonl, or give the command again"
        ) from error


class _Copied:
    """What was written into a draft."""

    def __init__(self) -> None:
        self.kept: list[Place] = []
        self.records: list[tuple[int, int, int]] = []  # CRC of meta, length and CRC of payload
        self.damaged_sheets: list[str] = []
        self.dropped = 0


def _copy(
    pack: Path,
    examination: Examination,
    by: str,
    keep: Callable[[dict[str, Any]], bool],
    draft: Draft,
) -> _Copied:
    copied = _Copied()
    with open_file(pack) as file:
        metas = ((place, _meta(file, place)) for place in examination.records)
        writer: bytes | None = None
        for place, meta in metas:
            fields = decode_meta(meta)
            if writer is None:
                # What a pack begins with: who wrote it, and now also whom it stands for.
                writer = encode_json(_writer(pack, draft, fields, by))
                copied.records.append(draft.add(_header(writer, b"") + writer, writer))
                if fields["kind"] == "writer":
                    continue
            if fields["kind"] == "writer" or not keep(fields):
                copied.dropped += 1
                continue
            payload = read_at(file, place.offset, place.end - place.offset)
            damaged = damaged_sheets(fields, payload)
            copied.damaged_sheets += damaged
            head = read_at(file, place.begin, place.offset - place.begin)
            if place.meta is not None or not damaged:
                # The same bytes again, unless the header was damaged.
                head = _header(meta, payload) + meta
            copied.records.append(draft.add(head + payload, meta))
            copied.kept.append(place)
    return copied


def _writer(pack: Path, draft: Draft, first: dict[str, Any], by: str) -> dict[str, Any]:
    own = first if first["kind"] == "writer" else {"format": FORMAT, "tbviz": __version__}
    before = str(own.get("by") or "")
    return {
        "kind": "writer",
        # The old one's: a run that is over is not to look alive again.
        "time": first.get("time", 0.0),
        **own,
        "uid": draft.uid,
        "replaces": [_uid(pack)],
        "by": before if by in before.split(", ") else f"{before}, {by}".removeprefix(", "),
    }


def _header(meta: bytes, payload: bytes) -> bytes:
    return HEADER.pack(MAGIC, len(meta), len(payload), zlib.crc32(meta), zlib.crc32(payload))


def damaged_sheets(meta: dict[str, Any], payload: bytes) -> list[str]:
    """Names of the sheets whose CRC is wrong."""
    names = []
    offset = 0
    for number, row in enumerate(meta.get("sheets") or ()):
        try:
            length, crc = int(row[0]), int(row[1])
        except (TypeError, ValueError, IndexError, KeyError):
            break  # a record that makes no sense; it is kept all the same
        if zlib.crc32(payload[offset : offset + length]) != crc:
            names.append(describe(meta, number))
        offset += length
    return names


def describe(meta: dict[str, Any], sheet: int) -> str:
    """What a person calls a sheet: kind, layer, position."""
    layer = f" of {meta['layer']}" if meta.get("layer") else ""
    epoch = f", epoch {meta['epoch']}" if "epoch" in meta else ""
    batch = f", batch {meta['batch']}" if "batch" in meta else ""
    return f"{meta['kind']}{layer}{epoch}{batch}, sheet {sheet}"


def _check(pack: Path, draft: Draft, copied: _Copied) -> None:
    """Read a draft back and compare it with what was to be in it."""
    found = examine(draft.pack)
    same = found.whole and found.lines.complete and len(found.records) == len(copied.records)
    if same:
        with open_file(draft.pack) as file:
            same = all(
                _record(file, place) == written
                for place, written in zip(found.records, copied.records, strict=True)
            )
    if same:
        wanted = _segment(pack, _Chosen(pack, copied.kept))
        read = _segment(pack, PackScanner(draft.pack))
        same = contents(read) == contents(wanted)
    if not same:
        raise StoreError(
            f"what was written in place of {pack.name} did not read back as it should; the draft "
            "is thrown away and nothing has changed; is the disk or the memory at fault?"
        )


def _record(file: Any, place: Place) -> tuple[int, int, int]:
    payload = read_at(file, place.offset, place.end - place.offset)
    return zlib.crc32(_meta(file, place)), len(payload), zlib.crc32(payload)


def contents(segment: Segment) -> tuple[Any, ...]:
    """What a segment holds, in a form that can be compared; offsets do not count."""
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


class _Chosen:
    """The records of a pack at these places, as a source for a segment."""

    def __init__(self, pack: Path, places: list[Place]) -> None:
        self.name = pack.name
        self.damaged = 0
        self.consumed = 0
        self._pack = pack
        self._places = places

    def scan(self) -> Iterator[Found]:
        with open_file(self._pack) as file:
            for place in self._places:
                yield Found(decode_meta(_meta(file, place)), place.offset, place.end)
        self.consumed = self._places[-1].end if self._places else 0

    def shrank(self) -> bool:
        return False

    def read(self, offset: int, length: int) -> bytes:
        with open_file(self._pack) as file:
            return read_at(file, offset, length)

    def read_many(self, places: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self.read(*place) for place in places]


def _segment(pack: Path, source: Source) -> Segment:
    match = FILE_NAME.fullmatch(pack.name)
    segment = Segment(0 if match is None else int(match["seq"]), _uid(pack), source)
    segment.refresh()
    return segment


def _meta(file: Any, place: Place) -> bytes:
    if place.meta is not None:
        return place.meta
    return read_at(file, place.begin + HEADER.size, place.offset - place.begin - HEADER.size)


def _uid(pack: Path) -> str:
    return pack.stem.partition("-")[2]


def _pair_size(pack: Path) -> int:
    index = pack.with_suffix(".jsonl")
    return pack.stat().st_size + (index.stat().st_size if index.exists() else 0)


def _looks_alive(pack: Path) -> bool:
    segment = _segment(pack, PackScanner(pack))
    return heads.status(segment, time.time()) == "live"
