"""(images in whatever range a model takes) => (RGB images to look at, that range)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tbviz.arrays.value_range import value_range

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

ValueBounds = tuple[float, float]
"""Values of black and white, or of the first and the last color."""

_MAX_FLOAT32: Final = float(np.finfo(np.float32).max)


def display(
    images: ArrayLike, bounds: ValueBounds | None = None
) -> tuple[NDArray[np.uint8], ValueBounds]:
    """Make images of any input range visible, all of them on one scale.

    The range is learned from all images together, see `tbviz.arrays.value_range`.

    Args:
        images: real numbers, `(n, height, width)` or `(n, height, width, channels)`. One channel
            is shown gray; of two the first is shown red and the second cyan, so that equal ones
            are gray; of more than three the first three are shown.
        bounds: the values to show as 0 and 255; learned if None.

    Returns:
        uint8 RGB of shape `(n, height, width, 3)`, and the bounds. Values beyond them are cut,
        never wrapped; NaN is black.

    Raises:
        TypeError: the values are not real numbers.
        ValueError: the shape is none of these, or the bounds do not rise.
    """
    array = np.asarray(images)
    if not np.can_cast(array.dtype, np.float64):
        raise TypeError(f"display got images of type {array.dtype}; it takes real numbers.")
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.ndim != 4 or array.shape[3] == 0:
        raise ValueError(
            f"display got images of shape {np.shape(images)}; it takes (n, height, width) or "
            "(n, height, width, channels)."
        )
    lo, hi = value_range(array) if bounds is None else (float(bounds[0]), float(bounds[1]))
    if not -_MAX_FLOAT32 <= lo < hi <= _MAX_FLOAT32:
        raise ValueError(
            f"display got bounds {bounds}; it takes two finite numbers, the lesser first."
        )
    if array.dtype != np.uint8 or (lo, hi) != (0.0, 255.0):
        values = np.clip(array.astype(np.float64), lo, hi)
        array = np.floor(np.nan_to_num((values - lo) / (hi - lo)) * 255 + 0.5).astype(np.uint8)
    return array[..., _shown(array.shape[3])], (lo, hi)


def _shown(channels: int) -> list[int]:
    """Return the channel that each of red, green and blue shows."""
    return {1: [0, 0, 0], 2: [0, 1, 1]}.get(channels, [0, 1, 2])
