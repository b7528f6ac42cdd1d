"""Where the sheets of a series are, held as rows of bytes: 26 bytes an image."""

from __future__ import annotations

from array import array
from struct import Struct, error
from typing import TYPE_CHECKING, Any

import numpy as np

from tbviz.store.columns import Runs
from tbviz.store.digits import fitting, six_digits
from tbviz.store.schema import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Span = tuple[float, float]

_PLACE = [("length", "<u4"), ("crc", "<u4")]
_SUMMARY = [(name, "<f4") for name in ("lo", "hi", "p", "q")]
_GRAY = np.dtype(_PLACE + _SUMMARY)
_OTHER = np.dtype(_PLACE)
_pack_gray = Struct("<IIffff").pack
_pack_other = Struct("<II").pack


class SheetColumns:
    """Where the sheets of one (kind, layer) of one segment are.

    Args:
        media: Their media; `gray8` has four more columns.
        sheets: How many a record.

    Attributes:
        positions: Of its records, within the segment.
        layouts: `(layout, how many records)`, in writing order.
        size: Bytes of all sheets.
        end: Where in the pack its last record ends.
    """

    __slots__ = (
        "_dtype",
        "_extremes",
        "_offsets",
        "_pack",
        "_rows",
        "end",
        "layouts",
        "media",
        "positions",
        "sheets",
        "size",
    )

    def __init__(self, media: str, sheets: int) -> None:
        self.media = media
        self.sheets = sheets
        self.positions = Runs()
        self.layouts: list[tuple[str, int]] = []
        self.size = 0
        self.end = 0
        self._dtype = _GRAY if self.gray else _OTHER
        self._offsets = array("q")  # of the first sheet of each record
        self._rows = bytearray()
        self._pack = _pack_gray if self.gray else _pack_other
        self._extremes = _Extremes()

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
            OverflowError: If an offset does not have 63 bits.
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
        self.size += sum(int(row[0]) for row in rows)

    def _packed(self, rows: Sequence[Sequence[Any]]) -> bytes:
        """Rows with more fields than are known, with non-finite numbers, or with nonsense."""
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
        """How many sheets there are."""
        return len(self._offsets) * self.sheets

    def sheet(self, record: int, image: int) -> tuple[int, int, int]:
        """Offset, length and CRC of one sheet."""
        rows = self.table(record, record + 1)
        offset = self._offsets[record] + int(rows["length"][:image].sum(dtype=np.int64))
        return offset, int(rows["length"][image]), int(rows["crc"][image])

    def table(self, begin: int = 0, end: int | None = None) -> NDArray[np.void]:
        """The rows of some records: `length`, `crc` and for `gray8` `lo`, `hi`, `p`, `q`."""
        size = self.sheets * self._dtype.itemsize
        part = self._rows[begin * size : None if end is None else end * size]
        return np.frombuffer(part, self._dtype)

    def offsets(self, begin: int = 0) -> NDArray[np.int64]:
        """Where each sheet begins in the pack, from a record on."""
        lengths = self.table(begin)["length"].astype(np.int64).reshape(-1, self.sheets)
        first = np.array(self._offsets[begin:], np.int64)[:, None]
        return (first + np.cumsum(lengths, axis=1) - lengths).ravel()

    @property
    def range(self) -> Span | None:
        """Smallest and largest of the finite values, None where there is none."""
        return self._extremes.of(self, "lo", "hi")

    @property
    def percentiles(self) -> Span | None:
        """Smallest 0.5 and largest 99.5 percentile, None where nothing is finite."""
        return self._extremes.of(self, "p", "q")

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


class _Extremes:
    """The smallest and largest finite numbers of columns that grow; looks at what is new only."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        # The name of the lower column to records seen, smallest, largest.
        self._held: dict[str, tuple[int, float, float]] = {}

    def of(self, columns: SheetColumns, low: str, high: str) -> Span | None:
        if not columns.gray:
            return None
        seen, least, most = self._held.get(low, (0, np.inf, -np.inf))
        news = columns.table(seen)
        if len(news):
            below, above = news[low], news[high]
            least = float(np.min(below[np.isfinite(below)], initial=least))
            most = float(np.max(above[np.isfinite(above)], initial=most))
            self._held[low] = (columns.positions.total, least, most)
        if not np.isfinite(least) or not np.isfinite(most):
            return None
        smallest, largest = six_digits(np.array([least, most], np.float32))
        return smallest, largest
