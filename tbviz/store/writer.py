"""Writing a store: records are collected, and flushed to a disk or an object store."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tbviz.store.errors import StoreError
from tbviz.store.locations import Location, RemoteLocation, store_directory
from tbviz.store.pack_writer import PackWriter
from tbviz.store.record import Record
from tbviz.store.schema import FORMAT, layout_id
from tbviz.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tbviz.store.sink import Sink

# How many records of either sort a failed flush keeps for the next one, so that memory is bounded
# on a full disk.
_KEPT = 1000


class Writer:
    """One `fit`'s writer into one log directory. It makes no file before the first `flush`.

    Records are collected by `append` and written by `flush`. A process forked from the one
    that made the writer writes nothing. Safe to call from several threads.

    Args:
        log_dir: The log directory, the one that `keras.callbacks.TensorBoard` gets, or a URI that
            fsspec knows, such as `s3://bucket/logs/run`.
        sync: Whether each flush waits until the disk has the bytes (fdatasync). Without, a
            power failure may cost more than the position in hand; a killed process does not.
            An object store always has them.

    Attributes:
        uid: Sixteen hexadecimal digits that no other writer has.
        collected: Bytes of all records that `append` was given, with their index lines.

    Raises:
        StoreError: If the log directory is a URI, and what its store needs is not installed.
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
        """The pack, None before the first flush and in an object store."""
        return self._sink.path

    @property
    def size(self) -> int:
        """Bytes of the pack that are stored."""
        return self._sink.size

    def gone(self) -> bool:
        """Whether what was written has been deleted; then a new writer begins anew."""
        return self._sink.gone()

    def append(
        self,
        meta: Mapping[str, object],
        payload: Sequence[bytes] = (),
        summaries: Sequence[tuple[float, float, float, float]] | None = None,
    ) -> None:
        """Collect one record for the next `flush`.

        Args:
            meta: Its fields, `kind` first of all. `time`, `bytes` and `sheets` are filled in.
            payload: The sheets, in order.
            summaries: For `gray8`, one a sheet: finite minimum and maximum, 0.5 and 99.5
                percentiles of the raw values.

        Raises:
            StoreError: If the record is not one that the format allows.
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
        """Collect a `layout` record unless this writer has written the same before.

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
        """Write what was collected: on a disk pack, fdatasync, index, fdatasync; else one object.

        A writer that is closed writes nothing.

        Raises:
            StoreError: If it could not be written. What is stored is as it was before. Records
                that belong to a position are dropped; the others (layouts, probes, the model
                ...) are kept for the next flush, since later records need them, and so are
                notices, without their position.
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
                    self._records = _kept(records)
                    why = getattr(error, "strerror", None) or error
                    raise StoreError(
                        f"could not write {sum(len(r.data) for r in records)} bytes under "
                        f"{self._store}: {why}; {self._sink.remedy}"
                    ) from error
            self._sink.catch_up()

    def close(self) -> None:
        """Flush, then give the files back. A second call does nothing.

        Nothing is written afterwards, also where this fails.

        Raises:
            StoreError: As `flush` does; the files are given back all the same.
        """
        if os.getpid() != self._pid:
            return
        with self._lock:
            if self._closed:
                return
            try:
                self.flush()
            except BaseException:
                with suppress(OSError):  # the failure that came first is the one to say
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


def _kept(records: Sequence[Record]) -> list[Record]:
    """What is written by the next flush where this one failed, in the same order."""
    kept: list[Record] = []
    said = needed = 0
    for record in records:
        if record.kind == "notice":
            said += 1
            if said <= _KEPT:
                # With its position it would make one where nothing else was written.
                kept.append(record.unplaced())
        elif not record.positioned:
            needed += 1
            if needed <= _KEPT:
                kept.append(record)
    return kept


def _sink(store: Location, uid: str, *, sync: bool) -> Sink:
    if isinstance(store, Path):
        return PackWriter(store, uid, sync=sync)
    from tbviz.store.part_writer import PartWriter

    return PartWriter(store, uid)
