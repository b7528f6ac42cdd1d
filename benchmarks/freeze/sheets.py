"""(the bytes of a sheet) => (what it shows)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.freeze import names
from benchmarks.freeze.canonical import plain, summary, tiles
from tbviz.images.ranges import dequantize
from tbviz.images.sheet import decode, split

_PNG = b"\x89PNG"


def shown(data: bytes, layout: Mapping[str, Any] | None = None) -> Any:
    """Decode a sheet.

    Args:
        data: A PNG, JSON, or float32 numbers.
        layout: Which tiles a PNG is made of; without one it is one tile, as a probe image is.

    Returns:
        Of a PNG the values of its tiles, the range of each, and its text.
    """
    if data.startswith(b"{"):
        return plain(json.loads(data), names.ACCIDENTAL)
    if not data.startswith(_PNG):
        return summary(np.frombuffer(data, "<f4"))
    sheet = decode(data)
    size, count = sheet.pixels.shape[:2], 1
    if layout is not None:
        size, count = tuple(layout[names.TILE]), layout[names.TILES]
    elif sheet.ranges is not None:
        count = len(sheet.ranges)  # of a strip, whose tiles lie wherever they lie
        return {"pixels": summary(sheet.pixels), "ranges": plain(sheet.ranges.tolist())}
    values: Any = split(sheet.pixels, size, count)
    found = {"ranges": None if sheet.ranges is None else plain(sheet.ranges.tolist())}
    if sheet.ranges is not None:
        values = dequantize(values, sheet.ranges[:, 0], sheet.ranges[:, 1])
    return {
        "sheet": list(sheet.pixels.shape),
        "tiles": tiles(values),
        **found,
        "text": plain(sheet.text),
    }


def table(data: bytes, columns: list[str], rows: int) -> dict[str, Any]:
    """Decode the columns of a table, by name."""
    numbers = np.frombuffer(data, "<f4").reshape(len(columns), rows)
    return {name: plain(column.tolist()) for name, column in zip(columns, numbers, strict=True)}
