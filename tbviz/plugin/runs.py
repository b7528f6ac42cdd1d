"""Keep runs open, each with a reader that one thread uses at a time, and list all runs."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tbviz.plugin.errors import NotFoundError
from tbviz.store.errors import DamagedError
from tbviz.store.read.reader import Reader
from tbviz.store.read.run_index import Pulse, pulse
from tbviz.store.read.source import Folder, Pack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tbviz.plugin.discovery import Discovery
    from tbviz.store.read.segment import SegmentReader, SheetAddress

_Answer = TypeVar("_Answer")
_State = frozenset[Pack]

_REFRESH = 0.5  # seconds between two reads of a run's directory
_TIMEOUT = 1.0  # a position that is being written is shown when it is whole
# Readers stay open for so many runs, and for so many sheets: one of 200,000 takes some 10 MB.
_MAX_OPEN = 16
_MAX_SHEETS = 1_000_000
_MAX_SHEET_BYTES = 64 << 20  # larger sheets are not sent
_BUDGET = 1.0  # seconds that the list of runs may spend on opening them


class ServedRun:
    """One run's reader, used by one thread at a time.

    Args:
        store: Its store directory.

    Attributes:
        weight: How many sheets the reader held when it was last refreshed.
    """

    def __init__(self, store: Folder) -> None:
        self.store = store
        self.weight = 0
        self._reader: Reader | None = None
        self._lock = threading.Lock()
        self._refreshed = float("-inf")
        self._state: _State = frozenset()
        self._summary: _Summary | None = None

    def ask(self, question: Callable[[Reader], _Answer]) -> _Answer:
        """Return the result of a function of the reader, which is refreshed if that is due.

        Args:
            question: Called with the reader under the run's lock; must not keep it.
        """
        with self._lock:
            due = time.monotonic() - self._refreshed >= _REFRESH
            return question(self._fresh(due=due))

    def sheet(self, writer: str, offset: int, length: int, crc: int) -> bytes:
        """Return the bytes of one sheet; see `Reader.sheet`. No lock is held while reading.

        Raises:
            DamagedError: As `Reader.sheet`, and for one that is too large to be sent.
        """
        if length > _MAX_SHEET_BYTES:
            raise DamagedError(
                f"received a sheet of {length} bytes, expected at most {_MAX_SHEET_BYTES}"
            )
        return self._reader_for([writer]).sheet(writer, offset, length, crc)

    def sheets(self, addresses: Sequence[SheetAddress]) -> list[bytes | None]:
        """Return the bytes of several sheets; see `Reader.sheets`. No lock is held meanwhile."""
        reader = self._reader_for([sheet.writer for sheet in addresses])
        found = iter(
            reader.sheets([sheet for sheet in addresses if sheet.length <= _MAX_SHEET_BYTES])
        )
        return [next(found) if sheet.length <= _MAX_SHEET_BYTES else None for sheet in addresses]

    def changed(self) -> int | None:
        """Return when it was last written, in ns since 1970; None if the summary is current."""
        self._state = frozenset(self.store.packs())
        if self._summary is not None and self._summary.state == self._state:
            return None
        return max((pack.changed for pack in self._state), default=0)

    def summarize(self, timeout: float) -> None:
        """Read the entry for the list of runs, as of the last call of `changed`.

        Args:
            timeout: Maximum seconds to wait for another reader.
        """
        state = self._state
        if self._lock.acquire(timeout=max(timeout, 0.0)):
            try:
                # Read now: an older answer, stored with this state, would never be replaced.
                self._summary = _Summary.from_reader(self._fresh(due=True), state)
            finally:
                self._lock.release()

    def entry(self) -> dict[str, Any]:
        """Return the fields for the list of runs; None for those that are not known yet."""
        summary = self._summary
        return dict.fromkeys(_UNKNOWN) if summary is None else summary.entry(time.time())

    def release(self) -> None:
        """Release the reader's memory; the next question opens it again."""
        # Not under the lock: a thread that uses the reader continues to use it.
        self._reader = None
        self.weight = 0

    def _fresh(self, *, due: bool) -> Reader:
        reader = self._reader
        if reader is None:
            reader, due = Reader(self.store, _TIMEOUT), True
        if due:
            reader.refresh()
            self._refreshed = time.monotonic()
            self.weight = sum(len(s) for seg in reader.segments for s in seg.series.values())
            self._reader = reader
        return reader

    def _reader_for(self, writers: Sequence[str]) -> Reader:
        """Return a reader that knows these writers, without a refresh if possible."""
        reader = self._reader
        if reader is not None and reader.knows(writers):
            return reader
        return self.ask(lambda fresh: fresh)


