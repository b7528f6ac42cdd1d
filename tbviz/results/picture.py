"""(a sheet, the range of its series) => a Pillow image, in the colors of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tbviz.errors import TbvizError
from tbviz.images import render
from tbviz.images.colormaps import COLORMAPS, colorize
from tbviz.images.explained import Style, drawn_size, explained
from tbviz.images.ranges import level_values
from tbviz.results.captions import is_captioned
from tbviz.results.families import family_of
from tbviz.results.probe_images import caption_of, photograph
from tbviz.results.requests import listed, unknown
from tbviz.results.series_range import extremes, maximum, percentiles
from tbviz.results.sheet import in_parts
from tbviz.results.tile_size import MAX_PIXELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import Image

    from tbviz.results.records import Series
    from tbviz.results.sheet import Sheet
    from tbviz.store.read.reader import Reader

BOUNDS = ("run", "layer", "tile", "extremes")
"""What the colors span: the page's names for it."""

Bounds = str | tuple[float, float]
Ends = tuple["NDArray[np.float64]", "NDArray[np.float64]"]

# Pixels that smaller tiles are enlarged to.
_TILE_SIZE = 64
_PHOTOGRAPH_SIZE = 220
_MAX_COLUMNS = 8
_MAX_TITLES = 4096
# Pixels of maps over photographs, of which each takes some fifty bytes while it is drawn.
_MAX_EXPLAINED = 1 << 24


class Colors(NamedTuple):
    """How values become colors. None stands for the default of the page.

    Args:
        colormap: A key of `COLORMAPS`. Defaults to None.
        bounds: One of `BOUNDS`, or the values of the first and the last color. Defaults to None.
        opacity: Opacity of a map over a photograph at its maximum, 0 to 1. Defaults to 0.6.
    """

    colormap: str | None = None
    bounds: Bounds | None = None
    opacity: float = 0.6


class Tiles(NamedTuple):
    """Colored tiles.

    Args:
        pixels: uint8 RGB `(tiles, height, width, 3)`.
        drawn: Which tiles of the sheet they are, None for all.
        columns: How many of them are in a row.
        size: The least side to enlarge them to, in pixels.
    """

    pixels: NDArray[np.uint8]
    drawn: Sequence[int] | None
    columns: int
    size: int


def colored(reader: Reader, sheet: Sheet, colors: Colors) -> Tiles:
    """Color the tiles of a sheet.

    Args:
        reader: The run.
        sheet: The sheet.
        colors: What the user has chosen.

    Raises:
        TbvizError: If there is no such color map, no such bounds, or an opacity beyond 0 to 1.
        DamagedError: If the photograph is damaged.
    """
    _check(colors)
    columns = sheet.layout.get("columns")
    columns = columns if type(columns) is int and columns > 0 else 16
    if sheet.ranges is None:
        return Tiles(sheet.levels, None, columns, _TILE_SIZE)
    series = reader.columns(sheet.kind, sheet.layer)
    family, signed = family_of(sheet.kind), sheet.layout.get("signed") is True
    with np.errstate(all="ignore"):  # ranges of a forged sheet
        if not family.scale:
            name = colors.colormap or ("balance" if signed else "viridis")
            low, high = _ends(sheet.ranges, series, colors.bounds or family.range)
            if signed or name == "balance":
                low, high = _centered(low, high)
            pixels = np.empty((*sheet.levels.shape, 3), np.uint8)
            for some in in_parts(len(pixels)):
                lo, hi = sheet.ranges[some].T
                first, last = (end[some] if end.ndim else end for end in (low, high))
                pixels[some] = colorize(sheet.levels[some], lo, hi, first, last, name)
            return Tiles(pixels, None, columns, _TILE_SIZE)
        fine = family.scale == "percentile"
        style = Style(
            colors.colormap or ("balance" if signed else "turbo"),
            colors.opacity,
            fine,
            signed,
            maximum(series, outliers=not fine, signed=signed),
        )
        drawn = _drawn(sheet)
        probe = caption_of(reader, sheet.position.segment)
        photo = None if sheet.image is None else photograph(reader, probe, sheet.image)
        height, width = drawn_size(photo, sheet.levels.shape[1:])
        _check_pixels(height * width * len(drawn), _MAX_EXPLAINED)
        pixels = np.stack([
            explained(photo, level_values(low, high)[levels], (low, high), style)
            for levels, (low, high) in zip(
                sheet.levels[drawn], sheet.ranges[drawn].tolist(), strict=True
            )
        ])  # fmt: skip
    return Tiles(pixels, drawn, min(len(drawn), _MAX_COLUMNS), _PHOTOGRAPH_SIZE)


