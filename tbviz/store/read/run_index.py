"""Build the index of a run, or what is new in it since a cursor.

A cursor contains how far each pack was parsed and the state of each `fit`, and nothing else, so
that it outlives the process that created it. The cursor of a run with many segments stays short:
all but the newest segment are one checksum, since nothing is written to them any more.
"""

from __future__ import annotations

import re
import time
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from tbviz.store.format.foreign_format import sentence
from tbviz.store.read.columns import join_runs
from tbviz.store.read.sheet_columns import union

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbviz.store.read.reader import Reader
    from tbviz.store.read.segment import IndexEntry, SegmentReader

_CURSOR = re.compile(r"([0-9]{1,9})\.([0-9a-f]{8})\.([0-9a-f]{16})\.([0-9]{1,18})\.([0-9a-z]+)")
_EMPTY = "0"
_LOST_AFTER = 120.0
_LOST_DISTANCES = 10
_RECENT = 100


class Pulse(NamedTuple):
    """The data that determine the status of a `fit` at any time.

    Args:
        ended: `"finished"`, `"stopped"` or `"failed"`, None if no end was written;
            `"unreadable"` if it has another format.
        last: When the newest record was written, seconds since 1970.
        timeout: Seconds without a record after which it counts as lost if there are no locks.
        held: Returns whether a process is writing it; see `Source.held`.
    """

    ended: str | None
    last: float
    timeout: float
    held: Callable[[], bool | None]

    def at(self, now: float) -> str:
        """Return the status: `"live"`, `"lost"`, `"unreadable"`, or how it ended."""
        if self.ended is not None:
            return self.ended
        held = self.held()
        if held is None:
            held = now - self.last <= self.timeout
        return "live" if held else "lost"


