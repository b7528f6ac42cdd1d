"""Resize maps: shrink them by averaging areas, enlarge them bilinearly.

If pixels were picked instead, fine stripes would show at random, and the one hot pixel could be
lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tbviz.arrays.floats import as_float32

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_ORDINARY: Final = 1e30


def area_average(maps: ArrayLike, limit: int = 64) -> NDArray[np.float32]:
    """Reduce maps to at most `limit` pixels per side; each pixel is the mean of the area it covers.

    Areas overlap pixels in exact fractions, so the mean of a map is preserved, and a constant map
    stays exactly constant.

    Args:
        maps: Real numbers, height and width last: `(..., height, width)`.
        limit: The largest height and width of the result, in pixels. Defaults to 64.

    Returns:
        float32 `(..., h, w)` of the same aspect ratio, sides rounded to whole pixels, at least
        one. Maps within the limit are returned unchanged. A value that is not finite affects only
        the pixels whose area it touches: NaN, or infinities of both signs, become NaN;
        infinities of one sign become that infinity.

    Raises:
        TypeError: If the values are not real numbers.
        ValueError: If there are fewer than two axes, a side without pixels, or a limit below 1.
    """
    array = as_float32(maps)
    if array.ndim < 2 or 0 in array.shape[-2:] or limit < 1:
        raise ValueError(
            f"received maps of shape {array.shape} and limit {limit}; expected "
            "(..., height, width) of at least one pixel and a limit of at least 1"
        )
    return _averaged(array, *reduced_size(array.shape[-2], array.shape[-1], limit))


def reduced_size(height: int, width: int, limit: int = 64) -> tuple[int, int]:
    """Return the height and width that `area_average` reduces a map to.

    Args:
        height: The height of the map in pixels.
        width: The width of the map in pixels.
        limit: The longest side of the result, in pixels. Defaults to 64.

    Returns:
        Height and width in pixels: the longer one is at most `limit`, the other in proportion.
    """
    longer = max(height, width)
    if longer <= limit:
        return height, width
    return max(1, round(height * limit / longer)), max(1, round(width * limit / longer))


def resize(maps: ArrayLike, size: tuple[int, int]) -> NDArray[np.float64]:
    """Resize maps: average areas along sides that shrink, enlarge bilinearly along those that grow.

    Args:
        maps: Real numbers `(..., h, w)`, taken as float32.
        size: Height and width of the result in pixels.

    Returns:
        float64 `(..., height, width)`. A value that is not finite affects only the pixels that it
        touches.

    Raises:
        TypeError: If the values are not real numbers.
        ValueError: If there are fewer than two axes, or a side without pixels.
    """
    array = as_float32(maps)
    _check("resize", array, size)
    smaller = (min(now, then) for now, then in zip(array.shape[-2:], size, strict=True))
    return enlarge(_averaged(array, *smaller), size)


def enlarge(maps: ArrayLike, size: tuple[int, int]) -> NDArray[np.float64]:
    """Enlarge maps bilinearly, with pixel centers at halves and edges held.

    The layer's pixels are areas of the image, so their centers are at halves. Pillow's BILINEAR,
    `tf.image.resize` and torch's `align_corners=False` do the same. Aligned corners would shift
    the map by half a pixel at the edges. In float64, first along the width, then along the height:

        x = (column + 0.5) * w / W - 0.5, cut to 0 to w - 1
        left = floor(x), right = min(left + 1, w - 1)
        value = map[left] + (map[right] - map[left]) * (x - left)

    Args:
        maps: Real numbers of shape `(..., h, w)`.
        size: `(H, W)` of the result in pixels.

    Returns:
        float64 of shape `(..., H, W)`. A value that is not finite affects only the pixels that it
        touches.

    Raises:
        ValueError: If there are fewer than two axes, or a side without pixels.
    """
    values = np.asarray(maps, np.float64)
    _check("enlarge", values, size)
    height, width = size
    with np.errstate(invalid="ignore", over="ignore"):
        wide = _stretched(values, width).swapaxes(-1, -2)
        return _stretched(wide, height).swapaxes(-1, -2)


def _check(name: str, maps: NDArray[np.floating], size: tuple[int, int]) -> None:
    if maps.ndim < 2 or 0 in maps.shape[-2:] or min(size) < 1:
        raise ValueError(
            f"{name} received maps of shape {maps.shape} and size {size}; expected (..., h, w) and "
            "a size (H, W), each side of at least one pixel"
        )


def _stretched(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    last = values.shape[-1] - 1
    if width == last + 1:
        return values
    coordinates = np.clip((np.arange(width) + 0.5) * (last + 1) / width - 0.5, 0, last)
    left = np.floor(coordinates).astype(np.intp)
    right = np.minimum(left + 1, last)
    from_left = values[..., left]
    value: NDArray[np.float64] = from_left + (values[..., right] - from_left) * (coordinates - left)
    return value


def _averaged(array: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    if (height, width) == array.shape[-2:]:
        return array
    finite = np.isfinite(array)
    whole = bool(finite.all())
    values: NDArray[np.floating] = array if whole else np.where(finite, array, 0)
    # Twice as fast in float32, where the distance of two values fits in it.
    ordinary = max(-float(values.min(initial=0)), float(values.max(initial=0))) < _ORDINARY
    precision: type[np.floating] = np.float32 if ordinary else np.float64
    values = values.astype(precision, copy=False)
    rows: NDArray[np.floating] = _overlaps(array.shape[-2], height).astype(precision)
    columns: NDArray[np.floating] = _overlaps(array.shape[-1], width).astype(precision).T
    # Weights sum to 1 only nearly: what is averaged is the distance from one of the values.
    origin = values[..., :1, :1]
    reduced: NDArray[np.float32] = (rows @ (values - origin) @ columns + origin).astype(np.float32)
    if whole:
        return reduced
    negative, positive, undefined = (
        rows @ spoiled.astype(precision) @ columns > 0
        for spoiled in (np.isneginf(array), np.isposinf(array), np.isnan(array))
    )
    reduced[negative] = -np.inf
    reduced[positive] = np.inf
    reduced[undefined | (negative & positive)] = np.nan
    return reduced


def _overlaps(pixels: int, cells: int) -> NDArray[np.float64]:
    """Return the share of each cell that each pixel fills, shape (cells, pixels)."""
    # In units of 1 / cells of a pixel all edges are whole numbers, so that no rounding lets a
    # cell touch a pixel outside of it.
    cell = np.arange(cells)[:, np.newaxis] * pixels
    pixel = np.arange(pixels)[np.newaxis, :] * cells
    overlap = np.minimum(cell + pixels, pixel + cells) - np.maximum(cell, pixel)
    shares: NDArray[np.float64] = np.maximum(overlap, 0) / pixels
    return shares
