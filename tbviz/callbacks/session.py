"""The session: one `fit` into one log directory, conducted for all its callbacks together.

Keras calls the callbacks one after the other, always in the same order. The last of ours acts for
all: every look is at the same state of the model, and one position is written as a whole.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from tbviz.callbacks.error_boundary import boundary, in_short
from tbviz.callbacks.fit_info import fit_fields, size_forecast
from tbviz.callbacks.layer_tree import model_record
from tbviz.callbacks.model_view import ModelView
from tbviz.callbacks.notebook import in_fit, when_cell_ends
from tbviz.callbacks.records import metrics_record
from tbviz.callbacks.run_callback import work
from tbviz.callbacks.run_log import RunLog
from tbviz.callbacks.schedule import Moment, clock
from tbviz.callbacks.scheduler import DueCallbacks, Scheduler
from tbviz.callbacks.submodel import Submodel, find_submodel, not_callable
from tbviz.callbacks.training_clock import TrainingClock
from tbviz.callbacks.weight_signature import signature
from tbviz.errors import TbvizError
from tbviz.store.exit_hooks import run_before_exit
from tbviz.store.locations import Location, store_directory
from tbviz.store.schema import Position
from tbviz.taps import keras_private
from tbviz.taps.inspector import inspector_for
from tbviz.taps.model_outputs import ModelOutputs

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual


class Session:
    """One `fit` into one log directory.

    Args:
        log_dir: where the store lies.
        model_name: what the model is called.
        params: what Keras tells callbacks: planned epochs and steps; `None` where it does not.
        training_clock: of the fit.

    Attributes:
        run_log: what is written.
        training_clock: what it shares with other log directories of the same `fit`.
        closed: whether the end of the `fit` has been written.
    """

    def __init__(
        self,
        log_dir: Location,
        model_name: str,
        params: Mapping[str, Any] | None,
        training_clock: TrainingClock,
    ) -> None:
        told = params or {}
        self.run_log = RunLog(log_dir, training_clock)
        self.training_clock = training_clock
        self.closed = False
        self._log_dir = log_dir
        self._model_name = model_name
        self._params = params
        self._planned: int | None = told.get("epochs")
        self._steps: int | None = told.get("steps")
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
        self._drawn = 0
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

    def belongs_to(self, params: Mapping[str, Any] | None) -> bool:
        """Whether it is of the fit whose callbacks are told this: one object for all of them.

        A loop of the user's own may tell each an object of its own.
        """
        return self._params is params or not in_fit()

    def has(self, callback: Visual) -> bool:
        """Whether this callback has joined."""
        return any(other is callback for other in self._callbacks)

    def join(self, callback: Visual) -> None:
        """Adds a callback, before the first epoch.

        Raises:
            TbvizError: it looks into another model than the others, or its probe does not fit into
                one batch with theirs.
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
        callback.number = 1 + sum(other.title == callback.title for other in self._callbacks)
        self._callbacks.append(callback)
        self._scheduler.join(callback)
        callback.schedule.start(self._moment(epoch_end=False))

    def close(self, status: str, reason: str | None = None) -> None:
        """Writes what is left and the end of the `fit`, and waits until all is on disk."""
        self.closed = True
        self._finalizer.detach()
        self.run_log.end(status, reason)

    # Keras' hooks, of every member

    def epoch_begins(self, epoch: int) -> None:
        """Notes the epoch; the first one begins the run."""
        if self.closed:
            return
        self._epoch = epoch
        if not self.begun:
            self._first_epoch = epoch
            with self._ending_if_it_raises(), self._boundary():
                fields = fit_fields(self._model_name, self._planned, epoch, self._steps)
                usual = [callback.schedule for callback in self._callbacks if not callback.rare]
                every_epoch = bool(usual) and all(schedule.every_epoch for schedule in usual)
                snapshots = self._planned - epoch if every_epoch and self._planned else None
                limits = self._scheduler.limits
                saying = size_forecast(self._log_dir, snapshots, limits.size, thinned=limits.divide)
                self.run_log.begin(fields, saying)
                self._scheduler.begin(epoch, self._planned)
                self._view.in_parts = limits.divide
            with self._ending_if_it_raises(), self._boundary():
                self._find_outputs()

    def _find_outputs(self) -> None:
        # Now, before Keras opens the data: whether the model draws from the global random states
        # cannot be told while a pipeline draws from them on a thread of its own.
        first = self._callbacks[0]
        model = self._find_submodel(first)
        if model.built:
            with self.run_log.costs.measure(first.method, inspector_for(model)):
                if self._view.open(model):
                    self._prepare()  # so that a layer that is not there is said at once

    def batch_ends(self, callback: Visual, batch: int, logs: Mapping[str, Any] | None) -> None:
        """Counts batches; looks where a schedule goes by batches or minutes."""
        if not self._conducts(callback):
            return
        self._step = self._steps_before_epoch + batch + 1
        moment = self._moment(epoch_end=False)
        batchwise = any(other.schedule.batchwise for other in self._callbacks)
        scheduled = self._scheduled(moment) if batchwise else ()
        due = DueCallbacks()
        with self._ending_if_it_raises(), self._boundary():
            due = self._scheduler.at_batch(moment, scheduled)
        if due.callbacks:
            self._turn(due, Position(self._epoch, self._step), logs)

    def epoch_ends(self, callback: Visual, epoch: int, logs: Mapping[str, Any] | None) -> None:
        """Looks, where a schedule says so, and at the first and the last epoch."""
        if not self._conducts(callback):
            return
        self._epoch = epoch
        self._steps_before_epoch = self._step
        self._last_end = Position(epoch)
        moment = self._moment(epoch_end=True)
        scheduled = self._scheduled(moment)
        first, last = epoch == self._first_epoch, self._is_last(callback, epoch)
        due = DueCallbacks()
        with self._ending_if_it_raises(), self._boundary():
            due = self._scheduler.at_epoch(moment, scheduled, first=first, last=last)
        self._turn(due, self._last_end, logs)

    def train_ends(self, callback: Visual) -> None:
        """Looks at what `fit` left behind, if that is not the last epoch's, and ends the run."""
        if not self._conducts(callback):
            return
        with self._ending_if_it_raises():
            last = self._last_end
            if last is not None:
                due = [other for other in self._callbacks if other.last_snapshot != last]
                with self._boundary():
                    # EarlyStopping may have put back the best weights, an optimizer its averages.
                    if (
                        self._weights is not None
                        and signature(self._find_submodel(callback)) != self._weights
                    ):
                        due = self._callbacks
                looking = DueCallbacks()
                with self._boundary():
                    looking = self._scheduler.at_end(due)
                if looking.callbacks:
                    self._turn(looking, Position(last.epoch, final=True), None)
                with self._boundary():
                    self._scheduler.say_what_was_left_out()
            planned = self._planned
            early = planned is not None and (last is None or last.epoch < planned - 1)
            self.close("stopped" if early else "finished")
            self._raise_what_failed()
            for other in self._callbacks:  # now, since the last of them has just looked for all
                other.reset()

    # One position

    def _conducts(self, callback: Visual) -> bool:
        return not self.closed and callback is self._callbacks[-1]

    def _scheduled(self, moment: Moment) -> list[Visual]:
        due = []
        for callback in self._callbacks:
            with self._ending_if_it_raises(), self._boundary(callback):
                if callback.schedule.due(moment):  # may be the user's own code
                    due.append(callback)
        return due

    def _is_last(self, callback: Visual, epoch: int) -> bool:
        # Not `callback.model`: that would sync JAX's state at every epoch, due or not.
        stopping = getattr(keras_private.model_of_callback(callback), "stop_training", False)
        return bool(stopping) or (self._planned is not None and epoch >= self._planned - 1)

    def _turn(self, due: DueCallbacks, position: Position, logs: Mapping[str, Any] | None) -> None:
        with self._ending_if_it_raises():
            with self._boundary():
                self.run_log.open(position)
                self._note_metrics(logs, position)
            if due.callbacks:
                with self._boundary():
                    self._capture(due, position)
            with self._boundary():
                fields = self._scheduler.finish_step(self._step)
                self.run_log.hand_over(fields)
            self._raise_what_failed()

    def _note_metrics(self, logs: Mapping[str, Any] | None, position: Position) -> None:
        record, others = metrics_record(logs)
        if record is not None:
            self.run_log.add(record)
            self._view.breakage.metrics(record.meta["values"], position)
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
                self._view.check(position)
        self._scheduler.limits.spend(first, spent, parts=0, done=False)
        for callback in sorted(due.callbacks, key=lambda callback: callback.low_priority):
            if work(
                callback, self._view, self.run_log, self._scheduler, self._boundary, whole=due.whole
            ):
                callback.last_snapshot = position
                if self.run_log.superseded(callback.callback_id):
                    self._scheduler.retire(callback)
        drawn = sum(map(len, self.run_log.drawn.values()))
        if drawn != self._drawn:
            self._drawn = drawn
            self.run_log.add(model_record(model, self._view.model_outputs, self.run_log.drawn))

    def _prepare(self) -> None:
        self._drawn = -1
        self._scheduler.reset()
        model_outputs = self._outputs_or_raise()
        for callback in self._callbacks:
            with self._boundary(callback):
                callback.prepare(model_outputs, self.run_log)
        self._view.record(callback for callback in self._callbacks if callback.wants_recording)

    def _find_submodel(self, callback: Visual) -> Any:
        # `callback.model` first, outside every scope and trace: on JAX reading it syncs.
        return find_submodel(callback.model, self._submodel)

    def _outputs_or_raise(self) -> ModelOutputs:
        try:
            return self._view.model_outputs
        except NotImplementedError as error:
            raise not_callable(self._callbacks[0].model, self._submodel, error) from error

    # Small things

    def _boundary(self, callback: Visual | None = None) -> AbstractContextManager[None]:
        if callback is not None:
            return boundary(self.run_log, callback.method, strict=callback.strict)
        strict = any(other.strict for other in self._callbacks)
        return boundary(self.run_log, "tbviz", strict=strict)

    @contextmanager
    def _ending_if_it_raises(self) -> Iterator[None]:
        """`strict=True` and Ctrl-C end `fit` without another hook."""
        try:
            yield
        except BaseException as error:
            self.close("failed", f"{type(error).__name__}: {in_short(error)}")
            raise

    def _raise_what_failed(self) -> None:
        """What failed on the writer's thread, said there already, for `strict=True`."""
        if self.run_log.failure is not None and any(other.strict for other in self._callbacks):
            raise self.run_log.failure

    def _moment(self, *, epoch_end: bool) -> Moment:
        return Moment(self._epoch, self._step, clock(), epoch_end)


def _folder(submodel: Submodel) -> str:
    return submodel.rsplit(".", 1)[-1] if isinstance(submodel, str) else "other"


def _fail(of: weakref.ref[Session]) -> None:
    session = of()
    if session is not None and not session.closed:
        session.close("failed", "an exception or Ctrl-C left fit before its end")