class OpenRuns:
    """The runs that discovery found, opened when they are asked for.

    Args:
        discovery: The search that finds them.
    """

    def __init__(self, discovery: Discovery) -> None:
        self._discovery = discovery
        self._found: Mapping[str, Folder] = {}
        self._runs: dict[str, ServedRun] = {}
        self._open: OrderedDict[str, ServedRun] = OrderedDict()
        self._lock = threading.Lock()
        self._listing = threading.Lock()
        self._listed = float("-inf")

    def get(self, name: str) -> ServedRun:
        """Return the run of this name.

        Raises:
            NotFoundError: If none is known.
        """
        run = self._known().get(name)
        if run is None:
            raise NotFoundError(f"received run {name!r}, expected one that ./runs lists")
        self._mark_used(name, run)
        return run

    def list(self) -> list[dict[str, Any]]:
        """List one entry per run, as `./runs` answers.

        If there are many large ones, not all are read in one call: fields of a run that are not
        known yet are None. The runs that were written last are read first. Those that have not
        changed are not read.
        """
        known = self._known()
        if self._listing.acquire(timeout=max(_BUDGET, 0.0)):
            try:
                if time.monotonic() - self._listed >= _REFRESH:
                    self._summarize(known)
                    self._listed = time.monotonic()
            finally:
                self._listing.release()
        return [{"run": name, **run.entry()} for name, run in known.items()]

    def _summarize(self, known: Mapping[str, ServedRun]) -> None:
        end = time.monotonic() + _BUDGET
        news: list[tuple[int, str]] = []
        for name, run in known.items():
            if time.monotonic() >= end:
                return
            changed = run.changed()
            if changed is not None:
                news.append((changed, name))
        for _, name in sorted(news, reverse=True):
            if time.monotonic() >= end:
                return
            with self._lock:
                keep = name in self._open or self._has_room()
            run = known[name]
            run.summarize(end - time.monotonic())
            if keep:
                self._mark_used(name, run)
            else:
                run.release()

    def _mark_used(self, name: str, run: ServedRun) -> None:
        """Note a use, and release the least recently used readers if there are too many."""
        with self._lock:
            self._open[name] = run
            self._open.move_to_end(name)
            while len(self._open) > 1 and not self._has_room(beyond=0):
                self._open.popitem(last=False)[1].release()

    def _has_room(self, beyond: int = 1) -> bool:
        """Return whether this many more readers may stay open."""
        sheets = sum(run.weight for run in self._open.values())
        return len(self._open) + beyond <= _MAX_OPEN and sheets <= _MAX_SHEETS

    def _known(self) -> dict[str, ServedRun]:
        found = self._discovery.found
        with self._lock:
            if found is not self._found:
                runs = {}
                for name, store in found.items():
                    run = self._runs.get(name)
                    runs[name] = run if run is not None and run.store == store else ServedRun(store)
                self._runs, self._found = runs, found
                for name in [name for name, run in self._open.items() if runs.get(name) is not run]:
                    del self._open[name]
            return self._runs


def _size(segment: SegmentReader, state: _State) -> int:
    """Return the bytes of a segment that were parsed, or all of its bytes if it is not read."""
    if not segment.refused:
        return segment.consumed
    return next((pack.size for pack in state if pack.uid == segment.uid), segment.consumed)


_UNKNOWN = ("segments", "positions", "bytes", "last", "status")


class _Summary(NamedTuple):
    """The entry of a run in the list, and the state of the disk that it describes."""

    state: _State
    segments: int
    positions: int
    size: int
    pulse: Pulse | None

    @classmethod
    def from_reader(cls, reader: Reader, state: _State) -> _Summary:
        segments = reader.segments
        return cls(
            state,
            len(segments),
            len(reader),
            sum(_size(segment, state) for segment in segments),
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
