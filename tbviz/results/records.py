"""(a kind, a layer, a position) => the record of the pictures that were captured there."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NamedTuple

from tbviz.errors import TbvizError
from tbviz.results.positions import Position, Positions
from tbviz.results.requests import listed, unknown
from tbviz.store.format.foreign_format import clause

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tbviz.store.read.reader import Reader
    from tbviz.store.read.segment import SegmentReader
    from tbviz.store.read.sheet_columns import SheetColumns

Series = list[tuple[int, "SegmentReader", "SheetColumns"]]


class SheetRecord(NamedTuple):
    """The sheets of one kind and layer at one position.

    Args:
        kind: The kind.
        layer: Path of the layer, `""` for the whole model.
        at: The index of the position in the run.
        segment: The segment that has it.
        columns: The series within the segment.
        number: The number of the record within the series.
        layout: The fields of its layout.
    """

    kind: str
    layer: str
    at: int
    segment: SegmentReader
    columns: SheetColumns
    number: int
    layout: Mapping[str, Any]

    @property
    def title(self) -> str:
        """Return what it is of, for the text of an error."""
        return title(self.kind, self.layer)

    def images(self) -> list[int] | None:
        """Return the index of the probe image of each sheet, None if they belong to no image."""
        count = self.columns.sheets
        if self.layout.get("images") == 0 and count == 1:
            return None
        probes = self.layout.get("probes")
        if isinstance(probes, list) and len(probes) >= count and _are_indices(probes[:count]):
            return probes[:count]
        return list(range(count))


def title(kind: str, layer: str) -> str:
    """Return what a series is of, for the text of an error."""
    return f"{kind!r} of layer {layer!r}" if layer else f"{kind!r}"


def kinds(reader: Reader, layer: str | None = None) -> list[str]:
    """Return the kinds of pictures, of one layer or of all.

    Raises:
        TbvizError: If the layer has no pictures.
    """
    found = reader.series()
    layers = list(dict.fromkeys(path for _, path in found))
    if layer is not None and layer not in layers:
        raise unknown("layer", layer, layers, clause(reader.refused))
    return list(dict.fromkeys(kind for kind, path in found if layer in {None, path}))


def layers(reader: Reader, kind: str | None = None) -> list[str]:
    """Return the paths of the layers that have pictures, of one kind or of all.

    Raises:
        TbvizError: If there are no pictures of this kind.
    """
    found = reader.series()
    known = list(dict.fromkeys(one for one, _ in found))
    if kind is not None and kind not in known:
        raise unknown("kind", kind, known, clause(reader.refused))
    return list(dict.fromkeys(path for one, path in found if kind in {None, one}))


def series(reader: Reader, kind: str, layer: str) -> Series:
    """Return a series in each segment that has it.

    Raises:
        TbvizError: If there is no such kind, or the layer has no picture of it.
    """
    known = layers(reader, kind)
    if layer not in known:
        whole = "; it is a picture of the whole model, whose layer is ''" if known == [""] else ""
        raise unknown(f"kind {kind!r} of layer", layer, known, whole)
    return reader.columns(kind, layer)


def snapshots(found: Series) -> list[int]:
    """Return the indices of the positions at which a series has a record."""
    return [base + ordinal for base, _, columns in found for ordinal in columns.positions.values()]


def index_of(positions: Positions, position: object) -> int:
    """Return the index of a position that a user gave.

    Args:
        positions: All positions.
        position: One of them, or an index, negative from the end.

    Raises:
        TbvizError: If it is neither.
    """
    count = len(positions)
    if isinstance(position, Position):
        index = positions.find(position)
        if index is None:
            raise TbvizError(
                f"received {position}, expected one of the run's {count} positions; "
                "`run.positions` lists them"
            )
        return index
    if isinstance(position, bool) or not hasattr(position, "__index__"):
        raise TbvizError(
            f"received position {position!r}, expected an index or one of `run.positions`; "
            "`run.position(epoch=3)` finds that of an epoch"
        )
    at = operator.index(position)
    if not -count <= at < count:
        there = f"an index from {-count} to {count - 1}" if count else "none, as there is none yet"
        raise TbvizError(
            f"received position {at}, expected {there}; `run.position(epoch=3)` finds that of an "
            "epoch"
        )
    return at % count


def position_of(
    reader: Reader,
    positions: Positions,
    epoch: int,
    batch: int | None,
    segment: int | None,
    final: bool,
) -> Position:
    """Return a position, that of the newest segment that has it if none is given.

    Raises:
        TbvizError: If there is no such position.
    """
    count = len(reader.segments)
    for number in range(count, 0, -1) if segment is None else (segment,):
        index = positions.find(Position(number, epoch, batch, final))
        if index is not None:
            return positions[index]
    wanted = Position(segment or count, epoch, batch, final)
    same = [one for one in positions if one.epoch == epoch]
    there = listed(same) if same else repr(positions)
    raise TbvizError(
        f"received {wanted}, expected a position of the run; there is {there}"
        f"{clause(reader.refused)}"
    )


def chosen(
    found: Sequence[int], positions: Positions, position: object, *, earlier: bool, what: str
) -> int:
    """Return which of the positions that have a record a user means.

    Args:
        found: The indices of the positions that have a record, ascending, at least one.
        positions: All positions.
        position: What the user gave; None for the last one that has a record.
        earlier: Whether the last one before the position counts if it has no record itself.
        what: What was captured, for the text of an error.

    Returns:
        The index in `found`.

    Raises:
        TbvizError: If there is no record there.
    """
    if position is None:
        return len(found) - 1
    index = index_of(positions, position)
    before = [at for at, one in enumerate(found) if one <= index]
    if before and (earlier or found[before[-1]] == index):
        return before[-1]
    last = f"; earlier=True takes that of {positions[found[before[-1]]]}" if before else ""
    there = listed(positions.select(found))
    raise TbvizError(
        f"received {positions[index]}, at which there is no {what}; expected one of {there}{last}"
    )


def record(
    reader: Reader,
    positions: Positions,
    kind: str,
    layer: str,
    position: object = None,
    *,
    earlier: bool = False,
) -> SheetRecord:
    """Return the record that a user means.

    Raises:
        TbvizError: If there is no such series, or none of it at the position.
    """
    parts = series(reader, kind, layer)
    what = title(kind, layer)
    at = chosen(snapshots(parts), positions, position, earlier=earlier, what=what)
    for base, segment, columns in parts:
        if at < columns.positions.total:
            ordinal = list(columns.positions.values())[at]
            layout = segment.layouts[columns.layout_of(at)].meta
            return SheetRecord(kind, layer, base + ordinal, segment, columns, at, layout)
        at -= columns.positions.total
    raise TbvizError(f"received {what}, expected one that was logged")


def _are_indices(values: Sequence[object]) -> bool:
    whole = all(type(value) is int and value >= 0 for value in values)
    return whole and len(set(values)) == len(values)
