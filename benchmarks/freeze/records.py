"""(a log directory) => (every record in it, by segment and position), read by the tree's reader."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.freeze import names
from benchmarks.freeze.canonical import MARK, plain
from benchmarks.freeze.sheets import shown, table
from tbviz.store.read.reader import open_reader

Meta = Mapping[str, Any]


def segments(log_dir: Path) -> list[Any]:
    """Read what each writer of a run wrote.

    Returns:
        For each segment its records without a position, in the order of writing, and for each
        position, in that order too, its records by kind and layer.
    """
    folder = open_reader(log_dir).folder
    return [_Segment(folder.source(pack, 0.0)).read() for pack in folder.packs()]


class _Segment:
    """One segment's records, as they are read.

    Args:
        source: Where the reader gets its bytes.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._layouts: dict[str, Meta] = {}
        self._before: list[Any] = []
        self._sized: list[Any] = []
        self._positions: dict[tuple[Any, ...], dict[str, Any]] = {}

    def read(self) -> Any:
        for found in self._source.scan():
            self._take(found.meta, found.offset)
        positions = [
            {**dict(zip(names.POSITION, key, strict=True)), "records": records}
            for key, records in self._positions.items()
        ]
        once = {"once": self._before, "sized": self._sized}
        return {"damaged": self._source.damaged, **once, "at": positions}

    def _take(self, meta: Meta, offset: int) -> None:
        if meta[names.KIND] == names.LAYOUT_KIND:
            self._layouts[meta[names.LAYOUT_ID]] = meta
        content = self._content(meta, offset)
        key = tuple(meta.get(name) for name in names.POSITION)
        if meta[names.KIND] == names.NOTICE and MARK in str(content):
            self._sized.append(content)  # it reports the size of what has been written by then
        elif key[0] is None:
            self._before.append({names.KIND: meta[names.KIND], **content})
        else:
            kinds = self._positions.setdefault(key, {})
            layers = kinds.setdefault(meta[names.KIND], {})
            layers.setdefault(meta.get(names.LAYER) or "", []).append(content)

    def _content(self, meta: Meta, offset: int) -> dict[str, Any]:
        """Return the fields of a record that are not its position, and its sheets."""
        known = {names.KIND, names.SHEETS, names.LAYOUT_ID, *names.POSITION}
        fields = {key: value for key, value in meta.items() if key not in known}
        if meta[names.KIND] == names.COST:
            fields = {key: value for key, value in fields.items() if key not in names.MEASURED}
            fields[names.SECONDS] = dict.fromkeys(fields[names.SECONDS], "measured")
        layout = self._layouts.get(fields.pop(names.LAYOUT, ""))
        content = plain(fields, names.ACCIDENTAL)
        if layout is not None:
            own = {key: value for key, value in layout.items() if key != names.LAYOUT_ID}
            content[names.LAYOUT] = plain(own, names.ACCIDENTAL)
        sheets = []
        for index, (length, _, *numbers) in enumerate(meta.get(names.SHEETS, ())):
            data = self._source.read(offset, length)
            offset += length
            if meta.get(names.MEDIA) == names.TABLE:
                rows = meta[names.ROWS][index]
                sheets.append(table(data, meta[names.COLUMNS], rows))
            else:
                sheets.append({"range": plain(numbers), "shows": shown(data, layout)})
        return {**content, names.SHEETS: sheets} if sheets else content
