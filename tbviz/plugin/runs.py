"""The runs that are open: one reader each, taken in turn, and what the list of runs says."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tbviz.plugin.errors import NotFoundError
from tbviz.store.heads import Pulse, pulse
from tbviz.store.reader import Reader
from tbviz.store.source import Folder, Pack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbviz.plugin.discovery import Discovery
    from tbviz.store.segment import Sheet

_Answer = TypeVar("_Answer")
_State = frozenset[Pack]

_REFRESH = 0.5  # seconds between two looks at a run's directory
_PATIENCE = 1.0  # a position that is being written is shown when it is whole
_OPEN = 16  # readers kept; one of a large run takes some 10 MB
_BUDGET = 1.0  # seconds that the list of runs may spend on opening them


class Run:
    """One run's reader, used by one thread at a time.

    Args:
        store: Its store directory.
    """

    def __init__(self, store: Folder) -> None:
        self.store = store
        self._reader: Reader | None = None
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._summary: _Summary | None = None

    def ask(self, question: Callable[[Reader], _Answer], *, now: bool = False) -> _Answer:
        """What a function makes of the reader, which is fresh.

        Args:
            question: Called with the reader under the run's lock; must not keep it.
            now: Whether to read what is new even if that was done a moment ago.
        """
        with self._lock:
            if self._reader is None:
                self._reader = Reader(self.store, _PATIENCE)
                self._looked = float("-inf")
            if now or time.monotonic() - self._looked >= _REFRESH:
                self._reader.refresh()
                self._looked = time.monotonic()
            return question(self._reader)

    def sheet(self, writer: str, offset: int, length: int, crc: int) -> bytes:
        """The bytes of one sheet; see `Reader.sheet`. The lock is not held while reading."""
        reader = self.ask(lambda reader: reader)
        return reader.sheet(writer, offset, length, crc)

    def sheets(self, wanted: Sequence[Sheet]) -> list[bytes | None]:
        """The bytes of several; see `Reader.sheets`. The lock is not held while reading."""
        reader = self.ask(lambda reader: reader)
        return reader.sheets(wanted)

    def summary(self, *, keep: bool) -> dict[str, Any]:
        """What the list of runs says of it.

        Args:
            keep: Whether the reader stays open.
        """
        state = frozenset(self.store.packs())
        summary = self._summary
        if summary is None or summary.state != state:
            summary = self._summary = self.ask(
                # Read now: kept under this state, an older answer would stand for good.
                lambda reader: _Summary.of(reader, state),
                now=True,
            )
            if not keep:
                self.forget()
        return summary.entry(time.time())

    @property
    def known(self) -> bool:
        """Whether it has been read."""
        return self._summary is not None

    def forget(self) -> None:
        """Give the reader's memory back; the next question opens it again."""
        with self._lock:
            self._reader = None


class Runs:
    """The runs that discovery found, opened when they are asked for.

    Args:
        discovery: Who finds them.
    """

    def __init__(self, discovery: Discovery) -> None:
        self._discovery = discovery
        self._runs: dict[str, Run] = {}
        self._open: OrderedDict[str, Run] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> Run:
        """The run of this name.

        Raises:
            NotFoundError: If none is known.
        """
        run = self._known().get(name)
        if run is None:
            raise NotFoundError(f"received run {name!r}, expected one that ./runs lists")
        with self._lock:
            self._open[name] = run
            self._open.move_to_end(name)
            closing = self._open.popitem(last=False)[1] if len(self._open) > _OPEN else None
        if closing is not None:
            closing.forget()
        return run

    def list(self) -> list[dict[str, Any]]:
        """One entry a run, as `./runs` answers.

        Where there are many and large ones, not all are read in one call: what is not known of
        a run yet is None.
        """
        end = time.monotonic() + _BUDGET
        entries = []
        for name, run in self._known().items():
            entry: dict[str, Any] = dict.fromkeys(_UNKNOWN)
            if run.known or time.monotonic() < end:
                with self._lock:
                    keep = name in self._open or len(self._open) < _OPEN
                entry = (self.get(name) if keep else run).summary(keep=keep)
            entries.append({"run": name, **entry})
        return entries

    def _known(self) -> dict[str, Run]:
        found = self._discovery.found
        with self._lock:
            runs = {}
            for name, store in found.items():
                run = self._runs.get(name)
                runs[name] = run if run is not None and run.store == store else Run(store)
            self._runs = runs
            for name in [name for name, run in self._open.items() if runs.get(name) is not run]:
                del self._open[name]
            return runs


_UNKNOWN = ("segments", "positions", "bytes", "last", "status")


class _Summary(NamedTuple):
    """What the list of runs says of one, and the state of the disk that it is of."""

    state: _State
    segments: int
    positions: int
    size: int
    pulse: Pulse | None

    @classmethod
    def of(cls, reader: Reader, state: _State) -> _Summary:
        segments = reader.segments
        return cls(
            state,
            len(segments),
            len(reader),
            sum(segment.consumed for segment in segments),
            pulse(segments[-1]) if segments else None,
        )

    def entry(self, now: float) -> dict[str, Any]:
        return {
            "segments": self.segments,
            "positions": self.positions,
            "bytes": self.size,
            "last": None if self.pulse is None else self.pulse.last,
            "status": None if self.pulse is None else self.pulse.at(now),
        }
