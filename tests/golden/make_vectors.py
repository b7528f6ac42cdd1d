"""Make `vectors.json`: what Python and the page must compute alike.

Run `python tests/golden/make_vectors.py` after a change of the rules, and look at the difference.
Floats are JSON numbers in full float64 precision; what is not finite is `"NaN"`, `"Infinity"` or
`"-Infinity"`. Pixels are nested lists, row by row. The fields:

* `colormaps`: `{name: [[r, g, b] x 256]}`.
* `special_colors`: `{"253": [r, g, b], "254": ..., "255": ...}`, minus and plus infinity, NaN.
* `colorize`: `[{levels, lo, hi, low, high, colormap, rgb}]`. `levels` is one row of levels of one
  tile, `lo` and `hi` its range, `low` and `high` the range to show, `rgb` one color per level.
* `enlarge`: `[{map, size, values}]`: `map` `h x w`, `size` `[H, W]`, `values` `H x W`. To be met
  within 1e-12 of the map's extent.
* `overlay`: `[{image, cam, maximum, colormap, strength, rgb}]`: `image` and `rgb` `H x W x 3`,
  `cam` `h x w`.
* `sheets`: `[{png, pixels, tile, count, columns, ranges, text, values}]`: `png` in base64, what
  it decodes to: `pixels` (`H x W` or `H x W x 3`), `ranges` `[[lo, hi] a tile]` (null for RGB),
  `text` (null where there is none). `tile` `[h, w]`, `count` and `columns` are its layout.
  `values` `count x h x w`: what the levels stand for, `lo + (hi - lo) * level / 252` in float64
  (null for RGB).
"""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from tbviz.arrays.resample import enlarge
from tbviz.images import colormaps, ranges, sheet
from tbviz.images.overlay import overlay

PATH = Path(__file__).with_name("vectors.json")


def vectors() -> dict[str, Any]:
    """Compute every golden vector with today's code."""
    return {
        "colormaps": {name: table.tolist() for name, table in colormaps.COLORMAPS.items()},
        "special_colors": {
            str(ranges.NEGATIVE_INFINITY): list(colormaps.NEG_INF_COLOR),
            str(ranges.POSITIVE_INFINITY): list(colormaps.POS_INF_COLOR),
            str(ranges.NOT_A_NUMBER): list(colormaps.NAN_COLOR),
        },
        "colorize": [_colorize(*case) for case in _COLORIZE],
        "enlarge": [_enlarge(*case) for case in _enlarge_cases()],
        "overlay": [_overlay(*case) for case in _overlay_cases()],
        "sheets": [_gray_sheet(), _gray_column(), _rgb_sheet()],
    }


_ALL = list(range(256))
_SOME = [0, 1, 63, 126, 127, 251, 252, 253, 254, 255]
# A range in which zero is a level.
_STRADDLING = ranges.quantize(np.array([[-3.2, 3.1]]))[1:]
_COLORIZE: list[tuple[list[int], float, float, float, float, str]] = [
    (_ALL, 0.0, 1.0, 0.0, 1.0, "gray"),
    (_ALL, 0.0, 1.0, 0.0, 1.0, "viridis"),
    (_ALL, 0.0, 2.5, 0.5, 1.75, "turbo"),
    (_ALL, *_STRADDLING, -4.0, 4.0, "balance"),
    (_ALL, *_STRADDLING, -1e-3, 1e-3, "balance"),
    (_ALL, 0.1, 0.7, -0.3, 1.9, "gray"),
    (_SOME, 0.5, 0.5, 0.0, 1.0, "viridis"),
    (_SOME, 0.5, 0.5, 0.5, 0.5, "viridis"),
    (_SOME, 0.0, 1.0, 1.0, 0.0, "turbo"),
    (_SOME, 0.0, 1.0, math.nan, math.nan, "viridis"),
    (_SOME, 0.0, 1.0, -math.inf, 1.0, "viridis"),
    (_SOME, math.nan, math.nan, 0.0, 1.0, "gray"),
    (_SOME, -3e38, 3e38, -1e38, 3e38, "turbo"),
    (_SOME, 0.0, float(np.float32(1e-44)), 0.0, 1e-44, "gray"),
]


def _colorize(
    levels: list[int], lo: float, hi: float, low: float, high: float, name: str
) -> dict[str, Any]:
    lo, hi = float(np.float32(lo)), float(np.float32(hi))
    rgb = colormaps.colorize(np.array(levels, np.uint8), lo, hi, low, high, name)
    return {
        "levels": levels,
        "lo": lo,
        "hi": hi,
        "low": low,
        "high": high,
        "colormap": name,
        "rgb": rgb.tolist(),
    }


def _enlarge_cases() -> list[tuple[Any, tuple[int, int]]]:
    random = np.random.default_rng(1)
    return [
        ([[0.0, 1.0]], (1, 4)),
        ([[0.0, 1.0, 2.0], [3.0, 5.0, -1.0]], (8, 9)),
        ([[0.25]], (5, 5)),
        (random.normal(size=(4, 4)).round(3), (62, 50)),
        (random.uniform(size=(5, 7)).round(3), (5, 7)),
        ([[1.0, math.nan, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0]], (4, 8)),
    ]


