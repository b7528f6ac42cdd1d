"""Store the health records of one segment as columns."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from tbviz.store.format.schema import (
    HEALTH_NUMBERS,
    MAX_HEALTH_NUMBERS,
    MAX_VALUES,
    check_names,
    number,
)
from tbviz.store.format.six_digits import fitting

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

# Stands for a missing number: the lowest float32, which no number of six digits rounds to.
MISSING = float(np.finfo(np.float32).min)

_COUNT = len(HEALTH_NUMBERS)
_NAMES = frozenset(HEALTH_NUMBERS)
_EXTRA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class HealthColumns:
    """The health of a segment's layers: 60 bytes per layer and record, and 8 for its table.

    Each number that is not in `HEALTH_NUMBERS` takes 4 bytes more.

    Attributes:
        channels: The number of channels of each layer.
        names: The numbers that were written for any layer, known or unknown.
        columns: Names of the columns of the tables.
        advice: (layer, rule) to (first position, text or None): changes only.
    """

    def __init__(self) -> None:
        self.channels: dict[str, int] = {}
        self.names: set[str] = set()
        self.columns: list[str] = []
        self.advice: dict[tuple[str, str], list[tuple[int, str | None]]] = {}
        # Records of the same layers form a group: those of one callback.
        self._groups: dict[tuple[str, ...], _Group] = {}
        # The groups of each layer, with its index in them.
        self._groups_of_layer: dict[str, list[tuple[_Group, int]]] = {}
        self._last = -1  # the position of the last record
        self._extra = 0  # values of numbers that are not in the list

    def __len__(self) -> int:
        """Return the number of layers."""
        return len(self.channels)

    def add(
        self, ordinal: int, meta: Mapping[str, Any], sheets: Sequence[Sequence[int]], offset: int
    ) -> None:
        """Add one record, completely or not at all.

        Args:
            ordinal: Its position in the segment.
            meta: Its meta.
            sheets: The length and the CRC of each table.
            offset: Where the first table begins in the pack.

        Raises:
            KeyError: If a field is missing.
            TypeError: If a field has a wrong type.
            ValueError: If a value is not a number, or if these layers have a record at or after
                this position.
        """
        layers = meta["layers"]
        advice = {_advice_key(entry): str(entry["text"]) for entry in meta.get("advice") or ()}
        check_names(self.channels, layers)
        check_names(self.advice, advice)
        rows = meta.get("rows") or []
        channels = {}
        for index, (layer, values) in enumerate(layers.items()):
            count = values.get("channels", rows[index] if index < len(rows) else 0)
            if type(count) is not int or not 0 <= count < 1 << 63:
                raise ValueError(f"received {count!r} channels, expected a whole number")
            channels[layer] = count
        paths = tuple(layers)
        group = self._groups.get(paths) or _Group(len(paths))
        more = _extra(layers.values(), group.names)
        names = group.names + more
        extra = self._count_extra(group, more)
        group.append(ordinal, names, _numbers(layers.values(), names), sheets[: len(paths)], offset)
        if paths not in self._groups:
            self._groups[paths] = group
            for index, layer in enumerate(paths):
                self._groups_of_layer.setdefault(layer, []).append((group, index))
        self.channels |= channels
        self._extra = extra
        self.names.update(more)
        for name in _NAMES - self.names:
            if any(values.get(name) is not None for values in layers.values()):
                self.names.add(name)
        if isinstance(meta.get("columns"), list):
            self.columns = [str(name) for name in meta["columns"]]
        # The record of another callback at this position takes nothing back.
        same = ordinal == self._last
        self._last = ordinal
        for key in advice if same else {**self.advice, **advice}:
            _change(self.advice.setdefault(key, []), ordinal, advice.get(key))

    def _count_extra(self, group: _Group, more: Sequence[str]) -> int:
        """Count the values of unknown numbers after one more record of a group.

        Raises:
            ValueError: If a segment would have more of them, or of their names, than is allowed.
        """
        count = len(_NAMES | self.names | set(more))
        if count > MAX_HEALTH_NUMBERS:
            raise ValueError(f"received {count} health numbers, expected {MAX_HEALTH_NUMBERS}")
        width = len(group.names) - _COUNT
        cells = group.layers * (width + len(more) * (len(group) + 1))
        if self._extra + cells > MAX_VALUES:
            raise ValueError(f"received over {MAX_VALUES} values of unknown health numbers")
        return self._extra + cells

    def ordinals(self) -> NDArray[np.int64]:
        """Return the positions that have a record, in order."""
        found = [group.ordinals() for group in self._groups.values()]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)

    def numbers(
        self, layer: str, begin: int, end: int, names: Sequence[str] = HEALTH_NUMBERS
    ) -> NDArray[np.float32]:
        """Return the numbers of one layer.

        Args:
            layer: The layer.
            begin: The first position.
            end: The position after the last one.
            names: Which numbers. Defaults to HEALTH_NUMBERS.

        Returns:
            `(positions, numbers)`, the numbers in the order of `names`, `MISSING` if there is
            none.
        """
        dense = np.full((max(end - begin, 0), len(names)), MISSING, np.float32)
        for group, index in self._groups_of_layer.get(layer, ()):
            group.scatter(index, begin, end, names, dense)
        return dense

    def layers_above_zero(self, names: Sequence[str]) -> set[str]:
        """Return the layers of which one of these known numbers was ever above 0."""
        return {
            path
            for paths, group in self._groups.items()
            for path, above in zip(paths, group.above_zero(names), strict=True)
            if above
        }

    def table(self, layer: str, ordinal: int) -> tuple[int, int, int, int] | None:
        """Return the last table at or before a position: its position, offset, length and CRC."""
        found = [
            group.table(index, ordinal) for group, index in self._groups_of_layer.get(layer, ())
        ]
        return max((table for table in found if table is not None), default=None)

    def contents(self) -> list[tuple[Any, ...]]:
        """Return the content in a form that can be compared; offsets do not count."""
        return [(names, *group.contents()) for names, group in self._groups.items()]


def _change(changes: list[tuple[int, str | None]], ordinal: int, text: str | None) -> None:
    """Note the text of a piece of advice at a position, if it is new."""
    if changes and changes[-1][0] == ordinal:
        del changes[-1]
    if text != (changes[-1][1] if changes else None):
        changes.append((ordinal, text))


class _Group:
    """Records of the same layers, in the order of their positions."""

    __slots__ = ("_crcs", "_lengths", "_numbers", "_offsets", "_ordinals", "layers", "names")

    def __init__(self, layers: int) -> None:
        self.layers = layers
        self.names: tuple[str, ...] = HEALTH_NUMBERS
        self._ordinals = array("q")
        self._offsets = array("q")
        self._numbers = array("f")
        self._lengths = array("I")  # 0 if a layer has no table
        self._crcs = array("I")

    def __len__(self) -> int:
        return len(self._ordinals)

    def append(
        self,
        ordinal: int,
        names: tuple[str, ...],
        numbers: array[float],
        sheets: Sequence[Sequence[int]],
        offset: int,
    ) -> None:
        if self._ordinals and ordinal <= self._ordinals[-1]:
            raise ValueError(f"received {ordinal}, expected more than {self._ordinals[-1]}")
        padding = [0] * (self.layers - len(sheets))
        lengths = array("I", [row[0] for row in sheets] + padding)
        crcs = array("I", [row[1] for row in sheets] + padding)
        if names != self.names:
            self._widen(names)
        self._ordinals.append(ordinal)
        self._offsets.append(offset)
        self._numbers += numbers
        self._lengths += lengths
        self._crcs += crcs

    def _widen(self, names: tuple[str, ...]) -> None:
        """Add columns for new numbers after the existing ones."""
        if self._numbers:
            numbers = np.frombuffer(self._numbers, np.float32).reshape(-1, len(self.names))
            more = ((0, 0), (0, len(names) - len(self.names)))
            self._numbers = array("f", np.pad(numbers, more, constant_values=MISSING).tobytes())
        self.names = names

    def ordinals(self) -> NDArray[np.int64]:
        return np.array(self._ordinals, np.int64)

    def _cube(self) -> NDArray[np.float32]:
        """Return `(records, layers, numbers)`, a view: nothing may be appended while it is held."""
        numbers = np.frombuffer(self._numbers, np.float32)
        return numbers.reshape(len(self), self.layers, len(self.names))

    def above_zero(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Tell of each layer whether one of these known numbers was ever above 0."""
        numbers = self._cube()
        columns = [self.names.index(name) for name in names]
        return np.asarray((numbers[..., columns] > 0).any(axis=(0, 2)))

    def scatter(
        self, index: int, begin: int, end: int, names: Sequence[str], dense: NDArray[np.float32]
    ) -> None:
        """Write one layer's numbers to the rows of their positions."""
        numbers = self._cube()
        ordinals = np.frombuffer(self._ordinals, np.int64)
        first, last = np.searchsorted(ordinals, (begin, end))
        rows = ordinals[first:last] - begin
        for column, name in enumerate(names):
            if name in self.names:
                dense[rows, column] = numbers[first:last, index, self.names.index(name)]

    def table(self, index: int, ordinal: int) -> tuple[int, int, int, int] | None:
        for record in reversed(range(bisect_right(self._ordinals, ordinal))):
            first = record * self.layers
            at = first + index
            if self._lengths[at]:
                offset = self._offsets[record] + sum(self._lengths[first:at])
                return self._ordinals[record], offset, self._lengths[at], self._crcs[at]
        return None

    def contents(self) -> tuple[Any, ...]:
        return (
            self.names,
            self._ordinals.tolist(),
            self._numbers.tobytes(),
            self._lengths.tolist(),
            self._crcs.tolist(),
        )


