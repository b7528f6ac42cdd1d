"""Parse and print the amounts that users give and read: bytes, and shares of time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from numbers import Real
from typing import Any

from tbviz.errors import TbvizError

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*", re.IGNORECASE)


def in_bytes(count: float, digits: int = 2) -> str:
    """Return bytes in decimal units, as disks are sold: 1234567 as `1.2 MB`.

    Args:
        count: The number of bytes.
        digits: The number of significant digits. Defaults to 2.
    """
    unit = ""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(count) < 999.5 or unit == "TB":
            break
        count /= 1000
    whole = len(str(round(abs(count))))
    return f"{count:.{0 if unit == 'B' else max(digits - whole, 0)}f} {unit}"


def ranges(runs: Sequence[Sequence[int]], limit: int = 4) -> str:
    """Return runs of whole numbers, each `[first, count]`, as a person writes them: `"0-4, 7"`."""
    texts = [
        str(first) if count == 1 else f"{first}-{first + count - 1}"
        for first, count in runs[:limit]
    ]
    return ", ".join([*texts, *(["..."] if len(runs) > limit else [])])


def bytes_of(max_disk: float | str | None) -> int | None:
    """Return the bytes that a user's `max_disk` means, None for no limit.

    Raises:
        TbvizError: If it is not a size.
    """
    if max_disk is None:
        return None
    found = _SIZE.fullmatch(str(max_disk))
    unit = None if found is None else _UNITS.get(found[2].lower())
    if isinstance(max_disk, str) and found is not None and not found[2]:
        unit = None  # "20" is more likely a slip for "20 GB" than 20 bytes
    size = 0 if found is None or unit is None else int(float(found[1]) * unit)
    if size <= 0 or isinstance(max_disk, bool):
        raise TbvizError(
            f"received max_disk={max_disk!r}; expected a number of bytes, or a text such as '5 GB'"
        )
    return size


def share_of(max_overhead: float | None) -> float | None:
    """Return the share that a user's `max_overhead` means, None for no limit.

    Raises:
        TbvizError: If it is not a number above 0 and up to 1.
    """
    if max_overhead is None:
        return None
    given: Any = max_overhead
    number = isinstance(given, Real) and not isinstance(given, bool)
    if not number or not 0 < given <= 1:
        raise TbvizError(
            f"received max_overhead={max_overhead!r}; expected a share of training time above 0 "
            "and up to 1, such as 0.05 for 5 %"
        )
    return float(max_overhead)
