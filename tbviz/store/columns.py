"""What a reader holds of a segment's records: columns of numbers, not parsed lines."""

from __future__ import annotations

from array import array
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from tbviz.store.schema import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

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


class SheetColumns:
    """Where the sheets of one (kind, layer) of one segment are: 48 bytes an image.

    Args:
        media: Their media; `gray8` has four more columns.
        sheets: How many a record.
    """

    __slots__ = (
        "_high",
        "_low",
        "_summary",
        "crc",
        "end",
        "hi",
        "layouts",
        "length",
        "lo",
        "media",
        "offset",
        "p",
        "positions",
        "q",
        "sheets",
        "size",
    )

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
        self._summary = (self.lo, self.hi, self.p, self.q)
        self.size = 0
        self.end = 0  # where in the pack its last record ends
        self._low = (Extreme(self.lo, np.min), Extreme(self.p, np.min))
        self._high = (Extreme(self.hi, np.max), Extreme(self.q, np.max))

    def append(
        self, ordinal: int, layout: str, offset: int, rows: Sequence[Sequence[float]]
    ) -> None:
        """Add one record.

        Args:
            ordinal: Its position in the segment.
            layout: Id of its layout, '' where it has none.
            offset: Where its first sheet begins in the pack.
            rows: `[length, crc]` of each sheet, for `gray8` `[length, crc, lo, hi, p, q]`.

        Raises:
            ValueError: If the position is not above those held, or the number of sheets differs.
            TypeError: If a row holds what is no number.
            OverflowError: If a length or a CRC does not have 32 bits.
        """
        if len(rows) != self.sheets:
            raise ValueError(f"received {len(rows)} sheets, expected {self.sheets}")
        lengths, crcs, *summary = zip(*rows, strict=True)
        summary = summary[:4] if self.gray else []
        if len(summary) != (4 if self.gray else 0):
            raise ValueError("a gray sheet has lo, hi, p and q")
        count = len(self.crc)
        try:
            self.length.fromlist([*lengths])
            self.crc.fromlist([*crcs])
            self.offset.fromlist([*accumulate(lengths[:-1], initial=offset)])
            for column, values in zip(self._summary, summary, strict=False):
                try:
                    column.fromlist([*values])
                except TypeError:  # the names of non-finite numbers
                    column.fromlist([number(value) for value in values])
            self.positions.append(ordinal)
        except (ValueError, TypeError, OverflowError):
            for held in (self.length, self.crc, self.offset, *self._summary):
                del held[count:]
            raise
        if self.layouts and self.layouts[-1][0] == layout:
            self.layouts[-1] = (layout, self.layouts[-1][1] + 1)
        else:
            self.layouts.append((layout, 1))
        self.size += sum(lengths)

    @property
    def range(self) -> Span | None:
        """Smallest and largest of the finite values, None where there is none."""
        return _span(self._low[0].value, self._high[0].value)

    @property
    def percentiles(self) -> Span | None:
        """Smallest 0.5 and largest 99.5 percentile, None where nothing is finite."""
        return _span(self._low[1].value, self._high[1].value)

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


class Extreme:
    """The smallest or largest of the finite numbers of a column that grows.

    Args:
        column: The numbers.
        pick: `np.min` or `np.max`.
    """

    __slots__ = ("_column", "_pick", "_seen", "_value")

    def __init__(self, column: array[float], pick: Callable[[NDArray[np.float64]], float]) -> None:
        self._column = column
        self._pick = pick
        self._seen = 0
        self._value: float | None = None

    @property
    def value(self) -> float | None:
        """What it is by now, None where nothing is finite."""
        # A copy: while numpy looks at an array it cannot grow.
        news = np.frombuffer(self._column[self._seen :])
        self._seen = len(self._column)
        news = news[np.isfinite(news)]
        if news.size:
            best = float(self._pick(news))
            held = best if self._value is None else self._value
            self._value = float(self._pick(np.array([best, held])))
        return self._value


def _span(low: float | None, high: float | None) -> Span | None:
    return None if low is None or high is None else (low, high)
