"""The run log: what one `fit` writes into its log directory, one position at a time.

Everything that is logged at one position is collected here and handed to the writer's thread
together, so that a kill loses only the current position.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras

from tbviz.callbacks.limits.cost_meter import CostMeter
from tbviz.callbacks.limits.schedule import clock
from tbviz.callbacks.limits.training_clock import TrainingClock
from tbviz.callbacks.run.pictures import ColorPicture, GrayPicture, LogEntry, MetaRecord
from tbviz.callbacks.run.position_records import (
    CallbackId,
    Failure,
    PositionRecords,
    WriteCost,
    of_the_fit,
)
from tbviz.store.disk.locations import Location
from tbviz.store.errors import StoreError
from tbviz.store.format.events import Event, key_of
from tbviz.store.format.schema import Position
from tbviz.store.write.background import BackgroundWriter
from tbviz.store.write.writer import Writer

_log = logging.getLogger("tbviz")

TIMEOUT = 10.0
"""Seconds that training waits until the position before is on disk."""

LAST_TIMEOUT = 60.0
"""Seconds that the end of `fit` waits until all is on disk."""

# Positions whose numbers wait in memory while the disk hangs.
_MAX_WAITING = 1000


class RunLog:
    """One `fit`'s records. No file is made before `begin`.

    Args:
        log_dir: the directory in which the store lies.
        training_clock: of the fit.

    Attributes:
        costs: what was spent since the last position.
        logged_kinds: by layer, the kinds of what was logged, for the layer tree.
        failure: the first thing that went wrong while encoding or writing, for `strict`.
        callback_id: the callback that adds records now, `None` if they belong to no callback.
        caveat: returns a note to add to a picture, or `None`.
    """

    def __init__(self, log_dir: Location, training_clock: TrainingClock) -> None:
        self.costs = CostMeter(training_clock)
        self.logged_kinds: dict[str, list[str]] = {}
        self.failure: Exception | None = None
        self.callback_id: CallbackId | None = None
        self.caveat: Callable[[GrayPicture | ColorPicture], str | None] = lambda _: None
        self._log_dir = log_dir
        self._background: BackgroundWriter | None = None
        self._ended = False
        self._current = PositionRecords(None)
        self._waiting: deque[PositionRecords] = deque(maxlen=_MAX_WAITING)
        self._disk_hangs = False
        self._write_costs: list[WriteCost] = []
        self._waited = 0.0
        # Records that belong to no position: a store begins with them again if it was deleted.
        self._head: dict[str, LogEntry] = {}
        self._deleted = False
        self._wait_at_once = False
        self._reported: set[str] = set()
        self._notices: list[MetaRecord] = []  # from the writer's thread too
        # Reentrant: garbage collection inside `notice` may end this very run log.
        self._lock = threading.RLock()
        self._unencoded: Exception | None = None
        self._size_forecast: Callable[[int, Sequence[str]], str] | None = None

    # The fit

    def begin(
        self, fields: Mapping[str, Any], size_forecast: Callable[[int, Sequence[str]], str]
    ) -> None:
        """Write the `fit` record, so that the page shows the run before its first epoch ends.

        Args:
            fields: of the record.
            size_forecast: describes the size of a run from the bytes per position and the names
                of callbacks that are not counted.
        """
        self._size_forecast = size_forecast
        self._head["fit"] = MetaRecord(
            {"kind": "fit", "event": "begin", **fields}, positioned=False
        )
        self._open()

    def end(self, status: str, reason: str | None = None) -> None:
        """Write what is left and the end of the `fit`, and wait until all is on disk.

        Args:
            status: `"finished"`, `"stopped"` or `"failed"`.
            reason: why, in words.
        """
        if self._ended:
            return
        self._ended = True
        self.hand_over()
        if self._background is None:
            return
        fields = {"kind": "fit", "event": "end", "status": status, "reason": reason}
        entries = [*self._take_notices(), MetaRecord(fields, positioned=False)]
        last = [*self._take_waiting(), PositionRecords(None, [(None, entry) for entry in entries])]
        self._background.push(lambda writer: self._write(writer, last))
        if not self._background.close(0.0 if self._disk_hangs else LAST_TIMEOUT):
            _log.warning(
                "tbviz store: not all of %s is stored yet; training is over, and the "
                "process writes the rest before it ends, if it can",
                self._log_dir,
            )

    # One position

    @property
    def position(self) -> Position | None:
        """The position that is being logged."""
        return self._current.position

    def open(self, position: Position) -> None:
        """Go to a position."""
        self._current.position = position

    def add(self, entry: LogEntry) -> None:
        """Add a record to this position.

        A series has one record per position: if two callbacks log the same kind of picture of
        one layer, the first one's is written, and a notice reports it.
        """
        shared = [
            layer
            for _, other in self._current.entries
            if other.kind == entry.kind and not of_the_fit(entry)
            for layer in other.layers
            if layer in entry.layers
        ]
        if shared:
            text = (
                f"two callbacks of this fit log {entry.kind} of "
                f"{'it' if shared[0] else 'the model'}; the second one's are left out"
            )
            remedy = "give them different layers, or leave one out"
            self.notice(
                "tbviz",
                text,
                remedy,
                shared[0] or None,
                event="duplicate_pictures",
                detail=[entry.kind],
            )
            return
        caveat = None if isinstance(entry, MetaRecord) else self.caveat(entry)
        if caveat is not None and not isinstance(entry, MetaRecord):
            entry = entry.with_note(caveat)
        self._current.entries.append((self.callback_id, entry))
        if of_the_fit(entry):
            self._head[entry.kind] = entry
        for layer in entry.layers:
            kinds = self.logged_kinds.setdefault(layer, [])
            if entry.kind not in kinds:
                kinds.append(entry.kind)

    def hand_over(self, further: Mapping[str, Any] | None = None) -> None:
        """Hand this position to the writer's thread, once the one before is on disk.

        If that takes too long, its pictures are left out, and its numbers wait.

        Args:
            further: additional fields of its `cost` record.
        """
        further = further or {}
        records, self._current = self._current, PositionRecords(None)
        if records.position is None or self._background is None:
            return  # notices wait for the next position, or the end
        if any(callback_id for callback_id, _ in records.entries):
            records.missing = [*further.get("divided", ()), *further.get("skipped", ())]
        records.entries = [*((None, entry) for entry in self._take_notices()), *records.entries]
        if self._deleted:
            self._open()
        in_time = self._wait(self._background)
        cost = self.costs.record(self._background.cpu_seconds, further)
        records.entries.append((None, MetaRecord(cost)))
        if not in_time:
            self._waiting.append(records.numbers())
            return
        to_write = [*self._take_waiting(), records]
        self._background.push(lambda writer: self._write(writer, to_write))
        if self._wait_at_once:
            self._wait(self._background)

    def count_wait(self, seconds: float) -> None:
        """Count time that training waits for the store."""
        self.costs.count_wait(seconds)
        self._waited += seconds

    def take_waited(self) -> float:
        """Return the seconds that training has waited for the disk since the last call."""
        waited, self._waited = self._waited, 0.0
        return waited

    @property
    def beside_training(self) -> bool:
        """Whether the writer's thread works while training goes on; else training waits for it."""
        return not self._wait_at_once

    @property
    def writer_seconds(self) -> float:
        """CPU seconds of the writer's thread so far."""
        return 0.0 if self._background is None else self._background.cpu_seconds

    def take_write_costs(self) -> list[WriteCost]:
        """Return what the writer's thread has reported since the last call."""
        with self._lock:
            costs, self._write_costs = self._write_costs, []
        return costs

    # Notices

    def notice(
        self,
        method: str,
        text: str,
        remedy: str | None = None,
        layer: str | None = None,
        level: str = "warning",
        *,
        event: Event,
        rule: str | None = None,
        detail: Iterable[object] = (),
        positioned: bool = True,
        logged: bool = False,
    ) -> None:
        """Report once, to the log and to the page, what happened and what to do.

        Notices are the same if they have the same event, method, layer, rule and detail; their
        sentences do not count.

        Args:
            method: the callback, or `"tbviz"` if it concerns all of them.
            text: what happened, for a person.
            remedy: what the user can do, `None` for nothing.
            layer: path of the layer that it concerns.
            level: `"warning"`, or `"info"` if nothing is wrong.
            event: what happened, for programs.
            rule: of advice, or the limit.
            detail: what else distinguishes it from others, such as numbers and names in the text.
            positioned: whether it belongs to a position, and is lost if that cannot be written.
            logged: whether the log has it already.
        """
        with self._lock:
            key = key_of(event, method, layer, rule, detail)
            if key in self._reported:
                return
            self._reported.add(key)
            fields = {"level": level, "method": method, "layer": layer, "rule": rule}
            content = {"text": text, "remedy": remedy}
            meta = {"kind": "notice", "event": event, "key": key, **fields, **content}
            self._notices.append(MetaRecord(meta, positioned=positioned))
        if logged:
            return
        who = "tbviz" if method == "tbviz" else f"tbviz {method}"
        where = f" at {layer}" if layer else ""
        _log.log(
            logging.WARNING if level == "warning" else logging.INFO,
            "%s%s: %s%s",
            who,
            where,
            text,
            f". {remedy}" if remedy else "",
        )

    def _take_notices(self) -> list[MetaRecord]:
        with self._lock:
            notices, self._notices = self._notices, []
        return notices

    def _take_waiting(self) -> list[PositionRecords]:
        waiting, self._waiting = list(self._waiting), deque(maxlen=_MAX_WAITING)
        return waiting

    # Writing

    def _open(self) -> None:
        if self._background is not None:
            self._background.close(TIMEOUT)
        self._deleted = False
        self._wait_at_once = _threads_slow_training()
        self._background = BackgroundWriter(Writer(self._log_dir), self._failed)
        head = [PositionRecords(None, [(None, entry) for entry in self._head.values()])]
        self._background.push(lambda writer: self._write(writer, head))

    def _wait(self, background: BackgroundWriter) -> bool:
        """Return whether the last position is on disk; wait only once for a disk that hangs."""
        start = clock()
        in_time = background.drain(0.0 if self._disk_hangs else TIMEOUT)
        self.count_wait(clock() - start)
        self._disk_hangs = not in_time
        if self._disk_hangs:
            self.notice(
                "store",
                f"storing a position took over {TIMEOUT:.0f} s; until that has caught up, "
                "pictures are left out, and numbers wait",
                "use a faster disk or network, log less, or less often (max_overhead, schedule)",
                event="store_slow",
            )
        return in_time

    def _write(self, writer: Writer, to_write: Sequence[PositionRecords]) -> None:
        """Append all entries on the writer's thread; if one fails, the others are still written."""
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
                    self.notice("tbviz", text, level="info", event="size_forecast")
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
        with self._lock:
            self._write_costs += costs
        return failures

    def _failed(self, error: Exception) -> None:
        """Handle an error of the writer's thread, on that thread."""
        self.failure = self.failure or error
        self._deleted = self._background is not None and self._background.writer.gone()
        unencoded, self._unencoded = self._unencoded, None
        if not isinstance(error, StoreError):
            if error is not unencoded:
                self._report_unencoded(error)
            return
        if self._deleted:
            advice = "training goes on; what follows is written as a new segment"
        else:
            advice = "training goes on and later positions are tried"
        self.notice(
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
        self.notice(
            "store",
            f"a picture could not be encoded ({kind}: {error})",
            "training goes on, and the other pictures are written",
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
