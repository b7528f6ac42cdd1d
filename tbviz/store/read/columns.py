"""Store columns of numbers: ascending positions as runs, and one number per position."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RunRange = tuple[int, int]


class PositionRuns:
    """An ascending sequence of integers, stored as `(first, count)` runs."""

    __slots__ = ("_count", "_first", "_following", "total")

    def __init__(self) -> None:
        self._first = array("q")
        self._count = array("q")
        self._following = 0  # the smallest value that may be appended
        self.total = 0

    def append(self, value: int) -> None:
        """Append a value that is greater than all others.

        Raises:
            ValueError: If it is not.
        """
        if value < self._following:
            raise ValueError(f"received {value}, expected at least {self._following}")
        if value == self._following and self._first:
            self._count[-1] += 1
        else:
            self._first.append(value)
            self._count.append(1)
        self._following = value + 1
        self.total += 1

    def __iter__(self) -> Iterator[RunRange]:
        return zip(self._first, self._count, strict=True)

    def index(self, value: int) -> int | None:
        """Return the index of a value, None if the sequence does not contain it."""
        before = self.count_below(value)
        return before if before != self.count_below(value + 1) else None

    def count_below(self, value: int) -> int:
        """Count the values that are less than this one."""
        below = 0
        for first, count in self:
            if first >= value:
                break
            below += min(count, value - first)
        return below

    def values(self) -> Iterator[int]:
        """Yield the integers."""
        for first, count in self:
            yield from range(first, first + count)


def join_runs(runs: Iterable[RunRange]) -> list[list[int]]:
    """Join adjacent runs, for JSON."""
    joined: list[list[int]] = []
    for first, count in runs:
        if joined and joined[-1][0] + joined[-1][1] == first:
            joined[-1][1] += count
        else:
            joined.append([first, count])
    return joined


def encode_runs(values: Iterable[str]) -> list[list[str | int]]:
    """Encode equal neighbors as `[value, count]`."""
    runs: list[list[str | int]] = []
    last: str | None = None
    length = 0
    for value in values:
        if length and value == last:
            length += 1
            runs[-1][1] = length
        else:
            runs.append([value, 1])
            last, length = value, 1
    return runs


class Numbers:
    """One number per position, with gaps."""

    __slots__ = ("_known", "_values")

    def __init__(self) -> None:
        self._values = array("d")
        self._known = bytearray()

    def put(self, ordinal: int, value: float) -> None:
        """Set the number at a position; a second one at the same position replaces it."""
        gap = ordinal + 1 - len(self._values)
        if gap > 0:
            self._values.extend([0.0] * gap)
            self._known.extend(bytes(gap))
        self._values[ordinal] = value
        self._known[ordinal] = 1

    def span(self, begin: int, end: int) -> list[float | None]:
        """Return the numbers at positions from `begin` to before `end`, None at the gaps."""
        numbers = [
            value if known else None
            for value, known in zip(self._values[begin:end], self._known[begin:end], strict=True)
        ]
        return numbers + [None] * (end - begin - len(numbers))
