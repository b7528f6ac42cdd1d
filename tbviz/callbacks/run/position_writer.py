"""Write positions to disk while training goes on.

Positions are written one at a time on a thread of their own, so that a kill loses only the current
one. A disk that is slow, full or gone costs pictures, never training.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence

import keras

from tbviz.callbacks.limits.clock import clock
from tbviz.callbacks.limits.cost_meter import CostMeter
from tbviz.callbacks.run.notices import Notices
from tbviz.callbacks.run.pictures import LogEntry
from tbviz.callbacks.run.position_records import Failure, PositionRecords
from tbviz.store.disk.locations import Location
from tbviz.store.errors import StoreError
from tbviz.store.write.background import BackgroundWriter
from tbviz.store.write.writer import Writer

_log = logging.getLogger("tbviz")

TIMEOUT = 10.0
"""Seconds that training waits until the position before is on disk."""

LAST_TIMEOUT = 60.0
"""Seconds that the end of `fit` waits until all is on disk."""

# Positions whose numbers wait in memory while the disk hangs.
_MAX_WAITING = 1000


class PositionWriter:
    """Writes the positions of one `fit`. No file is made before `begin`.

    Args:
        log_dir: The directory in which the store lies.
        notices: Takes what goes wrong.
        costs: Counts the time that training waits.

    Attributes:
        failure: The first error while encoding or writing, for `strict`.
    """

    def __init__(self, log_dir: Location, notices: Notices, costs: CostMeter) -> None:
        self.failure: Exception | None = None
        self._log_dir = log_dir
        self._notices = notices
        self._costs = costs
        self._background: BackgroundWriter | None = None
        self._waiting: deque[PositionRecords] = deque(maxlen=_MAX_WAITING)
        self._disk_hangs = False
        # Records that belong to no position: a store begins with them again if it was deleted.
        self._head: dict[str, LogEntry] = {}
        self._deleted = False
        self._wait_at_once = False
        self._unencoded: Exception | None = None
        self._size_forecast: Callable[[int, Sequence[str]], str] | None = None

    @property
    def begun(self) -> bool:
        """Whether there is a store to write to."""
        return self._background is not None

    def begin(self, size_forecast: Callable[[int, Sequence[str]], str]) -> None:
        """Write the records that belong to no position.

        Args:
            size_forecast: Describes the size of a run from the bytes per position and the names
                of callbacks that are not counted.
        """
        self._size_forecast = size_forecast
        self._open()

    def remember(self, entry: LogEntry) -> None:
        """Begin with this record, in place of an earlier one of its kind, if a store is made."""
        self._head[entry.kind] = entry

    # One position

    def wait_for_last(self) -> bool:
        """Wait until the last position is on disk, and make the store again if it was deleted.

        Returns:
            Whether it is on disk in time.
        """
        if self._deleted:
            self._open()
        return self._wait()

    def write(self, records: PositionRecords, *, in_time: bool) -> None:
        """Write a position on the thread; if the disk hangs, its numbers wait.

        Args:
            records: Of the position.
            in_time: Whether the position before is on disk.
        """
        if self._background is None:
            return
        if not in_time:
            self._waiting.append(records.numbers())
            return
        self._push(self._background, [*self._take_waiting(), records])
        if self._wait_at_once:
            self._wait()

    def close(self, last: PositionRecords) -> None:
        """Write what waits and these records, and wait until all is on disk."""
        if self._background is None:
            return
        self._push(self._background, [*self._take_waiting(), last])
        if not self._background.close(0.0 if self._disk_hangs else LAST_TIMEOUT):
            _log.warning(
                "tbviz store: part of %s is not stored yet; training is over, and the process "
                "tries to write the rest before it ends",
                self._log_dir,
            )

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of the thread so far."""
        return 0.0 if self._background is None else self._background.cpu_seconds

    # The thread

    def _open(self) -> None:
        if self._background is not None:
            self._background.close(TIMEOUT)
        self._deleted = False
        self._wait_at_once = self._costs.waits_for_writer = _threads_slow_training()
        self._background = BackgroundWriter(Writer(self._log_dir), self._failed)
        head = PositionRecords(None, [(None, entry) for entry in self._head.values()])
        self._push(self._background, [head])

    def _push(self, background: BackgroundWriter, to_write: Sequence[PositionRecords]) -> None:
        background.push(lambda writer: self._append_all(writer, to_write))

    def _take_waiting(self) -> list[PositionRecords]:
        waiting, self._waiting = list(self._waiting), deque(maxlen=_MAX_WAITING)
        return waiting

    def _wait(self) -> bool:
        """Return whether the last position is on disk; wait only once for a disk that hangs."""
        if self._background is None:
            return True
        start = clock()
        in_time = self._background.drain(0.0 if self._disk_hangs else TIMEOUT)
        self._costs.count_wait(clock() - start)
        self._disk_hangs = not in_time
        if self._disk_hangs:
            self._notices.report(
                "store",
                f"storing a position took over {TIMEOUT:.0f} s; until it has caught up, "
                "pictures are left out, and numbers are kept in memory",
                "use a faster disk or network, log less, or less often (max_overhead, schedule)",
                event="store_slow",
            )
        return in_time

    def _append_all(self, writer: Writer, to_write: Sequence[PositionRecords]) -> None:
        """Append all records on the thread; if one fails, the others are still written."""
        failures: list[Failure] = []
        for records in to_write:
            # What later records need comes first, and is not the size of a position.
            for positioned in (False, True):
                if positioned and self._size_forecast is not None and records.missing is not None:
                    describe, self._size_forecast = self._size_forecast, None
                    writer.flush()
                    before = writer.size
                    failures += self._append(writer, records, positioned=positioned)
                    writer.flush()
                    text = describe(writer.size - before, records.missing)
                    self._notices.report("tbviz", text, level="info", event="size_forecast")
                else:
                    failures += self._append(writer, records, positioned=positioned)
        refused: list[Exception] = [e for _, e in failures if isinstance(e, StoreError)]
        for entry, error in failures:
            if not isinstance(error, StoreError):
                self._report_unencoded(error, entry)
        if failures:
            raised = (refused or [failures[0].error])[0]
            self._unencoded = raised  # reported already, unless it is a StoreError
            raise raised

    def _append(
        self, writer: Writer, records: PositionRecords, *, positioned: bool
    ) -> list[Failure]:
        costs, failures = records.append_to(writer, positioned=positioned)
        self._costs.count_written(costs)
        return failures

    def _failed(self, error: Exception) -> None:
        """Handle an error of the thread, on that thread."""
        self.failure = self.failure or error
        self._deleted = self._background is not None and self._background.writer.gone()
        unencoded, self._unencoded = self._unencoded, None
        if not isinstance(error, StoreError):
            if error is not unencoded:
                self._report_unencoded(error)
            return
        if self._deleted:
            advice = "training continues; later positions are written to a new segment"
        else:
            advice = "training continues, and later positions are tried"
        self._notices.report(
            "store",
            f"a position could not be written ({error})",
            advice,
            event="store_failed",
            detail=[type(error).__name__, *(["deleted"] if self._deleted else [])],
            positioned=False,
        )

    def _report_unencoded(self, error: Exception, entry: LogEntry | None = None) -> None:
        """Report that a picture or numbers are not written."""
        layers = () if entry is None else entry.layers
        kind = type(error).__name__
        self._notices.report(
            "store",
            f"a picture could not be encoded ({kind}: {error})",
            "training continues, and the other pictures are written",
            (layers[0] or None) if len(layers) == 1 else None,
            event="encode_failed",
            detail=[kind] if entry is None else [kind, entry.kind],
            positioned=False,
        )


def _threads_slow_training() -> bool:
    """Return whether a busy thread slows training fourfold: torch's own threads spin on a CPU."""
    if keras.backend.backend() != "torch":
        return False
    return str(keras.ops.convert_to_tensor(0.0).device) == "cpu"
