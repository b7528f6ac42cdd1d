"""Collect the records of one position, and measure how long it takes to write them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tbviz.callbacks.limits.cost_meter import CallbackId, WriteCost
from tbviz.callbacks.run.pictures import LogEntry, MetaRecord
from tbviz.store.format.schema import FitPosition
from tbviz.store.write.writer import Writer


class Failure(NamedTuple):
    """A record that could not be appended, and the reason."""

    entry: LogEntry
    error: Exception


@dataclass
class PositionRecords:
    """The records of one position, each with the callback that logged it.

    Attributes:
        position: None for records that belong to no position.
        entries: The records.
        missing: The callbacks that were due and are postponed; None if none has captured.
    """

    position: FitPosition | None
    entries: list[tuple[CallbackId | None, LogEntry]] = field(default_factory=list)
    missing: Sequence[str] | None = None

    @property
    def captured(self) -> bool:
        """Whether there is anything of a callback, or of the pass that serves all of them."""
        return any(author or entry.kind == "predictions" for author, entry in self.entries)

    def numbers(self) -> PositionRecords:
        """Return the same without pictures."""
        numbers_only = [entry for entry in self.entries if isinstance(entry[1], MetaRecord)]
        return PositionRecords(self.position, numbers_only)

    def append_to(
        self, writer: Writer, *, positioned: bool
    ) -> tuple[list[WriteCost], list[Failure]]:
        """Append the records to a writer; if one fails, the others are still appended.

        Args:
            writer: Takes them.
            positioned: Whether to append those that belong to the position, or those that do not.

        Returns:
            Their costs by callback, and the failures.
        """
        failures: list[Failure] = []
        costs: dict[CallbackId | None, WriteCost] = {}
        for callback_id, entry in self.entries:
            if of_the_fit(entry) is positioned:
                continue
            start, size = time.thread_time(), writer.collected
            try:
                entry.write(writer, self.position)
            except Exception as error:
                failures.append(Failure(entry, error))
            cost = costs.setdefault(callback_id, WriteCost(callback_id))
            cost.seconds += time.thread_time() - start
            cost.size += writer.collected - size
        return list(costs.values()), failures


def of_the_fit(entry: LogEntry) -> bool:
    """Return whether a record belongs to no position."""
    return isinstance(entry, MetaRecord) and not entry.positioned
