"""Orders from outside: `tbviz control` leaves them in the store, a training reads them here."""

from __future__ import annotations

from pathlib import Path

from tbviz.callbacks.run_log import RunLog
from tbviz.callbacks.schedule import clock
from tbviz.callbacks.timeout import BackgroundCall
from tbviz.store.control import Orders, read_orders
from tbviz.store.errors import StoreError
from tbviz.store.events import Event
from tbviz.store.locations import Location

_REST = 2.0  # seconds between two readings at the ends of batches
_REMOTE_REST = 30.0  # the same where each takes a request to an object store

# Seconds to wait for an answer: usually there at once, later at the next batch or epoch.
_BATCH_TIMEOUT = 0.02
_TIMEOUT = 0.5


class RemoteControl:
    """Reads the orders in a store, and says what changes by them.

    Args:
        store: `<log_dir>/plugins/tbviz`.
        run_log: takes what is said.

    Attributes:
        orders: as last read.
    """

    def __init__(self, store: Location, run_log: RunLog) -> None:
        self.orders = Orders()
        self._store = store
        self._run_log = run_log
        self._said = 0
        self._rest = _REST if isinstance(store, Path) else _REMOTE_REST
        self._next = clock() + self._rest
        # `None` until the orders could be read once: what they ask for then was asked before.
        self._served: str | None = None
        # A store that hangs must not hang training.
        self._asked = BackgroundCall(self._read)

    def begin(self) -> None:
        """A look that was asked for before this `fit` was not asked of it."""
        self._take(self._ask(_TIMEOUT))

    def rested(self) -> bool:
        """Whether the last reading is long ago, so that batches are not slowed by readings."""
        return clock() >= self._next

    def capture(self, *, batch: bool = False) -> bool:
        """Reads the orders.

        Args:
            batch: whether it is the end of a batch, which has no time to wait.

        Returns:
            Whether a look is asked for now.
        """
        orders = self._ask(_BATCH_TIMEOUT if batch else _TIMEOUT)
        self._next = clock() + self._rest
        self._take(orders)
        if self._served is None or orders.now in {"", self._served}:
            return False
        self._served = orders.now
        self._say("capture_requested", "looks now, as asked")
        return True

    def _take(self, orders: Orders) -> None:
        before, self.orders = self.orders, orders
        if orders.paused and not before.paused:
            text = "paused: nothing is looked at until `tbviz control LOG_DIR resume`"
            self._say("paused", text)
        elif before.paused and not orders.paused:
            self._say("resumed", "goes on: looks are taken again")
        if orders.every is None and before.every is not None:
            self._say("schedule_restored", "looks when the schedules say so")
        elif orders.every != before.every:
            text = f"looks every {orders.every} epochs, whatever the schedules say"
            self._say("schedule_overridden", text)

    def _ask(self, timeout: float) -> Orders:
        begin = clock()
        answer = self._asked.answer(timeout)
        self._run_log.waits(clock() - begin)
        return self.orders if answer is None else answer

    def _read(self) -> Orders:
        try:
            orders = read_orders(self._store)
        except StoreError as error:
            self._run_log.notice("control", str(error), event="orders_unreadable")
            return self.orders
        if self._served is None:
            self._served = orders.now
        return orders

    def _say(self, event: Event, text: str) -> None:
        """Say what has changed, each time anew."""
        self._said += 1
        self._run_log.notice("control", text, level="info", event=event, detail=[self._said])
