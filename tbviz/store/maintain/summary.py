"""Summarize a store as one object, as `tbviz inspect --json` prints it.

The object has the fields `tbviz` (version of the command), `log_dir` (as given), `verified`
(whether every byte was read) and `runs`, a list with one object per run.

A run has `run` (name), `store` (location), `bytes`, `positions`, `bytes_per_epoch` (null before the
first epoch), `forecast` (bytes after the planned epochs, null if nothing is being trained),
`segments`, `kinds`, `layers`, `series`, `orders` (`paused`, `every`, `now`; null if none were
given), `warnings`, `damage` and `notes`. Epochs count from 0; times are seconds since 1970; runs of
numbers are lists of `[first, count]`. Fields may be added, but none will be removed.

* A segment: `segment` (number), `writer`, `pack`, `status` (`live`, `finished`, `stopped`,
  `failed`, `lost`, or `unreadable` for another format), `being_written` (null if the file system
  cannot tell), `model`, `backend`, `tbviz`, `format` (null if it is not a whole number), `planned`
  (epochs), `initial_epoch`, `started`, `last`, `reason`, `positions`, `bytes` (of its files or
  objects, including the index), `epochs` (runs), `batches` (positions within an epoch), `final`,
  `missing` (runs of expected epochs that do not exist), `replaces`, `by` (what rewrote it).
* A kind: `kind`, `method` (as in its layout), `layers` (their number), `positions` (the number of
  those at which any layer has a picture), `records`, `sheets`, `bytes`.
  A layer: `layer` (`""` for the whole model), `kinds`, `records`, `sheets`, `bytes`.
* A series: `kind`, `layer`, `media`, `records` (one per position), `sheets` (one per probe image),
  `bytes`, `positions` (runs of position numbers over the whole run), `missing` (runs of positions
  at which it has no picture).
* A warning: `segment`, `method`, `layer`, `text`, `remedy`, `count` (how often it was reported),
  and `event`, `key`, `rule` as in docs/format.md (they may be absent).
* Damage and notes: `what`, `segment` (null for the whole store), `text`, `remedy` (null if there is
  none), `command` (whether the remedy is a command that takes the log directory).
  `what` of damage is `tail`, `damaged`, `index-missing`, `index-behind`, `index-ahead`,
  `index-bad`, `index-foreign`, `records`, `sheet` (once per kind and layer that lost any),
  `orders`, `format` or `unreadable`; of a note it is `leftover`, `empty`, `foreign` or
  `unreadable`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tbviz.store.maintain import check
from tbviz.store.maintain.check import Finding
from tbviz.store.maintain.rewrite import pair_size
from tbviz.store.read.columns import join_runs
from tbviz.store.read.run_index import status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tbviz.store.read.reader import Reader
    from tbviz.store.read.segment import SegmentReader


def inspect(reader: Reader, *, verify: bool = False, now: float | None = None) -> dict[str, Any]:
    """Summarize the content and the state of a store.

    Args:
        reader: The store; it is refreshed.
        verify: Whether to read every byte and compare every checksum. Defaults to False.
        now: Seconds since 1970. Defaults to the current time.

    Returns:
        The fields that this module's docstring lists, without `run` and `store`.
    """
    now = time.time() if now is None else now
    reader.refresh()
    sizes = {pack.uid: pack.size for pack in reader.folder.packs()}
    segments = [
        _segment(reader, index + 1, segment, sizes, now)
        for index, segment in enumerate(reader.segments)
    ]
    orders, damage = check.orders(reader)
    for entry, segment in zip(segments, reader.segments, strict=True):
        damage += _damage(reader, entry, segment, verify=verify)
    series = [_series(reader, *key) for key in reader.series()]
    methods = {
        entry.meta.get("picture"): entry.meta.get("method")
        for segment in reader.segments
        for entry in segment.layouts.values()
    }
    epochs = {(entry["segment"], epoch) for entry in segments for epoch in _each(entry["epochs"])}
    size = sum(entry["bytes"] for entry in segments)
    known = sum(entry["bytes"] for entry in segments if entry["status"] != "unreadable")
    rate = known / len(epochs) if epochs else None
    return {
        "bytes": size,
        "positions": len(reader),
        "bytes_per_epoch": rate,
        "forecast": _forecast(segments, size),
        "segments": segments,
        "kinds": [
            {
                "kind": kind,
                "method": methods.get(kind),
                "layers": len(entries),
                "positions": _covered(run for entry in entries for run in entry["positions"]),
                **_sums(entries),
            }
            for kind, entries in _grouped(series, "kind").items()
        ],
        "layers": [
            {
                "layer": layer,
                "kinds": [entry["kind"] for entry in entries],
                **_sums(entries),
            }
            for layer, entries in _grouped(series, "layer").items()
        ],
        "series": series,
        "orders": orders,
        "warnings": _warnings(reader),
        "damage": [finding._asdict() for finding in damage],
        "notes": [finding._asdict() for finding in check.notes(reader)],
    }


def _segment(
    reader: Reader, number: int, segment: SegmentReader, sizes: dict[str, int], now: float
) -> dict[str, Any]:
    state = status(segment, now)
    begin, finish = segment.begin, segment.finish
    positions = [segment.position(ordinal) for ordinal in range(len(segment))]
    epochs = sorted({position.epoch for position in positions if position.batch is None})
    planned, first = begin.get("epochs"), begin.get("initial_epoch", 0)
    return {
        "segment": number,
        "writer": segment.uid,
        "pack": segment.source.name,
        "status": state,
        "being_written": segment.source.held(),
        "model": begin.get("model"),
        "backend": begin.get("backend"),
        "tbviz": segment.version,
        "format": segment.format,
        "planned": planned,
        "initial_epoch": first,
        "started": begin.get("time"),
        "last": segment.last or None,
        "reason": None if finish is None else finish.get("reason"),
        "positions": len(positions),
        "bytes": _size(reader, segment, sizes),
        "epochs": _runs(epochs),
        "batches": sum(position.batch is not None for position in positions),
        "final": any(position.final for position in positions),
        "missing": _missing(epochs, first, planned if state == "finished" else None),
        "replaces": list(segment.replaces),
        "by": segment.by,
    }


def _size(reader: Reader, segment: SegmentReader, sizes: dict[str, int]) -> int:
    """Return the bytes of a segment, as repair and prune count them."""
    path = check.pack_path(reader, segment)
    try:
        if path is not None:
            return pair_size(path)
    except OSError:
        pass  # it was deleted in the meantime
    return sizes.get(segment.uid, segment.consumed)


def _damage(
    reader: Reader, entry: dict[str, Any], segment: SegmentReader, *, verify: bool
) -> list[Finding]:
    written = entry["being_written"]
    growing = entry["status"] == "live" if written is None else written
    try:
        return list(check.damage(reader, entry["segment"], segment, growing=growing, verify=verify))
    except OSError as error:
        text = f"{segment.source.name} could not be read: {error.strerror or error}"
        return [Finding("unreadable", entry["segment"], text)]


def _missing(epochs: list[int], first: object, planned: object) -> list[list[int]]:
    """Return the missing epochs up to the last one, or to the planned end of a finished fit."""
    begin = first if isinstance(first, int) else 0
    end = epochs[-1] + 1 if epochs else begin
    if isinstance(planned, int):
        end = max(end, planned)
    held = [(epoch, 1) for epoch in epochs]
    return _between(held, begin, end)


def _series(reader: Reader, kind: str, layer: str) -> dict[str, Any]:
    parts = reader.columns(kind, layer)
    positions = join_runs(
        (base + first, count) for base, _, columns in parts for first, count in columns.positions
    )
    return {
        "kind": kind,
        "layer": layer,
        "media": parts[-1][2].media,
        "records": sum(columns.positions.total for _, _, columns in parts),
        "sheets": sum(columns.positions.total * columns.sheets for _, _, columns in parts),
        "bytes": sum(columns.size for _, _, columns in parts),
        "positions": positions,
        "missing": _between([(first, count) for first, count in positions], 0, len(reader)),
    }


def _sums(entries: list[dict[str, Any]]) -> dict[str, int]:
    names = ("records", "sheets", "bytes")
    return {name: sum(entry[name] for entry in entries) for name in names}


def _grouped(series: list[dict[str, Any]], field: str) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for entry in series:
        groups.setdefault(entry[field], []).append(entry)
    return groups


def _forecast(segments: list[dict[str, Any]], size: int) -> int | None:
    """Return the bytes of the run after the planned epochs of the newest fit."""
    newest = segments[-1] if segments else {}
    planned, epochs = newest.get("planned"), list(_each(newest.get("epochs", ())))
    if newest.get("status") != "live" or not isinstance(planned, int) or not epochs:
        return None
    left = max(0, planned - 1 - epochs[-1])
    return size + int(left * newest["bytes"] / len(epochs))


def _warnings(reader: Reader) -> list[dict[str, Any]]:
    found: dict[tuple[int, str | int], dict[str, Any]] = {}
    for number, segment in enumerate(reader.segments, 1):
        for index, entry in enumerate(segment.notices):
            meta = entry.meta
            if meta.get("level") != "warning":
                continue
            fields: dict[str, str | None] = {
                name: _text(meta.get(name)) for name in ("method", "layer", "text", "remedy")
            }
            key = meta.get("key")
            same = (number, key if isinstance(key, str) else index)  # without a key: on its own
            state: dict[str, str | None] = {
                name: _text(meta[name]) for name in ("event", "key", "rule") if name in meta
            }
            warning: dict[str, Any] = {"segment": number, **state, **fields, "count": 0}
            found.setdefault(same, warning)["count"] += 1
    return list(found.values())


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _runs(values: Iterable[int]) -> list[list[int]]:
    return join_runs((value, 1) for value in values)


def _covered(runs: Iterable[list[int]]) -> int:
    """Count the numbers that are in any of these runs."""
    count = end = 0
    for first, length in sorted(runs):
        count += max(0, first + length - max(first, end))
        end = max(end, first + length)
    return count


def _each(runs: Iterable[list[int]]) -> Iterable[int]:
    for first, count in runs:
        yield from range(first, first + count)


def _between(held: Iterable[tuple[int, int]], begin: int, end: int) -> list[list[int]]:
    """Return the runs of missing numbers from `begin` to before `end`."""
    missing = []
    for first, count in held:
        if begin < first:
            missing.append([begin, first - begin])
        begin = max(begin, first + count)
    return [*missing, *([[begin, end - begin]] if begin < end else [])]
