"""Convert float tiles to 8-bit levels with the range of each tile, and back.

A level alone is ambiguous: a dying layer that is scaled by its own maximum looks as bright as a
healthy one. So the range of every tile is stored, and the drawing code chooses the range of the
colors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from tbviz.arrays.floats import as_float32

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "LEVELS",
    "NEGATIVE_INFINITY",
    "NOT_A_NUMBER",
    "POSITIVE_INFINITY",
    "apply_table",
    "dequantize",
    "level_values",
    "quantize",
    "quantize_tiles",
    "summary",
]

Number = TypeVar("Number", np.uint8, np.float32)

LEVELS: Final = 252
"""The highest level of a finite value; a tile's range is cut into this many steps."""
NEGATIVE_INFINITY: Final = 253
POSITIVE_INFINITY: Final = 254
NOT_A_NUMBER: Final = 255

_MAX_FLOAT32: Final = float(np.finfo(np.float32).max)
# A step of 16 significant bits times a level of 8 is exact in the 24 of a float32.
_STEP_BITS: Final = 16
_MIN_EXPONENT: Final = -149
# Inside these bounds neither a difference nor a reciprocal leaves float32.
_ORDINARY: Final = (1e-30, 1e30)


def quantize(tile: ArrayLike) -> tuple[NDArray[np.uint8], float, float]:
    """Convert one tile to levels and the range that they span; see `quantize_tiles`.

    Args:
        tile: Real numbers of shape `(height, width)`.

    Returns:
        Levels, uint8 of the same shape, and `lo` and `hi`, both exact float32 values.
    """
    array = np.asarray(tile)
    if array.ndim != 2:
        raise ValueError(
            f"received an array of shape {array.shape}; expected one tile (height, width); "
            "for several tiles (n, height, width) use quantize_tiles"
        )
    levels, lo, hi = quantize_tiles(array[np.newaxis])
    return levels[0], float(lo[0]), float(hi[0])


