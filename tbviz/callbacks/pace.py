"""The pace: who looks at a moment, as schedules, orders from outside and budgets have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tbviz.amounts import in_bytes
from tbviz.callbacks.budget import Budget
from tbviz.callbacks.costs import Spent
from tbviz.callbacks.factor import WriterFactor
from tbviz.callbacks.journal import Journal
from tbviz.callbacks.orders import OrdersWatch
from tbviz.callbacks.pages import Written
from tbviz.callbacks.schedule import Moment
from tbviz.store.folder import bytes_in
from tbviz.store.places import Place

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual

# Where nobody knows how long a run will be, its disk is shared out as if it were so long.
_MANY_EPOCHS = 1000


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

    Costs are main-thread seconds, waits for the disk, and the CPU seconds of the writer's thread
    times what such a second costs training in this run. Compiling is in no budget.

    Args:
        journal: of the fit.
        store: `<log_dir>/plugins/tbviz`.
    """

    def __init__(self, journal: Journal, store: Place) -> None:
        self._journal = journal
        self._store = store
        self._watch = OrdersWatch(store, journal)
        self._share: float | None = None
        self._limit: int | None = None
        self._size = 0
        self._room = 0.0
        self._seconds: Budget | None = None
        self._bytes: Budget | None = None
        self._factor = WriterFactor()
        self._members: list[Visual] = []
        self._going_on: dict[int, Iterator[None]] = {}
        self._epochs: range | None = None
        self._earned = 0.0  # training time since the last position that was paid in
        self._common = 0.0  # seconds that no callback answers for
        self._common_size = 0
        self._step = 0
        self._left_out: list[str] = []
        self._interrupted: list[str] = []
        self._skipped: Counter[str] = Counter()
        self._spent = self._trained = 0.0

    def begin(self, members: Sequence[Visual], first: int, planned: int | None) -> None:
        """The first epoch begins: the smallest limits that a callback has are those of all.

        Args:
            members: all callbacks.
            first: the epoch.
            planned: how many epochs there will be, counted from 0; `None` where nobody knows.
        """
        self._members = list(members)
        self._epochs = range(first, planned) if planned is not None and planned > first else None
        shares = [one.max_overhead for one in members if one.max_overhead is not None]
        sizes = [one.max_disk for one in members if one.max_disk is not None]
        if shares:
            self._share, self._seconds = min(shares), Budget()
        if sizes:
            self._limit, self._bytes = min(sizes), Budget()
            self._size = bytes_in(self._store)
            # What a look takes is expected, not known: a twentieth is kept back.
            self._room = max(0.95 * self._limit - self._size, 0.0)
        for budget in self._budgets:
            for member in self._members:
                budget.open(member.author.key)
        self._watch.begin()

    @property
    def paused(self) -> bool:
        """Whether nothing is to be looked at."""
        return self._watch.orders.paused

    @property
    def thins(self) -> bool:
        """Whether there is any limit to stay below."""
        return bool(self._budgets)

    # Who looks

    def at_batch(self, moment: Moment, scheduled: Sequence[Visual]) -> Due:
        """Who looks at the end of a batch, of those who would by their schedules."""
        now = self._watch.rested() and self._watch.look()
        return self._due(moment, scheduled, now=now, ends=())

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
        ends = [word for word, true in (("first", first), ("last", last)) if true]
        return self._due(moment, scheduled, now=self._watch.look(), ends=ends)

    def at_end(self, members: Sequence[Visual]) -> Due:
        """Who looks at what `fit` left behind, of those for whom it is new."""
        self._collect()
        return Due() if self.paused else self._with_room(members)

    def _due(
        self, moment: Moment, scheduled: Sequence[Visual], *, now: bool, ends: Sequence[str]
    ) -> Due:
        self._collect()
        if moment.epoch_end:
            self._earn(moment)
        self._left_out = []
        every = self._watch.orders.every
        if now:
            return Due(self._members)
        if self.paused:
            return Due()
        if ends or (every is not None and moment.epoch_end and moment.epoch % every == 0):
            scheduled = self._members
        elif every is not None:
            scheduled = ()
        if not self._budgets:
            return Due(scheduled)
        if moment.epoch_end:
            scheduled = [
                member
                for member in self._members
                if member in scheduled or member.author.key in self._going_on
            ]
        if scheduled and not moment.epoch_end:
            self._earn(moment)
        if "last" in ends:
            return self._with_room(scheduled)
        if "first" in ends:
            return self._with_room(scheduled)._replace(whole=False)
        affordable = [member for member in scheduled if self.affords(member)]
        for member in scheduled:
            if member not in affordable:
                self._leave_out(member)
        return Due(affordable, whole=False)

    def _with_room(self, members: Sequence[Visual]) -> Due:
        """All of them for whom there is room on the disk."""
        if self._bytes is None or self._limit is None:
            return Due(members)
        left = self._limit - self._size
        fitting = []
        for member in members:
            expected = self._bytes.expected(member.author.key) or 0.0
            if expected < left:
                left -= int(expected)
                fitting.append(member)
            else:
                self._leave_out(member)
        return Due(fitting)

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
        self._going_on.pop(member.author.key, None)

    def forget(self) -> None:
        """Drops all interrupted looks: they are of a model that has changed."""
        self._going_on.clear()

    def affords(self, member: Visual) -> bool:
        """Whether a callback can afford the next part of its look."""
        return all(budget.affords(member.author.key) for budget in self._budgets)

    # What it takes

    def spend(self, member: Visual, spent: Spent, *, parts: int = 1, done: bool = False) -> None:
        """Counts what a part of a look took on the main thread."""
        self._spent += spent.seconds
        key = member.author.key
        if self._seconds is not None:
            again = spent.again if spent.new else None
            self._seconds.spend(key, spent.seconds, parts, done=done, again=again)
        if self._bytes is not None:
            self._bytes.spend(key, 0.0, parts, done=done)

    def turned(self, step: int, cpu: float) -> dict[str, float | list[str]]:
        """A position is handed over.

        Args:
            step: batches trained on so far.
            cpu: CPU seconds of the writer's thread so far.

        Returns:
            Fields of its `cost` record.
        """
        costs = self._journal.costs
        self._factor.observe(costs.training, costs.writer(cpu), step - self._step)
        self._trained += costs.training
        self._step, self._earned = step, 0.0
        fields: dict[str, float | list[str]] = {"factor": round(self._factor.value, 4)}
        if self._share is not None:
            fields["budget"] = self._share
        if self._left_out:
            fields["left_out"] = self._left_out
        if self._interrupted:
            fields["parts"], self._interrupted = self._interrupted, []
        return fields

    def _collect(self) -> None:
        """Takes in what the writer's thread has told, and what waiting for it took."""
        waited = self._journal.waited()
        self._common += waited
        self._spent += waited
        for written in self._journal.written():
            self._took(written)

    def _took(self, written: Written) -> None:
        author, seconds = written.author, written.seconds * self._factor.value
        self._size += written.size
        self._spent += seconds
        name = "tbviz" if author is None else author.method
        self._journal.costs.encoded(name, written.seconds)
        if author is None:
            self._common += seconds
            self._common_size += written.size
            return
        if self._seconds is not None:
            self._seconds.spend(author.key, seconds)
        if self._bytes is not None:
            self._bytes.spend(author.key, written.size)

    def _earn(self, moment: Moment) -> None:
        training = self._journal.costs.training
        news, self._earned = training - self._earned, training
        progress = 0.0
        if self._epochs is not None:
            progress = (moment.epoch + 1 - self._epochs.start) / len(self._epochs)
        if self._seconds is not None and self._share is not None:
            self._seconds.earn(self._share * max(news, 0.0) - self._common, progress)
            self._common = 0.0
        if self._bytes is not None and moment.epoch_end:
            each = self._room / (len(self._epochs) if self._epochs else _MANY_EPOCHS)
            self._bytes.earn(each - self._common_size, progress)
            self._common_size = 0

    # Saying

    def _leave_out(self, member: Visual) -> None:
        name = member.method
        self._skipped[name] += 1
        self._left_out.append(name)
        if self._seconds is not None and not self._seconds.affords(member.author.key):
            took = self._seconds.expected(member.author.key) or 0.0
            why = f"max_overhead={self._share:g}: a look takes about {took:.2g} s"
        else:
            size = 0.0 if self._bytes is None else self._bytes.expected(member.author.key) or 0.0
            why = f"max_disk={in_bytes(self._limit or 0)}: a look takes about {in_bytes(size)}"
        self._journal.notice(
            name, f"looks less often, to stay below {why}", level="info", key=("thinned", name)
        )

    def say_what_was_left_out(self) -> None:
        """At the end: what the budgets have come to."""
        if not self._skipped:
            return
        each = ", ".join(f"{name} {count} times" for name, count in self._skipped.most_common())
        share = self._spent / self._trained if self._trained else 0.0
        self._journal.notice(
            "tbviz", f"looks took {share:.1%} of training time; left out: {each}", level="info"
        )

    @property
    def _budgets(self) -> list[Budget]:
        return [budget for budget in (self._seconds, self._bytes) if budget is not None]
