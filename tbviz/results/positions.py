"""Give the positions of a run as a sequence that takes no memory per position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

import numpy as np

from tbviz.store.format import schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tbviz.store.read.reader import Reader
    from tbviz.store.read.segment import SegmentReader


@dataclass(frozen=True)
class Position:
    """A point on the axis that the page's slider moves along.

    Args:
        segment: The number of the segment, counted from 1.
        epoch: The epoch, counted from 0 as in Keras' logs.
        batch: Optimizer steps since the start of the `fit`. Defaults to None: the end of the epoch.
        final: Whether it is the state that `fit` left behind. Defaults to False.
        captured: Whether pictures, health or predictions were captured here. Equal positions may
            differ in it. Defaults to False.
    """

    segment: int
    epoch: int
    batch: int | None = None
    final: bool = False
    captured: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        batch = "" if self.batch is None else f", batch {self.batch}"
        end = ", end of fit" if self.final else ""
        return f"epoch {self.epoch}{batch}{end} of segment {self.segment}"


class Positions(Sequence[Position]):
    """All positions of a run, in the order of writing: what HTTP counts from 0.

    It stays as it is when the run is refreshed.

    Args:
        reader: The run.
    """

    def __init__(self, reader: Reader) -> None:
        self._parts = [
            (base, number, segment)
            for number, (base, segment) in enumerate(reader.based(), 1)
            if len(segment)
        ]
        self._bases = np.array([base for base, _, _ in self._parts], np.int64)
        self._length = len(reader)
        self._captured = np.zeros(self._length, np.bool_)
        for base, segment in reader.based():
            _mark(self._captured[base : base + len(segment)], segment)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Position: ...
    @overload
    def __getitem__(self, index: slice) -> list[Position]: ...
    def __getitem__(self, index: int | slice) -> Position | list[Position]:
        if isinstance(index, slice):
            return [self._at(at) for at in range(*index.indices(self._length))]
        at = index + self._length if index < 0 else index
        if not 0 <= at < self._length:
            raise IndexError(f"received position {index}, expected one of {self._length}")
        return self._at(at)

    def __repr__(self) -> str:
        if not self._length:
            return "<no positions>"
        last = "" if self._length == 1 else f" to {self[-1]}"
        return f"<{self._length} positions: {self[0]}{last}>"

    def select(self, indices: Iterable[int]) -> tuple[Position, ...]:
        """Return some of the positions.

        Args:
            indices: Their indices, counted from 0.
        """
        return tuple(self._at(int(index)) for index in indices)

    def find(self, position: Position) -> int | None:
        """Return the index of an equal position, None if there is none.

        Args:
            position: One of this run.
        """
        where = schema.FitPosition(position.epoch, position.batch, position.final)
        for base, number, segment in self._parts:
            if number == position.segment:
                ordinal = segment.ordinal(where)
                known = ordinal is not None and base + ordinal < self._length
                return base + ordinal if ordinal is not None and known else None
        return None

    def _at(self, index: int) -> Position:
        part = int(np.searchsorted(self._bases, index, "right")) - 1
        base, number, segment = self._parts[part]
        return Position(number, *segment.position(index - base), bool(self._captured[index]))


def _mark(captured: NDArray[np.bool_], segment: SegmentReader) -> None:
    """Set the positions of a segment at which something was captured."""
    for columns in segment.series.values():
        for first, count in columns.positions:
            captured[first : first + count] = True
    captured[segment.health.ordinals()] = True
    captured[list(segment.predictions)] = True