def pulse(segment: SegmentReader) -> Pulse:
    """Return the data that determine the status of a segment's `fit`.

    If no end was written, it is live while a process holds the lock of its pack, else lost. If
    there are no locks, it is lost when nothing was written for ten times the usual interval of its
    positions, at least two minutes.
    """
    # The median: a clock that is set in between makes only one interval wrong.
    times = segment.position_times[-_RECENT:]
    distances = sorted(later - earlier for earlier, later in pairwise(times))
    usual = distances[len(distances) // 2] if distances else 0.0
    timeout = max(_LOST_AFTER, _LOST_DISTANCES * usual)
    ended = None if segment.finish is None else str(segment.finish["status"])
    if segment.refused:
        ended = "unreadable"
    return Pulse(ended, segment.last, timeout, segment.source.held)


def status(segment: SegmentReader, now: float) -> str:
    """Return the status of a segment's `fit` at a time, seconds since 1970."""
    return pulse(segment).at(now)


def cursor(reader: Reader, now: float | None = None) -> str:
    """Return the cursor to pass to `since` later to get only what is new."""
    now = time.time() if now is None else now
    if not reader.segments:
        return _EMPTY
    newest = reader.segments[-1]
    before = _checksum(reader.segments[:-1])
    count = len(reader.segments)
    states = _states(reader.segments, now)
    return f"{count}.{before:08x}.{newest.uid}.{newest.consumed}.{states}"


def run_index(reader: Reader, now: float | None = None) -> dict[str, Any]:
    """Return the index of the run, as `./index` answers without `since`."""
    return since(reader, None, now)


def since(reader: Reader, earlier: str | None, now: float | None = None) -> dict[str, Any]:
    """Return what is new since a cursor, as `./index` answers it.

    Args:
        reader: The run.
        earlier: The cursor of an earlier answer, None or '' for everything.
        now: Seconds since 1970. Defaults to the current time.

    Returns:
        Only `cursor` and `now` if nothing is new. `reset` is true if the cursor no longer applies:
        a writer has vanished, or an older segment has changed.

    Raises:
        ValueError: If it is not a cursor.
    """
    now = time.time() if now is None else now
    current = cursor(reader, now)
    if earlier == current:
        return {"cursor": current, "now": now}
    news = _everything(reader) if not earlier else _news(reader, earlier, now)
    reset = news is None
    news = news or _everything(reader)
    answer: dict[str, Any] = {"cursor": current, "reset": reset, "now": now}
    return answer | _answer(reader, news, now)


class _New(NamedTuple):
    """A segment with news."""

    number: int
    base: int
    segment: SegmentReader
    after: int  # bytes of its pack that the client knows, -1 for none


def _everything(reader: Reader) -> list[_New]:
    return [
        _New(index + 1, base, segment, -1) for index, (base, segment) in enumerate(reader.based())
    ]


def _news(reader: Reader, earlier: str, now: float) -> list[_New] | None:
    """Return the segments that changed since a cursor, None if everything must be sent again."""
    if earlier == _EMPTY:
        return _everything(reader)
    match = _CURSOR.fullmatch(earlier)
    if match is None:
        raise ValueError(f"received cursor {earlier!r}, expected one of an earlier answer")
    count, before, uid, consumed = int(match[1]), int(match[2], 16), match[3], int(match[4])
    if not 0 < count <= len(reader.segments):
        return None
    known = reader.segments[count - 1]
    if (
        known.uid != uid
        or known.consumed < consumed
        or _checksum(reader.segments[: count - 1]) != before
    ):
        return None
    everything = _everything(reader)
    first, *later = everything[count - 1 :]
    news = [first._replace(after=consumed), *later]
    if match[5] == _states(reader.segments[:count], now):
        return news
    # Even without new records, a fit without an end may have become lost, or live again.
    older = (new for new in everything[: count - 1] if new.segment.finish is None)
    return [*(new._replace(after=new.segment.consumed) for new in older), *news]


def _checksum(segments: Sequence[SegmentReader]) -> int:
    return zlib.crc32(",".join(f"{s.uid}.{s.consumed}" for s in segments).encode("ascii"))


def _states(segments: Sequence[SegmentReader], now: float) -> str:
    states = ",".join(status(segment, now) for segment in segments)
    return f"{zlib.crc32(states.encode('ascii')):08x}"


def _answer(reader: Reader, news: list[_New], now: float) -> dict[str, Any]:
    changed = {
        key
        for new in news
        for key, columns in new.segment.series.items()
        if columns.end > new.after
    }
    return {
        "segments": [segment_entry(new.number, new.segment, now) for new in news],
        "positions": [run for new in news for run in _positions(new)],
        "series": [_series(reader, *key) for key in reader.series() if key in changed],
        "layouts": {
            identifier: entry.meta
            for new in news
            for identifier, entry in new.segment.layouts.items()
            if entry.end > new.after
        },
        "probes": [_probe(new, entry) for new in news for entry in _later(new, new.segment.probes)],
        "notices": [
            _notice(new, entry) for new in news for entry in _later(new, new.segment.notices)
        ],
        "latest": {name: _latest(reader, name) for name in ("metrics", "health", "predictions")},
    }


def _later(new: _New, entries: Sequence[IndexEntry]) -> list[IndexEntry]:
    return [entry for entry in entries if entry.end > new.after]


def segment_entry(number: int, segment: SegmentReader, now: float) -> dict[str, Any]:
    """Return a segment as `./index` lists it."""
    begin, finish = segment.begin, segment.finish
    return {
        "segment": number,
        "writer": segment.uid,
        "status": status(segment, now),
        "epochs": begin.get("epochs"),
        "initial_epoch": begin.get("initial_epoch", 0),
        "steps": begin.get("steps"),
        "started": begin.get("time"),
        "last": segment.last,
        "ended": None if finish is None else finish.get("time"),
        "reason": None if finish is None else finish.get("reason"),
        "backend": begin.get("backend"),
        "versions": begin.get("versions", {}),
        "model": begin.get("model"),
        "damaged": segment.damaged,
        "format": segment.format,
        "refused": sentence(number, segment.refused) if segment.refused else None,
    }


def _positions(new: _New) -> list[list[int | bool | None]]:
    segment = new.segment
    runs: list[list[int | bool | None]] = []
    following: int | None = None  # the epoch that would extend the last run
    for ordinal in range(segment.positions_from(new.after), len(segment)):
        epoch, batch, final = segment.position(ordinal)
        if final:
            runs.append([new.number, epoch, 1, batch, True])
            following = None
        elif batch is not None:
            runs.append([new.number, epoch, 1, batch])
            following = None
        elif epoch == following:
            count = runs[-1][2]
            runs[-1][2] = 1 + (count or 0)
            following = epoch + 1
        else:
            runs.append([new.number, epoch, 1])
            following = epoch + 1
    return runs


def _series(reader: Reader, kind: str, layer: str) -> dict[str, Any]:
    parts = reader.columns(kind, layer)
    _, _, newest = parts[-1]
    entry: dict[str, Any] = {
        "kind": kind,
        "layer": layer,
        "layout": newest.layouts[-1][0],
        "media": newest.media,
        "images": parts[-1][1].images(kind, layer),
        "count": sum(columns.positions.total for _, _, columns in parts),
        "bytes": sum(columns.size for _, _, columns in parts),
        "positions": join_runs(
            (base + first, count)
            for base, _, columns in parts
            for first, count in columns.positions
        ),
    }
    if newest.gray:
        entry["range"] = union([columns.range for _, _, columns in parts])
        entry["percentiles"] = union([columns.percentiles for _, _, columns in parts])
    return entry


def _probe(new: _New, entry: IndexEntry) -> dict[str, Any]:
    meta = entry.meta
    return {
        "segment": new.number,
        "writer": new.segment.uid,
        "size": meta.get("size"),
        "range": meta.get("range"),
        "images": meta["images"],
        "class_names": meta.get("class_names"),
        "sheets": [[sheet.offset, sheet.length, sheet.crc] for sheet in entry.sheets],
    }


def _notice(new: _New, entry: IndexEntry) -> dict[str, Any]:
    meta = entry.meta
    names = ("level", "method", "layer", "text", "remedy", "time")
    position = None if entry.position is None else new.base + entry.position
    fields = {name: meta.get(name) for name in names}
    # Any of these may be absent.
    fields |= {name: meta[name] for name in ("event", "key", "rule") if name in meta}
    return {"segment": new.number, "position": position, **fields}


def _latest(reader: Reader, name: str) -> int | None:
    return max(
        (base + seg.latest[name] for base, seg in reader.based() if name in seg.latest),
        default=None,
    )
