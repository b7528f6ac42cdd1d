"""Store the addresses of the sheets of a series as rows of bytes: 26 bytes per image."""

from __future__ import annotations

from array import array
from struct import Struct, error
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tbviz.store.format.schema import number
from tbviz.store.format.six_digits import fitting, nearest
from tbviz.store.read.columns import PositionRuns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Span = tuple[float, float]

_LENGTH_AND_CRC = [("length", "<u4"), ("crc", "<u4")]
_SUMMARY = [(name, "<f4") for name in ("lo", "hi", "p", "q")]
_GRAY = np.dtype(_LENGTH_AND_CRC + _SUMMARY)
_OTHER = np.dtype(_LENGTH_AND_CRC)
_pack_gray = Struct("<IIffff").pack
_pack_other = Struct("<II").pack


class SheetColumns:
    """The addresses of the sheets of one (kind, layer) of one segment.

    Args:
        media: Their media; `gray8` has four more columns.
        sheets: The number of sheets per record.

    Attributes:
        positions: The positions of its records within the segment.
        layouts: `(layout, number of records)`, in writing order.
        end: Where its last record ends in the pack.
    """

    __slots__ = (
        "_dtype",
        "_offsets",
        "_pack",
        "_rows",
        "_sums",
        "end",
        "layouts",
        "media",
        "positions",
        "sheets",
    )

    def __init__(self, media: str, sheets: int) -> None:
        self.media = media
        self.sheets = sheets
        self.positions = PositionRuns()
        self.layouts: list[tuple[str, int]] = []
        self.end = 0
        self._dtype = _GRAY if self.gray else _OTHER
        self._offsets = array("q")  # of the first sheet of each record
        self._rows = bytearray()
        self._pack = _pack_gray if self.gray else _pack_other
        self._sums = _Sums(0, 0, None, None)

    def append(
        self, ordinal: int, layout: str, offset: int, rows: Sequence[Sequence[float]]
    ) -> None:
        """Add one record.

        Args:
            ordinal: Its position in the segment.
            layout: Id of its layout, '' if it has none.
            offset: Where its first sheet begins in the pack.
            rows: `[length, crc]` of each sheet, for `gray8` `[length, crc, lo, hi, p, q]`.

        Raises:
            ValueError: If the position is not greater than the earlier ones, or the number of
                sheets differs.
            TypeError: If a row contains a value that is not a number.
            OverflowError: If an offset does not fit into 63 bits.
        """
        if len(rows) != self.sheets:
            raise ValueError(f"received {len(rows)} sheets, expected {self.sheets}")
        try:
            packed = b"".join([self._pack(*row) for row in rows])
        except (error, OverflowError):
            packed = self._packed(rows)
        self._offsets.append(offset)
        try:
            self.positions.append(ordinal)
        except ValueError:
            self._offsets.pop()
            raise
        self._rows += packed
        if self.layouts and self.layouts[-1][0] == layout:
            self.layouts[-1] = (layout, self.layouts[-1][1] + 1)
        else:
            self.layouts.append((layout, 1))

    def _packed(self, rows: Sequence[Sequence[Any]]) -> bytes:
        """Pack rows with unknown fields or non-finite numbers, or refuse invalid ones."""
        width = 6 if self.gray else 2
        packed = bytearray()
        for row in rows:
            if len(row) < width:
                raise ValueError(f"received a row of {len(row)}, expected {width}")
            summary = [fitting(number(value)) for value in row[2:width]]
            try:
                packed += self._pack(*row[:2], *summary)
            except error as wrong:
                raise ValueError(f"a length and a CRC have 32 bits: {wrong}") from wrong
        return bytes(packed)

    def __len__(self) -> int:
        """Return the number of sheets."""
        return len(self._offsets) * self.sheets

    def sheet(self, record: int, image: int) -> tuple[int, int, int]:
        """Return the offset, length and CRC of one sheet."""
        rows = self.table(record, record + 1)
        offset = self._offsets[record] + int(rows["length"][:image].sum(dtype=np.int64))
        return offset, int(rows["length"][image]), int(rows["crc"][image])

    def table(self, begin: int = 0, end: int | None = None) -> NDArray[np.void]:
        """Return the rows of some records: `length`, `crc` and for `gray8` `lo`, `hi`, `p`, `q`."""
        size = self.sheets * self._dtype.itemsize
        part = self._rows[begin * size : None if end is None else end * size]
        return np.frombuffer(part, self._dtype)

    def offsets(self, begin: int = 0) -> NDArray[np.int64]:
        """Return where each sheet begins in the pack, from a record on."""
        lengths = self.table(begin)["length"].astype(np.int64).reshape(-1, self.sheets)
        first = np.array(self._offsets[begin:], np.int64)[:, None]
        return (first + np.cumsum(lengths, axis=1) - lengths).ravel()

    @property
    def size(self) -> int:
        """Return the bytes of all sheets."""
        return self._summed().size

    @property
    def range(self) -> Span | None:
        """Return the minimum and maximum of the finite values, None if there is none."""
        return self._summed().range

    @property
    def percentiles(self) -> Span | None:
        """Return the minimum 0.5 and maximum 99.5 percentile, None if nothing is finite."""
        return self._summed().percentiles

    @property
    def gray(self) -> bool:
        """Return whether it has ranges."""
        return self.media == "gray8"

    def _summed(self) -> _Sums:
        """Return the current sums; process only new records."""
        sums = self._sums
        if sums.seen < len(self._offsets):
            news = self.table(sums.seen)
            size = sums.size + int(news["length"].sum(dtype=np.int64))
            spans = (sums.range, sums.percentiles)
            if self.gray:
                spans = (
                    _wider(sums.range, news["lo"], news["hi"]),
                    _wider(sums.percentiles, news["p"], news["q"]),
                )
            self._sums = sums = _Sums(len(self._offsets), size, *spans)
        return sums

    def layout_of(self, record: int) -> str:
        """Return the layout of the record with this number."""
        for layout, count in self.layouts:
            if record < count:
                return layout
            record -= count
        return ""


def union(spans: Sequence[Span | None]) -> Span | None:
    """Return the span that holds all spans, None if there is none."""
    known = [span for span in spans if span is not None]
    if not known:
        return None
    return min(low for low, _ in known), max(high for _, high in known)


class _Sums(NamedTuple):
    """Sums over all sheets, and the number of records that they cover."""

    seen: int
    size: int
    range: Span | None
    percentiles: Span | None


def _wider(span: Span | None, low: NDArray[np.float32], high: NDArray[np.float32]) -> Span | None:
    """Extend a span to include the finite numbers of both columns."""
    low, high = low[np.isfinite(low)], high[np.isfinite(high)]
    if not low.size or not high.size:
        return span
    least, most = nearest(np.array([np.min(low), np.max(high)]))
    return (least, most) if span is None else (min(least, span[0]), max(most, span[1]))
