"""Read a run's store in an object store, and list it no more often than necessary."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tbviz.store.disk.object_store import ObjectStore
from tbviz.store.format.names import Parts, group_parts
from tbviz.store.read.part_source import PartSource
from tbviz.store.read.source import Pack

if TYPE_CHECKING:
    from tbviz.store.disk.locations import RemoteLocation

# A run that has been silent for ten minutes is listed once a minute.
_SHARE_OF_SILENCE = 0.1
_MAX_REST = 60.0
# Threads that list at a time, over all folders.
_LISTING = threading.BoundedSemaphore(8)


class ObjectStoreFolder:
    """The store of one run, in an object store. It need not exist yet.

    Args:
        location: `<log_dir>/plugins/tbviz`.
        rest: Minimum seconds between two listings; each costs a request. If it is not 0, only the
            first call waits for a listing. Later calls return what is known, and list in the
            background when it is time. A silent run is listed less and less often. Defaults to 0.0.

    Raises:
        StoreError: If the package that the store needs is not installed.
    """

    def __init__(self, location: RemoteLocation, rest: float = 0.0) -> None:
        self.location = location
        self._store = ObjectStore(location)
        self._rest = rest
        self._lock = threading.Lock()
        self._listing = threading.Lock()  # held while listing
        self._groups: Mapping[str, Parts] = {}
        self._listed: float | None = None
        self._changed = 0.0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectStoreFolder) and self.location == other.location

    def __hash__(self) -> int:
        return hash(self.location)

    def packs(self) -> list[Pack]:
        """Return the virtual packs, one per writer, in writer order; the known ones if offline."""
        if not self._rest or self._listed is None:
            with self._listing:
                if not self._rest or self._listed is None:
                    self._list()
        elif self._due() and self._listing.acquire(blocking=False):
            if _LISTING.acquire(blocking=False):
                name = "tbviz-listing"
                threading.Thread(target=self._list_in_background, name=name, daemon=True).start()
            else:
                self._listing.release()
        return [
            Pack(group.seq, group.uid, sum(group.sizes.values()), 0)
            for group in self._groups.values()
        ]

    def reachable(self) -> bool:
        """Return True: `packs` returns what is known if the store cannot be reached."""
        return True

    def source(self, pack: Pack, timeout: float) -> PartSource:
        """Return a source that reads a pack. `timeout` is that of `PartSource`."""
        return PartSource(self, pack.uid, timeout)

    def parts(self, uid: str) -> Parts | None:
        """Return a writer's parts as they were last listed."""
        return self._groups.get(uid)

    def read(self, ranges: Sequence[tuple[str, int, int]]) -> list[bytes | OSError]:
        """Read several ranges of objects at once."""
        return self._store.read(ranges)

    def _due(self) -> bool:
        now = time.monotonic()
        silence = (now - self._changed) * _SHARE_OF_SILENCE
        rest = max(self._rest, min(silence, _MAX_REST))
        return self._listed is None or now - self._listed >= rest

    def _list_in_background(self) -> None:
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
            groups = None  # the known ones may still exist
        now = time.monotonic()
        if (groups is not None and groups != self._groups) or self._listed is None:
            self._changed = now
        if groups is not None:
            self._groups = groups
        self._listed = now
