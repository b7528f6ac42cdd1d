"""The journal: what one `fit` writes into its log directory, a position at a time.

Everything that is logged at one position is gathered here and handed to the writer's thread
together, so that a kill loses the position in hand and no other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from tbviz.callbacks.costs import Costs
from tbviz.callbacks.pictures import Entry, Record
from tbviz.store.background import BackgroundWriter
from tbviz.store.errors import StoreError
from tbviz.store.schema import Position
from tbviz.store.writer import Writer

_log = logging.getLogger("tbviz")


class Journal:
    """One `fit`'s records. No file is made before `begin`.

    Args:
        log_dir: the directory in which the store lies.

    Attributes:
        costs: what was spent since the last position.
        drawn: layer to the kinds of what was logged of it, for the layer tree.
        failure: the first thing that went wrong while encoding or writing, for `strict`.
    """

    def __init__(self, log_dir: Path) -> None:
        self.costs = Costs()
        self.drawn: dict[str, list[str]] = {}
        self.failure: Exception | None = None
        self.yielding = False  # whether what is added now gives way to what others log
        self._claimed: set[tuple[str, str]] = set()
        self._log_dir = log_dir
        self._background: BackgroundWriter | None = None
        self._ended = False
        self._position: Position | None = None
        self._entries: list[Entry] = []
        # Records that belong to no position: a store that was deleted begins with them again.
        self._head: dict[str, Entry] = {}
        self._deleted = False
        self._wait_at_once = False
        self._said: set[tuple[str, ...]] = set()
        self._late: list[Record] = []  # notices, from the writer's thread too
        # Reentrant: garbage that is collected inside `notice` may end this very journal.
        self._lock = threading.RLock()
        self._size_said: Callable[[int], str] | None = None

    # The fit

    def begin(self, fields: Mapping[str, Any], size_said: Callable[[int], str]) -> None:
        """Writes the `fit` record, so that the page shows the run before its first epoch ends.

        Args:
            fields: of the record.
            size_said: says in words what a run of so many bytes a position takes.
        """
        self._size_said = size_said
        self._head["fit"] = Record({"kind": "fit", "event": "begin", **fields}, placed=False)
        self._open()

    def end(self, status: str, reason: str | None = None) -> None:
        """Writes what is left and the end of the `fit`, and waits until all is on disk.

        Args:
            status: `"finished"`, `"stopped"` or `"failed"`.
            reason: why, in words.
        """
        if self._ended:
            return
        self._ended = True
        self.hand_over()
        if self._background is None:
            return
        fields = {"kind": "fit", "event": "end", "status": status, "reason": reason}
        last = [*self._take_late(), Record(fields, placed=False)]
        self._background.submit(lambda writer: _write(writer, last, None))
        self._background.close()

    # One position

    def open(self, position: Position) -> None:
        """Goes to a position."""
        self._position = position

    def add(self, entry: Entry) -> None:
        """Adds to what is written of this position.

        A series has one record a position: where two callbacks log the same kind of picture of
        one layer, the first one's is kept, and that is said. What a callback that yields logs is
        left out for good where another one has logged the same.
        """
        if self.yielding and any((entry.kind, layer) in self._claimed for layer in entry.layers):
            return
        shared = [
            layer
            for other in self._entries
            if other.kind == entry.kind and not _of_the_fit(entry)
            for layer in other.layers
            if layer in entry.layers
        ]
        if shared:
            text = (
                f"two callbacks of this fit log {entry.kind} of "
                f"{'it' if shared[0] else 'the model'}; the second one's are left out"
            )
            remedy = "give them different layers, or leave one out"
            key = ("twice", entry.kind, shared[0])
            self.notice("tbviz", text, remedy, shared[0] or None, key=key)
            return
        self._entries.append(entry)
        if _of_the_fit(entry):
            self._head[entry.kind] = entry
        for layer in entry.layers:
            if not self.yielding:
                self._claimed.add((entry.kind, layer))
            kinds = self.drawn.setdefault(layer, [])
            if entry.kind not in kinds:
                kinds.append(entry.kind)

    def hand_over(self) -> None:
        """Hands this position to the writer's thread, once the one before is on disk."""
        entries: list[Entry]
        entries, self._entries = [*self._take_late(), *self._entries], []
        position, self._position = self._position, None
        if position is None or self._background is None or not entries:
            return
        if self._deleted:
            self._open()
        entries.append(Record(self.costs.record(self._background.cpu_seconds)))
        said, self._size_said = self._size_said, None

        def job(writer: Writer) -> None:
            _write(writer, [entry for entry in entries if _of_the_fit(entry)], position)
            if said is not None:
                writer.flush()
            before = writer.size
            _write(writer, [entry for entry in entries if not _of_the_fit(entry)], position)
            if said is not None:
                writer.flush()
                self.notice("tbviz", said(writer.size - before), level="info")

        self.costs.waited(self._background.submit(job))
        if self._wait_at_once:
            start = time.perf_counter()
            self._background.drain()
            self.costs.waited(time.perf_counter() - start)

    # Saying

    def notice(
        self,
        method: str,
        text: str,
        remedy: str | None = None,
        layer: str | None = None,
        level: str = "warning",
        key: tuple[str, ...] | None = None,
    ) -> None:
        """Says once, to the log and to the page, what happened and what to do.

        Args:
            method: the callback, or `"tbviz"` where it concerns all of them.
            text: what happened.
            remedy: what the user can do, `None` for nothing.
            layer: path of the layer that it concerns.
            level: `"warning"`, or `"info"` where nothing is wrong.
            key: what counts as the same; method, layer and text unless given.
        """
        with self._lock:
            once = key or (method, layer or "", text)
            if once in self._said:
                return
            self._said.add(once)
            fields = {"level": level, "method": method, "layer": layer}
            self._late.append(Record({"kind": "notice", **fields, "text": text, "remedy": remedy}))
        who = "tbviz" if method == "tbviz" else f"tbviz {method}"
        where = f" at {layer}" if layer else ""
        _log.log(
            logging.WARNING if level == "warning" else logging.INFO,
            "%s%s: %s%s",
            who,
            where,
            text,
            f". {remedy}" if remedy else "",
        )

    def _take_late(self) -> list[Record]:
        with self._lock:
            late, self._late = self._late, []
        return late

    # Writing

    def _open(self) -> None:
        if self._background is not None:
            self._background.close()
        self._deleted = False
        self._wait_at_once = _threads_slow_training()
        self._background = BackgroundWriter(Writer(self._log_dir), self._failed)
        head = list(self._head.values())
        self._background.submit(lambda writer: _write(writer, head, None))

    def _failed(self, error: Exception) -> None:
        """Called on the writer's thread, and with whatever goes wrong there."""
        self.failure = self.failure or error
        path = self._background.writer.path if self._background is not None else None
        self._deleted = path is not None and not path.exists()
        if not isinstance(error, StoreError):
            what = f"{type(error).__name__}: {error}"
            self.notice(
                "store",
                f"a picture could not be encoded ({what})",
                "training goes on, and the other pictures are written",
                key=("store", what),
            )
            return
        if self._deleted:
            advice = "training goes on; what follows is written as a new segment"
        else:
            advice = "training goes on and later positions are tried; free the disk or make the "
            advice += "log directory writable"
        self.notice(
            "store",
            f"a position could not be written ({error})",
            advice,
            key=("store", type(error).__name__, str(self._deleted)),
        )


def _threads_slow_training() -> bool:
    """Whether a busy thread beside training slows it fourfold: torch's own spin on a CPU."""
    if keras.backend.backend() != "torch":
        return False
    return str(keras.ops.convert_to_tensor(0.0).device) == "cpu"


def _of_the_fit(entry: Entry) -> bool:
    return isinstance(entry, Record) and not entry.placed


def _write(writer: Writer, entries: Sequence[Entry], position: Position | None) -> None:
    """Appends all entries; one that fails takes no other along."""
    failures: list[Exception] = []
    for entry in entries:
        try:
            entry.write(writer, position)
        except Exception as error:
            failures.append(error)
    if failures:
        raise failures[0]
