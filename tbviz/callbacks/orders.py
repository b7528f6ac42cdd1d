"""Orders from outside: `tbviz control` leaves them in the store, a training reads them here."""

from __future__ import annotations

from pathlib import Path

from tbviz.callbacks.journal import Journal
from tbviz.callbacks.schedule import clock
from tbviz.store.control import Orders, read_orders
from tbviz.store.errors import StoreError
from tbviz.store.places import Place

_REST = 2.0  # seconds between two readings at the ends of batches
_REMOTE_REST = 30.0  # the same where each takes a request to an object store


class OrdersWatch:
    """Reads the orders in a store, and says what changes by them.

    Args:
        store: `<log_dir>/plugins/tbviz`.
        journal: takes what is said.

    Attributes:
        orders: as last read.
    """

    def __init__(self, store: Place, journal: Journal) -> None:
        self.orders = Orders()
        self._store = store
        self._journal = journal
        self._said = 0
        self._rest = _REST if isinstance(store, Path) else _REMOTE_REST
        self._next = clock() + self._rest
        self._served = ""

    def begin(self) -> None:
        """A look that was asked for before this `fit` was not asked of it."""
        self._served = self._read().now

    def rested(self) -> bool:
        """Whether the last reading is long ago, so that batches are not slowed by readings."""
        return clock() >= self._next

    def look(self) -> bool:
        """Reads the orders.

        Returns:
            Whether a look is asked for now.
        """
        before, self.orders = self.orders, self._read()
        self._next = clock() + self._rest
        paused, every, now = self.orders
        if paused != before.paused:
            self._say(
                "paused: nothing is looked at until `tbviz control LOG_DIR resume`"
                if paused
                else "goes on"
            )
        if every != before.every:
            self._say(
                f"looks every {every} epochs, whatever the schedules say"
                if every
                else "looks when the schedules say so"
            )
        if now == self._served:
            return False
        self._served = now
        self._say("looks now, as asked")
        return True

    def _read(self) -> Orders:
        try:
            return read_orders(self._store)
        except StoreError as error:
            self._journal.notice("control", str(error), key=("control", "unusable"))
            return self.orders

    def _say(self, text: str) -> None:
        self._said += 1
        self._journal.notice("control", text, level="info", key=("control", str(self._said)))
