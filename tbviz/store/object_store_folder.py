"""A run's store in an object store, listed no more often than it is worth."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tbviz.store.names import Parts, group_parts
from tbviz.store.object_store import ObjectStore
from tbviz.store.part_source import PartSource
from tbviz.store.source import Pack

if TYPE_CHECKING:
    from tbviz.store.locations import RemoteLocation

# A run that has said nothing for ten minutes is listed once a minute.
_SHARE_OF_SILENCE = 0.1
_LONGEST_REST = 60.0
# Threads that list at a time, over all folders.
_LISTING = threading.BoundedSemaphore(8)


class ObjectStoreFolder:
    """The store of one run, in an object store. It may not exist (yet).

    Args:
        location: `<log_dir>/plugins/tbviz`.
        rest: Seconds between two listings at least; each costs a request. Where it is not 0, only
            the first call waits for a listing: later ones answer what is known and, when it is
            time, list behind the caller's back; and a run that says nothing is listed less and
            less often.

    Raises:
        StoreError: If what the store needs is not installed.
    """

    def __init__(self, location: RemoteLocation, rest: float = 0.0) -> None:
        self.location = location
        self._store = ObjectStore(location)
        self._rest = rest
        self._lock = threading.Lock()
        self._listing = threading.Lock()  # held by who lists
        self._groups: Mapping[str, Parts] = {}
        self._listed: float | None = None
        self._changed = 0.0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectStoreFolder) and self.location == other.location

    def __hash__(self) -> int:
        return hash(self.location)

    def packs(self) -> list[Pack]:
        """The virtual packs, one a writer, in writer order; what is known where unreachable."""
        if not self._rest or self._listed is None:
            with self._listing:
                if not self._rest or self._listed is None:
                    self._list()
        elif self._due() and self._listing.acquire(blocking=False):
            if _LISTING.acquire(blocking=False):
                name = "tbviz-listing"
                threading.Thread(target=self._list_behind, name=name, daemon=True).start()
            else:
                self._listing.release()
        return [
            Pack(group.seq, group.uid, sum(group.sizes.values()), 0)
            for group in self._groups.values()
        ]

    def reachable(self) -> bool:
        """True: `packs` gives what is known where the store cannot be reached."""
        return True

    def source(self, pack: Pack, timeout: float) -> PartSource:
        """What reads one of them. `timeout` is that of `PartSource`."""
        return PartSource(self, pack.uid, timeout)

    def parts(self, uid: str) -> Parts | None:
        """A writer's parts as they were last listed."""
        return self._groups.get(uid)

    def read(self, ranges: Sequence[tuple[str, int, int]]) -> list[bytes | OSError]:
        """Several ranges of objects at once."""
        return self._store.read(ranges)

    def _due(self) -> bool:
        now = time.monotonic()
        silence = (now - self._changed) * _SHARE_OF_SILENCE
        rest = max(self._rest, min(silence, _LONGEST_REST))
        return self._listed is None or now - self._listed >= rest

    def _list_behind(self) -> None:
        try:
            self._list()
        finally:
            self._listing.release()
            _LISTING.release()

    def _list(self) -> None:
        groups: dict[str, Parts] | None
        try:
            groups = group_parts(self._store.listing().sizes)
        except FileNotFoundError:
            groups = {}
        except OSError:
            groups = None  # what is known may still be there
        now = time.monotonic()
        if (groups is not None and groups != self._groups) or self._listed is None:
            self._changed = now
        if groups is not None:
            self._groups = groups
        self._listed = now
