"""Sheets whose bytes are wrong, and what a person calls them, however many they are."""

from __future__ import annotations

import zlib
from typing import Any

from tbviz.amounts import ranges
from tbviz.store.columns import join_runs


class DamagedSheets:
    """Sheets that are lost, as they are found.

    Attributes:
        count: Of sheets.
    """

    def __init__(self) -> None:
        self.count = 0
        self._groups: dict[tuple[str, str], list[tuple[dict[str, Any], int]]] = {}

    def check(self, meta: dict[str, Any], payload: bytes) -> bool:
        """Compare the CRCs of a record's sheets.

        Args:
            meta: Its meta.
            payload: All of its payload.

        Returns:
            Whether one of them is lost.
        """
        lost = _lost(meta, payload)
        key = (str(meta["kind"]), str(meta.get("layer") or ""))
        if lost:
            about = _about(meta)
            self._groups.setdefault(key, []).extend((about, number) for number in lost)
        self.count += len(lost)
        return bool(lost)

    def texts(self) -> list[str]:
        """One text for each kind of picture of a layer: what it is, its epochs, how many sheets."""
        return [_text(*key, sheets) for key, sheets in self._groups.items()]


def _about(meta: dict[str, Any]) -> dict[str, Any]:
    return {name: meta[name] for name in ("epoch", "batch") if name in meta}


def _lost(meta: dict[str, Any], payload: bytes) -> list[int]:
    """The numbers of the sheets whose CRC is wrong."""
    lost = []
    offset = 0
    for number, row in enumerate(meta.get("sheets") or ()):
        try:
            length, crc = int(row[0]), int(row[1])
        except (TypeError, ValueError, IndexError, KeyError):
            break  # a record that makes no sense; it is kept all the same
        if zlib.crc32(payload[offset : offset + length]) != crc:
            lost.append(number)
        offset += length
    return lost


def _text(kind: str, layer: str, sheets: list[tuple[dict[str, Any], int]]) -> str:
    name = f"{kind} of {layer}" if layer else kind
    if len(sheets) == 1:
        [(about, number)] = sheets
        where = "".join(f", {field} {value}" for field, value in about.items())
        return f"{name}{where}, sheet {number}"
    epochs = {about["epoch"] for about, _ in sheets if type(about.get("epoch")) is int}
    runs = join_runs((epoch, 1) for epoch in sorted(epochs))
    where = f", epoch{'s' * (len(epochs) > 1)} {ranges(runs)}" if runs else ""
    return f"{name}{where}, {len(sheets)} sheets"
