"""Round-trip six-digit numbers through float32."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_MAX_FLOAT32 = float(np.finfo(np.float32).max)
# Powers of ten that float64 holds exactly.
_POWERS = np.array([float(f"1e{power}") for power in range(23)])


def fitting(value: float) -> float:
    """Return a number, or infinity with its sign if float32 cannot represent it."""
    fits = abs(value) <= _MAX_FLOAT32 or math.isnan(value)
    return value if fits else math.copysign(math.inf, value)


def nearest(values: NDArray[np.float32], digits: int = 6) -> list[float]:
    """Return the nearest numbers with at most this many digits, as Python's floats.

    Different numbers of six digits are different float32s, so that each one is restored.

    Args:
        values: One axis, of any length.
        digits: Significant digits, 1 to 6. Defaults to 6.
    """
    wide = values.astype(np.float64)
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log10(np.abs(wide)))
        shift = np.where(wide == 0.0, 0.0, digits - 1 - exponent)
        usual = np.abs(shift) < len(_POWERS)
        power = _POWERS[np.where(usual, np.abs(shift), 0.0).astype(np.intp)]
        whole = np.rint(np.where(shift >= 0, wide * power, wide / power))
        # One operation on exact numbers returns the nearest float.
        rounded: list[float] = np.where(shift >= 0, whole / power, whole * power).tolist()
    for index in np.flatnonzero(~usual):
        rounded[index] = float(f"{wide[index]:.{digits}g}")
    return rounded
