"""Check a store: report damage, other findings, and what to do about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tbviz.store.control import FILE as ORDERS_FILE
from tbviz.store.control import Orders, read_orders
from tbviz.store.disk.locks import held
from tbviz.store.errors import StoreError
from tbviz.store.format.names import PART_NAME, pack_name
from tbviz.store.format.schema import FILE_NAME
from tbviz.store.maintain.damaged_sheets import DamagedSheets
from tbviz.store.maintain.extents import ExtentSource
from tbviz.store.maintain.leftovers import leftovers
from tbviz.store.maintain.scan import complaints, scan_pack
from tbviz.store.read.folder import LocalFolder
from tbviz.store.read.object_store_folder import ObjectStoreFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbviz.store.disk.locations import Location
    from tbviz.store.read.reader import Reader
    from tbviz.store.read.segment import SegmentReader
    from tbviz.store.read.source import Source

REPAIR = "tbviz repair"
# A pack that is being written has these at any moment.
_EXPECTED_WHILE_WRITTEN = {"tail", "index-behind", "index-missing"}
_MAX_NAMED = 5


class Finding(NamedTuple):
    """One result of a check.

    Args:
        what: A code for programs.
        segment: The number of the segment that it concerns, None for the whole store.
        text: A sentence without a full stop.
        remedy: What to do. Defaults to None: nothing.
        command: Whether the remedy is a command that takes the log directory. Defaults to False.
    """

    what: str
    segment: int | None
    text: str
    remedy: str | None = None
    command: bool = False


def pack_path(reader: Reader, segment: SegmentReader) -> Path | None:
    """Return the pack of a segment, None if it is not a file on this machine."""
    if not isinstance(reader.folder, LocalFolder):
        return None
    path = reader.folder.directory / pack_name(segment.seq, segment.uid)
    return path if path.exists() else None


def is_written(path: Path | None) -> bool | None:
    """Return whether a process is writing a pack now, None if that is unknown."""
    try:
        return None if path is None else held(path)
    except OSError:
        return None


def damage(
    reader: Reader, number: int, segment: SegmentReader, *, growing: bool, verify: bool
) -> Iterator[Finding]:
    """Yield the damage of a segment.

    Args:
        reader: The store.
        number: The segment's number.
        segment: The segment.
        growing: Whether it is being written, so that its end may be incomplete.
        verify: Whether to read all of it: every header, meta and sheet.

    Raises:
        OSError: If it cannot be read.
    """
    if segment.refused:
        yield Finding("format", number, segment.refused)
        return
    path = pack_path(reader, segment)
    skipped = segment.damaged - segment.source.damaged
    source: Source
    payloads: Source  # it has scanned the records, so that it can read their payloads
    if path is None:
        payloads = segment.source
        if payloads.damaged:
            text = f"{payloads.damaged} damaged ranges in {payloads.name}"
            yield Finding("damaged", number, text)
        source = _reopened(reader, segment) if verify else payloads
    else:
        found = scan_pack(path, thorough=verify)
        for complaint in complaints(found):
            if not (growing and complaint.what in _EXPECTED_WHILE_WRITTEN):
                yield Finding(complaint.what, number, complaint.text, REPAIR, command=True)
        payloads = source = ExtentSource(path, found.records)
    if verify:
        damaged = DamagedSheets()
        for record in source.scan():
            length = record.meta.get("bytes", 0)
            payload = payloads.read(record.offset, length if type(length) is int else 0)
            damaged.check(record.meta, payload)
        for lost in damaged.texts():
            yield Finding("sheet", number, f"{lost}: lost")
    if skipped:
        text = f"{skipped} record{'' if skipped == 1 else 's'} that this tbviz cannot interpret"
        yield Finding("records", number, text)


def orders(reader: Reader) -> tuple[dict[str, Any] | None, list[Finding]]:
    """Return the orders of a store, and what is wrong with them."""
    if isinstance(reader.folder, LocalFolder):
        location: Location = reader.folder.directory
    elif isinstance(reader.folder, ObjectStoreFolder):
        location = reader.folder.location
    else:
        return None, []
    try:
        found = read_orders(location)
    except StoreError as error:
        return None, [Finding("orders", None, str(error))]
    return (None if found == Orders() else found._asdict()), []


def notes(reader: Reader) -> list[Finding]:
    """Return the findings that are not damage: leftover drafts, files of other programs."""
    if not isinstance(reader.folder, LocalFolder):
        return []
    directory = reader.folder.directory
    try:
        names = {path.name for path in directory.iterdir()}
        found = leftovers(directory)
    except OSError as error:
        return [Finding("unreadable", None, f"{directory}: {error.strerror or error}")]
    found_notes = []
    for leftover in found:
        if is_written(leftover.owner):
            continue  # a repair or a prune is running
        names -= {file.name for file in leftover.files}
        what = "a draft" if leftover.what == "draft" else "a replaced pack"
        text = f"{what} that an interrupted repair or prune left: {leftover.size} bytes"
        found_notes.append(Finding("leftover", None, text, REPAIR, command=True))
    empty = [pack for pack in names if FILE_NAME.fullmatch(pack) and _is_empty(directory / pack)]
    if empty:
        found_notes.append(Finding("empty", None, f"empty packs: {_joined_names(empty)}"))
    foreign = [name for name in names if not _is_own_file(name, names)]
    if foreign:
        found_notes.append(
            Finding("foreign", None, f"files that tbviz did not write: {_joined_names(foreign)}")
        )
    return found_notes


def _reopened(reader: Reader, segment: SegmentReader) -> Source:
    """Return a new source of the same records."""
    [pack] = [pack for pack in reader.folder.packs() if pack.uid == segment.uid]
    return reader.folder.source(pack, 0.0)


def _is_own_file(name: str, names: set[str]) -> bool:
    if name == ORDERS_FILE or name.startswith("."):
        return True
    if name.endswith(".jsonl"):
        return name.removesuffix(".jsonl") + ".pack" in names
    return bool(FILE_NAME.fullmatch(name) or PART_NAME.fullmatch(name))


def _is_empty(path: Path) -> bool:
    try:
        return not path.stat().st_size
    except OSError:
        return False


def _joined_names(names: list[str]) -> str:
    shown = sorted(names)[:_MAX_NAMED]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
