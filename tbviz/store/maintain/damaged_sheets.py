"""Collect sheets with a wrong checksum and summarize them for the user."""

from __future__ import annotations

import zlib
from typing import Any

from tbviz.amounts import ranges
from tbviz.store.read.columns import join_runs


class DamagedSheets:
    """The sheets with a wrong checksum that were found so far.

    Attributes:
        count: How many sheets there are.
    """

    def __init__(self) -> None:
        self.count = 0
        self._groups: dict[tuple[str, str], list[tuple[dict[str, Any], int]]] = {}

    def check(self, meta: dict[str, Any], payload: bytes) -> bool:
        """Compare the CRCs of a record's sheets.

        Args:
            meta: The record's meta.
            payload: The record's payload.

        Returns:
            Whether a sheet is damaged.
        """
        lost = _lost(meta, payload)
        key = (str(meta["kind"]), str(meta.get("layer") or ""))
        if lost:
            position = _position_fields(meta)
            self._groups.setdefault(key, []).extend((position, number) for number in lost)
        self.count += len(lost)
        return bool(lost)

    def texts(self) -> list[str]:
        """Return a text for each series: its kind, layer and epochs, and how many sheets."""
        return [_text(*key, sheets) for key, sheets in self._groups.items()]


def _position_fields(meta: dict[str, Any]) -> dict[str, Any]:
    return {name: meta[name] for name in ("epoch", "batch") if name in meta}


def _lost(meta: dict[str, Any], payload: bytes) -> list[int]:
    """Return the numbers of the sheets whose CRC is wrong."""
    lost = []
    offset = 0
    for number, row in enumerate(meta.get("sheets") or ()):
        try:
            length, crc = int(row[0]), int(row[1])
        except (TypeError, ValueError, IndexError, KeyError):
            break  # an invalid record, which is preserved
        if zlib.crc32(payload[offset : offset + length]) != crc:
            lost.append(number)
        offset += length
    return lost


def _text(kind: str, layer: str, sheets: list[tuple[dict[str, Any], int]]) -> str:
    name = f"{kind} of {layer}" if layer else kind
    if len(sheets) == 1:
        [(position, number)] = sheets
        where = "".join(f", {field} {value}" for field, value in position.items())
        return f"{name}{where}, sheet {number}"
    epochs = {position["epoch"] for position, _ in sheets if type(position.get("epoch")) is int}
    runs = join_runs((epoch, 1) for epoch in sorted(epochs))
    where = f", epoch{'s' * (len(epochs) > 1)} {ranges(runs)}" if runs else ""
    return f"{name}{where}, {len(sheets)} sheets"
