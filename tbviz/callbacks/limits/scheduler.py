"""Decide which callbacks capture now, from schedules, `tbviz control` and limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from tbviz.callbacks.limits.cost_meter import CallbackId, CostMeter
from tbviz.callbacks.limits.disk_limit import DiskLimit
from tbviz.callbacks.limits.notify import Notify
from tbviz.callbacks.limits.remote_control import RemoteControl
from tbviz.callbacks.limits.schedule import Schedule
from tbviz.callbacks.limits.training_clock import TrainingClock
from tbviz.store.disk.locations import Location


class Scheduled(Protocol):
    """What the scheduler knows of a callback.

    Attributes:
        schedule: When it is due.
        max_overhead: The share of training time that it allows, None for any.
        max_disk: The bytes that it allows, None for any.
    """

    schedule: Schedule
    max_overhead: float | None
    max_disk: int | None

    @property
    def callback_id(self) -> CallbackId:
        """Return the identity of the callback."""


Callback = TypeVar("Callback", bound=Scheduled)


class Scheduler(Generic[Callback]):
    """Decides which callbacks of one log directory capture at a point of training.

    All callbacks that are due form one snapshot. A limit postpones it as a whole: its callbacks
    stay due, and are captured with those that are due next. No time limit postpones
    the first snapshot of each callback, the last epoch, and what `tbviz control` requests. While
    the run is paused, only requested snapshots are captured; while the store is full, none are.

    Args:
        store: `<log_dir>/plugins/tbviz`.
        training_clock: Of the fit; keeps `max_overhead` for all its log directories.
        meter: Of the log directory.
        notify: Reports a notice.
    """

    def __init__(
        self, store: Location, training_clock: TrainingClock, meter: CostMeter, notify: Notify
    ) -> None:
        self.disk = DiskLimit(store, meter.bytes, meter.count_wait)
        self._training_clock = training_clock
        self._meter = meter
        self._notify = notify
        self._remote_control = RemoteControl(store, notify, meter.count_wait)
        self._callbacks: list[Callback] = []
        self._new: list[Callback] = []  # those that have not captured yet
        self._postponed: list[Callback] = []
        self._skipped_now: dict[str, None] = {}
        self._skip_counts: Counter[str] = Counter()

    def join(self, callback: Callback) -> None:
        """Add a callback: the smallest limit of all callbacks counts for all.

        Before any first epoch begins, since the callbacks of other log directories count too.
        """
        self._callbacks.append(callback)
        self._new.append(callback)
        for budget in (self._training_clock.budget, self._meter.bytes):
            budget.open(callback.callback_id)
        self._training_clock.limit(callback.max_overhead)
        self.disk.limit(callback.max_disk)

    def begin(self, first: int, planned: int | None) -> None:
        """Begin the run with its first epoch.

        Args:
            first: The epoch.
            planned: How many epochs there will be, counted from 0; None if unknown.
        """
        self.disk.begin(first, planned)
        self._remote_control.begin()

    # Which callbacks capture

    def at_batch(self, scheduled: Sequence[Callback]) -> Sequence[Callback]:
        """Return which callbacks capture at the end of a batch, of those that are due by it."""
        if self._remote_control.poll_is_due() and self._remote_control.poll(batch=True):
            return self._select(self._callbacks, always=self._callbacks)
        orders = self._remote_control.orders
        if orders.paused or orders.every is not None or not scheduled:
            return ()
        waiting = [callback for callback in self._postponed if callback.schedule.batchwise]
        return self._select(scheduled, waiting)

    def at_epoch(
        self, epoch: int, scheduled: Sequence[Callback], *, first: bool, last: bool
    ) -> Sequence[Callback]:
        """Return which callbacks capture at the end of an epoch.

        Args:
            epoch: Counted from 0.
            scheduled: The callbacks that are due by their schedules.
            first: Whether it is the first epoch of the fit.
            last: Whether it is known to be the last.
        """
        now = self._remote_control.poll()
        orders = self._remote_control.orders
        self._meter.collect()
        self.disk.end_epoch(epoch)
        if now or (last and not orders.paused):
            return self._select(self._callbacks, always=self._callbacks)
        if orders.paused:
            self._take_off(self._postponed)
            return ()
        if first:
            return self._select(self._callbacks, always=self._new)
        if orders.every is not None:
            scheduled = self._callbacks if epoch % orders.every == 0 else ()
        return self._select(scheduled, self._postponed)

    def at_end(self, callbacks: Sequence[Callback]) -> Sequence[Callback]:
        """Return which of these callbacks capture the model that `fit` leaves behind."""
        if self._remote_control.orders.paused:
            return ()
        return self._select(callbacks, always=callbacks)

    def _select(
        self,
        scheduled: Sequence[Callback],
        waiting: Sequence[Callback] = (),
        always: Sequence[Callback] = (),
    ) -> Sequence[Callback]:
        """Return the callbacks of the next snapshot.

        Args:
            scheduled: Those that are due now.
            waiting: Those that were postponed and may be captured now. Defaults to none.
            always: Those of them that are captured if the store has room, whatever they take.
                Defaults to none.
        """
        self._meter.collect()
        due = [one for one in self._callbacks if one in scheduled or one in waiting]
        selected, limit = due, None
        if any(one not in always for one in due):
            limit = self._exceeded(_keys(due))
            selected = due if limit is None else [one for one in due if one in always]
        if selected and not self.disk.fits(_keys(selected)):
            selected, limit = [], self.disk
        self._take_off(due)
        if limit is not None:
            self._postpone([one for one in due if one not in selected], scheduled, limit)
        self._new = [one for one in self._new if one not in selected]
        for budget in (self._training_clock.budget, self._meter.bytes):
            budget.begin(_keys(selected))
        return selected

    def _exceeded(self, keys: set[CallbackId]) -> DiskLimit | TrainingClock | None:
        """Return the limit that a snapshot of these callbacks and of those that wait exceeds."""
        if not self.disk.affords(keys | _keys(self._postponed)):
            return self.disk
        return None if self._training_clock.affords(keys) else self._training_clock

    def _postpone(
        self,
        callbacks: Sequence[Callback],
        scheduled: Sequence[Callback],
        limit: DiskLimit | TrainingClock,
    ) -> None:
        """Postpone callbacks; those that are scheduled now are counted as skipped."""
        self._postponed += callbacks
        if limit is self._training_clock:  # the other log directories leave time for them
            self._training_clock.postponed |= _keys(callbacks)
        skipped = [one.callback_id.method for one in callbacks if one in scheduled]
        self._skipped_now |= dict.fromkeys(skipped)
        self._skip_counts.update(skipped)
        text = limit.reason(_keys(callbacks))
        self._notify("tbviz", text, level="info", event=limit.event, rule=limit.rule)

    def _take_off(self, callbacks: Sequence[Callback]) -> None:
        """Take callbacks off the list of those that wait."""
        self._training_clock.postponed -= _keys(callbacks)
        self._postponed = [one for one in self._postponed if one not in callbacks]

    def leave(self, callback: Callback) -> None:
        """Remove a callback that another one replaces, before the first epoch."""
        self._callbacks.remove(callback)
        self._new.remove(callback)

    # Reports

    def obstacle(self) -> tuple[str, str] | None:
        """Return why no callback may capture now, and what to do; None if they may."""
        if self._remote_control.orders.paused:
            return "the run is paused", "run `tbviz control LOG_DIR resume`"
        if not self.disk.fits(_keys(self._callbacks)):
            return self.disk.fullness, self.disk.remedy
        return None

    def take_skipped(self) -> Sequence[str]:
        """Return the callbacks that were due and postponed since the last call."""
        skipped, self._skipped_now = list(self._skipped_now), {}
        return skipped

    def report_skipped(self) -> None:
        """Report at the end how the limits were kept, and what was skipped."""
        if not self._skip_counts:
            return
        self._meter.collect()
        each = ", ".join(
            f"{name} {'once' if count == 1 else f'{count} times'}"
            for name, count in self._skip_counts.most_common()
        )
        text = f"logging took {self._training_clock.overhead:.1%} of training time; skipped: {each}"
        self._notify("tbviz", text, level="info", event="limit_summary")


def _keys(callbacks: Iterable[Scheduled]) -> set[CallbackId]:
    return {callback.callback_id for callback in callbacks}
