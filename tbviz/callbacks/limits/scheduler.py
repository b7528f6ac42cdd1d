"""The scheduler: decides which callbacks capture, from schedules, `tbviz control` and limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tbviz.callbacks.limits.limits import Limits
from tbviz.callbacks.limits.remote_control import RemoteControl
from tbviz.callbacks.limits.schedule import TrainingProgress
from tbviz.callbacks.limits.training_clock import TrainingClock
from tbviz.callbacks.run.run_log import RunLog
from tbviz.store.disk.locations import Location

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual


class DueCallbacks(NamedTuple):
    """The callbacks that capture now.

    Args:
        callbacks: these.
        whole: whether each does all of its work now, whatever it takes.
    """

    callbacks: Sequence[Visual] = ()
    whole: bool = True


class Scheduler:
    """Decides which callbacks capture at a point of training.

    Args:
        run_log: of the log directory.
        training_clock: of the fit.
        store: `<log_dir>/plugins/tbviz`.
    """

    def __init__(self, run_log: RunLog, training_clock: TrainingClock, store: Location) -> None:
        self.limits = Limits(run_log, training_clock, store)
        self._run_log = run_log
        self._remote_control = RemoteControl(store, run_log)
        self._callbacks: list[Visual] = []
        self._going_on: dict[int, Iterator[None]] = {}
        self._skipped_now: list[str] = []
        self._interrupted: list[str] = []
        self._skip_counts: Counter[str] = Counter()

    def join(self, callback: Visual) -> None:
        """Add a callback, before the first epoch."""
        self.limits.join(callback)
        self._callbacks.append(callback)

    def leave(self, callback: Visual) -> None:
        """Remove a callback, before the first epoch."""
        self._callbacks.remove(callback)

    def begin(self, first: int, planned: int | None) -> None:
        """Begin the run with its first epoch.

        Args:
            first: the epoch.
            planned: how many epochs there will be, counted from 0; `None` if unknown.
        """
        self.limits.begin(first, planned)
        self._remote_control.begin()

    # Which callbacks capture

    def at_batch(self, progress: TrainingProgress, scheduled: Sequence[Visual]) -> DueCallbacks:
        """Return which of the scheduled callbacks capture at the end of a batch."""
        now = self._remote_control.poll_is_due() and self._remote_control.poll(batch=True)
        orders = self._remote_control.orders
        if not now and (orders.paused or orders.every is not None):
            return DueCallbacks()
        if not now and not scheduled:
            return DueCallbacks()
        return self._due(progress, self._callbacks if now else scheduled, whole=now)

    def at_epoch(
        self, progress: TrainingProgress, scheduled: Sequence[Visual], *, first: bool, last: bool
    ) -> DueCallbacks:
        """Return which callbacks capture at the end of an epoch.

        Args:
            progress: where training stands.
            scheduled: the callbacks that are due by their schedules.
            first: whether it is the first epoch of the fit.
            last: whether it is known to be the last.
        """
        now = self._remote_control.poll()
        orders = self._remote_control.orders
        if orders.paused and not now:
            return self._due(progress, ())
        if orders.every is not None:
            scheduled = self._callbacks if progress.epoch % orders.every == 0 else ()
        if now or first or last:
            return self._due(progress, self._callbacks, whole=now or last, first=first)
        continued = [
            callback for callback in self._callbacks if callback.callback_id.key in self._going_on
        ]
        return self._due(progress, scheduled, continued)

    def at_end(self, callbacks: Sequence[Visual]) -> DueCallbacks:
        """Return which of these callbacks capture the model that `fit` leaves behind."""
        if self._remote_control.orders.paused:
            return DueCallbacks()
        self.limits.collect()
        return DueCallbacks(
            self.limits.fitting([one for one in callbacks if one in self._callbacks])
        )

    def _due(
        self,
        progress: TrainingProgress,
        scheduled: Sequence[Visual],
        continued: Sequence[Visual] = (),
        *,
        whole: bool = False,
        first: bool = False,
    ) -> DueCallbacks:
        self.limits.pay(progress.epoch, epoch_end=progress.epoch_end)
        callbacks = [one for one in self._callbacks if one in scheduled or one in continued]
        if not self.limits.thin:
            return DueCallbacks(callbacks)
        if whole or first:
            selected = self.limits.fitting(callbacks)
        else:
            selected = [callback for callback in callbacks if self.limits.affords(callback)]
        for callback in scheduled:  # interrupted callbacks can wait, and miss nothing
            if callback in callbacks and callback not in selected:
                self._skip(callback)
        return DueCallbacks(selected, whole=whole)

    # Work that goes on over several positions

    def continued(self, callback: Visual) -> Iterator[None] | None:
        """Return the rest of an interrupted snapshot."""
        return self._going_on.pop(callback.callback_id.key, None)

    def interrupt(self, callback: Visual, rest: Iterator[None]) -> None:
        """Store the rest of a snapshot until its callback can afford it."""
        self._going_on[callback.callback_id.key] = rest
        self._interrupted.append(callback.method)

    def drop(self, callback: Visual) -> None:
        """Drop the interrupted snapshot of a callback: it begins a new one."""
        if self._going_on.pop(callback.callback_id.key, None) is not None:
            self.limits.abandon(callback)

    def reset(self) -> None:
        """Drop all interrupted snapshots: the model has changed."""
        for callback in self._callbacks:
            self.drop(callback)

    def finish_snapshot(self, batches: int) -> dict[str, float | list[str]]:
        """Finish a position that is handed over.

        Args:
            batches: trained on so far.

        Returns:
            Fields of its `cost` record.
        """
        fields: dict[str, float | list[str]] = {**self.limits.finish_snapshot(batches)}
        if self._skipped_now:
            fields["skipped"], self._skipped_now = self._skipped_now, []
        if self._interrupted:
            fields["divided"], self._interrupted = self._interrupted, []
        return fields

    # Notices

    def _skip(self, callback: Visual) -> None:
        name = callback.method
        self._skip_counts[name] += 1
        self._skipped_now.append(name)
        skip_reason = self.limits.skip_reason(callback)
        self._run_log.notice(
            name, skip_reason.text, level="info", event=skip_reason.event, rule=skip_reason.rule
        )

    def report_skipped(self) -> None:
        """Report at the end how the limits were kept, and what was skipped."""
        if not self._skip_counts:
            return
        each = ", ".join(
            f"{name} {'once' if count == 1 else f'{count} times'}"
            for name, count in self._skip_counts.most_common()
        )
        self._run_log.notice(
            "tbviz",
            f"logging took {self.limits.share:.1%} of training time; skipped: {each}",
            level="info",
            event="limit_summary",
        )
