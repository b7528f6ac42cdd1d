"""What is damaged in a store, what else lies there, and what can be done about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tbviz.store.control import FILE as ORDERS_FILE
from tbviz.store.control import Orders, read_orders
from tbviz.store.damaged_sheets import DamagedSheets
from tbviz.store.errors import StoreError
from tbviz.store.extents import ExtentSource
from tbviz.store.folder import LocalFolder
from tbviz.store.leftovers import leftovers
from tbviz.store.locks import held
from tbviz.store.names import PART_NAME, pack_name
from tbviz.store.object_store_folder import ObjectStoreFolder
from tbviz.store.scan import complaints, scan_pack
from tbviz.store.schema import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbviz.store.locations import Location
    from tbviz.store.reader import Reader
    from tbviz.store.segment import Segment
    from tbviz.store.source import Source

REPAIR = "tbviz repair"
_WHILE_WRITTEN = {"tail", "index-behind", "index-missing"}  # of what comes next
_MAX_NAMED = 5


class Finding(NamedTuple):
    """Something that a person should know of a store.

    Args:
        what: A word for programs.
        segment: The number of the segment it is about, None for the whole store.
        text: A sentence without a full stop.
        remedy: What to do, None where nothing can be done or need be.
        command: Whether the remedy is a command that takes the log directory.
    """

    what: str
    segment: int | None
    text: str
    remedy: str | None = None
    command: bool = False


def pack_path(reader: Reader, segment: Segment) -> Path | None:
    """The pack of a segment, None where it is not a file of this machine."""
    if not isinstance(reader.folder, LocalFolder):
        return None
    path = reader.folder.directory / pack_name(segment.seq, segment.uid)
    return path if path.exists() else None


def is_written(path: Path | None) -> bool | None:
    """Whether somebody writes a pack now; None where that cannot be told."""
    try:
        return None if path is None else held(path)
    except OSError:
        return None


def damage(
    reader: Reader, number: int, segment: Segment, *, growing: bool, verify: bool
) -> Iterator[Finding]:
    """What is damaged in a segment.

    Args:
        reader: The store.
        number: The segment's number.
        segment: The segment.
        growing: Whether it is being written, so that its end may be half there.
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
    held: Source  # what has scanned, and can read
    if path is None:
        held = segment.source
        if held.damaged:
            yield Finding("damaged", number, f"{held.damaged} damaged places in {held.name}")
        source = _again(reader, segment) if verify else held
    else:
        found = scan_pack(path, thorough=verify)
        for complaint in complaints(found):
            if not (growing and complaint.what in _WHILE_WRITTEN):
                yield Finding(complaint.what, number, complaint.text, REPAIR, command=True)
        held = source = ExtentSource(path, found.records)
    if verify:
        damaged = DamagedSheets()
        for record in source.scan():
            length = record.meta.get("bytes", 0)
            payload = held.read(record.offset, length if type(length) is int else 0)
            damaged.check(record.meta, payload)
        for lost in damaged.texts():
            yield Finding("sheet", number, f"{lost}: lost")
    if skipped:
        text = f"{skipped} record{'' if skipped == 1 else 's'} that this tbviz makes no sense of"
        yield Finding("records", number, text)


def orders(reader: Reader) -> tuple[dict[str, Any] | None, list[Finding]]:
    """The orders that lie in a store, and what is wrong with them."""
    if isinstance(reader.folder, LocalFolder):
        location: Location = reader.folder.directory
    elif isinstance(reader.folder, ObjectStoreFolder):
        location = reader.folder.location
    else:
        return None, []
    try:
        held = read_orders(location)
    except StoreError as error:
        return None, [Finding("orders", None, str(error))]
    return (None if held == Orders() else held._asdict()), []


def notes(reader: Reader) -> list[Finding]:
    """What lies in a store and is no damage: left-over drafts, files that are not ours."""
    if not isinstance(reader.folder, LocalFolder):
        return []
    directory = reader.folder.directory
    try:
        names = {path.name for path in directory.iterdir()}
        found = leftovers(directory)
    except OSError as error:
        return [Finding("unreadable", None, f"{directory}: {error.strerror or error}")]
    said = []
    for leftover in found:
        if is_written(leftover.owner):
            continue  # somebody is at work
        names -= {file.name for file in leftover.files}
        what = "a draft" if leftover.what == "draft" else "a pack that was replaced"
        text = f"{what} that a killed repair or prune left: {leftover.size} bytes"
        said.append(Finding("leftover", None, text, REPAIR, command=True))
    empty = [pack for pack in names if FILE_NAME.fullmatch(pack) and _is_empty(directory / pack)]
    if empty:
        said.append(Finding("empty", None, f"without a byte: {_named(empty)}"))
    foreign = [name for name in names if not _is_ours(name, names)]
    if foreign:
        said.append(Finding("foreign", None, f"not written by tbviz: {_named(foreign)}"))
    return said


def _again(reader: Reader, segment: Segment) -> Source:
    """The same records from the beginning."""
    [pack] = [pack for pack in reader.folder.packs() if pack.uid == segment.uid]
    return reader.folder.source(pack, 0.0)


def _is_ours(name: str, names: set[str]) -> bool:
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


def _named(names: list[str]) -> str:
    shown = sorted(names)[:_MAX_NAMED]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
