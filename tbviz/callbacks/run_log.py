"""The journal: what one `fit` writes into its log directory, a position at a time.

Everything that is logged at one position is gathered here and handed to the writer's thread
together, so that a kill loses the position in hand and no other.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras

from tbviz.callbacks.cost_meter import CostMeter
from tbviz.callbacks.pictures import ColorPicture, Entry, GrayPicture, MetaRecord
from tbviz.callbacks.position_records import (
    CallbackId,
    Failure,
    PositionRecords,
    Written,
    of_the_fit,
)
from tbviz.callbacks.schedule import clock
from tbviz.callbacks.training_clock import TrainingClock
from tbviz.store.background import BackgroundWriter
from tbviz.store.errors import StoreError
from tbviz.store.events import Event, key_of
from tbviz.store.locations import Location
from tbviz.store.schema import Position
from tbviz.store.writer import Writer

_log = logging.getLogger("tbviz")

TIMEOUT = 10.0
"""Seconds that training waits until the position before is on disk."""

LAST_TIMEOUT = 60.0
"""Seconds that the end of `fit` waits until all is on disk."""

# Positions of which the numbers are kept while the disk hangs.
_MAX_HELD = 1000


class RunLog:
    """One `fit`'s records. No file is made before `begin`.

    Args:
        log_dir: the directory in which the store lies.
        training_clock: of the fit.

    Attributes:
        costs: what was spent since the last position.
        drawn: layer to the kinds of what was logged of it, for the layer tree.
        failure: the first thing that went wrong while encoding or writing, for `strict`.
        callback_id: who logs what is added now, `None` where it belongs to no callback.
        low_priority: whether what is added now gives way to what others log.
        caveat: what a picture has to say beside what its callback says, `None` for nothing.
    """

    def __init__(self, log_dir: Location, training_clock: TrainingClock) -> None:
        self.costs = CostMeter(training_clock)
        self.drawn: dict[str, list[str]] = {}
        self.failure: Exception | None = None
        self.callback_id: CallbackId | None = None
        self.low_priority = False
        self.caveat: Callable[[GrayPicture | ColorPicture], str | None] = lambda _: None
        self._claimed: set[tuple[str, str]] = set()
        # Of those that yield: who was left out, and who logged something nevertheless.
        self._gave_way: set[CallbackId | None] = set()
        self._kept: set[CallbackId | None] = set()
        self._log_dir = log_dir
        self._background: BackgroundWriter | None = None
        self._ended = False
        self._page = PositionRecords(None)
        self._held: deque[PositionRecords] = deque(maxlen=_MAX_HELD)
        self._hangs = False
        self._written: list[Written] = []
        self._waited = 0.0
        # Records that belong to no position: a store that was deleted begins with them again.
        self._head: dict[str, Entry] = {}
        self._deleted = False
        self._wait_at_once = False
        self._said: set[str] = set()
        self._late: list[MetaRecord] = []  # notices, from the writer's thread too
        # Reentrant: garbage that is collected inside `notice` may end this very journal.
        self._lock = threading.RLock()
        self._unencoded: Exception | None = None
        self._size_said: Callable[[int, Sequence[str]], str] | None = None

    # The fit

    def begin(
        self, fields: Mapping[str, Any], size_said: Callable[[int, Sequence[str]], str]
    ) -> None:
        """Writes the `fit` record, so that the page shows the run before its first epoch ends.

        Args:
            fields: of the record.
            size_said: says in words what a run of so many bytes a position takes, where these
                callbacks are not counted.
        """
        self._size_said = size_said
        self._head["fit"] = MetaRecord(
            {"kind": "fit", "event": "begin", **fields}, positioned=False
        )
        self._open()

    def end(self, status: str, reason: str | None = None) -> None:
        """Writes what is left and the end of the `fit`, and waits until all is on disk.

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
        entries = [*self._take_late(), MetaRecord(fields, positioned=False)]
        last = [*self._take_held(), PositionRecords(None, [(None, entry) for entry in entries])]
        self._background.push(lambda writer: self._write(writer, last))
        if not self._background.close(0.0 if self._hangs else LAST_TIMEOUT):
            _log.warning(
                "tbviz store: not all of %s is stored yet; training is over, and the "
                "process writes the rest before it ends, if it can",
                self._log_dir,
            )

    # One position

    @property
    def position(self) -> Position | None:
        """The position that is being logged."""
        return self._page.position

    def open(self, position: Position) -> None:
        """Goes to a position."""
        self._page.position = position

    def add(self, entry: Entry) -> None:
        """Adds to what is written of this position.

        A series has one record a position: where two callbacks log the same kind of picture of
        one layer, the first one's is kept, and that is said. What a callback that yields logs is
        left out for good where another one has logged the same.
        """
        if self.low_priority and any(
            (entry.kind, layer) in self._claimed for layer in entry.layers
        ):
            self._gave_way.add(self.callback_id)
            return
        shared = [
            layer
            for _, other in self._page.entries
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
            entry = entry.noted(caveat)
        self._page.entries.append((self.callback_id, entry))
        if of_the_fit(entry):
            self._head[entry.kind] = entry
        for layer in entry.layers:
            if self.low_priority:
                self._kept.add(self.callback_id)
            else:
                self._claimed.add((entry.kind, layer))
            kinds = self.drawn.setdefault(layer, [])
            if entry.kind not in kinds:
                kinds.append(entry.kind)

    def superseded(self, callback_id: CallbackId) -> bool:
        """Whether all that a callback has to log is logged by others, to which it yields."""
        return callback_id in self._gave_way and callback_id not in self._kept

    def hand_over(self, further: Mapping[str, Any] | None = None) -> None:
        """Hands this position to the writer's thread, once the one before is on disk.

        Where that takes too long its pictures are left out, and its numbers wait.

        Args:
            further: fields of its `cost` record that are known elsewhere.
        """
        further = further or {}
        page, self._page = self._page, PositionRecords(None)
        if page.position is None or self._background is None:
            return  # what was said meanwhile waits for the next position, or the end
        if any(callback_id for callback_id, _ in page.entries):
            page.lacking = [*further.get("divided", ()), *further.get("skipped", ())]
        page.entries = [*((None, entry) for entry in self._take_late()), *page.entries]
        if self._deleted:
            self._open()
        in_time = self._wait(self._background)
        cost = self.costs.record(self._background.cpu_seconds, further)
        page.entries.append((None, MetaRecord(cost)))
        if not in_time:
            self._held.append(page.numbers())
            return
        pages = [*self._take_held(), page]
        self._background.push(lambda writer: self._write(writer, pages))
        if self._wait_at_once:
            self._wait(self._background)

    def waits(self, seconds: float) -> None:
        """Counts time that training waits for the store."""
        self.costs.waited(seconds)
        self._waited += seconds

    def waited(self) -> float:
        """Seconds that training has waited for the disk since this was last asked."""
        waited, self._waited = self._waited, 0.0
        return waited

    @property
    def beside_training(self) -> bool:
        """Whether the writer's thread works while training goes on, else training waits for it."""
        return not self._wait_at_once

    @property
    def writer_seconds(self) -> float:
        """CPU seconds of the writer's thread so far."""
        return 0.0 if self._background is None else self._background.cpu_seconds

    def written(self) -> list[Written]:
        """What the writer's thread has told since it was last asked."""
        with self._lock:
            written, self._written = self._written, []
        return written

    # Saying

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
    ) -> None:
        """Says once, to the log and to the page, what happened and what to do.

        Notices are the same if they have the same event, method, layer, rule and detail; what
        their sentences say does not count.

        Args:
            method: the callback, or `"tbviz"` where it concerns all of them.
            text: what happened, for a person.
            remedy: what the user can do, `None` for nothing.
            layer: path of the layer that it concerns.
            level: `"warning"`, or `"info"` where nothing is wrong.
            event: what happened, for programs.
            rule: of advice, or the limit.
            detail: what else tells it from others, such as numbers and names in the text.
            positioned: whether it belongs to a position, and is lost where that cannot be written.
        """
        with self._lock:
            key = key_of(event, method, layer, rule, detail)
            if key in self._said:
                return
            self._said.add(key)
            fields = {"level": level, "method": method, "layer": layer, "rule": rule}
            said = {"text": text, "remedy": remedy}
            meta = {"kind": "notice", "event": event, "key": key, **fields, **said}
            self._late.append(MetaRecord(meta, positioned=positioned))
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

    def _take_late(self) -> list[MetaRecord]:
        with self._lock:
            late, self._late = self._late, []
        return late

    def _take_held(self) -> list[PositionRecords]:
        held, self._held = list(self._held), deque(maxlen=_MAX_HELD)
        return held

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
        """Whether what was handed over is on disk; a disk that hangs is waited for once."""
        start = clock()
        in_time = background.drain(0.0 if self._hangs else TIMEOUT)
        self.waits(clock() - start)
        self._hangs = not in_time
        if self._hangs:
            self.notice(
                "store",
                f"storing a position took over {TIMEOUT:.0f} s; until that has caught up, "
                "pictures are left out, and numbers wait",
                "use a faster disk or network, log less, or less often (max_overhead, schedule)",
                event="store_slow",
            )
        return in_time

    def _write(self, writer: Writer, pages: Sequence[PositionRecords]) -> None:
        """Appends all entries; one that fails takes no other along. On the writer's thread."""
        failures: list[Failure] = []
        for page in pages:
            # What later records need comes first, and is not the size of a position.
            for positioned in (False, True):
                if positioned and self._size_said is not None and page.lacking is not None:
                    said, self._size_said = self._size_said, None
                    writer.flush()
                    before = writer.size
                    failures += self._append(writer, page, positioned=positioned)
                    writer.flush()
                    text = said(writer.size - before, page.lacking)
                    self.notice("tbviz", text, level="info", event="size_forecast")
                else:
                    failures += self._append(writer, page, positioned=positioned)
        refused: list[Exception] = [e for _, e in failures if isinstance(e, StoreError)]
        for entry, error in failures:
            if not isinstance(error, StoreError):
                self._say_unencoded(error, entry)
        if failures:
            raised = (refused or [failures[0].error])[0]
            self._unencoded = raised  # said already, where it is no StoreError
            raise raised

    def _append(self, writer: Writer, page: PositionRecords, *, positioned: bool) -> list[Failure]:
        written, failures = page.append_to(writer, positioned=positioned)
        with self._lock:
            self._written += written
        return failures

    def _failed(self, error: Exception) -> None:
        """Called on the writer's thread, and with whatever goes wrong there."""
        self.failure = self.failure or error
        self._deleted = self._background is not None and self._background.writer.gone()
        unencoded, self._unencoded = self._unencoded, None
        if not isinstance(error, StoreError):
            if error is not unencoded:
                self._say_unencoded(error)
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

    def _say_unencoded(self, error: Exception, entry: Entry | None = None) -> None:
        """Says of one picture, or of numbers, that they are not written."""
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
    """Whether a busy thread beside training slows it fourfold: torch's own spin on a CPU."""
    if keras.backend.backend() != "torch":
        return False
    return str(keras.ops.convert_to_tensor(0.0).device) == "cpu"