def _enlarge(small: Any, size: tuple[int, int]) -> dict[str, Any]:
    values = enlarge(small, size)
    return {"map": np.asarray(small).tolist(), "size": list(size), "values": values.tolist()}


def _overlay_cases() -> list[tuple[Any, Any, float, str, float]]:
    random = np.random.default_rng(2)
    image = random.integers(0, 256, (6, 8, 3), np.uint8)
    cam = np.array([[0.0, 0.0, 0.2, 1.5], [0.0, 0.1, 3.0, 0.7], [-1.0, 0.0, 0.4, 2.0]])
    broken = np.array([[math.nan, 0.0, 1.0, math.inf]])
    return [
        (image, cam, 3.0, "turbo", 0.6),
        (image, cam, 1.0, "viridis", 1.0),
        (image, cam, 3.0, "gray", 0.0),
        (image, cam, 0.0, "turbo", 0.6),
        (image, cam, math.nan, "turbo", 0.6),
        (image, cam, math.inf, "turbo", 0.6),
        (image, broken, 1.0, "turbo", 0.6),
        (image[:2, :2], [[0.5]], 1.0, "balance", 0.5),
    ]


def _overlay(image: Any, cam: Any, maximum: float, name: str, strength: float) -> dict[str, Any]:
    return {
        "image": image.tolist(),
        "cam": np.asarray(cam).tolist(),
        "maximum": maximum,
        "colormap": name,
        "strength": strength,
        "rgb": overlay(image, cam, maximum, name, strength).tolist(),
    }


def _gray_sheet() -> dict[str, Any]:
    tiles = np.random.default_rng(3).normal(size=(5, 6, 7)).round(3).astype(np.float32)
    tiles[1] = np.maximum(tiles[1], 0)
    tiles[2] = 0.1
    tiles[3, 0, :3] = [np.nan, np.inf, -np.inf]
    tiles[4] = np.nan
    text = {
        "tiles": [{"role": "predicted", "class": 3, "name": "Füchschen", "probability": 0.5}],
        "note": "score is not finite",
        "score": math.nan,
    }
    encoded = sheet.encode_gray(tiles, columns=3, text=text)
    return _sheet(encoded.png, (6, 7), 5, 3)


def _gray_column() -> dict[str, Any]:
    # Large and smooth enough that Pillow chooses all of its row filters.
    rows, columns = np.mgrid[0:24, 0:40]
    bowl = ((rows - 11) ** 2 + (columns - 20) ** 2) / 64 - 2.5
    tiles = np.stack([bowl, rows * columns / 128, (rows + 2 * columns) % 7])
    return _sheet(sheet.encode_gray(tiles, columns=1).png, (24, 40), 3, 1)


def _rgb_sheet() -> dict[str, Any]:
    tiles = np.random.default_rng(4).integers(0, 256, (3, 4, 5, 3), np.uint8)
    tiles[1] = np.arange(5, dtype=np.uint8)[:, np.newaxis] * 50
    encoded = sheet.encode_rgb(tiles, columns=2, text={"scores": [1.5, math.inf, -2]})
    return _sheet(encoded.png, (4, 5), 3, 2)


def _sheet(png: bytes, tile: tuple[int, int], count: int, columns: int) -> dict[str, Any]:
    decoded = sheet.decode(png)
    entry: dict[str, Any] = {
        "png": base64.b64encode(png).decode(),
        "pixels": decoded.pixels.tolist(),
        "tile": list(tile),
        "count": count,
        "columns": columns,
        "ranges": None,
        "text": decoded.text,
        "values": None,
    }
    if decoded.ranges is not None:
        levels = sheet.split(decoded.pixels, tile, count)
        tables = ranges.level_values(decoded.ranges[:, 0], decoded.ranges[:, 1])
        pairs = zip(tables, levels, strict=True)
        entry["ranges"] = decoded.ranges.tolist()
        entry["values"] = [table[of_tile].tolist() for table, of_tile in pairs]
    return entry


def to_json(value: Any) -> str:
    """Write vectors as JSON, one case a line, non-finite floats as strings."""
    parts = []
    for key, entry in _strict(value).items():
        opening, closing = ("{", "}") if isinstance(entry, dict) else ("[", "]")
        lines = (
            [f"{json.dumps(name)}: {_line(case)}" for name, case in entry.items()]
            if isinstance(entry, dict)
            else [_line(case) for case in entry]
        )
        parts.append(f'"{key}": {opening}\n' + ",\n".join(lines) + f"\n{closing}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(case: Any) -> str:
    return json.dumps(case, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strict(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_strict(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


if __name__ == "__main__":
    PATH.write_text(to_json(vectors()), encoding="utf-8")
