"""Run one `fit` into one log directory, for all its callbacks together.

Keras calls the callbacks one after the other, always in the same order. The last of ours acts for
all: every snapshot shows one state of the model, and one position is written as a whole.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from tbviz.callbacks.limits.clock import clock
from tbviz.callbacks.limits.schedule import TrainingProgress
from tbviz.callbacks.limits.scheduler import Scheduler
from tbviz.callbacks.limits.training_clock import TrainingClock
from tbviz.callbacks.run.callback_log import AllCallbacks, CallbackLog
from tbviz.callbacks.run.error_boundary import in_short
from tbviz.callbacks.run.finiteness import FinitenessLog
from tbviz.callbacks.run.fit_info import fit_fields, size_forecast
from tbviz.callbacks.run.layer_tree import model_record
from tbviz.callbacks.run.member import Member
from tbviz.callbacks.run.model_group import ModelGroup
from tbviz.callbacks.run.notebook import in_fit, when_cell_ends
from tbviz.callbacks.run.probe_images import ProbeImageList
from tbviz.callbacks.run.records import metrics_record
from tbviz.callbacks.run.run_log import RunLog
from tbviz.store.disk.locations import Location, store_directory
from tbviz.store.format.schema import FitPosition
from tbviz.store.write.exit_hooks import run_before_exit
from tbviz.taps import keras_private


class Session:
    """One `fit` into one log directory.

    Args:
        log_dir: The directory of the store.
        model_name: The name of the model.
        params: The params that Keras gives to callbacks, with the planned epochs and steps;
            None if it gives none.
        training_clock: Of the fit.

    Attributes:
        run_log: The records of the session.
        log: Bound to all callbacks together, for what concerns no single one.
        training_clock: Shared with other log directories of the same `fit`.
        closed: Whether the end of the `fit` has been written.
    """

    def __init__(
        self,
        log_dir: Location,
        model_name: str,
        params: Mapping[str, Any] | None,
        training_clock: TrainingClock,
    ) -> None:
        known = params or {}
        self._all = AllCallbacks()
        self.run_log = RunLog(log_dir, training_clock)
        self.log = self.run_log.bind(self._all)
        self.training_clock = training_clock
        self.closed = False
        self._log_dir = log_dir
        self._model_name = model_name
        self._params = params
        self._planned: int | None = known.get("epochs")
        self._steps: int | None = known.get("steps")
        self._callbacks: list[Member] = []
        self._groups: list[ModelGroup] = []
        self._images = ProbeImageList(self.log)
        self._metrics = FinitenessLog(self.log)
        self._scheduler: Scheduler[Member] = Scheduler(
            store_directory(log_dir),
            training_clock,
            self.run_log.costs,
            self.run_log.notices.report,
        )
        self._first_epoch: int | None = None
        self._epoch = 0
        self._step = 0
        self._steps_before_epoch = 0
        self._last_end: FitPosition | None = None
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

    def has(self, callback: Member) -> bool:
        """Return whether this callback has joined."""
        return any(other is callback for other in self._callbacks)

    def join(self, callback: Member) -> None:
        """Add a callback, before the first epoch.

        A callback of the user replaces Monitor's own of its class, whichever joins first.

        Raises:
            TbvizError: If its probe images do not fit into one batch with those of the others that
                capture the same model.
        """
        group = self._group_for(callback)
        if any(_replaces(one, callback) for one in group.members):
            self._report_replaced(group.bind(callback))
            return
        group.view.join(callback)
        if group not in self._groups:
            self._groups.append(group)
        for replaced in [one for one in group.members if _replaces(callback, one)]:
            self._report_replaced(group.log_of(replaced))
            group.remove(replaced)
            self._callbacks.remove(replaced)
            self._scheduler.leave(replaced)
        callback.number = 1 + sum(other.title == callback.title for other in self._callbacks)
        self._callbacks.append(callback)
        group.add(callback)
        self._images.arrange([one.view for one in self._groups])
        self._all.strict |= callback.strict
        self._scheduler.join(callback)
        callback.schedule.start(self._progress(epoch_end=False))

    def _group_for(self, callback: Member) -> ModelGroup:
        """Return the callbacks that capture the same model, or a new group."""
        for group in self._groups:
            if group.submodel == callback.submodel:
                return group
        return ModelGroup(callback.submodel, self.run_log, self._images, self._is_taken)

    def _is_taken(self, name: str) -> bool:
        return any(group.name == name for group in self._groups)

    def _report_replaced(self, log: CallbackLog) -> None:
        """Report that a callback of `Monitor` does nothing in this `fit`."""
        text = "left out of Monitor: another callback of this class is in the list of callbacks"
        log.notice(text, level="info", event="replaced")

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
            with self._closed_on_error(), self.log.guard():
                fields = fit_fields(self._model_name, self._planned, epoch, self._steps)
                usual = [callback.schedule for callback in self._callbacks if not callback.rare]
                every_epoch = bool(usual) and all(schedule.every_epoch for schedule in usual)
                snapshots = self._planned - epoch if every_epoch and self._planned else None
                forecast = size_forecast(
                    self._log_dir,
                    snapshots,
                    self._scheduler.disk.size,
                    thinned=self.training_clock.share is not None,
                )
                self.run_log.begin(fields, forecast)
                self._scheduler.begin(epoch, self._planned)
            with self._closed_on_error():
                self._find_outputs()

    def _find_outputs(self) -> None:
        # Now, before Keras opens the data: a pipeline on its own thread would hide whether the
        # model draws from the global random states. And a missing layer is reported at once.
        fitted = self._callbacks[0].model
        for group in self._groups:
            with group.log.guard():
                if group.find(fitted).built:
                    self._open(group, fitted, group.members[0])

    def batch_ends(self, callback: Member, batch: int, logs: Mapping[str, Any] | None) -> None:
        """Count batches; capture if a schedule of batches or minutes is due."""
        if not self._acts_for_all(callback):
            return
        self._step = self._steps_before_epoch + batch + 1
        progress = self._progress(epoch_end=False)
        batchwise = any(other.schedule.batchwise for other in self._callbacks)
        scheduled = self._scheduled(progress) if batchwise else ()
        due: Sequence[Member] = ()
        with self._closed_on_error(), self.log.guard():
            due = self._scheduler.at_batch(scheduled)
        if due:
            self._log_position(due, FitPosition(self._epoch, self._step), logs)

    def epoch_ends(self, callback: Member, epoch: int, logs: Mapping[str, Any] | None) -> None:
        """Capture if a schedule is due, and at the first and the last epoch."""
        if not self._acts_for_all(callback):
            return
        self._epoch = epoch
        self._steps_before_epoch = self._step
        self._last_end = FitPosition(epoch)
        scheduled = self._scheduled(self._progress(epoch_end=True))
        first, last = epoch == self._first_epoch, self._is_last(callback, epoch)
        due: Sequence[Member] = ()
        with self._closed_on_error(), self.log.guard():
            due = self._scheduler.at_epoch(epoch, scheduled, first=first, last=last)
        self._log_position(due, self._last_end, logs)

    def train_ends(self, callback: Member) -> None:
        """Capture the final model if it has changed since the last epoch, and end the run."""
        if not self._acts_for_all(callback):
            return
        with self._closed_on_error():
            last = self._last_end
            if last is not None:
                due = [other for other in self._callbacks if other.last_snapshot != last]
                with self.log.guard():
                    fitted = callback.model
                    for group in self._groups:
                        # EarlyStopping may have restored the best weights, an optimizer its
                        # averages.
                        with group.log.guard():
                            if group.has_changed(fitted):
                                due = self._callbacks
                final: Sequence[Member] = ()
                with self.log.guard():
                    final = self._scheduler.at_end(due)
                if final:
                    self._log_position(final, FitPosition(last.epoch, final=True), None)
                with self.log.guard():
                    self._scheduler.report_skipped()
                    self._report_nothing_captured()
            planned = self._planned
            early = planned is not None and (last is None or last.epoch < planned - 1)
            self.close("stopped" if early else "finished")
            self._raise_write_failure()
            for other in self._callbacks:  # now: the last callback has acted for all
                other.reset()

    def _report_nothing_captured(self) -> None:
        obstacle = self._scheduler.obstacle()
        if self.run_log.logged_kinds or obstacle is None:
            return  # callbacks that fail or are left out have said so
        why, remedy = obstacle
        self.log.notice(
            f"nothing was captured in this fit: {why}", remedy, event="nothing_captured"
        )

    # One position

    def _acts_for_all(self, callback: Member) -> bool:
        return not self.closed and callback is self._callbacks[-1]

    def _scheduled(self, progress: TrainingProgress) -> list[Member]:
        due = []
        for callback in self._callbacks:
            with self._closed_on_error(), self._log_of(callback).guard():
                if callback.schedule.due(progress):  # may be the user's own code
                    due.append(callback)
        return due

    def _is_last(self, callback: Member, epoch: int) -> bool:
        # Not `callback.model`: that would sync JAX's state at every epoch, due or not.
        stopping = getattr(keras_private.model_of_callback(callback), "stop_training", False)
        return bool(stopping) or (self._planned is not None and epoch >= self._planned - 1)

    def _log_position(
        self, due: Sequence[Member], position: FitPosition, logs: Mapping[str, Any] | None
    ) -> None:
        with self._closed_on_error():
            with self.log.guard():
                self.run_log.open(position)
                self._log_metrics(logs, position)
            if due:
                with self.log.guard():
                    self._capture(due, position)
            with self.log.guard():
                self.run_log.hand_over(self._scheduler.take_skipped())
            self._raise_write_failure()

    def _log_metrics(self, logs: Mapping[str, Any] | None, position: FitPosition) -> None:
        record, others = metrics_record(logs)
        if record is not None:
            self.log.add(record)
            self._metrics.check_metrics(record.meta["values"], position)
        if others:
            self.log.notice(
                f"metrics {', '.join(others)} are not scalars and are skipped",
                level="info",
                event="not_scalar",
                detail=others,
            )

    def _capture(self, due: Sequence[Member], position: FitPosition) -> None:
        # Once, outside every scope and trace: on JAX reading it syncs.
        fitted = due[0].model
        self._images.begin_position()
        opened = []
        for group in self._groups:
            with group.log.guard():
                first = next((one for one in due if one in group.members), None)
                if first is not None:
                    self._open(group, fitted, first, (position, self._step))
                    opened.append(group)
                    continue
            with suppress(Exception):  # it is reported when it is due
                group.note_weights(fitted)
        for callback in due:
            group = self._group_for(callback)
            if group not in opened:
                continue
            log = group.log_of(callback)
            costs = self.run_log.costs.measure(callback.callback_id, group.view.inspector)
            with log.guard(), costs:
                callback.capture(group.view, log)
            callback.last_snapshot = position
        self._log_model(fitted, opened)

    def _open(
        self,
        group: ModelGroup,
        fitted: Any,
        first: Member,
        now: tuple[FitPosition, int] | None = None,
    ) -> None:
        """Open a group's view of its model; if its layers are new, so is the layer tree."""
        if group.open(fitted, self.run_log.costs, first, now):
            self._logged_count = -1

    def _log_model(self, fitted: Any, opened: Sequence[ModelGroup]) -> None:
        """Log the layer tree if more was logged than before."""
        logged_kinds = self.run_log.logged_kinds
        count = sum(map(len, logged_kinds.values()))
        if count == self._logged_count or not opened:
            return
        self._logged_count = count
        for group in opened:
            with group.log.guard():
                group.update_nodes(logged_kinds)
        alone = len(self._groups) == 1
        nodes = [node for group in self._groups for node in group.nodes]
        self.log.add(model_record(opened[0].view.model if alone else fitted, nodes))

    # Helpers

    def _log_of(self, callback: Member) -> CallbackLog:
        return self._group_for(callback).log_of(callback)

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
        failure = self.run_log.writer.failure
        if failure is not None and self._all.strict:
            raise failure

    def _progress(self, *, epoch_end: bool) -> TrainingProgress:
        return TrainingProgress(self._epoch, self._step, clock(), epoch_end)


def _replaces(one: Member, other: Member) -> bool:
    """Return whether a callback of the user replaces one that `Monitor` made."""
    return other.replaceable and not one.replaceable and isinstance(one, type(other))


def _fail(session_ref: weakref.ref[Session]) -> None:
    session = session_ref()
    if session is not None and not session.closed:
        session.close("failed", "an exception or Ctrl-C left fit before its end")
