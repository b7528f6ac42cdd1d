"""Find the values of black and white in images as a model takes them.

Models take their input in 0 to 1, -1 to 1, 0 to 255 or standardized, and only the data show which
range that is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Resizing with a cubic kernel overshoots the range of a photograph by a few per cent.
_OVERSHOOT: Final = 0.05
_UNIT: Final = (0.0, 1.0)
_BYTES: Final = (0.0, 255.0)
# Standardized images may happen to have no negative value; pictures of bytes reach farther.
_MIN_BYTES: Final = 16.0
_MAX_FLOAT32: Final = float(np.finfo(np.float32).max)


def value_range(images: ArrayLike) -> tuple[float, float]:
    """Learn the range of images from all their values together.

    * For uint8 it is 0 to 255, for bool 0 to 1.
    * Otherwise it is the first of 0 to 1, -1 to 1, 0 to 255 that holds every finite value (0 to
      255 only if one is above 16). If the values fill half of it, up to 5 % beyond its ends are
      attributed to the overshoot of resizing.
    * Otherwise it extends from the lowest to the highest finite value (standardized images, more
      than 8 bits). If all values are equal, it is the range between that value and zero.

    Args:
        images: Real numbers of any shape.

    Returns:
        Two finite numbers, the smaller one first.
    """
    array = np.asarray(images)
    if array.dtype == np.uint8:
        return _BYTES
    values = array.astype(np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return _UNIT
    lowest, highest = np.clip([values.min(), values.max()], -_MAX_FLOAT32, _MAX_FLOAT32).tolist()
    for lo, hi in (_UNIT, (-1.0, 1.0), _BYTES):
        # Standardized images reach below 0 too, but fill little of 0 to 255.
        beyond = _OVERSHOOT * (hi - lo) if highest - lowest >= (hi - lo) / 2 else 0.0
        faint = (lo, hi) == _BYTES and highest <= _MIN_BYTES
        if lo - beyond <= lowest and highest <= hi + beyond and not faint:
            return lo, hi
    if lowest == highest:
        return min(lowest, 0.0), max(highest, 0.0)
    return lowest, highest
