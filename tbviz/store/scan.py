"""What lies in a pack of this machine and in its index, to the byte: what a repair must know."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from tbviz.store.extents import Extent
from tbviz.store.files import open_file
from tbviz.store.pack_scanner import index_entry, index_lines, next_record, read_at, record_at
from tbviz.store.schema import FILE_NAME, HEADER
from tbviz.store.source import ScannedRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Index(NamedTuple):
    """How the index of a pack is.

    Args:
        size: Its bytes, -1 where there is none.
        behind: Records of the pack that have no line.
        ahead: Lines of records that the pack has no longer, or not yet.
        bad: Lines that do not check out, or are of no record there.
        foreign: Whether it is the index of another pack; then nothing in it counts.
    """

    size: int = -1
    behind: int = 0
    ahead: int = 0
    bad: int = 0
    foreign: bool = False

    @property
    def complete(self) -> bool:
        """Whether it says what the pack holds, and nothing else."""
        return self.size >= 0 and not (self.behind or self.ahead or self.bad or self.foreign)


class PackScan(NamedTuple):
    """What was found in a pack.

    Args:
        size: Its bytes.
        records: Every record that can be read, in order.
        damaged: Places before the last record that are no record, or whose record only the
            index knows.
        tail: Bytes behind the last record, of one that is torn, or is still being written.
        lines: How its index is.
    """

    size: int
    records: list[Extent]
    damaged: int
    tail: int
    lines: Index

    @property
    def whole(self) -> bool:
        """Whether every byte of the pack belongs to a record."""
        return not self.damaged and not self.tail


def scan_pack(path: Path, *, thorough: bool = True) -> PackScan:
    """Find every record of a pack.

    Args:
        path: The pack; its index is looked for beside it.
        thorough: Whether to look at the header and meta of every record. Without, a record that
            the index knows is believed to be there: much quicker on a slow disk.

    Raises:
        OSError: If the pack cannot be opened or read.
    """
    # The index first: a writer that is at work appends to the pack before.
    lines = _Lines(path)
    with open_file(path) as pack:
        size = pack.seek(0, 2)
        foreign = not lines.of_this_pack(pack, size)
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
    """What is wrong with a pack or its index.

    Args:
        what: `"tail"`, `"damaged"`, `"index-behind"`, `"index-ahead"`, `"index-bad"`,
            `"index-missing"` or `"index-foreign"`.
        amount: Bytes of a tail, else how many there are.
        text: A sentence without a full stop.
    """

    what: str
    amount: int
    text: str


def complaints(found: PackScan) -> list[Complaint]:
    """What is wrong with a pack and its index; nothing where a repair has nothing to do."""
    lines = found.lines
    behind = 0 if lines.foreign or lines.size < 0 else lines.behind
    counted = (
        ("tail", found.tail, "byte", "of an incomplete record at the end"),
        ("damaged", found.damaged, "unreadable place", "inside the pack"),
        ("index-behind", behind, "record", "missing in the index"),
        ("index-ahead", lines.ahead, "record", "in the index that the pack does not hold"),
        ("index-bad", lines.bad, "line", "of the index without sense"),
    )
    said = [
        Complaint(what, count, f"{count} {name}{'' if count == 1 else 's'} {rest}")
        for what, count, name, rest in counted
        if count
    ]
    if lines.size < 0:
        said.append(Complaint("index-missing", 1, "there is no index"))
    if lines.foreign:
        said.append(Complaint("index-foreign", 1, "the index is that of another pack"))
    return said


class _Lines:
    """The index of a pack."""

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
        """The meta that the line of the record at this place holds."""
        first, end = self._ranges[begin]
        with open_file(self.path) as file:
            line = read_at(file, first, end - first - 1)
        return b"{" + line.split(b",", 2)[2]

    def of_this_pack(self, pack: BinaryIO, size: int) -> bool:
        """Whether its first line is that of the pack's record there; the first names the writer."""
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
    """The records of a pack, how many places of it are damaged, and where the last one ends."""
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
            yield hint._replace(meta=b"")  # the pack's own is damaged
            at = hint.end
        else:
            following = [next_record(pack, at + 1, size)]
            later = bisect_left(begins, at)
            following.append(begins[later] if later < len(begins) else None)
            at = min((begin for begin in following if begin is not None), default=size)


def _checks(
    pack: BinaryIO, records: list[Extent], lines: _Lines, *, thorough: bool
) -> dict[int, int]:
    """Where each record begins, and the CRC of its meta; fills in what only the index knows."""
    checks = {}
    for number, extent in enumerate(records):
        if extent.meta is not None:
            records[number] = extent._replace(meta=lines.meta(extent.begin))
        held = lines.checks.get(extent.begin)
        if held is not None:
            believed = extent.meta is not None or not thorough
            checks[extent.begin] = held if believed else _check(pack, extent.begin)
    return checks


def _check(pack: BinaryIO, begin: int) -> int:
    check: int = HEADER.unpack(read_at(pack, begin, HEADER.size))[3]
    return check
