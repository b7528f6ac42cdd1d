"""(any value of this project) => (JSON that is equal where the value is).

An array becomes its shape and a hash of its numbers, and of its least and greatest number so that
a difference can be read. No tolerance: the hash is of every bit.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

HASH = "sha256:"
MARK = "#"
_MAX_NUMBERS = 64  # numbers that are written out

# Amounts that depend on compression or on the speed of the machine.
_AMOUNT = re.compile(r"\b\d+(?:\.\d+)?(?= (?:bytes|[kKMGT]i?B|s|ms|seconds|minutes|hours)\b)")


def digest(array: np.ndarray) -> str:
    """Hash the numbers of an array; all kinds of NaN are one."""
    values = np.ascontiguousarray(array)
    if np.issubdtype(values.dtype, np.floating):
        values = np.where(np.isnan(values), np.array(np.nan, values.dtype), values)
    return HASH + hashlib.sha256(values.tobytes()).hexdigest()[:24]


def summary(array: np.ndarray) -> Any:
    """Shape, type, range and hash of an array; a short one is written out."""
    array = np.asarray(array)
    if array.dtype.kind not in "biuf":
        return plain(array.tolist())
    if array.size <= _MAX_NUMBERS and array.ndim < 2:
        return plain(array.tolist())
    numbers = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    low, high = (numbers.min(), numbers.max()) if numbers.size else (math.nan, math.nan)
    return {
        "shape": list(array.shape),
        "type": str(array.dtype),
        "low": plain(float(low)),
        "high": plain(float(high)),
        "hash": digest(array),
    }


def tiles(values: np.ndarray) -> Any:
    """`summary` of tiles `(n, height, width, ...)`, and a hash of each: to see which differ."""
    return {**summary(values.reshape(1, *values.shape)), "each": [digest(one) for one in values]}


def mask_amounts(text: str) -> str:
    """Replace the bytes and times in a sentence by a mark."""
    return _AMOUNT.sub(MARK, text)


def plain(value: Any, without: frozenset[str] = frozenset()) -> Any:
    """Make JSON of a value.

    Args:
        value: JSON, arrays, dataclasses, named tuples, Pillow images, or a structure of these.
        without: Fields to leave out, wherever they stand.

    Raises:
        TypeError: The value is something else.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return mask_amounts(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else "NaN" if math.isnan(value) else f"{value:+}"
    if isinstance(value, Image.Image):
        return {"mode": value.mode, **summary(np.asarray(value))}
    if isinstance(value, np.ndarray):
        return summary(value)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Mapping):
        fields = {str(key): one for key, one in value.items() if key not in without}
        return {key: plain(one, without) for key, one in fields.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return plain({name: getattr(value, name) for name in names}, without)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict(), without)
    if isinstance(value, list | tuple):
        return [plain(one, without) for one in value]
    if hasattr(value, "__array__"):
        return summary(np.asarray(value))
    kind = type(value).__name__
    raise TypeError(f"received a value of type {kind}, expected what JSON or an array can hold")
