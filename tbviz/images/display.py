"""Convert images of any range that a model takes to RGB images to look at."""

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
    """Convert images of any input range to visible ones, all on the same scale.

    The range is found from all images together, see `tbviz.arrays.value_range`.

    Args:
        images: Real numbers, `(n, height, width)` or `(n, height, width, channels)`. One channel is
            shown in gray. Of two channels, the first is shown in red and the second in cyan, so
            that equal ones are gray. Of more than three, the first three are shown.
        bounds: The values to show as 0 and 255. Defaults to None: they are found from the images.

    Returns:
        uint8 RGB of shape `(n, height, width, 3)`, and the bounds. Values beyond them are clipped;
        NaN is black.

    Raises:
        TypeError: If the values are not real numbers.
        ValueError: If the shape is none of these, or the bounds are not in ascending order.
    """
    array = np.asarray(images)
    if not np.can_cast(array.dtype, np.float64):
        raise TypeError(f"received images of type {array.dtype}; expected real numbers")
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.ndim != 4 or array.shape[3] == 0:
        raise ValueError(
            f"received images of shape {np.shape(images)}; expected (n, height, width) or "
            "(n, height, width, channels)"
        )
    lo, hi = value_range(array) if bounds is None else (float(bounds[0]), float(bounds[1]))
    if not -_MAX_FLOAT32 <= lo < hi <= _MAX_FLOAT32:
        raise ValueError(
            f"received bounds {bounds}; expected two finite numbers, the smaller one first"
        )
    if array.dtype != np.uint8 or (lo, hi) != (0.0, 255.0):
        values = np.clip(array.astype(np.float64), lo, hi)
        array = np.floor(np.nan_to_num((values - lo) / (hi - lo)) * 255 + 0.5).astype(np.uint8)
    return array[..., _shown(array.shape[3])], (lo, hi)


def _shown(channels: int) -> list[int]:
    """Return the channel that each of red, green and blue shows."""
    return {1: [0, 0, 0], 2: [0, 1, 1]}.get(channels, [0, 1, 2])
