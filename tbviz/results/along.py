"""(a reader) => one value per position, over all segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbviz.store.read.columns import Numbers
    from tbviz.store.read.reader import Reader
    from tbviz.store.read.segment import SegmentReader

# Nobody needs more; a store that was made to have more must not take all memory.
_MAX_VALUES = 1 << 24


def room(reader: Reader, since: int = 0, values: int = 1) -> int:
    """Return how many rows of so many values per position there is room for, at least one."""
    positions = max(len(reader) - since, 1)
    return max(_MAX_VALUES // (positions * max(values, 1)), 1)


def metric_names(reader: Reader, since: int = 0) -> list[str]:
    """Return the names of the metrics, in the order of their first values, at most `room`."""
    known = dict.fromkeys(name for segment in reader.segments for name in segment.metrics)
    return [*known][: room(reader, since)]


def along(
    reader: Reader, pick: Callable[[SegmentReader], Numbers | None], since: int = 0
) -> list[float | None]:
    """Return one value per position, None if there is none.

    Args:
        reader: The run.
        pick: Returns the column of a segment, None if it has none.
        since: The first position. Defaults to 0.
    """
    values: list[float | None] = []
    for base, segment in reader.based():
        begin = min(max(since - base, 0), len(segment))
        column = pick(segment)
        if column is None:
            values += [None] * (len(segment) - begin)
        else:
            values += column.span(begin, len(segment))
    return values
