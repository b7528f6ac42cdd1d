"""The pace: who looks at a moment, as schedules, orders from outside and limits have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tbviz.callbacks.limits import Limits
from tbviz.callbacks.remote_control import OrdersWatch
from tbviz.callbacks.run_log import Journal
from tbviz.callbacks.schedule import Moment
from tbviz.callbacks.training_clock import Ledger
from tbviz.store.locations import Place

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual


class Due(NamedTuple):
    """Who looks at a moment.

    Args:
        members: these.
        whole: whether each does all of its work now, whatever it takes.
    """

    members: Sequence[Visual] = ()
    whole: bool = True


class Pace:
    """Who looks at a moment.

    Args:
        journal: of the log directory.
        ledger: of the fit.
        store: `<log_dir>/plugins/tbviz`.
    """

    def __init__(self, journal: Journal, ledger: Ledger, store: Place) -> None:
        self.limits = Limits(journal, ledger, store)
        self._journal = journal
        self._watch = OrdersWatch(store, journal)
        self._members: list[Visual] = []
        self._going_on: dict[int, Iterator[None]] = {}
        self._left_out: list[str] = []
        self._interrupted: list[str] = []
        self._skipped: Counter[str] = Counter()

    def join(self, member: Visual) -> None:
        """Takes in a callback, before the first epoch."""
        self.limits.join(member)
        self._members.append(member)

    def begin(self, first: int, planned: int | None) -> None:
        """The first epoch begins.

        Args:
            first: the epoch.
            planned: how many epochs there will be, counted from 0; `None` where nobody knows.
        """
        self.limits.begin(first, planned)
        self._watch.begin()

    # Who looks

    def at_batch(self, moment: Moment, scheduled: Sequence[Visual]) -> Due:
        """Who looks at the end of a batch, of those who would by their schedules."""
        now = self._watch.rested() and self._watch.look(batch=True)
        orders = self._watch.orders
        if not now and (orders.paused or orders.every is not None):
            return Due()
        if not now and not scheduled:
            return Due()
        return self._due(moment, self._members if now else scheduled, whole=now)

    def at_epoch(
        self, moment: Moment, scheduled: Sequence[Visual], *, first: bool, last: bool
    ) -> Due:
        """Who looks at the end of an epoch.

        Args:
            moment: this.
            scheduled: those who would by their schedules.
            first: whether it is the first epoch of the fit.
            last: whether it is known to be the last.
        """
        now = self._watch.look()
        orders = self._watch.orders
        if orders.paused and not now:
            return self._due(moment, ())
        if orders.every is not None:
            scheduled = self._members if moment.epoch % orders.every == 0 else ()
        if now or first or last:
            return self._due(moment, self._members, whole=now or last, first=first)
        going_on = [member for member in self._members if member.author.key in self._going_on]
        return self._due(moment, scheduled, going_on)

    def at_end(self, members: Sequence[Visual]) -> Due:
        """Who looks at what `fit` left behind, of those for whom it is new."""
        if self._watch.orders.paused:
            return Due()
        self.limits.collect()
        return Due(self.limits.fitting([one for one in members if one in self._members]))

    def _due(
        self,
        moment: Moment,
        scheduled: Sequence[Visual],
        going_on: Sequence[Visual] = (),
        *,
        whole: bool = False,
        first: bool = False,
    ) -> Due:
        self.limits.pay(moment.epoch, epoch_end=moment.epoch_end)
        members = [one for one in self._members if one in scheduled or one in going_on]
        if not self.limits.thin:
            return Due(members)
        if whole or first:
            chosen = self.limits.fitting(members)
        else:
            chosen = [member for member in members if self.limits.affords(member)]
        for member in scheduled:  # whose look goes on can wait, and misses nothing
            if member in members and member not in chosen:
                self._leave_out(member)
        return Due(chosen, whole=whole)

    def retire(self, member: Visual) -> None:
        """A callback looks no more: others log all that it would."""
        self._members.remove(member)
        text = "looks no more: another callback logs all that it would"
        self._journal.notice(member.method, text, level="info", event="superseded")

    # Work that goes on over several positions

    def going_on(self, member: Visual) -> Iterator[None] | None:
        """What is left of a look that was interrupted."""
        return self._going_on.pop(member.author.key, None)

    def interrupt(self, member: Visual, rest: Iterator[None]) -> None:
        """Keeps what is left of a look until its callback can afford it."""
        self._going_on[member.author.key] = rest
        self._interrupted.append(member.method)

    def drop(self, member: Visual) -> None:
        """A callback begins a look anew."""
        if self._going_on.pop(member.author.key, None) is not None:
            self.limits.abandon(member)

    def forget(self) -> None:
        """Drops all interrupted looks: they are of a model that has changed."""
        for member in self._members:
            self.drop(member)

    def turned(self, step: int) -> dict[str, float | list[str]]:
        """A position is handed over.

        Args:
            step: batches trained on so far.

        Returns:
            Fields of its `cost` record.
        """
        fields: dict[str, float | list[str]] = {**self.limits.turned(step)}
        if self._left_out:
            fields["left_out"], self._left_out = self._left_out, []
        if self._interrupted:
            fields["parts"], self._interrupted = self._interrupted, []
        return fields

    # Saying

    def _leave_out(self, member: Visual) -> None:
        name = member.method
        self._skipped[name] += 1
        self._left_out.append(name)
        why = self.limits.why(member)
        self._journal.notice(name, why.text, level="info", event=why.event, rule=why.rule)

    def say_what_was_left_out(self) -> None:
        """At the end: what the limits have come to."""
        if not self._skipped:
            return
        each = ", ".join(f"{name} {count} times" for name, count in self._skipped.most_common())
        self._journal.notice(
            "tbviz",
            f"looks took {self.limits.share:.1%} of training time; left out: {each}",
            level="info",
            event="limit_summary",
        )
