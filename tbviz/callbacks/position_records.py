"""Pages: what is written of one position, and what writing it took."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tbviz.callbacks.pictures import Entry, MetaRecord
from tbviz.store.schema import Position
from tbviz.store.writer import Writer


class CallbackId(NamedTuple):
    """Who logs something: a callback, by a name that keeps nothing alive.

    Args:
        key: the callback's own.
        method: what notices and costs call it.
    """

    key: int
    method: str


@dataclass
class Written:
    """What the records of one callback took on the writer's thread.

    Attributes:
        callback_id: who logged them, `None` for what belongs to no callback.
        seconds: of CPU time.
        size: bytes.
    """

    callback_id: CallbackId | None
    seconds: float = 0.0
    size: int = 0


class Failure(NamedTuple):
    """What could not be appended, and why."""

    entry: Entry
    error: Exception


@dataclass
class PositionRecords:
    """What is written of one position, each with who logged it.

    Attributes:
        position: `None` for what belongs to none.
        entries: what is written.
        lacking: callbacks that did not look, or only in part; `None` where none has looked.
    """

    position: Position | None
    entries: list[tuple[CallbackId | None, Entry]] = field(default_factory=list)
    lacking: Sequence[str] | None = None

    def numbers(self) -> PositionRecords:
        """The same without pictures."""
        kept = [written for written in self.entries if isinstance(written[1], MetaRecord)]
        return PositionRecords(self.position, kept)

    def append_to(self, writer: Writer, *, positioned: bool) -> tuple[list[Written], list[Failure]]:
        """Appends its entries to a writer; one that fails takes no other along.

        Args:
            writer: gets them.
            positioned: whether those that belong to the position, or those that do not.

        Returns:
            What they took, by author, and what failed.
        """
        failures: list[Failure] = []
        written: dict[CallbackId | None, Written] = {}
        for callback_id, entry in self.entries:
            if of_the_fit(entry) is positioned:
                continue
            start, size = time.thread_time(), writer.collected
            try:
                entry.write(writer, self.position)
            except Exception as error:
                failures.append(Failure(entry, error))
            one = written.setdefault(callback_id, Written(callback_id))
            one.seconds += time.thread_time() - start
            one.size += writer.collected - size
        return list(written.values()), failures


def of_the_fit(entry: Entry) -> bool:
    """Whether it belongs to no position."""
    return isinstance(entry, MetaRecord) and not entry.positioned
