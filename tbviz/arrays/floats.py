"""Convert numbers to what is stored: arrays to float32, single numbers to six digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, SupportsFloat

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def as_float32(values: ArrayLike) -> NDArray[np.float32]:
    """Convert real numbers of any type to float32; those beyond its range become infinite.

    Raises:
        TypeError: If the values are not real numbers.
    """
    array = np.asarray(values)
    if not np.can_cast(array.dtype, np.float64):
        raise TypeError(f"received values of type {array.dtype}; expected real numbers")
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def six_digits(value: SupportsFloat) -> float:
    """Round a number to the six significant digits that are worth writing down."""
    return float(f"{float(value):.6g}")