def quantize_tiles(
    tiles: ArrayLike,
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """Convert each tile to levels within its own range, so that a faint tile keeps its shape.

    Level `k` of 0 to 252 stands for `lo + (hi - lo) * k / 252`; no value lies outside
    `lo` to `hi`. If a tile has values on both sides of zero, the range is widened by less than
    one step at each end, so that zero is exactly a level. Otherwise the zeros of a signed layer
    would become a small constant. There are two exceptions. Within one step of the largest
    float32 the range cannot be widened, and zero is not exact. Below about 1e-38 a step is rounded
    up to a multiple of the least float32, 2 ** -149: the range may grow by more than one step, and
    levels near its upper end are not used.

    Values are taken as float32; a value that does not fit counts as infinite.

    Args:
        tiles: Real numbers of shape `(n, height, width)`.

    Returns:
        Levels, uint8 of the same shape, and `lo` and `hi`, float32 of shape `(n,)`. 253 is minus
        infinity, 254 plus infinity, 255 not a number. A constant tile has `lo == hi` and level 0;
        a tile without a finite value has NaN for both.

    Raises:
        TypeError: If the values are not real numbers.
        ValueError: If there are not three axes, or a tile has no pixel.
    """
    array = as_float32(tiles)
    if array.ndim != 3 or 0 in array.shape[1:]:
        raise ValueError(
            f"received an array of shape {array.shape}; "
            "expected tiles (n, height, width) of at least one pixel"
        )
    count = len(array)
    flat = array.reshape(count, array.shape[1] * array.shape[2])
    lo, hi = flat.min(axis=1), flat.max(axis=1)
    # A NaN or an infinity anywhere in a tile shows in its minimum or its maximum.
    nonfinite = ~(np.isfinite(lo) & np.isfinite(hi))
    specials = flat[nonfinite]
    if specials.size:
        finite = np.isfinite(specials)
        lo[nonfinite] = np.where(finite, specials, np.inf).min(axis=1)
        hi[nonfinite] = np.where(finite, specials, -np.inf).max(axis=1)
        flat = flat.copy()
        flat[nonfinite] = np.where(finite, specials, lo[nonfinite, np.newaxis])
    empty = lo > hi
    low, high = _with_zero_as_level(np.where(empty, 0.0, lo), np.where(empty, 0.0, hi))

    levels = _nearest_level(np.where(empty[:, np.newaxis], 0, flat), low, high)
    if specials.size:
        patch = levels[nonfinite]
        patch[np.isneginf(specials)] = NEGATIVE_INFINITY
        patch[np.isposinf(specials)] = POSITIVE_INFINITY
        patch[np.isnan(specials)] = NOT_A_NUMBER
        levels[nonfinite] = patch
    low[empty] = high[empty] = np.nan
    return levels.reshape(array.shape), low.astype(np.float32), high.astype(np.float32)


def dequantize(levels: NDArray[np.uint8], lo: ArrayLike, hi: ArrayLike) -> NDArray[np.float32]:
    """Return the values that levels stand for.

    Args:
        levels: uint8 of any shape; `(n, height, width)` if `lo` and `hi` are per tile.
        lo: Value of level 0, one number or one per tile.
        hi: Value of level 252, likewise.

    Returns:
        float32 of the shape of `levels`, infinities and NaN included.
    """
    table = level_values(lo, hi).astype(np.float32)
    return apply_table(table[..., np.newaxis], levels)[..., 0]


def level_values(lo: ArrayLike, hi: ArrayLike) -> NDArray[np.float64]:
    """Return the value of each of the 256 levels, `lo + (hi - lo) * level / 252` in float64.

    Args:
        lo: Value of level 0, one number or one per tile; taken as float32, as it is stored.
        hi: Value of level 252, likewise.

    Returns:
        float64 of shape `(256,)`, or `(n, 256)` if `lo` or `hi` is per tile.
    """
    low = as_float32(lo).astype(np.float64)[..., np.newaxis]
    high = as_float32(hi).astype(np.float64)[..., np.newaxis]
    values = low + (high - low) * np.arange(256, dtype=np.float64) / LEVELS
    values[..., NEGATIVE_INFINITY] = -np.inf
    values[..., POSITIVE_INFINITY] = np.inf
    values[..., NOT_A_NUMBER] = np.nan
    return values


def apply_table(table: NDArray[Number], levels: NDArray[np.uint8]) -> NDArray[Number]:
    """Replace each level by its entry in a table, or in the table of its tile.

    Args:
        table: Entries of shape `(256, k)`, or `(n, 256, k)` for one table per tile.
        levels: uint8 of any shape, or `(n, ...)` for one table per tile.

    Returns:
        The shape of `levels` with a last axis of `k`, the type of `table`.

    Raises:
        ValueError: If there is not one table per tile.
    """
    *tiles, depth, width = table.shape
    if not tiles:
        return table[levels]
    if levels.shape[:1] != tuple(tiles):
        raise ValueError(
            f"received {tiles} ranges for levels of shape {levels.shape}; "
            "expected one range, or one per entry of the first axis of the levels"
        )
    first = np.arange(0, tiles[0] * depth, depth).reshape(-1, *[1] * (levels.ndim - 1))
    return table.reshape(tiles[0] * depth, width)[levels + first]


def summary(values: ArrayLike) -> tuple[float, float, float, float]:
    """Summarize raw values for the index, from which ranges over many sheets are computed.

    Args:
        values: Real numbers of any shape, taken as float32.

    Returns:
        The finite minimum, the finite maximum, and the 0.5 and 99.5 percentiles of the finite
        values (linear between neighbors); NaN four times if no value is finite.
    """
    flat = as_float32(values).ravel()
    if not np.isfinite(flat.sum(dtype=np.float64)):
        flat = flat[np.isfinite(flat)]
    if not flat.size:
        return np.nan, np.nan, np.nan, np.nan
    percentiles = _percentile(flat, 0.005), _percentile(flat, 0.995)
    return float(flat.min()), float(flat.max()), *percentiles


def _percentile(values: NDArray[np.float32], share: float) -> float:
    # One percentile at a time: numpy's partition by several is ten times slower, and np.percentile
    # works in float32, where the distance of two neighbors may overflow.
    offset = (values.size - 1) * share
    index = int(offset)
    parted = np.partition(values, index)
    below = float(parted[index])
    above = float(parted[index + 1 :].min(initial=np.inf))
    return below if offset == index else below + (above - below) * (offset - index)


def _with_zero_as_level(
    lo: NDArray[np.floating], hi: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Widen ranges on both sides of zero so that zero is a level.

    The range is divided into one step less than there are levels; the spare step allows for
    shifting the lower end to a multiple of the step. The step is rounded up to 16 bits, so both
    ends are float32 without rounding, and zero is exactly a level.
    """
    low, high = lo.astype(np.float64), hi.astype(np.float64)
    both = (low < 0) & (high > 0)
    step = (high - low) / (LEVELS - 1)
    unit = np.maximum(np.frexp(step)[1] - _STEP_BITS, _MIN_EXPONENT)
    step = np.where(both, np.ldexp(np.ceil(np.ldexp(step, -unit)), unit), 1.0)
    below = np.ceil(-low / step)
    return (
        np.where(both, np.maximum(-below * step, -_MAX_FLOAT32), low),
        np.where(both, np.minimum((LEVELS - below) * step, _MAX_FLOAT32), high),
    )


def _nearest_level(
    values: NDArray[np.float32], lo: NDArray[np.float64], hi: NDArray[np.float64]
) -> NDArray[np.uint8]:
    step = (hi - lo) / LEVELS
    constant = step == 0
    per_step = np.where(constant, 0.0, 1 / np.where(constant, 1.0, step))
    smallest, largest = _ORDINARY
    fits = np.all(constant | (step > smallest)) and np.all(np.maximum(-lo, hi) < largest)
    precision = np.float32 if fits else np.float64
    scaled = np.subtract(values, lo[:, np.newaxis], dtype=precision, casting="same_kind")
    scaled *= per_step[:, np.newaxis].astype(precision)
    return np.rint(scaled, out=scaled).astype(np.uint8)
