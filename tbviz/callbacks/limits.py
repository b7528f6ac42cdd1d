"""Limits: what looks may take of training time and of the disk, and what they have taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from tbviz.amounts import in_bytes
from tbviz.callbacks.budget import Budget
from tbviz.callbacks.cost_meter import Spent
from tbviz.callbacks.run_log import RunLog
from tbviz.callbacks.schedule import clock
from tbviz.callbacks.timeout import BackgroundCall
from tbviz.callbacks.training_clock import TrainingClock
from tbviz.callbacks.writer_factor import WriterFactor
from tbviz.store.events import Event
from tbviz.store.folder import bytes_in
from tbviz.store.locations import Location

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual

# Where nobody knows how long a run will be, its disk is shared out as if it were so long.
_MANY_EPOCHS = 1000

# What a look takes of the disk is expected, not known: a twentieth is kept back.
_USED = 0.95

_TIMEOUT = 2.0  # seconds to wait for a listing of the store
_REST = 60.0  # seconds between two listings of one that is full
_LONGEST_REST = 3600.0  # the same of one that hangs: each takes the patience from training


class Why(NamedTuple):
    """Why a callback does not look.

    Args:
        event: of the notice.
        rule: the argument that sets the limit.
        text: the same for a person.
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
        self._held = 0
        self._known = False  # whether what the store held before this fit is in that
        self._written = 0  # bytes, as the writer's thread has told
        # How much that was when the store was listed, and what the store held.
        self._asked = BackgroundCall(lambda: (self._written, bytes_in(self._store)))
        self._next = 0.0
        self._rest = _REST
        self._each = 0.0  # bytes an epoch
        self._factor = WriterFactor()
        self._epochs: range | None = None
        self._keys: list[int] = []
        self._common = 0.0  # seconds that no callback answers for
        self._common_size = 0
        self._step = 0
        self._spent = 0.0

    def join(self, callback: Visual) -> None:
        """Takes in a callback: the smallest limits that one has are those of all.

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
        """The first epoch begins.

        Args:
            first: the epoch.
            planned: how many epochs there will be, counted from 0; `None` where nobody knows.
        """
        self._epochs = range(first, planned) if planned is not None and planned > first else None
        if self.size is not None:
            self._measure(first)

    def _measure(self, epoch: int) -> None:
        """Takes in what the store holds, and shares out the rest among the epochs from this on."""
        start = clock()
        listed = self._asked.answer(_TIMEOUT)
        self._run_log.waits(clock() - start)
        self._rest = min(2 * self._rest, _LONGEST_REST) if self._asked.open else _REST
        self._next = clock() + self._rest
        if listed is not None:
            # An answer may be late, or the one of before.
            written, held = listed
            self._held, self._known = held + self._written - written, True
        left = self._epochs.stop - epoch if self._epochs else _MANY_EPOCHS
        self._each = max(_USED * (self.size or 0) - self._held, 0.0) / max(left, 1)

    @property
    def thin(self) -> bool:
        """Whether there is any limit to stay below."""
        return self._training_clock.share is not None or self.size is not None

    @property
    def divide(self) -> bool:
        """Whether long work is worth being divided."""
        return self._training_clock.share is not None

    def pay(self, epoch: int, *, epoch_end: bool) -> None:
        """Takes in what is known of the last position, and pays in what is allowed since."""
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
            if (self._full or not self._known) and clock() >= self._next:
                self._measure(epoch)
            self._bytes.earn(self._each - self._common_size, progress)
            self._common_size = 0

    def collect(self) -> None:
        """Takes in what the writer's thread has told, and what waiting for it took."""
        waited = self._run_log.waited()
        self._common += waited
        self._spent += waited
        for written in self._run_log.written():
            seconds = written.seconds * self._rate
            self._held += written.size
            self._written += written.size
            self._spent += seconds
            callback_id = written.callback_id
            self._run_log.costs.encoded(
                "tbviz" if callback_id is None else callback_id.method, written.seconds
            )
            if callback_id is None:
                self._common += seconds
                self._common_size += written.size
            else:
                self._training_clock.budget.spend(callback_id.key, seconds)
                self._bytes.spend(callback_id.key, written.size)

    def affords(self, callback: Visual) -> bool:
        """Whether a callback can afford the next part of its look."""
        return self._has_time(callback) and self._has_room(callback)

    def fitting(self, callbacks: Sequence[Visual]) -> list[Visual]:
        """Those for whose whole looks there is room on the disk, whatever time they take."""
        if self.size is None:
            return list(callbacks)
        left = float(self.size - self._held)
        fitting = []
        for callback in callbacks:
            expected = self._bytes.expected(callback.callback_id.key) or 0.0
            if expected < left:
                left -= expected
                fitting.append(callback)
        return fitting

    def spend(self, callback: Visual, spent: Spent, *, parts: int, done: bool) -> None:
        """Counts what a part of a look took on the main thread."""
        self._spent += spent.seconds
        key = callback.callback_id.key
        again = spent.again if spent.new else None
        self._training_clock.budget.spend(key, spent.seconds, parts, done=done, again=again)
        self._bytes.spend(key, 0.0, parts, done=done)

    def abandon(self, callback: Visual) -> None:
        """A look that was interrupted will not go on."""
        self._training_clock.budget.abandon(callback.callback_id.key)
        self._bytes.abandon(callback.callback_id.key)

    def finish_step(self, step: int) -> dict[str, float]:
        """A position is handed over.

        Args:
            step: batches trained on so far.

        Returns:
            Fields of its `cost` record.
        """
        costs = self._run_log.costs
        writer = costs.writer(self._run_log.writer_seconds)
        self._factor.observe(costs.training, writer, step - self._step)
        self._step = step
        fields = {"factor": round(self._rate, 4)}
        return (
            fields
            if self._training_clock.share is None
            else {**fields, "budget": self._training_clock.share}
        )

    @property
    def share(self) -> float:
        """What looks have taken so far, as a share of training time."""
        trained = self._training_clock.trained
        return self._spent / trained if trained > 0 else 0.0

    @property
    def _rate(self) -> float:
        """Seconds that a CPU second of the writer's thread takes, beside the waits for it."""
        return self._factor.value if self._run_log.beside_training else 0.0

    def why(self, callback: Visual) -> Why:
        """Why a callback does not look now."""
        key = callback.callback_id.key
        if self.size is not None and self._full:
            held, most = in_bytes(self._held), in_bytes(self.size)
            text = f"looks at nothing more: the store has {held} of max_disk={most}"
            return Why("limit_reached", "max_disk", text)
        rule = "max_disk" if self._has_time(callback) else "max_overhead"
        if rule == "max_overhead":
            took = self._training_clock.budget.expected(key) or 0.0
            limit = f"max_overhead={self._training_clock.share:g}: a look takes about {took:.2g} s"
        else:
            size = self._bytes.expected(key) or 0.0
            limit = f"max_disk={in_bytes(self.size or 0)}: a look takes about {in_bytes(size)}"
        return Why("skipped", rule, f"looks less often, to stay below {limit}")

    def _has_time(self, callback: Visual) -> bool:
        return self._training_clock.share is None or self._training_clock.budget.affords(
            callback.callback_id.key
        )

    def _has_room(self, callback: Visual) -> bool:
        return self.size is None or (
            bool(self.fitting([callback])) and self._bytes.affords(callback.callback_id.key)
        )

    @property
    def _full(self) -> bool:
        return self.size is not None and self._held >= _USED * self.size
