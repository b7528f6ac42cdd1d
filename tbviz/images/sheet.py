"""Encode tiles as one PNG that contains the float range of each tile and a text, and decode it.

There is one PNG per image and layer: a thousand small files would cost more to request than to
read. A level-6 PNG by Pillow was measured to be the best compromise of size and speed. The ranges
are in a private chunk before the pixels, so they are copied with the sheet. No color-space chunk is
written, because browsers would change the levels by it.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile, PngInfo

from tbviz.arrays.floats import as_float32
from tbviz.images.ranges import quantize_tiles
from tbviz.images.ranges import summary as sum_up

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_RANGES: Final = b"tvRG"
_TEXT: Final = b"tvTX"
_COMPRESSION: Final = 6


@dataclass(frozen=True)
class EncodedSheet:
    """An encoded sheet.

    Args:
        png: The file's bytes.
        summary: Finite minimum and maximum, 0.5 and 99.5 percentiles of the raw values, NaN four
            times if no value is finite; None for RGB.
    """

    png: bytes
    summary: tuple[float, float, float, float] | None


@dataclass(frozen=True)
class Decoded:
    """The content of a sheet.

    Args:
        pixels: uint8, levels `(height, width)` or RGB `(height, width, 3)`.
        ranges: float32 `(n, 2)`, `lo` and `hi` of each tile; None for RGB.
        text: What the sheet shows, non-finite floats as strings; None if there is none.
    """

    pixels: NDArray[np.uint8]
    ranges: NDArray[np.float32] | None
    text: dict[str, Any] | None


def encode_gray(
    tiles: ArrayLike, columns: int = 16, text: Mapping[str, Any] | None = None
) -> EncodedSheet:
    """Encode float tiles, each within its own range, as an 8-bit gray PNG.

    Args:
        tiles: Real numbers of shape `(n, height, width)`, n at least 1; taken as float32.
        columns: Tiles per row, from the left, row by row. A sheet of fewer tiles is only as wide as
            they are. Defaults to 16.
        text: What the sheet shows, stored as JSON. Defaults to None: no text.

    Returns:
        The PNG and the summary of all its raw values.

    Raises:
        TypeError: If the values are not real numbers.
        ValueError: If the shape does not fit, or `columns` is below 1.
    """
    array = as_float32(tiles)
    levels, lo, hi = quantize_tiles(array)
    return EncodedSheet(
        encode_levels(levels, np.stack([lo, hi], axis=1), columns, text), sum_up(array)
    )


def encode_levels(
    levels: NDArray[np.uint8],
    ranges: NDArray[np.floating] | None,
    columns: int = 16,
    text: Mapping[str, Any] | None = None,
) -> bytes:
    """Encode tiles that have levels already, such as those cropped from other sheets.

    If their values were encoded again, they would change.

    Args:
        levels: uint8 `(n, height, width)`, or RGB `(n, height, width, 3)`.
        ranges: `(n, 2)`, `lo` and `hi` of each tile; None for RGB.
        columns: Tiles per row, as in `encode_gray`. Defaults to 16.
        text: What the sheet shows, stored as JSON. Defaults to None: no text.

    Returns:
        The PNG.
    """
    spans = None if ranges is None else ranges.reshape(-1, 2).astype("<f4").tobytes()
    return _png(arrange(levels, columns), spans, text)


def encode_rgb(
    tiles: NDArray[np.uint8], columns: int = 16, text: Mapping[str, Any] | None = None
) -> EncodedSheet:
    """Encode color tiles as an 8-bit RGB PNG.

    Args:
        tiles: uint8 of shape `(n, height, width, 3)`, n at least 1.
        columns: Tiles per row, as in `encode_gray`. Defaults to 16.
        text: What the sheet shows, stored as JSON. Defaults to None: no text.

    Returns:
        The PNG, without a summary.

    Raises:
        ValueError: If the shape or the type does not fit, or `columns` is below 1.
    """
    if tiles.dtype != np.uint8 or tiles.ndim != 4 or tiles.shape[3] != 3:
        raise ValueError(
            f"received tiles of shape {tiles.shape}, {tiles.dtype}; expected uint8 "
            "(n, height, width, 3), as tbviz.images.display.display makes them"
        )
    return EncodedSheet(encode_levels(tiles, None, columns, text), None)


def decode(png: bytes) -> Decoded:
    """Read a sheet.

    Args:
        png: The file's bytes.

    Returns:
        Pixels, ranges and text.

    Raises:
        ValueError: If the bytes are not an 8-bit gray or RGB PNG, or its private chunks are
            damaged.
    """
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
            mode, pixels = image.mode, np.asarray(image)
            found = image.private_chunks if isinstance(image, PngImageFile) else []
            chunks = {chunk[0]: chunk[1] for chunk in found}
        ranges = np.frombuffer(chunks[_RANGES], "<f4") if _RANGES in chunks else None
        text = json.loads(chunks[_TEXT]) if _TEXT in chunks else None
        if ranges is not None:
            ranges = ranges.astype(np.float32).reshape(-1, 2)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, RecursionError) as error:
        raise ValueError(
            f"received {len(png)} bytes that begin with {png[:8]!r} and are not a sheet: {error}"
        ) from error
    if mode not in {"L", "RGB"}:
        raise ValueError(f"received a PNG of mode {mode}; expected 8-bit gray (L) or RGB")
    return Decoded(pixels, ranges, text)


def arrange(tiles: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Arrange tiles row by row without gaps; empty cells are 0.

    Args:
        tiles: `(n, height, width)` or `(n, height, width, channels)`, n at least 1.
        columns: Tiles per row. If there are fewer tiles, the one row is shorter.

    Returns:
        `(rows * height, min(columns, n) * width)`, followed by the channels.

    Raises:
        ValueError: If there is no tile, or `columns` is below 1.
    """
    if tiles.ndim not in {3, 4} or 0 in tiles.shape or columns < 1:
        raise ValueError(
            f"received tiles of shape {tiles.shape} and {columns} columns; expected at least "
            "one tile (n, height, width) or (n, height, width, channels) and one column"
        )
    count, height, width, *channels = tiles.shape
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    grid = np.zeros((rows * columns, height, width, *channels), tiles.dtype)
    grid[:count] = tiles
    grid = grid.reshape(rows, columns, height, width, *channels).swapaxes(1, 2)
    return grid.reshape(rows * height, columns * width, *channels)


