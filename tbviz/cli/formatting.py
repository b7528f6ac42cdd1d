"""Format sizes, times and tables for the terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tbviz.amounts import in_bytes


def size(count: float | None) -> str:
    """Return bytes with three digits, "-" if they are unknown."""
    return "-" if count is None else in_bytes(count, 3)


def moment(seconds: float | None) -> str:
    """Return date and time in this machine's time zone, "-" if they are unknown."""
    if seconds is None or not 0 < seconds < 1e11:
        return "-"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def counted(count: int, name: str) -> str:
    """Return a number and the noun that it counts."""
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


# Columns of numbers, which are aligned to the right.
_NUMBERS = {
    *("segment", "segments", "positions", "sheets", "size", "per_epoch", "layers", "kinds"),
    *("warnings", "damage"),
}


def shortened(lines: Sequence[str], count: int) -> list[str]:
    """Return the first lines, and the number of the others."""
    more = len(lines) - count
    return [*lines[:count], *([f"and {more} more"] if more > 0 else [])]


def table(head: Sequence[str], rows: Sequence[Sequence[object]], indent: str = "  ") -> list[str]:
    """Return lines with aligned columns under their names; numbers are aligned to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *texts, strict=True)]
    right = [name in _NUMBERS for name in head]
    return [
        indent
        + "  ".join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in [[name.replace("_", " ") for name in head], *texts]
    ]
