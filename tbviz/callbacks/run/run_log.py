"""Log what one `fit` writes into its log directory, one position at a time.

Everything that is logged at one position is collected here and handed to the position writer
together. Callbacks log through an object that is bound to them (`RunLog.bind`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tbviz.callbacks.limits.cost_meter import CallbackId, CostMeter
from tbviz.callbacks.limits.training_clock import TrainingClock
from tbviz.callbacks.run.callback_log import Author, CallbackLog
from tbviz.callbacks.run.notices import Notices
from tbviz.callbacks.run.pictures import ColorPicture, GrayPicture, LogEntry, MetaRecord
from tbviz.callbacks.run.position_records import PositionRecords, of_the_fit
from tbviz.callbacks.run.position_writer import PositionWriter
from tbviz.callbacks.run.submodel_naming import SubmodelNaming
from tbviz.store.disk.locations import Location
from tbviz.store.format.schema import FitPosition


class RunLog:
    """One `fit`'s records. No file is made before `begin`.

    Args:
        log_dir: The directory in which the store lies.
        training_clock: Of the fit.

    Attributes:
        costs: What was spent since the last position.
        notices: What is reported once.
        writer: Puts positions on disk.
    """

    def __init__(self, log_dir: Location, training_clock: TrainingClock) -> None:
        self.costs = CostMeter(training_clock)
        self.notices = Notices()
        self.writer = PositionWriter(log_dir, self.notices, self.costs)
        self._ended = False
        self._current = PositionRecords(None)
        # By layer and kind, who was the first to log it.
        self._authors: dict[str, dict[str, CallbackId | None]] = {}

    def bind(
        self,
        author: Author,
        caveat: Callable[[GrayPicture | ColorPicture], str | None] | None = None,
        naming: SubmodelNaming | None = None,
    ) -> CallbackLog:
        """Return a log whose records and notices are a callback's.

        Args:
            author: The callback.
            caveat: Returns a note to add to a picture, or None. Defaults to None: no notes.
            naming: Names layers and images. Defaults to None: those of the fitted model.
        """
        return CallbackLog(self, author, caveat, naming)

    # The fit

    def begin(
        self, fields: Mapping[str, Any], size_forecast: Callable[[int, Sequence[str]], str]
    ) -> None:
        """Write the `fit` record, so that the page shows the run before its first epoch ends.

        Args:
            fields: Of the record.
            size_forecast: Describes the size of a run from the bytes per position and the names
                of callbacks that are not counted.
        """
        meta = {"kind": "fit", "event": "begin", **fields}
        self.writer.remember(MetaRecord(meta, positioned=False))
        self.writer.begin(size_forecast)

    def end(self, status: str, reason: str | None = None) -> None:
        """Write what is left and the end of the `fit`, and wait until all is on disk.

        Args:
            status: `"finished"`, `"stopped"` or `"failed"`.
            reason: The reason in words. Defaults to None: there is nothing to explain.
        """
        if self._ended:
            return
        self._ended = True
        self.hand_over()
        if not self.writer.begun:
            return
        fields = {"kind": "fit", "event": "end", "status": status, "reason": reason}
        entries = [*self.notices.take(), MetaRecord(fields, positioned=False)]
        self.writer.close(PositionRecords(None, [(None, entry) for entry in entries]))

    # One position

    @property
    def position(self) -> FitPosition | None:
        """The position that is being logged."""
        return self._current.position

    def open(self, position: FitPosition) -> None:
        """Go to a position."""
        self._current.position = position

    def add(self, entry: LogEntry, author: CallbackId | None) -> None:
        """Add a record to this position.

        A series has one record per position: if two callbacks log the same kind of picture of
        one layer, the first one's is written, and a notice reports it.

        Args:
            entry: The record.
            author: The callback that logs it, None if it belongs to no callback.
        """
        shared = [
            layer
            for _, other in self._current.entries
            if other.kind == entry.kind and not of_the_fit(entry)
            for layer in other.layers
            if layer in entry.layers
        ]
        if shared:
            self._report_duplicate(entry.kind, shared[0])
            return
        self._current.entries.append((author, entry))
        if of_the_fit(entry):
            self.writer.remember(entry)
        for layer in entry.layers:
            self._authors.setdefault(layer, {}).setdefault(entry.kind, author)

    def _report_duplicate(self, kind: str, layer: str) -> None:
        self.notices.report(
            "tbviz",
            f"two callbacks of this fit log {kind} of the same {'layer' if layer else 'model'}; "
            "the second one's are left out",
            "give them different layers, or leave one out",
            layer or None,
            event="duplicate_pictures",
            detail=[kind],
        )

    @property
    def logged_kinds(self) -> dict[str, list[str]]:
        """By layer, the kinds of what was logged in this `fit`, in the order of the first time."""
        return {layer: list(authors) for layer, authors in self._authors.items()}

    def author_of(self, kind: str, layer: str) -> CallbackId | None:
        """Return the callback that was the first to log a kind of a layer, None if there is none.

        Args:
            kind: Of the pictures or numbers.
            layer: Path of the layer, `""` for the whole model.
        """
        return self._authors.get(layer, {}).get(kind)

    def hand_over(self, skipped: Sequence[str] = ()) -> None:
        """Hand this position to the writer, once the one before is on disk.

        If that takes too long, its pictures are left out, and its numbers wait.

        Args:
            skipped: The callbacks that were due and are postponed, for its `cost` record. Defaults
                to none.
        """
        records, self._current = self._current, PositionRecords(None)
        if records.position is None or not self.writer.begun:
            return  # notices wait for the next position, or the end
        if records.captured:
            records.missing = skipped
        records.entries = [*((None, entry) for entry in self.notices.take()), *records.entries]
        in_time = self.writer.wait_for_last()
        cost = self.costs.record(self.writer.cpu_seconds, skipped)
        records.entries.append((None, MetaRecord(cost)))
        self.writer.write(records, in_time=in_time)
