"""Build what answers share: positions, numbers as JSON values, and bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tbviz.store.format.schema import plain
from tbviz.store.format.six_digits import nearest
from tbviz.store.read.health_columns import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tbviz.store.read.reader import Reader

Value = float | str | None

# No page needs more; a store that was made to have more must not take the server's memory.
_MAX_VALUES = 1 << 24


def span(reader: Reader, since: int) -> dict[str, Any]:
    """Return the positions from `since` on, as the fields of an answer."""
    begin = min(since, len(reader))
    count = len(reader) - begin
    return {"since": begin, "positions": [[begin, count]] if count else []}


def room(reader: Reader, since: int, values: int = 1) -> int:
    """Return how many rows of so many values per position an answer has room for, at least one."""
    positions = max(len(reader) - since, 1)
    return max(_MAX_VALUES // (positions * max(values, 1)), 1)


def json_values(column: NDArray[np.float32], digits: int = 6) -> list[Value]:
    """Return numbers as JSON values, None instead of `MISSING`."""
    missing = column == MISSING
    values: list[Value] = [*nearest(np.where(missing, 0, column), digits)]
    for index in np.flatnonzero(missing | ~np.isfinite(column)):
        values[index] = None if missing[index] else plain(values[index])
    return values