def laid_out(
    sheet: Sheet, tiles: Tiles, columns: int | None, size: int | None, titles: bool | None
) -> Image.Image:
    """Lay out colored tiles as one image.

    Args:
        sheet: The sheet that they are of.
        tiles: The tiles.
        columns: Tiles per row, None for as many as are stored in a row.
        size: The least side of a tile in pixels, None for the usual size.
        titles: Whether captions are drawn, None for those that are more than a number.
    """
    columns = tiles.columns if columns is None else _whole("columns", columns)
    size = tiles.size if size is None else _whole("size", size)
    count, height, width = tiles.pixels.shape[:3]
    factor = max(1, size // max(height, width) + 1)
    _check_pixels(count * height * width * factor**2, MAX_PIXELS)
    if titles and count > _MAX_TITLES:
        raise TbvizError(f"received titles for {count} tiles, expected at most {_MAX_TITLES}")
    if titles is None:
        titles = count <= _MAX_TITLES and is_captioned(sheet.kind, sheet.layout, sheet.images)
    captions = None
    if titles:
        names = sheet.captions
        captions = names if tiles.drawn is None else [names[tile] for tile in tiles.drawn]
    return render.grid(tiles.pixels, columns=columns, size=size, titles=captions)


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise TbvizError(f"received {name} {value!r}, expected a whole number above 0")
    return int(value)


def _check_pixels(count: int, most: int) -> None:
    if count > most:
        raise TbvizError(f"received a picture of {count} pixels, expected at most {most}")


def _check(colors: Colors) -> None:
    if colors.colormap is not None and colors.colormap not in COLORMAPS:
        raise unknown("colormap", colors.colormap, list(COLORMAPS))
    if isinstance(colors.bounds, str):
        if colors.bounds not in BOUNDS:
            raise unknown("bounds", colors.bounds, BOUNDS, "; or two numbers, (low, high)")
    elif colors.bounds is not None and not _are_two_numbers(colors.bounds):
        raise TbvizError(
            f"received bounds {colors.bounds!r}, expected two numbers, low < high, "
            f"or one of {listed(BOUNDS)}"
        )
    opacity: Any = colors.opacity
    if not (isinstance(opacity, int | float) and 0 <= opacity <= 1):
        raise TbvizError(f"received opacity {colors.opacity}, expected a number from 0 to 1")


def _are_two_numbers(bounds: object) -> bool:
    try:
        ends = np.asarray(bounds, np.float64)
    except (TypeError, ValueError):
        return False
    return ends.shape == (2,) and bool(np.isfinite(ends).all()) and bool(ends[0] < ends[1])


def _ends(ranges: NDArray[np.float32], series: Series, bounds: Bounds) -> Ends:
    """Return the values of the first and the last color, one per tile or one for all tiles."""
    if not isinstance(bounds, str):
        low, high = bounds
        return np.asarray(low, np.float64), np.asarray(high, np.float64)
    lo, hi = ranges.astype(np.float64).T
    if bounds == "tile":
        return lo, hi
    held = {"run": percentiles, "extremes": extremes}
    found = held[bounds](series) if bounds in held else None
    if found is None:
        lows, highs = lo[np.isfinite(lo)], hi[np.isfinite(hi)]
        known = lows.size and highs.size and lows.min() <= highs.max()
        found = (float(lows.min()), float(highs.max())) if known else (0.0, 0.0)
    return np.asarray(found[0], np.float64), np.asarray(found[1], np.float64)


def _centered(low: NDArray[np.float64], high: NDArray[np.float64]) -> Ends:
    reach = np.maximum(np.abs(low), np.abs(high))
    finite = np.isfinite(low + high)
    return np.where(finite, -reach, low), np.where(finite, reach, high)


def _drawn(sheet: Sheet) -> list[int]:
    """Return the tiles that are drawn: one of those that are of the same class.

    If the predicted class is the true one, both tiles are the same map. A class that is compared
    with itself has no map.
    """
    said = sheet.text.get("tiles")
    entries = (
        [one if isinstance(one, dict) else {} for one in said] if isinstance(said, list) else []
    )
    entries = (entries + [{}] * len(sheet.levels))[: len(sheet.levels)]
    named = [(_name(entry), _text(entry.get("against_name"))) for entry in entries]
    first = {pair: tile for tile, pair in reversed([*enumerate(named)])}
    drawn = [
        tile
        for tile, (name, against) in enumerate(named)
        if name is None or (first[name, against] >= tile and name != against)
    ]
    return drawn or [0]


def _name(entry: dict[str, object]) -> str | None:
    index = entry.get("class")
    plain = f"class {index}" if isinstance(index, int | float) else None
    name = _text(entry.get("name"))
    return plain if name is None else name


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
