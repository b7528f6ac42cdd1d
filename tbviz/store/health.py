"""What the health records of one segment say, held as columns."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from tbviz.store.digits import fitting
from tbviz.store.schema import HEALTH_NUMBERS, check_names, number

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

# Stands for a number that was not written: the lowest float32, which no six digits mean.
MISSING = float(np.finfo(np.float32).min)

_pick = itemgetter(*HEALTH_NUMBERS)
_COUNT = len(HEALTH_NUMBERS)
_NAMES = frozenset(HEALTH_NUMBERS)


class Health:
    """The health of a segment's layers: 60 bytes a layer and record, and 8 for its table.

    Attributes:
        channels: Layer to how many channels it has.
        names: Which numbers were written, of whichever layer.
        columns: Names of the columns of the tables.
        advice: (layer, rule) to (from which position on, text or None): changes only.
    """

    def __init__(self) -> None:
        self.channels: dict[str, int] = {}
        self.names: set[str] = set()
        self.columns: list[str] = []
        self.advice: dict[tuple[str, str], list[tuple[int, str | None]]] = {}
        # Records of the same layers stand together: those of one callback.
        self._groups: dict[tuple[str, ...], _Group] = {}
        self._of: dict[str, list[tuple[_Group, int]]] = {}  # layer to its groups, and where in them

    def __len__(self) -> int:
        """How many layers there are."""
        return len(self.channels)

    def add(
        self, ordinal: int, meta: Mapping[str, Any], sheets: Sequence[Sequence[int]], offset: int
    ) -> None:
        """Take in one record, whole or not at all.

        Args:
            ordinal: Its position in the segment.
            meta: Its meta.
            sheets: The length and the CRC of each table.
            offset: Where the first table begins in the pack.

        Raises:
            KeyError: If a field is missing.
            TypeError: If a field is of another type.
            ValueError: If a number is none, or these layers have a record at or behind this
                position.
        """
        layers = meta["layers"]
        advice = {_advised(entry): str(entry["text"]) for entry in meta.get("advice") or ()}
        check_names(self.channels, layers)
        check_names(self.advice, advice)
        rows = meta.get("rows") or []
        numbers = _numbers(layers.values())
        channels = {}
        for index, (layer, values) in enumerate(layers.items()):
            count = values.get("channels", rows[index] if index < len(rows) else 0)
            if type(count) is not int or not 0 <= count < 1 << 63:
                raise ValueError(f"received {count!r} channels, expected a whole number")
            channels[layer] = count
        names = tuple(layers)
        group = self._groups.get(names) or _Group(len(names))
        group.append(ordinal, numbers, sheets[: len(names)], offset)
        if names not in self._groups:
            self._groups[names] = group
            for index, layer in enumerate(names):
                self._of.setdefault(layer, []).append((group, index))
        self.channels |= channels
        for name in _NAMES - self.names:
            if any(values.get(name) is not None for values in layers.values()):
                self.names.add(name)
        if isinstance(meta.get("columns"), list):
            self.columns = [str(name) for name in meta["columns"]]
        for key in {**self.advice, **advice}:
            changes = self.advice.setdefault(key, [])
            if advice.get(key) != (changes[-1][1] if changes else None):
                changes.append((ordinal, advice.get(key)))

    def ordinals(self) -> NDArray[np.int64]:
        """The positions that have a record, in order."""
        held = [group.ordinals() for group in self._groups.values()]
        return np.unique(np.concatenate(held)) if held else np.empty(0, np.int64)

    def numbers(self, layer: str, begin: int, end: int) -> NDArray[np.float32]:
        """One layer's numbers.

        Returns:
            `(positions, numbers)`, the numbers in the order of `HEALTH_NUMBERS`, `MISSING` where
            there is none.
        """
        dense = np.full((max(end - begin, 0), _COUNT), MISSING, np.float32)
        for group, index in self._of.get(layer, ()):
            group.spread(index, begin, end, dense)
        return dense

    def table(self, layer: str, ordinal: int) -> tuple[int, int, int, int] | None:
        """The last table at or before a position: its position, offset, length and CRC."""
        found = [group.table(index, ordinal) for group, index in self._of.get(layer, ())]
        return max((table for table in found if table is not None), default=None)

    def contents(self) -> list[tuple[Any, ...]]:
        """What is held, in a form that can be compared; offsets do not count."""
        return [(names, *group.contents()) for names, group in self._groups.items()]


class _Group:
    """Records of the same layers, in the order of their positions."""

    __slots__ = ("_crcs", "_layers", "_lengths", "_numbers", "_offsets", "_ordinals")

    def __init__(self, layers: int) -> None:
        self._layers = layers
        self._ordinals = array("q")
        self._offsets = array("q")
        self._numbers = array("f")
        self._lengths = array("I")  # 0 where a layer has no table
        self._crcs = array("I")

    def append(
        self, ordinal: int, numbers: array[float], sheets: Sequence[Sequence[int]], offset: int
    ) -> None:
        if self._ordinals and ordinal <= self._ordinals[-1]:
            raise ValueError(f"received {ordinal}, expected more than {self._ordinals[-1]}")
        lacking = [0] * (self._layers - len(sheets))
        lengths = array("I", [row[0] for row in sheets] + lacking)
        crcs = array("I", [row[1] for row in sheets] + lacking)
        self._ordinals.append(ordinal)
        self._offsets.append(offset)
        self._numbers += numbers
        self._lengths += lengths
        self._crcs += crcs

    def ordinals(self) -> NDArray[np.int64]:
        return np.array(self._ordinals, np.int64)

    def spread(self, index: int, begin: int, end: int, dense: NDArray[np.float32]) -> None:
        """Put one layer's numbers where their positions are."""
        held = np.frombuffer(self._numbers, np.float32).reshape(-1, self._layers, _COUNT)
        ordinals = np.frombuffer(self._ordinals, np.int64)
        first, last = np.searchsorted(ordinals, (begin, end))
        dense[ordinals[first:last] - begin] = held[first:last, index]

    def table(self, index: int, ordinal: int) -> tuple[int, int, int, int] | None:
        for record in reversed(range(bisect_right(self._ordinals, ordinal))):
            first = record * self._layers
            at = first + index
            if self._lengths[at]:
                offset = self._offsets[record] + sum(self._lengths[first:at])
                return self._ordinals[record], offset, self._lengths[at], self._crcs[at]
        return None

    def contents(self) -> tuple[Any, ...]:
        return (
            self._ordinals.tolist(),
            self._numbers.tobytes(),
            self._lengths.tolist(),
            self._crcs.tolist(),
        )


def _numbers(layers: Collection[Mapping[str, Any]]) -> array[float]:
    """The numbers of all layers, one layer after the other."""
    row: list[Any] = []
    for values in layers:
        try:
            row += _pick(values)
        except KeyError:
            row += [values.get(name) for name in HEALTH_NUMBERS]
    try:
        return array("f", row)
    except TypeError:
        return array("f", [MISSING if x is None else fitting(number(x)) for x in row])


def _advised(entry: Mapping[str, Any]) -> tuple[str, str]:
    return str(entry["layer"]), str(entry["rule"])
