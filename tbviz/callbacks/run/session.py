"""The session: one `fit` into one log directory, run for all its callbacks together.

Keras calls the callbacks one after the other, always in the same order. The last of ours acts for
all: every snapshot shows one state of the model, and one position is written as a whole.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from tbviz.callbacks.limits.schedule import TrainingProgress, clock
from tbviz.callbacks.limits.scheduler import DueCallbacks, Scheduler
from tbviz.callbacks.limits.training_clock import TrainingClock
from tbviz.callbacks.run.error_boundary import boundary, in_short
from tbviz.callbacks.run.fit_info import fit_fields, size_forecast
from tbviz.callbacks.run.layer_tree import model_record
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.notebook import in_fit, when_cell_ends
from tbviz.callbacks.run.records import metrics_record
from tbviz.callbacks.run.run_callback import run_callback
from tbviz.callbacks.run.run_log import RunLog
from tbviz.callbacks.run.submodel import Submodel, find_submodel, not_callable
from tbviz.callbacks.run.weight_signature import signature
from tbviz.errors import TbvizError
from tbviz.store.disk.locations import Location, store_directory
from tbviz.store.format.schema import Position
from tbviz.store.write.exit_hooks import run_before_exit
from tbviz.taps import keras_private
from tbviz.taps.inspector import inspector_for
from tbviz.taps.model_outputs import ModelOutputs

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual


class Session:
    """One `fit` into one log directory.

    Args:
        log_dir: the directory of the store.
        model_name: the name of the model.
        params: the params that Keras gives to callbacks, with the planned epochs and steps;
            `None` if it gives none.
        training_clock: of the fit.

    Attributes:
        run_log: the records of the session.
        training_clock: shared with other log directories of the same `fit`.
        closed: whether the end of the `fit` has been written.
    """

    def __init__(
        self,
        log_dir: Location,
        model_name: str,
        params: Mapping[str, Any] | None,
        training_clock: TrainingClock,
    ) -> None:
        known = params or {}
        self.run_log = RunLog(log_dir, training_clock)
        self.training_clock = training_clock
        self.closed = False
        self._log_dir = log_dir
        self._model_name = model_name
        self._params = params
        self._planned: int | None = known.get("epochs")
        self._steps: int | None = known.get("steps")
        self._callbacks: list[Visual] = []
        self._submodel: Submodel = None
        self._view = ModelView(self.run_log)
        self.run_log.caveat = self._view.caveat
        self._scheduler = Scheduler(self.run_log, training_clock, store_directory(log_dir))
        self._first_epoch: int | None = None
        self._epoch = 0
        self._step = 0
        self._steps_before_epoch = 0
        self._last_end: Position | None = None
        self._weights: int | None = None
        self._logged_count = 0
        # After an exception or KeyboardInterrupt Keras calls no hook: the end is written at
        # exit, when the callbacks are collected, or when a notebook's cell has ended.
        self._finalizer = weakref.finalize(
            self,
            self.run_log.end,
            "failed",
            "the process ended, or an exception left fit, before its end",
        )
        run_before_exit(self._finalizer)
        when_cell_ends(partial(_fail, weakref.ref(self)))

    @property
    def begun(self) -> bool:
        """Whether the first epoch has begun."""
        return self._first_epoch is not None

    @property
    def joined(self) -> bool:
        """Whether a callback has joined."""
        return bool(self._callbacks)

    def belongs_to(self, params: Mapping[str, Any] | None) -> bool:
        """Return whether these params belong to this fit: Keras gives all callbacks one object.

        A custom training loop may give each callback its own object.
        """
        return self._params is params or not in_fit()

    def has(self, callback: Visual) -> bool:
        """Return whether this callback has joined."""
        return any(other is callback for other in self._callbacks)

    def join(self, callback: Visual) -> None:
        """Add a callback, before the first epoch.

        Raises:
            TbvizError: it captures another model than the others, or its probe images do not fit
                into one batch with theirs.
        """
        if self._callbacks and callback.submodel != self._submodel:
            other = self._log_dir / _folder(callback.submodel)
            msg = (
                f"received submodel={callback.submodel!r} where another callback of this fit and "
                f"log directory has submodel={self._submodel!r}; a log directory shows one model: "
                f"give this one a log_dir of its own, such as {other} (a function must be the same "
                "object in both)"
            )
            raise TbvizError(msg)
        self._view.join(callback)
        self._submodel = callback.submodel
        if any(_replaces(other, callback) for other in self._callbacks):
            self._report_replaced(callback)
            return
        for other in [other for other in self._callbacks if _replaces(callback, other)]:
            self._callbacks.remove(other)
            self._scheduler.leave(other)
            self._report_replaced(other)
        callback.number = 1 + sum(other.title == callback.title for other in self._callbacks)
        self._callbacks.append(callback)
        self._scheduler.join(callback)
        callback.schedule.start(self._progress(epoch_end=False))

    def _report_replaced(self, callback: Visual) -> None:
        """Report that a callback of `Monitor` does nothing in this `fit`."""
        name = callback.title
        text = "left out: the one beside Monitor in the list of callbacks takes its place"
        self.run_log.notice(name, text, level="info", event="superseded")

    def close(self, status: str, reason: str | None = None) -> None:
        """Write what is left and the end of the `fit`, and wait until all is on disk."""
        self.closed = True
        self._finalizer.detach()
        self.run_log.end(status, reason)

    # Keras' hooks, called by every callback

    def epoch_begins(self, epoch: int) -> None:
        """Note the epoch; the first one begins the run."""
        if self.closed:
            return
        self._epoch = epoch
        if not self.begun:
            self._first_epoch = epoch
            with self._closed_on_error(), self._boundary():
                fields = fit_fields(self._model_name, self._planned, epoch, self._steps)
                usual = [callback.schedule for callback in self._callbacks if not callback.rare]
                every_epoch = bool(usual) and all(schedule.every_epoch for schedule in usual)
                snapshots = self._planned - epoch if every_epoch and self._planned else None
                limits = self._scheduler.limits
                forecast = size_forecast(
                    self._log_dir, snapshots, limits.size, thinned=limits.divide
                )
                self.run_log.begin(fields, forecast)
                self._scheduler.begin(epoch, self._planned)
            with self._closed_on_error(), self._boundary():
                self._find_outputs()

    def _find_outputs(self) -> None:
        # Now, before Keras opens the data: a pipeline on its own thread would hide whether the
        # model draws from the global random states.
        first = self._callbacks[0]
        model = self._find_submodel(first)
        if model.built:
            with self.run_log.costs.measure(first.method, inspector_for(model)):
                if self._view.open(model):
                    self._prepare()  # so that a missing layer is reported at once

    def batch_ends(self, callback: Visual, batch: int, logs: Mapping[str, Any] | None) -> None:
        """Count batches; capture if a schedule of batches or minutes is due."""
        if not self._acts_for_all(callback):
            return
        self._step = self._steps_before_epoch + batch + 1
        progress = self._progress(epoch_end=False)
        batchwise = any(other.schedule.batchwise for other in self._callbacks)
        scheduled = self._scheduled(progress) if batchwise else ()
        due = DueCallbacks()
        with self._closed_on_error(), self._boundary():
            due = self._scheduler.at_batch(progress, scheduled)
        if due.callbacks:
            self._log_position(due, Position(self._epoch, self._step), logs)

    def epoch_ends(self, callback: Visual, epoch: int, logs: Mapping[str, Any] | None) -> None:
        """Capture if a schedule is due, and at the first and the last epoch."""
        if not self._acts_for_all(callback):
            return
        self._epoch = epoch
        self._steps_before_epoch = self._step
        self._last_end = Position(epoch)
        progress = self._progress(epoch_end=True)
        scheduled = self._scheduled(progress)
        first, last = epoch == self._first_epoch, self._is_last(callback, epoch)
        due = DueCallbacks()
        with self._closed_on_error(), self._boundary():
            due = self._scheduler.at_epoch(progress, scheduled, first=first, last=last)
        self._log_position(due, self._last_end, logs)

    def train_ends(self, callback: Visual) -> None:
        """Capture the final model if it has changed since the last epoch, and end the run."""
        if not self._acts_for_all(callback):
            return
        with self._closed_on_error():
            last = self._last_end
            if last is not None:
                due = [other for other in self._callbacks if other.last_snapshot != last]
                with self._boundary():
                    # EarlyStopping may have restored the best weights, an optimizer its averages.
                    if (
                        self._weights is not None
                        and signature(self._find_submodel(callback)) != self._weights
                    ):
                        due = self._callbacks
                final = DueCallbacks()
                with self._boundary():
                    final = self._scheduler.at_end(due)
                if final.callbacks:
                    self._log_position(final, Position(last.epoch, final=True), None)
                with self._boundary():
                    self._scheduler.report_skipped()
            planned = self._planned
            early = planned is not None and (last is None or last.epoch < planned - 1)
            self.close("stopped" if early else "finished")
            self._raise_write_failure()
            for other in self._callbacks:  # now: the last callback has acted for all
                other.reset()

    # One position

    def _acts_for_all(self, callback: Visual) -> bool:
        return not self.closed and callback is self._callbacks[-1]

    def _scheduled(self, progress: TrainingProgress) -> list[Visual]:
        due = []
        for callback in self._callbacks:
            with self._closed_on_error(), self._boundary(callback):
                if callback.schedule.due(progress):  # may be the user's own code
                    due.append(callback)
        return due

    def _is_last(self, callback: Visual, epoch: int) -> bool:
        # Not `callback.model`: that would sync JAX's state at every epoch, due or not.
        stopping = getattr(keras_private.model_of_callback(callback), "stop_training", False)
        return bool(stopping) or (self._planned is not None and epoch >= self._planned - 1)

    def _log_position(
        self, due: DueCallbacks, position: Position, logs: Mapping[str, Any] | None
    ) -> None:
        with self._closed_on_error():
            with self._boundary():
                self.run_log.open(position)
                self._log_metrics(logs, position)
            if due.callbacks:
                with self._boundary():
                    self._capture(due, position)
            with self._boundary():
                fields = self._scheduler.finish_snapshot(self._step)
                self.run_log.hand_over(fields)
            self._raise_write_failure()

    def _log_metrics(self, logs: Mapping[str, Any] | None, position: Position) -> None:
        record, others = metrics_record(logs)
        if record is not None:
            self.run_log.add(record)
            self._view.finiteness.check_metrics(record.meta["values"], position)
        if others:
            self.run_log.notice(
                "tbviz",
                f"the metrics {', '.join(others)} are no single numbers and are left out",
                level="info",
                event="not_scalar",
                detail=others,
            )

    def _capture(self, due: DueCallbacks, position: Position) -> None:
        first = due.callbacks[0]
        model = self._find_submodel(first)
        with self.run_log.costs.measure(first.method, inspector_for(model)) as spent:
            self._weights = signature(model)
            if self._view.open(model):
                self._prepare()
            with self._boundary():
                self._view.check(position, self._step)
        self._scheduler.limits.spend(first, spent, parts=0, done=False)
        for callback in due.callbacks:
            run_callback(callback, self._view, self.run_log, self._scheduler, self._boundary)
            callback.last_snapshot = position
        count = sum(map(len, self.run_log.logged_kinds.values()))
        if count != self._logged_count:
            self._logged_count = count
            self.run_log.add(
                model_record(model, self._view.model_outputs, self.run_log.logged_kinds)
            )

    def _prepare(self) -> None:
        self._logged_count = -1
        self._scheduler.reset()
        model_outputs = self._outputs_or_raise()
        for callback in self._callbacks:
            with self._boundary(callback):
                callback.prepare(model_outputs, self.run_log)
        self._view.select_outputs(
            callback for callback in self._callbacks if callback.wants_recording
        )

    def _find_submodel(self, callback: Visual) -> Any:
        # `callback.model` first, outside every scope and trace: on JAX reading it syncs.
        return find_submodel(callback.model, self._submodel)

    def _outputs_or_raise(self) -> ModelOutputs:
        try:
            return self._view.model_outputs
        except NotImplementedError as error:
            raise not_callable(self._callbacks[0].model, self._submodel, error) from error

    # Helpers

    def _boundary(self, callback: Visual | None = None) -> AbstractContextManager[None]:
        if callback is not None:
            return boundary(self.run_log, callback.method, strict=callback.strict)
        strict = any(other.strict for other in self._callbacks)
        return boundary(self.run_log, "tbviz", strict=strict)

    @contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        """Close the session if the body raises: no hook follows `strict=True` or Ctrl-C."""
        try:
            yield
        except BaseException as error:
            self.close("failed", f"{type(error).__name__}: {in_short(error)}")
            raise

    def _raise_write_failure(self) -> None:
        """Raise what failed on the writer's thread, if `strict=True`. It was reported there."""
        if self.run_log.failure is not None and any(other.strict for other in self._callbacks):
            raise self.run_log.failure

    def _progress(self, *, epoch_end: bool) -> TrainingProgress:
        return TrainingProgress(self._epoch, self._step, clock(), epoch_end)


def _replaces(callback: Visual, other: Visual) -> bool:
    """Return whether a callback of the user takes the place of one that `Monitor` made."""
    own = other.of_monitor and not callback.of_monitor
    return own and isinstance(callback, type(other)) and callback.submodel == other.submodel


def _folder(submodel: Submodel) -> str:
    return submodel.rsplit(".", 1)[-1] if isinstance(submodel, str) else "other"


def _fail(session_ref: weakref.ref[Session]) -> None:
    session = session_ref()
    if session is not None and not session.closed:
        session.close("failed", "an exception or Ctrl-C left fit before its end")
