"""Numbers with six digits, as metas write them, held as float32 and given back as they were."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_LARGEST = float(np.finfo(np.float32).max)
# Powers of ten that float64 holds exactly.
_POWERS = np.array([float(f"1e{power}") for power in range(23)])


def fitting(value: float) -> float:
    """A number that float32 can hold: what is beyond is infinite."""
    return value if abs(value) <= _LARGEST or math.isnan(value) else math.copysign(math.inf, value)


def nearest(values: NDArray[np.float32], digits: int = 6) -> list[float]:
    """The numbers of at most so many digits that are nearest to these, as Python's floats.

    Numbers of six digits are float32s that differ, so what was written with six comes back.

    Args:
        values: One axis, of any length.
        digits: Significant ones, 1 to 6.
    """
    wide = values.astype(np.float64)
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log10(np.abs(wide)))
        shift = np.where(wide == 0.0, 0.0, digits - 1 - exponent)
        usual = np.abs(shift) < len(_POWERS)
        power = _POWERS[np.where(usual, np.abs(shift), 0.0).astype(np.intp)]
        whole = np.rint(np.where(shift >= 0, wide * power, wide / power))
        # One operation on numbers that are exact gives the float that is nearest.
        rounded: list[float] = np.where(shift >= 0, whole / power, whole * power).tolist()
    for index in np.flatnonzero(~usual):
        rounded[index] = float(f"{wide[index]:.{digits}g}")
    return rounded
