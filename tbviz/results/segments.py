"""(a reader) => what is known of each `fit` of a run."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbviz.store.read.run_index import segment_entry

if TYPE_CHECKING:
    from tbviz.store.read.reader import Reader


@dataclass(frozen=True)
class Segment:
    """What one writer wrote: one `fit` into the log directory.

    Args:
        number: Counted from 1.
        status: `"live"`, `"finished"`, `"stopped"`, `"failed"`, `"lost"` (no end was written, and
            nobody is writing), or `"unreadable"` (of another format).
        model: The name of the model.
        backend: The backend of Keras.
        epochs: How many epochs were planned.
        initial_epoch: The first epoch.
        steps: Optimizer steps per epoch, None if unknown.
        started: Seconds since 1970.
        ended: Seconds since 1970, None if no end was written.
        reason: Why it ended, None if unknown.
        versions: Names of packages to their versions.
        refused: Why none of it is read, None if it is read.
    """

    number: int
    status: str
    model: str | None
    backend: str | None
    epochs: int | None
    initial_epoch: int
    steps: int | None
    started: float | None
    ended: float | None
    reason: str | None
    versions: dict[str, str]
    refused: str | None


def segments(reader: Reader) -> tuple[Segment, ...]:
    """Return each segment of a run, oldest first, with its current status."""
    now = time.time()
    names = Segment.__dataclass_fields__.keys() - {"number"}
    found = []
    for number, segment in enumerate(reader.segments, 1):
        entry = segment_entry(number, segment, now)
        found.append(Segment(number=number, **{name: entry[name] for name in names}))
    return tuple(found)
