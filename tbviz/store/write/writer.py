"""Write a store: collect records, and flush them to a disk or an object store."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tbviz.store.disk.locations import Location, RemoteLocation, store_directory
from tbviz.store.errors import StoreError
from tbviz.store.format.record import Record
from tbviz.store.format.schema import FORMAT, layout_id
from tbviz.store.write.pack_writer import PackWriter
from tbviz.store.write.part_writer import PartWriter
from tbviz.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tbviz.store.write.sink import Sink

# How many records of either sort a failed flush retains for the next one, so that memory is
# bounded on a full disk.
_MAX_RETAINED = 1000


class Writer:
    """Write the records of one `fit` to one log directory. The first `flush` creates the files.

    `append` collects records and `flush` writes them. A process forked from the one that created
    the writer writes nothing. Safe to call from several threads.

    Args:
        log_dir: The log directory, the one that `keras.callbacks.TensorBoard` gets, or a URI that
            fsspec knows, such as `s3://bucket/logs/run`.
        sync: Whether each flush waits until the disk has the bytes (fdatasync). If not, a power
            failure may cost more than the current position; a kill does not. An object store always
            has the bytes. Defaults to True.

    Attributes:
        uid: Sixteen hexadecimal digits that no other writer has.
        collected: Bytes of all records that were appended, with their index lines.

    Raises:
        StoreError: If the log directory is a URI whose package is not installed.
    """

    def __init__(
        self, log_dir: str | os.PathLike[str] | RemoteLocation, *, sync: bool = True
    ) -> None:
        self.uid = os.urandom(8).hex()
        self.collected = 0
        self._store = store_directory(log_dir)
        self._sink = _sink(self._store, self.uid, sync=sync)
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._records: list[Record] = []
        self._layouts: set[str] = set()
        self._closed = False
        self.append({"kind": "writer", "format": FORMAT, "uid": self.uid, "tbviz": __version__})

    @property
    def path(self) -> Path | None:
        """Return the pack, None before the first flush and in an object store."""
        return self._sink.path

    @property
    def size(self) -> int:
        """Return the bytes of the pack that are stored."""
        return self._sink.size

    def gone(self) -> bool:
        """Return whether the written records have been deleted; then use a new writer."""
        return self._sink.gone()

    def append(
        self,
        meta: Mapping[str, object],
        payload: Sequence[bytes] = (),
        summaries: Sequence[tuple[float, float, float, float]] | None = None,
    ) -> None:
        """Collect one record for the next `flush`.

        Args:
            meta: Its fields; `kind` is required. `time`, `bytes` and `sheets` are filled in.
            payload: The sheets, in order. Defaults to ().
            summaries: For `gray8`, one per sheet: finite minimum and maximum, 0.5 and 99.5
                percentiles of the raw values. Defaults to None, for other media.

        Raises:
            StoreError: If the format does not allow the record.
        """
        if os.getpid() != self._pid:
            return
        record = Record.make(meta, payload, summaries)
        with self._lock:
            if self._closed:
                raise StoreError(
                    f"received a record of kind {meta.get('kind')!r} after close(); "
                    "expected none; make a new Writer"
                )
            self._records.append(record)
            self.collected += record.size

    def layout(self, fields: Mapping[str, object]) -> str:
        """Collect a `layout` record unless this writer has written an equal one before.

        Args:
            fields: The layout's fields without `kind`, `id` and `time`.

        Returns:
            The id to cite in the pictures' `layout`.
        """
        identifier = layout_id(fields)
        if os.getpid() != self._pid:
            return identifier
        with self._lock:
            if identifier not in self._layouts:
                self.append({"kind": "layout", "id": identifier, **fields})
                self._layouts.add(identifier)
        return identifier

    def flush(self) -> None:
        """Write the collected records: on a disk to the pack, then the index; else to one object.

        A closed writer writes nothing.

        Raises:
            StoreError: If that fails. The store is unchanged. Records of a position are
                dropped. Other records (layouts, probes, the model ...) are retained for the next
                flush, since later records need them. So are notices, without their position.
        """
        if os.getpid() != self._pid:
            return
        with self._lock:
            if self._closed:
                return
            if self._records:
                records, self._records = self._records, []
                try:
                    self._sink.write(records)
                except Exception as error:
                    self._records = _retained(records)
                    why = getattr(error, "strerror", None) or error
                    raise StoreError(
                        f"could not write {sum(len(r.data) for r in records)} bytes under "
                        f"{self._store}: {why}; {self._sink.remedy}"
                    ) from error
            self._sink.catch_up()

    def close(self) -> None:
        """Flush, then close the files. A second call does nothing.

        Nothing is written afterwards, even if this fails.

        Raises:
            StoreError: As `flush`; the files are closed nevertheless.
        """
        if os.getpid() != self._pid:
            return
        with self._lock:
            if self._closed:
                return
            try:
                self.flush()
            except BaseException:
                with suppress(OSError):  # the first failure is reported
                    self._end()
                raise
            try:
                self._end()
            except OSError as error:
                raise StoreError(
                    f"could not close what was written under {self._store}: "
                    f"{error.strerror or error}; {self._sink.remedy}"
                ) from error

    def _end(self) -> None:
        self._closed = True
        self._records = []
        self._sink.close()


def _retained(records: Sequence[Record]) -> list[Record]:
    """Return the records that the next flush writes if this one failed, in the same order."""
    retained: list[Record] = []
    notices = others = 0
    for record in records:
        if record.kind == "notice":
            notices += 1
            if notices <= _MAX_RETAINED:
                # With its position it would create a position that has nothing else.
                retained.append(record.without_position())
        elif not record.positioned:
            others += 1
            if others <= _MAX_RETAINED:
                retained.append(record)
    return retained


def _sink(store: Location, uid: str, *, sync: bool) -> Sink:
    if isinstance(store, Path):
        return PackWriter(store, uid, sync=sync)
    return PartWriter(store, uid)
