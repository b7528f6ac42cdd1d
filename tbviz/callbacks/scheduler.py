"""The pace: who looks at a moment, as schedules, orders from outside and limits have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tbviz.callbacks.limits import Limits
from tbviz.callbacks.remote_control import RemoteControl
from tbviz.callbacks.run_log import RunLog
from tbviz.callbacks.schedule import Moment
from tbviz.callbacks.training_clock import TrainingClock
from tbviz.store.locations import Location

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual


class DueCallbacks(NamedTuple):
    """Who looks at a moment.

    Args:
        callbacks: these.
        whole: whether each does all of its work now, whatever it takes.
    """

    callbacks: Sequence[Visual] = ()
    whole: bool = True


class Scheduler:
    """Who looks at a moment.

    Args:
        run_log: of the log directory.
        training_clock: of the fit.
        store: `<log_dir>/plugins/tbviz`.
    """

    def __init__(self, run_log: RunLog, training_clock: TrainingClock, store: Location) -> None:
        self.limits = Limits(run_log, training_clock, store)
        self._run_log = run_log
        self._watch = RemoteControl(store, run_log)
        self._callbacks: list[Visual] = []
        self._going_on: dict[int, Iterator[None]] = {}
        self._left_out: list[str] = []
        self._interrupted: list[str] = []
        self._skipped: Counter[str] = Counter()

    def join(self, callback: Visual) -> None:
        """Takes in a callback, before the first epoch."""
        self.limits.join(callback)
        self._callbacks.append(callback)

    def begin(self, first: int, planned: int | None) -> None:
        """The first epoch begins.

        Args:
            first: the epoch.
            planned: how many epochs there will be, counted from 0; `None` where nobody knows.
        """
        self.limits.begin(first, planned)
        self._watch.begin()

    # Who looks

    def at_batch(self, moment: Moment, scheduled: Sequence[Visual]) -> DueCallbacks:
        """Who looks at the end of a batch, of those who would by their schedules."""
        now = self._watch.rested() and self._watch.capture(batch=True)
        orders = self._watch.orders
        if not now and (orders.paused or orders.every is not None):
            return DueCallbacks()
        if not now and not scheduled:
            return DueCallbacks()
        return self._due(moment, self._callbacks if now else scheduled, whole=now)

    def at_epoch(
        self, moment: Moment, scheduled: Sequence[Visual], *, first: bool, last: bool
    ) -> DueCallbacks:
        """Who looks at the end of an epoch.

        Args:
            moment: this.
            scheduled: those who would by their schedules.
            first: whether it is the first epoch of the fit.
            last: whether it is known to be the last.
        """
        now = self._watch.capture()
        orders = self._watch.orders
        if orders.paused and not now:
            return self._due(moment, ())
        if orders.every is not None:
            scheduled = self._callbacks if moment.epoch % orders.every == 0 else ()
        if now or first or last:
            return self._due(moment, self._callbacks, whole=now or last, first=first)
        continued = [
            callback for callback in self._callbacks if callback.callback_id.key in self._going_on
        ]
        return self._due(moment, scheduled, continued)

    def at_end(self, callbacks: Sequence[Visual]) -> DueCallbacks:
        """Who looks at what `fit` left behind, of those for whom it is new."""
        if self._watch.orders.paused:
            return DueCallbacks()
        self.limits.collect()
        return DueCallbacks(
            self.limits.fitting([one for one in callbacks if one in self._callbacks])
        )

    def _due(
        self,
        moment: Moment,
        scheduled: Sequence[Visual],
        continued: Sequence[Visual] = (),
        *,
        whole: bool = False,
        first: bool = False,
    ) -> DueCallbacks:
        self.limits.pay(moment.epoch, epoch_end=moment.epoch_end)
        callbacks = [one for one in self._callbacks if one in scheduled or one in continued]
        if not self.limits.thin:
            return DueCallbacks(callbacks)
        if whole or first:
            selected = self.limits.fitting(callbacks)
        else:
            selected = [callback for callback in callbacks if self.limits.affords(callback)]
        for callback in scheduled:  # whose look goes on can wait, and misses nothing
            if callback in callbacks and callback not in selected:
                self._leave_out(callback)
        return DueCallbacks(selected, whole=whole)

    def retire(self, callback: Visual) -> None:
        """A callback looks no more: others log all that it would."""
        self._callbacks.remove(callback)
        text = "looks no more: another callback logs all that it would"
        self._run_log.notice(callback.method, text, level="info", event="superseded")

    # Work that goes on over several positions

    def continued(self, callback: Visual) -> Iterator[None] | None:
        """What is left of a look that was interrupted."""
        return self._going_on.pop(callback.callback_id.key, None)

    def interrupt(self, callback: Visual, rest: Iterator[None]) -> None:
        """Keeps what is left of a look until its callback can afford it."""
        self._going_on[callback.callback_id.key] = rest
        self._interrupted.append(callback.method)

    def drop(self, callback: Visual) -> None:
        """A callback begins a look anew."""
        if self._going_on.pop(callback.callback_id.key, None) is not None:
            self.limits.abandon(callback)

    def reset(self) -> None:
        """Drops all interrupted looks: they are of a model that has changed."""
        for callback in self._callbacks:
            self.drop(callback)

    def finish_step(self, step: int) -> dict[str, float | list[str]]:
        """A position is handed over.

        Args:
            step: batches trained on so far.

        Returns:
            Fields of its `cost` record.
        """
        fields: dict[str, float | list[str]] = {**self.limits.finish_step(step)}
        if self._left_out:
            fields["skipped"], self._left_out = self._left_out, []
        if self._interrupted:
            fields["divided"], self._interrupted = self._interrupted, []
        return fields

    # Saying

    def _leave_out(self, callback: Visual) -> None:
        name = callback.method
        self._skipped[name] += 1
        self._left_out.append(name)
        why = self.limits.why(callback)
        self._run_log.notice(name, why.text, level="info", event=why.event, rule=why.rule)

    def say_what_was_left_out(self) -> None:
        """At the end: what the limits have come to."""
        if not self._skipped:
            return
        each = ", ".join(f"{name} {count} times" for name, count in self._skipped.most_common())
        self._run_log.notice(
            "tbviz",
            f"looks took {self.limits.share:.1%} of training time; left out: {each}",
            level="info",
            event="limit_summary",
        )
