"""Compute the answers of `./health` and `./channels` from a reader and parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tbviz.plugin.errors import GoneError, NotFoundError
from tbviz.plugin.json_numbers import Value, json_values, room, span
from tbviz.store.format.foreign_format import clause
from tbviz.store.format.schema import HEALTH_NUMBERS, MAX_HEALTH_NUMBERS
from tbviz.store.read.columns import join_runs
from tbviz.store.read.health_columns import MISSING
from tbviz.store.read.segment import SheetAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from tbviz.store.read.reader import Reader


def health(
    reader: Reader,
    since: int,
    names: Collection[str] | None = None,
    layer: str | None = None,
    points: int | None = None,
) -> dict[str, Any]:
    """Return the health numbers at the positions from `since` on; see http_api.md.

    Args:
        reader: The run.
        since: The first position of the answer.
        names: Which numbers; those that the run does not have are left out. Defaults to None: all.
        layer: The layer. Defaults to None: every layer.
        points: Maximum number of positions, evenly spaced. Defaults to None: all.
    """
    channels: dict[str, int] = {}
    held: set[str] = set()
    for segment in reader.segments:
        channels |= segment.health.channels
        held |= segment.health.names
    had = [name for name in HEALTH_NUMBERS if name in held]
    # Those that only the run knows follow, as many as one of its segments may have.
    had = [*had, *sorted(held.difference(HEALTH_NUMBERS))][:MAX_HEALTH_NUMBERS]
    asked = [name for name in had if names is None or name in names][: room(reader, since)]
    layers = [one for one in channels if layer in {None, one}]
    layers = layers[: room(reader, since, len(asked))]
    answer = span(reader, since)
    selected: NDArray[np.intp] | slice = slice(None)
    if points is not None:
        selected = _evenly(_logged(reader, since), points)
        answer["positions"] = join_runs((since + int(at), 1) for at in selected)
    numbers: dict[str, list[list[Value]]] = {name: [] for name in asked}
    for one in layers if asked else ():
        columns = _dense(reader, one, since, asked)[selected].T
        for name, column in zip(asked, columns, strict=True):
            numbers[name].append(json_values(column))
    answer |= {
        "layers": layers,
        "channels": [channels[one] for one in layers],
        "names": had,
        "numbers": numbers,
    }
    if layer is None and points is None:
        answer["advice"] = advice(reader, since)
        rows = not_finite(reader, since)
        answer |= {"not_finite": rows} if rows else {}
    return answer


def _dense(reader: Reader, layer: str, since: int, names: Sequence[str]) -> NDArray[np.float32]:
    """Return the numbers of a layer at the positions from `since` on: (positions, names)."""
    parts = [
        segment.health.numbers(layer, min(max(since - base, 0), len(segment)), len(segment), names)
        for base, segment in reader.based()
    ]
    return np.concatenate(parts)


def _logged(reader: Reader, since: int) -> NDArray[np.intp]:
    """Return the positions from `since` on that have a health record, counted from there."""
    found = [base + segment.health.ordinals() - since for base, segment in reader.based()]
    logged = np.concatenate(found) if found else np.empty(0, np.intp)
    return logged[logged >= 0]


def _evenly(values: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Return at most this many of them, evenly spaced, including the last one."""
    if len(values) <= count:
        return values
    return values[np.linspace(len(values) - 1, 0, count, dtype=np.intp)[::-1]]


def advice(reader: Reader, since: int) -> list[tuple[int, str, str, str | None]]:
    """Report when advice begins, changes and ends: `(position, layer, rule, text or None)`.

    Args:
        reader: The run.
        since: The first position of the answer; advice that already holds is reported there.
    """
    if since >= len(reader):
        return []
    held: dict[tuple[str, str], dict[int, str | None]] = {}
    for base, segment in reader.based():
        if not len(segment):
            continue
        for texts in held.values():
            texts[max(base, since)] = None  # a new segment begins with no advice
        for key, changes in segment.health.advice.items():
            texts = held.setdefault(key, {})
            texts.update((max(base + ordinal, since), text) for ordinal, text in changes)
    rows: list[tuple[int, str, str, str | None]] = []
    for (layer, rule), texts in held.items():
        before: str | None = None
        for position, text in texts.items():
            if text != before:
                rows.append((position, layer, rule, text))
            before = text
    return sorted(rows, key=lambda row: row[0])


def not_finite(reader: Reader, since: int) -> list[tuple[int, str, str | None]]:
    """Report when a layer becomes not finite and finite again: `(position, layer, what or None)`.

    Args:
        reader: The run.
        since: The first position of the answer.
    """
    begins = [base for base, segment in reader.based() if len(segment)]
    faulty = set[str]().union(
        *(segment.health.layers_above_zero(_FAULTS) for segment in reader.segments)
    )
    if not faulty:
        return []
    layers = {layer: None for segment in reader.segments for layer in segment.health.channels}
    rows: list[tuple[int, str, str | None]] = []
    for layer in layers:
        if layer not in faulty:
            continue
        columns = dict(zip(_FAULT_NUMBERS, _dense(reader, layer, 0, _FAULT_NUMBERS).T, strict=True))
        codes = _fault_codes(columns)
        known = columns["nonfinite"] != MISSING
        known[begins] = True  # a new segment begins well
        positions = np.flatnonzero(known)
        found = codes[positions]
        changed = np.flatnonzero(found != np.concatenate([[0], found[:-1]]))
        rows += [
            (int(positions[at]), layer, FAULT_NAMES[found[at]])
            for at in changed
            if positions[at] >= since
        ]
    return sorted(rows, key=lambda row: row[0])


_FAULTS = ("nonfinite", "weight_fault")
_FAULT_NUMBERS = (*_FAULTS, "nan")

FAULT_NAMES = (None, "infinite", "NaN", "not finite")
"""States of a layer's weights or outputs, by code."""


def _fault_codes(columns: Mapping[str, NDArray[np.float32]]) -> NDArray[np.intp]:
    """Return the index in `FAULT_NAMES` per position; weights come first: outputs follow them."""
    fault, share, nan = (columns[name] for name in ("weight_fault", "nonfinite", "nan"))
    separated = nan != MISSING  # `nan` may be absent
    out = np.where(separated, np.where(nan > 0, 2, 1), 3)
    # Comparisons with NaN are false, and `MISSING` is negative: neither is a fault.
    return np.where(fault > 0, np.where(fault > 1, 2, 1), np.where(share > 0, out, 0))


def channels(
    reader: Reader, layer: str, position: int, read: Callable[[SheetAddress], bytes]
) -> dict[str, Any]:
    """Return the table of numbers per channel of the last health record at or before a position.

    Args:
        reader: The run.
        layer: Path of the layer.
        position: The position.
        read: Returns the bytes of a sheet.

    Raises:
        NotFoundError: If there is no such record.
        GoneError: If it is not a table.
    """
    for base, segment in reversed(list(reader.based())):
        table = segment.health.table(layer, position - base)
        if table is None:
            continue
        ordinal, *location = table
        data = read(SheetAddress(segment.uid, *location))
        if len(data) % 4:
            raise GoneError(f"the table of {layer!r} has {len(data)} bytes, expected float32")
        values = np.frombuffer(data, "<f4")
        columns = segment.health.columns
        rows = values.size // max(len(columns), 1)
        return {
            "position": base + ordinal,
            "columns": {
                name: [float(f"{value:.7g}") for value in values[rows * i : rows * (i + 1)]]
                for i, name in enumerate(columns)
            },
        }
    raise NotFoundError(
        f"received layer {layer!r} at position {position}, expected one that has health by then"
        f"{clause(reader.refused)}"
    )