def _numbers(layers: Collection[Mapping[str, Any]], names: tuple[str, ...]) -> array[float]:
    """Return the numbers of all layers, one layer after the other."""
    pick = itemgetter(*names)
    row: list[Any] = []
    for values in layers:
        try:
            row += pick(values)
        except KeyError:
            row += [values.get(name) for name in names]
    try:
        return array("f", row)
    except TypeError:
        width = len(names)
        return array("f", [_value(x, i % width < _COUNT) for i, x in enumerate(row)])


def _value(value: object, known: bool) -> float:
    """Return a number as it is stored; the value of an unknown name need not be a number."""
    if value is None or not (known or _is_number(value)):
        return MISSING
    return fitting(number(value))


def _extra(layers: Collection[Mapping[str, Any]], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of all other numbers."""
    known = {*names, "channels"}
    found: dict[str, None] = {}
    for values in layers:
        if not known.issuperset(values):
            for name, value in values.items():
                if name not in known and _is_number(value) and _EXTRA_NAME.fullmatch(name):
                    found[name] = None
    return tuple(found)


def _is_number(value: object) -> bool:
    try:
        number(value)
    except (ValueError, OverflowError):
        return False
    return True


def _advice_key(entry: Mapping[str, Any]) -> tuple[str, str]:
    return str(entry["layer"]), str(entry["rule"])
