"""Write the records of a writer to an object store: one object per flush, never rewritten."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from tbviz.store.disk.object_store import ObjectStore
from tbviz.store.format.names import highest_seq, part_name
from tbviz.store.format.part import encode_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbviz.store.disk.locations import RemoteLocation
    from tbviz.store.format.record import Record


class PartWriter:
    """Parts of a virtual pack in an object store.

    Args:
        location: The store's folder.
        uid: The writer.

    Raises:
        StoreError: If the package that the store needs is not installed.
    """

    path = None
    remedy = (
        "expected an object store that can be reached and written to; what was written before is "
        "intact; check its address and the credentials, or pass another log_dir"
    )

    def __init__(self, location: RemoteLocation, uid: str) -> None:
        self._store = ObjectStore(location)
        self._uid = uid
        self._seq = 0
        self._end = 0  # where the next part begins
        self._before = 0  # the end of the last one that is known to be stored
        self._first = ""
        self._closed = False
        self.size = 0

    def write(self, records: Sequence[Record]) -> None:
        """Put one part. A failed one may be stored nevertheless: its range is not used again.

        Raises:
            OSError: If that fails, the first part was deleted, or this writer is closed.
        """
        if self._closed:
            raise OSError(errno.EBADF, "this writer is closed")
        if not self._seq:
            self._seq = 1 + highest_seq(self._names())
        if self.gone():
            raise FileNotFoundError(
                errno.ENOENT, f"{self._first} was deleted while its fit was being written"
            )
        start = self._end
        size = sum(len(record.data) for record in records)
        self._end += size
        name = part_name(self._seq, self._uid, start)
        self._store.put(name, encode_part(records, start, self._before))
        self._before = self._end
        self._first = self._first or name
        self.size += size

    def catch_up(self) -> None:
        """Do nothing: a part is always complete."""

    def gone(self) -> bool:
        """Return whether the first part was deleted, False if that is unknown."""
        if not self._first:
            return False
        try:
            self._store.get(self._first, 1)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Refuse further writes."""
        self._closed = True

    def _names(self) -> list[str]:
        try:
            return list(self._store.listing().sizes)
        except FileNotFoundError:
            return []
