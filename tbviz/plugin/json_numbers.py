"""Return what answers share: their positions, their numbers as JSON values."""

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


def span(reader: Reader, since: int) -> dict[str, Any]:
    """Return the positions from `since` on, as the fields of an answer."""
    begin = min(since, len(reader))
    count = len(reader) - begin
    return {"since": begin, "positions": [[begin, count]] if count else []}


def json_values(column: NDArray[np.float32], digits: int = 6) -> list[Value]:
    """Return numbers as JSON values, None instead of `MISSING`."""
    missing = column == MISSING
    values: list[Value] = [*nearest(np.where(missing, 0, column), digits)]
    for index in np.flatnonzero(missing | ~np.isfinite(column)):
        values[index] = None if missing[index] else plain(values[index])
    return values
