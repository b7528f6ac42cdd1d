"""Remote control: reads the orders that `tbviz control` leaves in the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tbviz.callbacks.limits.clock import clock
from tbviz.callbacks.limits.notify import Notify
from tbviz.callbacks.limits.timeout import BackgroundCall
from tbviz.store.control import Orders, read_orders
from tbviz.store.disk.locations import Location
from tbviz.store.errors import StoreError
from tbviz.store.format.events import Event

_POLL_INTERVAL = 2.0  # seconds between two reads at the ends of batches
_REMOTE_POLL_INTERVAL = 30.0  # the same if each read is a request to an object store

# Seconds to wait for a read. If it takes longer, the next batch or epoch gets its result.
_BATCH_TIMEOUT = 0.02
_TIMEOUT = 0.5


class RemoteControl:
    """Read the orders in a store, and report what they change.

    Args:
        store: `<log_dir>/plugins/tbviz`.
        notify: Reports a notice.
        count_wait: Counts the seconds for which training waits for the store.

    Attributes:
        orders: as last read.
    """

    def __init__(
        self, store: Location, notify: Notify, count_wait: Callable[[float], None]
    ) -> None:
        self.orders = Orders()
        self._store = store
        self._notify = notify
        self._count_wait = count_wait
        self._reported = 0
        self._interval = _POLL_INTERVAL if isinstance(store, Path) else _REMOTE_POLL_INTERVAL
        self._next_poll = clock() + self._interval
        # `None` until the orders could be read once: a request that they hold then is an old one.
        self._handled: str | None = None
        # A store that hangs must not hang training.
        self._pending_read = BackgroundCall(self._read)

    def begin(self) -> None:
        """Read the orders before the first epoch; ignore a snapshot requested before this `fit`."""
        self._apply(self._fetch(_TIMEOUT))

    def poll_is_due(self) -> bool:
        """Return whether the last read is long enough ago, so that reads do not slow batches."""
        return clock() >= self._next_poll

    def poll(self, *, batch: bool = False) -> bool:
        """Read the orders.

        Args:
            batch: Whether a batch has just ended, so that there is no time to wait. Defaults to
                False.

        Returns:
            Whether a snapshot is requested now.
        """
        orders = self._fetch(_BATCH_TIMEOUT if batch else _TIMEOUT)
        self._next_poll = clock() + self._interval
        self._apply(orders)
        if self._handled is None or orders.now in {"", self._handled}:
            return False
        self._handled = orders.now
        self._report("capture_requested", "captures a snapshot now, as requested")
        return True

    def _apply(self, orders: Orders) -> None:
        before, self.orders = self.orders, orders
        if orders.paused and not before.paused:
            text = "paused: nothing is captured until `tbviz control LOG_DIR resume`"
            self._report("paused", text)
        elif before.paused and not orders.paused:
            self._report("resumed", "resumed: snapshots are captured again")
        if orders.every is None and before.every is not None:
            self._report("schedule_restored", "captures when the schedules say so")
        elif orders.every != before.every:
            text = f"captures every {orders.every} epochs, whatever the schedules say"
            self._report("schedule_overridden", text)

    def _fetch(self, timeout: float) -> Orders:
        begin = clock()
        answer = self._pending_read.result(timeout)
        self._count_wait(clock() - begin)
        return self.orders if answer is None else answer

    def _read(self) -> Orders:
        try:
            orders = read_orders(self._store)
        except StoreError as error:
            self._notify("control", str(error), event="orders_unreadable")
            return self.orders
        if self._handled is None:
            self._handled = orders.now
        return orders

    def _report(self, event: Event, text: str) -> None:
        """Report what has changed, every time again."""
        self._reported += 1
        self._notify("control", text, level="info", event=event, detail=[self._reported])
