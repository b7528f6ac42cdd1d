"""Scan a local pack and its index to the byte, for a repair."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from tbviz.store.disk.files import open_file
from tbviz.store.format.schema import FILE_NAME, HEADER
from tbviz.store.maintain.extents import Extent
from tbviz.store.read.records import index_entry, index_lines, next_record, read_at, record_at
from tbviz.store.read.source import ScannedRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Index(NamedTuple):
    """The state of the index of a pack.

    Args:
        size: Its bytes. Defaults to -1: there is no index.
        behind: How many records of the pack have no line. Defaults to 0.
        ahead: How many lines are of records that the pack no longer has, or does not have yet.
            Defaults to 0.
        bad: How many lines are damaged, or match no record. Defaults to 0.
        foreign: Whether it is the index of another pack; then none of its lines count. Defaults to
            False.
    """

    size: int = -1
    behind: int = 0
    ahead: int = 0
    bad: int = 0
    foreign: bool = False

    @property
    def complete(self) -> bool:
        """Return whether it lists all records of the pack, and nothing else."""
        return self.size >= 0 and not (self.behind or self.ahead or self.bad or self.foreign)


class PackScan(NamedTuple):
    """The result of scanning a pack.

    Args:
        size: Its bytes.
        records: Every record that can be read, in order.
        damaged: How many ranges before the last record are not a record, or are a record that only
            the index knows.
        tail: Bytes after the last record, of a torn record or one that is still being written.
        lines: The state of its index.
    """

    size: int
    records: list[Extent]
    damaged: int
    tail: int
    lines: Index

    @property
    def whole(self) -> bool:
        """Return whether every byte of the pack belongs to a record."""
        return not self.damaged and not self.tail


def scan_pack(path: Path, *, thorough: bool = True) -> PackScan:
    """Find every record of a pack.

    Args:
        path: The pack; its index is the file beside it.
        thorough: Whether to read the header and meta of every record. If not, the lines of the
            index are trusted, which is much faster on a slow disk. Defaults to True.

    Raises:
        OSError: If the pack cannot be opened or read.
    """
    # The index first: a running writer appends to the pack first.
    lines = _Lines(path)
    with open_file(path) as pack:
        size = pack.seek(0, 2)
        foreign = not lines.belongs_to(pack, size)
        known = {} if foreign else lines.extents
        records, damaged, end = _walk(pack, size, known, thorough=thorough)
        checks = {} if foreign else _checks(pack, records, lines, thorough=thorough)
    ahead = sum(extent.end > size for extent in known.values())
    fitting = sum(checks.get(begin) == check for begin, check in lines.checks.items())
    index = Index(
        lines.size,
        behind=len(records) - fitting,
        ahead=ahead,
        bad=0 if foreign else lines.count - fitting - ahead,
        foreign=foreign and lines.size > 0,
    )
    return PackScan(size, records, damaged, size - end, index)


class Complaint(NamedTuple):
    """A defect of a pack or its index.

    Args:
        what: `"tail"`, `"damaged"`, `"index-behind"`, `"index-ahead"`, `"index-bad"`,
            `"index-missing"` or `"index-foreign"`.
        amount: Bytes of a tail, else how many defects of this sort there are.
        text: A sentence without a full stop.
    """

    what: str
    amount: int
    text: str


def complaints(found: PackScan) -> list[Complaint]:
    """List the defects of a pack and its index; none if there is nothing to repair."""
    lines = found.lines
    behind = 0 if lines.foreign or lines.size < 0 else lines.behind
    counted = (
        ("tail", found.tail, "byte", "of an incomplete record at the end"),
        ("damaged", found.damaged, "unreadable range", "inside the pack"),
        ("index-behind", behind, "record", "missing in the index"),
        ("index-ahead", lines.ahead, "record", "in the index that the pack does not have"),
        ("index-bad", lines.bad, "line", "of the index that cannot be interpreted"),
    )
    found_complaints = [
        Complaint(what, count, f"{count} {name}{'' if count == 1 else 's'} {rest}")
        for what, count, name, rest in counted
        if count
    ]
    if lines.size < 0:
        found_complaints.append(Complaint("index-missing", 1, "the index is missing"))
    if lines.foreign:
        found_complaints.append(Complaint("index-foreign", 1, "the index belongs to another pack"))
    return found_complaints


class _Lines:
    """The lines of the index of a pack."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_suffix(".jsonl")
        self.extents: dict[int, Extent] = {}
        self.checks: dict[int, int] = {}
        self._ranges: dict[int, tuple[int, int]] = {}
        self.count = 0
        try:
            self.size = self.path.stat().st_size
        except OSError:
            self.size = -1
        last = 0
        for line, end in index_lines(self.path, 0):
            self.count += 1
            entry = index_entry(line)
            if entry is not None and entry[0] >= 0:
                begin, found = entry
                self.extents.setdefault(begin, Extent(begin, found.offset, found.end, None))
                self.checks.setdefault(begin, int(line.split(b",", 2)[1].split(b":")[1]))
                self._ranges.setdefault(begin, (last, end))
            last = end
        self.count += last < self.size  # the beginning of a line

    def meta(self, begin: int) -> bytes:
        """Read the meta in the line of the record at this offset."""
        first, end = self._ranges[begin]
        with open_file(self.path) as file:
            line = read_at(file, first, end - first - 1)
        return b"{" + line.split(b",", 2)[2]

    def belongs_to(self, pack: BinaryIO, size: int) -> bool:
        """Return whether its first line matches the pack's first record, which names the writer."""
        begin = min(self.extents, default=None)
        if begin is None:
            return True
        if isinstance(record_at(pack, begin, size), ScannedRecord):
            return _check(pack, begin) == self.checks[begin]
        match = FILE_NAME.fullmatch(self.path.with_suffix(".pack").name.removeprefix("."))
        uid = "" if match is None else match["uid"]
        return begin > 0 or b'"uid":"%b"' % uid.encode() in self.meta(0)


