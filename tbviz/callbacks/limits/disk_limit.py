"""`max_disk`: how many bytes the store of one log directory may hold."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from tbviz.amounts import in_bytes
from tbviz.callbacks.limits.budget import Budget
from tbviz.callbacks.limits.clock import clock
from tbviz.callbacks.limits.timeout import BackgroundCall
from tbviz.store.disk.locations import Location
from tbviz.store.format.events import Event
from tbviz.store.read.folder import bytes_in

# If the number of epochs is unknown, the bytes are divided among this many.
_ASSUMED_EPOCHS = 1000

# The size of a snapshot is an estimate: a twentieth of the disk is held in reserve.
_USABLE_SHARE = 0.95

_TIMEOUT = 2.0  # seconds to wait for a listing of the store
_LISTING_INTERVAL = 60.0  # seconds between two listings of a full store
_MAX_LISTING_INTERVAL = 3600.0  # of a store that hangs: each listing delays training


class DiskLimit:
    """Divides the free bytes of a store among the epochs that remain.

    Args:
        store: `<log_dir>/plugins/tbviz`.
        budget: The bytes that this fit has written.
        count_wait: Counts the seconds for which training waits for a listing of the store.

    Attributes:
        rule: The argument that sets the limit.
        remedy: What to do if the store is full.
        size: Bytes that the store may hold, None for any.
    """

    rule = "max_disk"
    remedy = "prune it or raise max_disk"

    def __init__(
        self, store: Location, budget: Budget, count_wait: Callable[[float], None]
    ) -> None:
        self.size: int | None = None
        self._bytes_per_epoch = 0.0
        self._budget = budget
        self._count_wait = count_wait
        # What the store holds beside the bytes of this fit: the late answer of a slow store is
        # of the time of the question.
        self._listing = BackgroundCall(lambda: -budget.spent + bytes_in(store))
        self._others: float | None = None
        self._next_listing = 0.0
        self._interval = _LISTING_INTERVAL
        self._planned: int | None = None
        self._first = self._ended = 0  # the epoch of the last listing, and how many have ended
        self._before = 0.0  # bytes of this fit at the last listing

    def limit(self, size: int | None) -> None:
        """Set a limit; the smallest of several counts."""
        if size is not None:
            self.size = size if self.size is None else min(size, self.size)

    def begin(self, first: int, planned: int | None) -> None:
        """Begin with the first epoch, of so many if their number is known."""
        self._planned = planned if planned is not None and planned > first else None
        self._first = self._ended = first
        if self.size is not None:
            self._list_store()

    def end_epoch(self, epoch: int) -> None:
        """Earn the bytes of an epoch. Somebody may have pruned a store that was full."""
        unsure = self.size is not None and (self._full or self._others is None)
        if unsure and clock() >= self._next_listing:
            self._first = epoch
            self._list_store()
        self._ended = epoch + 1

    def affords(self, keys: Iterable[Hashable]) -> bool:
        """Return whether a snapshot of these callbacks leaves room for the epochs that remain."""
        if self.size is None:
            return True
        earned = self._before + self._bytes_per_epoch * (self._ended - self._first)
        return self._budget.affords(keys, min(earned, self._usable))

    def fits(self, keys: Iterable[Hashable]) -> bool:
        """Return whether the store has room for a snapshot of these callbacks at all."""
        return self.size is None or self._stored + self._budget.expected(keys) < self.size

    @property
    def fullness(self) -> str:
        """Return how full the store is, in words."""
        used = f"{in_bytes(self._stored)} of max_disk={in_bytes(self.size or 0)}"
        return f"the store is full ({used})"

    @property
    def event(self) -> Event:
        """Return the event of the notice about a postponed snapshot."""
        return "limit_reached" if self._full else "skipped"

    def reason(self, keys: Iterable[Hashable]) -> str:
        """Return why a snapshot of these callbacks is postponed, and what there is room for."""
        limit, size = in_bytes(self.size or 0), self._budget.expected(keys)
        if self._full:
            return f"paused: {self.fullness}; {self.remedy}"
        epochs = max(size / max(self._bytes_per_epoch, 1.0), 1.0)
        return (
            f"captures less often to stay below max_disk={limit}: a snapshot takes about "
            f"{in_bytes(size)}, which allows one per {epochs:.0f} epochs"
        )

    @property
    def _full(self) -> bool:
        return self._budget.spent >= self._usable

    @property
    def _stored(self) -> float:
        return (self._others or 0.0) + self._budget.spent

    @property
    def _usable(self) -> float:
        """Return the bytes that this `fit` may write altogether."""
        return _USABLE_SHARE * (self.size or 0) - (self._others or 0.0)

    def _list_store(self) -> None:
        start = clock()
        listed = self._listing.result(_TIMEOUT)
        self._count_wait(clock() - start)
        hangs = self._listing.running
        self._interval = (
            min(2 * self._interval, _MAX_LISTING_INTERVAL) if hangs else _LISTING_INTERVAL
        )
        self._next_listing = clock() + self._interval
        self._others = self._others if listed is None else listed
        self._before = self._budget.spent
        epochs = _ASSUMED_EPOCHS if self._planned is None else self._planned - self._first
        self._bytes_per_epoch = max(self._usable - self._before, 0.0) / max(epochs, 1)
