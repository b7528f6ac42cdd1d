"""What a reader holds of a segment's records: columns of numbers, not parsed lines."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Run = tuple[int, int]
Span = tuple[float, float]


class Runs:
    """A rising sequence of integers, held as `(first, count)` runs."""

    __slots__ = ("_count", "_first", "total")

    def __init__(self) -> None:
        self._first = array("q")
        self._count = array("q")
        self.total = 0

    def append(self, value: int) -> None:
        """Add a value above all that are held.

        Raises:
            ValueError: If it is not above them.
        """
        if self._first:
            following = self._first[-1] + self._count[-1]
            if value < following:
                raise ValueError(f"received {value}, expected at least {following}")
            if value == following:
                self._count[-1] += 1
                self.total += 1
                return
        self._first.append(value)
        self._count.append(1)
        self.total += 1

    def __iter__(self) -> Iterator[Run]:
        return zip(self._first, self._count, strict=True)

    def index(self, value: int) -> int | None:
        """How many values stand before this one, None where it is not held."""
        before = self.count_below(value)
        return before if before != self.count_below(value + 1) else None

    def count_below(self, value: int) -> int:
        """How many of the values are below this one."""
        below = 0
        for first, count in self:
            if first >= value:
                break
            below += min(count, value - first)
        return below

    def values(self) -> Iterator[int]:
        """The integers themselves."""
        for first, count in self:
            yield from range(first, first + count)


def join_runs(runs: Iterable[Run]) -> list[list[int]]:
    """Runs in order, with neighbours that touch made into one, as JSON sends them."""
    joined: list[list[int]] = []
    for first, count in runs:
        if joined and joined[-1][0] + joined[-1][1] == first:
            joined[-1][1] += count
        else:
            joined.append([first, count])
    return joined


def encode_runs(values: Iterable[str]) -> list[list[str | int]]:
    """Equal neighbours as `[value, how many]`."""
    runs: list[list[str | int]] = []
    last: str | None = None
    length = 0
    for value in values:
        if length and value == last:
            length += 1
            runs[-1][1] = length
        else:
            runs.append([value, 1])
            last, length = value, 1
    return runs


class Numbers:
    """One number a position, with gaps."""

    __slots__ = ("_known", "_values")

    def __init__(self) -> None:
        self._values = array("d")
        self._known = bytearray()

    def put(self, ordinal: int, value: float) -> None:
        """Set the number at a position; a second one at the same position replaces it."""
        gap = ordinal + 1 - len(self._values)
        if gap > 0:
            self._values.extend([0.0] * gap)
            self._known.extend(bytes(gap))
        self._values[ordinal] = value
        self._known[ordinal] = 1

    def span(self, begin: int, end: int) -> list[float | None]:
        """The numbers at positions from `begin` to before `end`, None at the gaps."""
        held = [
            value if known else None
            for value, known in zip(self._values[begin:end], self._known[begin:end], strict=True)
        ]
        return held + [None] * (end - begin - len(held))


def widen(span: Span | None, low: float, high: float) -> Span | None:
    """The smallest span that holds a span and two numbers; what is not finite does not count."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return span
    return (low, high) if span is None else (min(span[0], low), max(span[1], high))


class SheetColumns:
    """Where the sheets of one (kind, layer) of one segment are: 52 bytes an image at most.

    Args:
        media: Their media; `gray8` has four more columns.
        sheets: How many a record.
    """

    __slots__ = (
        "crc", "end", "hi", "layouts", "length", "lo", "media", "offset", "p", "percentiles",
        "positions", "q", "range", "sheets", "size",
    )  # fmt: skip

    def __init__(self, media: str, sheets: int) -> None:
        self.media = media
        self.sheets = sheets
        self.positions = Runs()
        # (layout, how many records), in writing order.
        self.layouts: list[tuple[str, int]] = []
        self.offset = array("q")
        self.length = array("I")
        self.crc = array("I")
        self.lo = array("d")
        self.hi = array("d")
        self.p = array("d")
        self.q = array("d")
        self.range: Span | None = None  # of the finite values
        self.percentiles: Span | None = None
        self.size = 0
        self.end = 0  # where in the pack its last record ends

    def append(
        self,
        ordinal: int,
        layout: str,
        offset: int,
        rows: Sequence[tuple[int, int]],
        summaries: Sequence[tuple[float, float, float, float]],
    ) -> None:
        """Add one record.

        Args:
            ordinal: Its position in the segment.
            layout: Id of its layout, '' where it has none.
            offset: Where its first sheet begins in the pack.
            rows: Length and CRC of each sheet.
            summaries: `lo, hi, p, q` of each sheet, empty for other media than `gray8`.

        Raises:
            ValueError: If the position is not above those held, or the number of sheets differs.
        """
        if len(rows) != self.sheets or len(summaries) != (len(rows) if self.gray else 0):
            raise ValueError(f"received {len(rows)} sheets, expected {self.sheets}")
        self.positions.append(ordinal)
        if self.layouts and self.layouts[-1][0] == layout:
            self.layouts[-1] = (layout, self.layouts[-1][1] + 1)
        else:
            self.layouts.append((layout, 1))
        for length, crc in rows:
            self.offset.append(offset)
            self.length.append(length)
            self.crc.append(crc)
            offset += length
            self.size += length
        for lo, hi, p, q in summaries:
            self.lo.append(lo)
            self.hi.append(hi)
            self.p.append(p)
            self.q.append(q)
            self.range = widen(self.range, lo, hi)
            self.percentiles = widen(self.percentiles, p, q)

    @property
    def gray(self) -> bool:
        """Whether it has ranges."""
        return self.media == "gray8"

    def layout_of(self, record: int) -> str:
        """The layout of the record with this number."""
        for layout, count in self.layouts:
            if record < count:
                return layout
            record -= count
        return ""
