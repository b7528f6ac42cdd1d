"""(a reader) => the health of its layers along the positions, and what changed in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tbviz.results.along import room
from tbviz.store.errors import DamagedError
from tbviz.store.format.schema import HEALTH_NUMBERS, MAX_HEALTH_NUMBERS
from tbviz.store.read.health_columns import MISSING
from tbviz.store.read.segment import SheetAddress

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from tbviz.store.read.reader import Reader


class HealthSelection(NamedTuple):
    """The layers and numbers that a run has, and those that were requested.

    Args:
        channels: The requested layers, with the number of their channels.
        held: All numbers that the run has, known ones first.
        names: The requested ones among them.
    """

    channels: dict[str, int]
    held: list[str]
    names: list[str]


def extent(
    reader: Reader,
    since: int = 0,
    names: Collection[str] | None = None,
    layer: str | None = None,
) -> HealthSelection:
    """Return what there is, as far as there is room for its values.

    Args:
        reader: The run.
        since: The first position. Defaults to 0.
        names: Which numbers. Defaults to all.
        layer: Which layer. Defaults to all.
    """
    channels: dict[str, int] = {}
    found: set[str] = set()
    for segment in reader.segments:
        channels |= segment.health.channels
        found |= segment.health.names
    held = [name for name in HEALTH_NUMBERS if name in found]
    # Those that only the run knows follow, as many as one of its segments may have.
    held = [*held, *sorted(found.difference(HEALTH_NUMBERS))][:MAX_HEALTH_NUMBERS]
    asked = [name for name in held if names is None or name in names][: room(reader, since)]
    layers = [one for one in channels if layer in {None, one}]
    layers = layers[: room(reader, since, len(asked))]
    return HealthSelection({one: channels[one] for one in layers}, held, asked)


def numbers(
    reader: Reader, layer: str, names: Sequence[str], since: int = 0
) -> NDArray[np.float32]:
    """Return numbers of a layer at the positions from `since` on.

    Returns:
        `(positions, names)`, `MISSING` if there is none.
    """
    parts = [
        segment.health.numbers(layer, min(max(since - base, 0), len(segment)), len(segment), names)
        for base, segment in reader.based()
    ]
    return np.concatenate(parts) if parts else np.empty((0, len(names)), np.float32)


def logged(reader: Reader, since: int = 0) -> NDArray[np.intp]:
    """Return the positions from `since` on that have a health record, counted from there."""
    found = [base + segment.health.ordinals() - since for base, segment in reader.based()]
    positions = np.concatenate(found) if found else np.empty(0, np.intp)
    return positions[positions >= 0]


class Table(NamedTuple):
    """The numbers per channel of one layer at one position.

    Args:
        position: The position of the record.
        columns: Number to values, one per channel.
    """

    position: int
    columns: dict[str, NDArray[np.float32]]


def table(reader: Reader, layer: str, position: int) -> Table | None:
    """Return the last table at or before a position, None if there is none.

    Raises:
        DamagedError: If its bytes are damaged or are no table.
        UnknownWriterError: If its pack has vanished.
    """
    for base, segment in reversed(list(reader.based())):
        found = segment.health.table(layer, position - base)
        if found is None:
            continue
        ordinal, *location = found
        data = reader.read(SheetAddress(segment.uid, *location))
        if len(data) % 4:
            raise DamagedError(f"the table of {layer!r} has {len(data)} bytes, expected float32")
        values = np.frombuffer(data, "<f4").astype(np.float32)
        names = segment.health.columns
        rows = values.size // max(len(names), 1)
        columns = {name: values[rows * i : rows * (i + 1)] for i, name in enumerate(names)}
        return Table(base + ordinal, columns)
    return None


class AdviceChange(NamedTuple):
    """A position at which advice begins, changes or ends.

    Args:
        position: The index of the position.
        layer: Path of the layer, `""` for the whole model.
        rule: The rule that holds from here on.
        text: What it says, None if it no longer holds.
    """

    position: int
    layer: str
    rule: str
    text: str | None


def advice(reader: Reader, since: int = 0) -> list[AdviceChange]:
    """Report when advice begins, changes and ends.

    Args:
        reader: The run.
        since: The first position; what already holds there is reported there. Defaults to 0.
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
    rows: list[AdviceChange] = []
    for (layer, rule), texts in held.items():
        before: str | None = None
        for position, text in texts.items():
            if text != before:
                rows.append(AdviceChange(position, layer, rule, text))
            before = text
    return sorted(rows, key=lambda row: row[0])


class FaultChange(NamedTuple):
    """A position at which a layer begins or ceases not to be finite.

    Args:
        position: The index of the position.
        layer: Path of the layer.
        what: `"NaN"`, `"infinite"` or `"not finite"`; None if it is finite again.
    """

    position: int
    layer: str
    what: str | None


def not_finite(reader: Reader, since: int = 0) -> list[FaultChange]:
    """Report when a layer begins and ceases to be not finite.

    Args:
        reader: The run.
        since: The first position that is reported. Defaults to 0.
    """
    begins = [base for base, segment in reader.based() if len(segment)]
    faulty = set[str]().union(
        *(segment.health.layers_above_zero(_FAULTS) for segment in reader.segments)
    )
    if not faulty:
        return []
    layers = {layer: None for segment in reader.segments for layer in segment.health.channels}
    rows: list[FaultChange] = []
    for layer in layers:
        if layer not in faulty:
            continue
        columns = dict(zip(_FAULT_NUMBERS, numbers(reader, layer, _FAULT_NUMBERS).T, strict=True))
        codes = _fault_codes(columns)
        known = columns["nonfinite"] != MISSING
        known[begins] = True  # a new segment begins well
        positions = np.flatnonzero(known)
        found = codes[positions]
        changed = np.flatnonzero(found != np.concatenate([[0], found[:-1]]))
        rows += [
            FaultChange(int(positions[at]), layer, FAULT_NAMES[found[at]])
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
