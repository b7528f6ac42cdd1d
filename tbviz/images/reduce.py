"""(large feature maps) => (maps small enough to store), by exact area averaging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tbviz.images.ranges import as_float32

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_ORDINARY: Final = 1e30


def area_average(maps: ArrayLike, limit: int = 64) -> NDArray[np.float32]:
    """Reduce maps to at most `limit` pixels a side, each pixel the mean of the area it covers.

    Picking pixels would show whichever of an early layer's fine stripes are hit, and could lose
    the one hot pixel. Areas overlap pixels in exact fractions, so the mean of a map is kept, and
    a constant map stays exactly constant.

    Args:
        maps: real numbers, height and width last: `(..., height, width)`.
        limit: the greatest height and width of the result, in pixels.

    Returns:
        float32 `(..., h, w)` of the same aspect ratio, sides rounded to whole pixels, at least
        one. Maps within the limit come back as they are. What is not finite spoils only the
        pixels whose area it touches: NaN, or infinities of both signs, give NaN, infinities of
        one sign give that.

    Raises:
        TypeError: the values are not real numbers.
        ValueError: there are fewer than two axes, a side without pixels, or a limit below 1.
    """
    array = as_float32(maps)
    if array.ndim < 2 or 0 in array.shape[-2:] or limit < 1:
        raise ValueError(
            f"area_average got maps of shape {array.shape} and limit {limit}; it takes "
            "(..., height, width) of at least one pixel and a limit of at least 1."
        )
    height, width = reduced_size(array.shape[-2], array.shape[-1], limit)
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
        rows @ spoilt.astype(precision) @ columns > 0
        for spoilt in (np.isneginf(array), np.isposinf(array), np.isnan(array))
    )
    reduced[negative] = -np.inf
    reduced[positive] = np.inf
    reduced[undefined | (negative & positive)] = np.nan
    return reduced


def reduced_size(height: int, width: int, limit: int = 64) -> tuple[int, int]:
    """Give the height and width that `area_average` reduces a map to.

    Args:
        height: of the map, in pixels.
        width: of the map, in pixels.
        limit: the greatest side of the result, in pixels.

    Returns:
        Height and width in pixels, the longer one cut to `limit`, the other in proportion.
    """
    longer = max(height, width)
    if longer <= limit:
        return height, width
    return max(1, round(height * limit / longer)), max(1, round(width * limit / longer))


def _overlaps(pixels: int, cells: int) -> NDArray[np.float64]:
    """Give the share of each cell that each pixel fills, shape (cells, pixels)."""
    # In units of 1 / cells of a pixel all edges are whole numbers, so that no rounding lets a
    # cell touch a pixel outside of it.
    cell = np.arange(cells)[:, np.newaxis] * pixels
    pixel = np.arange(pixels)[np.newaxis, :] * cells
    overlap = np.minimum(cell + pixels, pixel + cells) - np.maximum(cell, pixel)
    shares: NDArray[np.float64] = np.maximum(overlap, 0) / pixels
    return shares