def split(pixels: NDArray[np.uint8], tile: tuple[int, int], count: int) -> NDArray[np.uint8]:
    """Split a sheet into its tiles.

    Args:
        pixels: `(height, width)` or `(height, width, channels)`.
        tile: Height and width of a tile.
        count: How many tiles to take, row by row.

    Returns:
        `(count, *tile)`, followed by the channels.

    Raises:
        ValueError: If the tiles do not fit the sheet.
    """
    height, width = tile
    rows, columns = (side // max(1, step) for side, step in zip(pixels.shape, tile, strict=False))
    if (rows * height, columns * width) != pixels.shape[:2] or not 0 < count <= rows * columns:
        raise ValueError(
            f"received {count} tiles of {height} x {width}, which do not fit a sheet of shape "
            f"{pixels.shape}; expected those of its layout record"
        )
    channels = pixels.shape[2:]
    grid = pixels.reshape(rows, height, columns, width, *channels).swapaxes(1, 2)
    return grid.reshape(rows * columns, height, width, *channels)[:count]


def _png(pixels: NDArray[np.uint8], ranges: bytes | None, text: Mapping[str, Any] | None) -> bytes:
    chunks = PngInfo()
    if ranges is not None:
        chunks.add(_RANGES, ranges)
    if text is not None:
        words = json.dumps(_plain(text), ensure_ascii=False, separators=(",", ":"))
        chunks.add(_TEXT, words.encode())
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=_COMPRESSION, pnginfo=chunks)
    return file.getvalue()


def _plain(value: Any) -> Any:
    """Convert a value to strict JSON: numpy to Python, non-finite floats to strings."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
