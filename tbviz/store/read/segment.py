"""Store the content of one writer's pack as columns."""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from tbviz.store.format.foreign_format import format_number, refusal
from tbviz.store.format.schema import COSTS, MEDIA, STATUSES, FitPosition, check_names, number
from tbviz.store.read.columns import Numbers
from tbviz.store.read.cost_sums import CostSums
from tbviz.store.read.health_columns import HealthColumns
from tbviz.store.read.sheet_columns import SheetColumns
from tbviz.store.read.source import ScannedRecord, Source

if TYPE_CHECKING:
    from collections.abc import Sequence

_UINT32 = 1 << 32
_INT63 = 1 << 63


class SheetAddress(NamedTuple):
    """The location of a sheet's bytes."""

    writer: str
    offset: int
    length: int
    crc: int


class IndexEntry(NamedTuple):
    """An unchanged meta, and where its record ends in the pack."""

    end: int
    position: int | None
    meta: dict[str, Any]
    sheets: tuple[SheetAddress, ...]


class SegmentReader:
    """The records of one writer. Positions are counted from 0 within it.

    Args:
        seq: The number in the pack's name.
        uid: The writer.
        source: The source of its records.

    Attributes:
        format: The number of the format that its writer states, None if it is not a whole number.
        refused: Why none of it is read, as `refusal` returns it, "" if it is read.
        version: The tbviz that wrote it, "" if unknown.
        replaces: The writers that it replaces, if it was rewritten.
        by: The command that rewrote it: "prune", "repair", or both, "" if none did.
    """

    def __init__(self, seq: int, uid: str, source: Source) -> None:
        self.seq = seq
        self.uid = uid
        self.source = source
        self.format: int | None = None
        self.refused = ""
        self.version = ""
        self.replaces: tuple[str, ...] = ()
        self.by = ""
        self.last = 0.0  # time of the newest record
        self.begin: dict[str, Any] = {}
        self.finish: dict[str, Any] | None = None
        self.fit_end = 0  # where the last `fit` record ends
        self.epochs = array("q")
        self.batches = array("q")  # -1 at an epoch's end
        self.finals = bytearray()
        self.position_ends = array("q")  # where the first record of each ends
        self.position_times = array("d")
        self.series: dict[tuple[str, str], SheetColumns] = {}
        self.layouts: dict[str, IndexEntry] = {}
        self.models: list[IndexEntry] = []
        self.probes: list[IndexEntry] = []
        self.notices: list[IndexEntry] = []
        self.metrics: dict[str, Numbers] = {}
        self.cost: dict[str, Numbers] = {name: Numbers() for name in COSTS}
        self.costs = CostSums()
        self.health = HealthColumns()
        self.predictions: dict[int, bytes] = {}
        self.scale = "probability"
        self.latest: dict[str, int] = {}  # last position of metrics, health, predictions
        self._ordinals: dict[tuple[int, int | None, bool], int] = {}
        self._newest: tuple[int, int | None, bool] | None = None
        self._unreadable = 0
        self._first = True  # whether no record has been read yet

    @property
    def damaged(self) -> int:
        """Count the damaged ranges of the pack, and the records with invalid fields."""
        return 0 if self.refused else self.source.damaged + self._unreadable

    @property
    def consumed(self) -> int:
        """Return the bytes of the pack that have been parsed."""
        return self.source.consumed

    def __len__(self) -> int:
        return len(self.epochs)

    def refresh(self) -> bool:
        """Read what is new in the pack; nothing if it has another format.

        Returns:
            Whether anything was new.

        Raises:
            OSError: If the pack cannot be read.
        """
        if self.refused:
            return False
        before = (self.consumed, self.damaged)
        with closing(self.source.scan()) as records:
            for found in records:
                if self._is_refused(found.meta):
                    break
                try:
                    self._take(found)
                except (KeyError, TypeError, ValueError, OverflowError, AttributeError, IndexError):
                    self._unreadable += 1
        return before != (self.consumed, self.damaged)

    def _is_refused(self, meta: dict[str, Any]) -> bool:
        """Return whether the first record states another format; note what it states."""
        first, self._first = self._first, False
        if first and meta["kind"] == "writer":
            self.format = format_number(meta)
            self.refused = refusal(meta)
            if self.refused:
                self.version = str(meta.get("tbviz") or "")
                with suppress(TypeError, ValueError, OverflowError):
                    self._note_time(meta)
        return bool(self.refused)

    def position(self, ordinal: int) -> FitPosition:
        """Return the position with this number."""
        batch = self.batches[ordinal]
        return FitPosition(
            self.epochs[ordinal], None if batch < 0 else batch, bool(self.finals[ordinal])
        )

    def ordinal(self, position: FitPosition) -> int | None:
        """Return the number of this position, None if it has not been logged."""
        return self._ordinals.get(position)

    def positions_from(self, end: int) -> int:
        """Return the first position that was written at or after this byte of the pack."""
        return bisect_left(self.position_ends, end + 1)

    def images(self, kind: str, layer: str) -> int:
        """Return the sheets per record of a series, or 0 if its one sheet belongs to no image."""
        series = self.series[kind, layer]
        layout = self.layouts.get(series.layouts[-1][0])
        none = layout is not None and layout.meta.get("images") == 0
        return 0 if none and series.sheets == 1 else series.sheets

    def _take(self, found: ScannedRecord) -> None:
        meta, offset, end = found
        time = self._note_time(meta)
        ordinal = self._ordinal_of(meta, end, time)
        kind = meta["kind"]
        if kind == "health":
            self.health.add(_required(ordinal), meta, meta.get("sheets", ()), offset)
            self.latest["health"] = _required(ordinal)
        elif kind in _TAKEN:
            take = getattr(self, f"_take_{kind}")
            take(meta, _sheets(self.uid, meta, offset), ordinal, end)
        elif ordinal is not None and "layout" in meta and "sheets" in meta:
            self._take_picture(meta, offset, ordinal, end)

    def _note_time(self, meta: dict[str, Any]) -> float:
        time = meta.get("time", 0.0)
        if type(time) is not float:
            time = number(time)
        if 0 < time < 1e12:
            self.last = time
        return float(time)

    def _ordinal_of(self, meta: dict[str, Any], end: int, time: float) -> int | None:
        epoch = meta.get("epoch")
        if epoch is None:
            return None
        batch = meta.get("batch")
        final = meta.get("final") is True
        if type(epoch) is int and (epoch, batch, final) == self._newest:
            return len(self.epochs) - 1
        position = (_whole(epoch), None if batch is None else _whole(batch), final)
        ordinal = self._ordinals.get(position)
        if ordinal is None:
            self._newest = position
            ordinal = self._ordinals[position] = len(self.epochs)
            self.epochs.append(epoch)
            self.batches.append(-1 if batch is None else batch)
            self.finals.append(final)
            self.position_ends.append(end)
            self.position_times.append(time)
        return ordinal

    def _take_writer(
        self, meta: dict[str, Any], _: Sequence[SheetAddress], __: int | None, ___: int
    ) -> None:
        if refusal(meta):
            raise ValueError("a later writer record is of another format")
        self.replaces = tuple(str(uid) for uid in meta.get("replaces") or ())
        self.by = str(meta.get("by") or "")
        self.version = str(meta.get("tbviz") or "")

    def _take_fit(
        self, meta: dict[str, Any], _: Sequence[SheetAddress], __: int | None, end: int
    ) -> None:
        if meta["event"] == "begin":
            self.begin = meta
        elif meta["event"] == "end":
            status = meta.get("status")
            self.finish = {**meta, "status": status if status in STATUSES else "stopped"}
        self.fit_end = end

    def _take_model(
        self, meta: dict[str, Any], sheets: Sequence[SheetAddress], ordinal: int | None, end: int
    ) -> None:
        if len(sheets) != 1:
            raise ValueError("a model has one sheet")
        self.models.append(IndexEntry(end, ordinal, meta, tuple(sheets)))

    def _take_probe(
        self, meta: dict[str, Any], sheets: Sequence[SheetAddress], ordinal: int | None, end: int
    ) -> None:
        if not isinstance(meta["images"], list) or len(meta["images"]) != len(sheets):
            raise ValueError("a probe record has one sheet per image")
        self.probes = [IndexEntry(end, ordinal, meta, tuple(sheets))]

    def _take_layout(
        self, meta: dict[str, Any], _: Sequence[SheetAddress], ordinal: int | None, end: int
    ) -> None:
        identifier = meta["id"]
        if not isinstance(identifier, str):
            raise TypeError("a layout's id is a text")
        meta = {key: value for key, value in meta.items() if key not in {"kind", "time", "id"}}
        self.layouts.setdefault(identifier, IndexEntry(end, ordinal, meta, ()))

    def _take_notice(
        self, meta: dict[str, Any], _: Sequence[SheetAddress], ordinal: int | None, end: int
    ) -> None:
        self.notices.append(IndexEntry(end, ordinal, meta, ()))

    def _take_metrics(
        self, meta: dict[str, Any], _: Sequence[SheetAddress], ordinal: int | None, __: int
    ) -> None:
        values = {str(tag): number(value) for tag, value in meta["values"].items()}
        ordinal = _required(ordinal)
        check_names(self.metrics, values, ordinal + 1)
        for tag, value in values.items():
            self.metrics.setdefault(tag, Numbers()).put(ordinal, value)
        self.latest["metrics"] = ordinal

    def _take_cost(
        self, meta: dict[str, Any], _: Sequence[SheetAddress], ordinal: int | None, __: int
    ) -> None:
        ordinal = _required(ordinal)
        self.costs.add(meta)
        for name in COSTS:
            value = meta.get(_COST_FIELDS.get(name, name))
            if isinstance(value, dict):
                self.cost[name].put(ordinal, sum(number(part) for part in value.values()))
            elif value is not None:
                self.cost[name].put(ordinal, number(value))

    def _take_predictions(
        self, meta: dict[str, Any], _: Sequence[SheetAddress], ordinal: int | None, __: int
    ) -> None:
        ordinal = _required(ordinal)
        if not isinstance(meta["images"], list):
            raise TypeError("predictions have a list an image")
        check_names((), range(len(meta["images"])))
        # As text: it takes a tenth of the memory of the lists.
        self.predictions[ordinal] = json.dumps(meta["images"], separators=(",", ":")).encode()
        if meta.get("scale") in {"probability", "score"}:
            self.scale = meta["scale"]
        self.latest["predictions"] = ordinal

    def _take_picture(self, meta: dict[str, Any], offset: int, ordinal: int, end: int) -> None:
        layer, media, layout = meta["layer"], meta["media"], meta["layout"]
        if not isinstance(layer, str) or layout not in self.layouts or media not in MEDIA:
            raise ValueError("a picture has a layer, a medium and a layout written before it")
        key = (meta["kind"], layer)
        rows = meta["sheets"]
        series = self.series.get(key)
        if series is None:
            series = SheetColumns(media, len(rows))
        if series.media != media or not rows:
            raise ValueError("a series keeps its media")
        series.append(ordinal, layout, offset, rows)
        series.end = end
        self.series[key] = series


# The names of costs in a record, in which `epoch` is the position.
_COST_FIELDS = {"main": "seconds", "epoch": "wall"}
_TAKEN = frozenset(
    [
        "writer",
        "fit",
        "model",
        "probe",
        "layout",
        "notice",
        "metrics",
        "cost",
        "predictions",
    ]
)


def _sheets(uid: str, meta: dict[str, Any], offset: int) -> list[SheetAddress]:
    sheets = []
    for row in meta.get("sheets", ()):
        length, crc = _whole(row[0]), _whole(row[1])
        if length >= _UINT32 or crc >= _UINT32:
            raise ValueError("lengths and CRCs have 32 bits")
        sheets.append(SheetAddress(uid, offset, length, crc))
        offset += length
    return sheets


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < _INT63:
        raise ValueError(f"received {value!r}, expected a whole number that is not negative")
    return value


def _required(ordinal: int | None) -> int:
    if ordinal is None:
        raise ValueError("a record of this kind has a position")
    return ordinal
