"""Limits: how much training time and disk snapshots may take, and how much they have taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from tbviz.amounts import in_bytes
from tbviz.callbacks.limits.budget import Budget
from tbviz.callbacks.limits.cost_meter import Spent
from tbviz.callbacks.limits.schedule import clock
from tbviz.callbacks.limits.timeout import BackgroundCall
from tbviz.callbacks.limits.training_clock import TrainingClock
from tbviz.callbacks.limits.writer_factor import WriterFactor
from tbviz.callbacks.run.run_log import RunLog
from tbviz.store.disk.locations import Location
from tbviz.store.format.events import Event
from tbviz.store.read.folder import bytes_in

if TYPE_CHECKING:
    from tbviz.callbacks.run.member import Member

# If the number of epochs is unknown, the disk is divided as if it were this one.
_ASSUMED_EPOCHS = 1000

# The size of a snapshot is an estimate: a twentieth of the disk is held in reserve.
_USABLE_SHARE = 0.95

_TIMEOUT = 2.0  # seconds to wait for a listing of the store
_LISTING_INTERVAL = 60.0  # seconds between two listings of a full store
_MAX_LISTING_INTERVAL = 3600.0  # of a store that hangs: each listing delays training


class SkipReason(NamedTuple):
    """The reason why a callback does not capture.

    Args:
        event: of the notice.
        rule: the argument that sets the limit.
        text: the reason in words.
    """

    event: Event
    rule: str
    text: str


class Limits:
    """`max_overhead` and `max_disk` of one log directory.

    Costs are main-thread seconds, waits for the disk, and the CPU seconds of the writer's thread
    times what such a second costs training in this run. Compiling is in no budget. Seconds are
    those of all log directories of the `fit` together, bytes those of this one's store.

    Args:
        run_log: of the log directory.
        training_clock: of the fit.
        store: `<log_dir>/plugins/tbviz`.

    Attributes:
        size: bytes that the store may have, `None` for any.
    """

    def __init__(self, run_log: RunLog, training_clock: TrainingClock, store: Location) -> None:
        self.size: int | None = None
        self._run_log = run_log
        self._training_clock = training_clock
        self._store = store
        self._bytes = Budget()
        self._stored = 0
        self._known = False  # whether what the store held before this fit is in that
        self._written = 0  # bytes, as the writer's thread has reported
        # How much that was when the store was listed, and how much the store held.
        self._listing = BackgroundCall(lambda: (self._written, bytes_in(self._store)))
        self._next_listing = 0.0
        self._interval = _LISTING_INTERVAL
        self._bytes_per_epoch = 0.0  # what each remaining epoch may write
        self._factor = WriterFactor()
        self._epochs: range | None = None
        self._keys: list[int] = []
        self._common = 0.0  # seconds that no callback answers for
        self._common_size = 0
        self._batches = 0
        self._spent = 0.0

    def join(self, callback: Member) -> None:
        """Add a callback: the smallest limit of all callbacks counts for all.

        Before any first epoch begins, since the callbacks of other log directories count too.
        """
        key = callback.callback_id.key
        self._keys.append(key)
        self._training_clock.budget.open(key)
        self._bytes.open(key)
        if callback.max_overhead is not None:
            self._training_clock.limit(callback.max_overhead)
        if callback.max_disk is not None:
            self.size = (
                callback.max_disk if self.size is None else min(callback.max_disk, self.size)
            )

    def begin(self, first: int, planned: int | None) -> None:
        """Begin the run with its first epoch.

        Args:
            first: the epoch.
            planned: how many epochs there will be, counted from 0; `None` if unknown.
        """
        self._epochs = range(first, planned) if planned is not None and planned > first else None
        if self.size is not None:
            self._measure(first)

    def _measure(self, epoch: int) -> None:
        """Measure the store, and divide the remaining bytes among the remaining epochs."""
        start = clock()
        listed = self._listing.result(_TIMEOUT)
        self._run_log.writer.count_wait(clock() - start)
        self._interval = (
            min(2 * self._interval, _MAX_LISTING_INTERVAL)
            if self._listing.running
            else _LISTING_INTERVAL
        )
        self._next_listing = clock() + self._interval
        if listed is not None:
            # The result may be late, or an earlier one.
            written, stored = listed
            self._stored, self._known = stored + self._written - written, True
        left = self._epochs.stop - epoch if self._epochs else _ASSUMED_EPOCHS
        self._bytes_per_epoch = max(_USABLE_SHARE * (self.size or 0) - self._stored, 0.0) / max(
            left, 1
        )

    @property
    def thin(self) -> bool:
        """Whether there is any limit."""
        return self._training_clock.share is not None or self.size is not None

    @property
    def divide(self) -> bool:
        """Whether long work is worth being divided."""
        return self._training_clock.share is not None

    def pay(self, epoch: int, *, epoch_end: bool) -> None:
        """Charge the costs of the last position, and pay in what is allowed since then."""
        self.collect()
        progress = 0.0
        if self._epochs is not None:
            progress = (epoch + 1 - self._epochs.start) / len(self._epochs)
        for key in self._keys:
            self._training_clock.budget.settle(key)
            self._bytes.settle(key)
        self._training_clock.pay(self._common, progress)
        self._common = 0.0
        if self.size is not None and epoch_end:
            # Somebody may have pruned a store that was full.
            if (self._full or not self._known) and clock() >= self._next_listing:
                self._measure(epoch)
            self._bytes.earn(self._bytes_per_epoch - self._common_size, progress)
            self._common_size = 0

    def collect(self) -> None:
        """Charge what the writer's thread has reported, and the waits for it."""
        waited = self._run_log.writer.take_waited()
        self._common += waited
        self._spent += waited
        for written in self._run_log.writer.take_write_costs():
            seconds = written.seconds * self._rate
            self._stored += written.size
            self._written += written.size
            self._spent += seconds
            callback_id = written.callback_id
            self._run_log.costs.count_encoding(
                "tbviz" if callback_id is None else callback_id.method, written.seconds
            )
            if callback_id is None:
                self._common += seconds
                self._common_size += written.size
            else:
                self._training_clock.budget.spend(callback_id.key, seconds)
                self._bytes.spend(callback_id.key, written.size)

    def affords(self, callback: Member) -> bool:
        """Return whether a callback can afford the next part of its snapshot."""
        return self._has_time(callback) and self._has_room(callback)

    def fitting(self, callbacks: Sequence[Member]) -> list[Member]:
        """Return the callbacks whose whole snapshots fit on the disk, whatever time they take."""
        if self.size is None:
            return list(callbacks)
        left = float(self.size - self._stored)
        fitting = []
        for callback in callbacks:
            expected = self._bytes.expected(callback.callback_id.key) or 0.0
            if expected < left:
                left -= expected
                fitting.append(callback)
        return fitting

    def spend(self, callback: Member, spent: Spent, *, parts: int, done: bool) -> None:
        """Count the main-thread time of a part of a snapshot."""
        self._spent += spent.seconds
        key = callback.callback_id.key
        again = spent.again if spent.new else None
        self._training_clock.budget.spend(key, spent.seconds, parts, done=done, again=again)
        self._bytes.spend(key, 0.0, parts, done=done)

    def abandon(self, callback: Member) -> None:
        """Forget an interrupted snapshot: it will not go on."""
        self._training_clock.budget.abandon(callback.callback_id.key)
        self._bytes.abandon(callback.callback_id.key)

    def finish_snapshot(self, batches: int) -> dict[str, float]:
        """Finish a position that is handed over.

        Args:
            batches: trained on so far.

        Returns:
            Fields of its `cost` record.
        """
        costs = self._run_log.costs
        writer = costs.writer_since_last(self._run_log.writer.cpu_seconds)
        self._factor.observe(costs.training, writer, batches - self._batches)
        self._batches = batches
        fields = {"factor": round(self._rate, 4)}
        return (
            fields
            if self._training_clock.share is None
            else {**fields, "budget": self._training_clock.share}
        )

    @property
    def share(self) -> float:
        """The time that snapshots have taken so far, as a share of training time."""
        trained = self._training_clock.trained
        return self._spent / trained if trained > 0 else 0.0

    @property
    def _rate(self) -> float:
        """Seconds that a CPU second of the writer's thread takes, beside the waits for it."""
        return self._factor.value if self._run_log.writer.beside_training else 0.0

    def skip_reason(self, callback: Member) -> SkipReason:
        """Return why a callback does not capture now."""
        key = callback.callback_id.key
        if self.size is not None and self._full:
            used = f"{in_bytes(self._stored)} of max_disk={in_bytes(self.size)}"
            text = f"paused: the store is full ({used}); prune it or raise max_disk"
            return SkipReason("limit_reached", "max_disk", text)
        rule = "max_disk" if self._has_time(callback) else "max_overhead"
        if rule == "max_overhead":
            took = self._training_clock.budget.expected(key) or 0.0
            limit = (
                f"max_overhead={self._training_clock.share:g}: a snapshot takes about {took:.2g} s"
            )
        else:
            size = self._bytes.expected(key) or 0.0
            limit = f"max_disk={in_bytes(self.size or 0)}: a snapshot takes about {in_bytes(size)}"
        return SkipReason("skipped", rule, f"captures less often to stay below {limit}")

    def _has_time(self, callback: Member) -> bool:
        return self._training_clock.share is None or self._training_clock.budget.affords(
            callback.callback_id.key
        )

    def _has_room(self, callback: Member) -> bool:
        return self.size is None or (
            bool(self.fitting([callback])) and self._bytes.affords(callback.callback_id.key)
        )

    @property
    def _full(self) -> bool:
        return self.size is not None and self._stored >= _USABLE_SHARE * self.size
