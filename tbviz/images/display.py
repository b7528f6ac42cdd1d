"""(images in whatever range a model takes) => (RGB images to look at, that range)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Resizing with a cubic kernel overshoots the range of a photograph by a few per cent.
_OVERSHOOT: Final = 0.05
_USUAL: Final = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
_LARGEST: Final = float(np.finfo(np.float32).max)


def display(
    images: ArrayLike, bounds: tuple[float, float] | None = None
) -> tuple[NDArray[np.uint8], tuple[float, float]]:
    """Make images of any input range visible, all of them on one scale.

    Models take their input in 0 to 1, -1 to 1, 0 to 255 or standardised, and nothing but the
    data says in which. The range is learnt from all images together:

    * uint8 is 0 to 255, bool is 0 to 1;
    * else the first of 0 to 1, -1 to 1, 0 to 255 that holds every finite value; where they fill
      half of it, up to 5 % beyond its ends is taken as the overshoot of resizing and cut off;
    * else the least and the greatest finite value (standardised images, more than 8 bits); where
      all values are equal, the range between that value and zero.

    Args:
        images: real numbers, `(n, height, width)` or `(n, height, width, channels)`. One channel
            is shown gray; of two the first is shown red and the second cyan, so that equal ones
            are gray; of more than three the first three are shown.
        bounds: the values to show as 0 and 255; learnt where None.

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
    lo, hi = _learn(array) if bounds is None else (float(bounds[0]), float(bounds[1]))
    if not -_LARGEST <= lo < hi <= _LARGEST:
        raise ValueError(
            f"display got bounds {bounds}; it takes two finite numbers, the lesser first."
        )
    if array.dtype != np.uint8 or (lo, hi) != (0.0, 255.0):
        values = np.clip(array.astype(np.float64), lo, hi)
        array = np.floor(np.nan_to_num((values - lo) / (hi - lo)) * 255 + 0.5).astype(np.uint8)
    return array[..., _shown(array.shape[3])], (lo, hi)


def _learn(images: NDArray[np.generic]) -> tuple[float, float]:
    if images.dtype == np.uint8:
        return 0.0, 255.0
    values = images.astype(np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return _USUAL[0]
    least, greatest = np.clip([values.min(), values.max()], -_LARGEST, _LARGEST).tolist()
    for lo, hi in _USUAL:
        # Standardised images reach below 0 too, but fill little of 0 to 255.
        beyond = _OVERSHOOT * (hi - lo) if greatest - least >= (hi - lo) / 2 else 0.0
        if lo - beyond <= least and greatest <= hi + beyond:
            return lo, hi
    if least == greatest:
        return min(least, 0.0), max(greatest, 0.0)
    return least, greatest


def _shown(channels: int) -> list[int]:
    """Give the channel that each of red, green and blue shows."""
    return {1: [0, 0, 0], 2: [0, 1, 1]}.get(channels, [0, 1, 2])