def _walk(
    pack: BinaryIO, size: int, known: dict[int, Extent], *, thorough: bool
) -> tuple[list[Extent], int, int]:
    """Return the records of a pack, how many ranges are damaged, and where the last one ends."""
    records: list[Extent] = []
    damaged = 0
    begins = sorted(begin for begin, extent in known.items() if extent.end <= size)
    at = end = 0
    for extent in _records(pack, size, known, begins, thorough=thorough):
        damaged += extent.begin > at or extent.meta is not None
        at = end = extent.end
        records.append(extent)
    return records, damaged, end


def _records(
    pack: BinaryIO, size: int, known: dict[int, Extent], begins: list[int], *, thorough: bool
) -> Iterator[Extent]:
    at = 0
    while at < size:
        hint = known.get(at)
        if hint is not None and hint.end > size:
            hint = None
        if hint is not None and not thorough:
            yield hint
            at = hint.end
            continue
        found = record_at(pack, at, size)
        if isinstance(found, ScannedRecord):
            yield Extent(at, found.offset, found.end, None)
            at = found.end
        elif hint is not None:
            yield hint._replace(meta=b"")  # the meta in the pack is damaged
            at = hint.end
        else:
            following = [next_record(pack, at + 1, size)]
            later = bisect_left(begins, at)
            following.append(begins[later] if later < len(begins) else None)
            at = min((begin for begin in following if begin is not None), default=size)


def _checks(
    pack: BinaryIO, records: list[Extent], lines: _Lines, *, thorough: bool
) -> dict[int, int]:
    """Return the CRC of each record's meta by offset; fill in metas that only the index knows."""
    checks = {}
    for number, extent in enumerate(records):
        if extent.meta is not None:
            records[number] = extent._replace(meta=lines.meta(extent.begin))
        check = lines.checks.get(extent.begin)
        if check is not None:
            trusted = extent.meta is not None or not thorough
            checks[extent.begin] = check if trusted else _check(pack, extent.begin)
    return checks


def _check(pack: BinaryIO, begin: int) -> int:
    check: int = HEADER.unpack(read_at(pack, begin, HEADER.size))[3]
    return check
