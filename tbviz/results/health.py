"""(a reader) => the health of every layer as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from tbviz.errors import TbvizError
from tbviz.results import health_history
from tbviz.results.positions import Position, Positions
from tbviz.results.records import index_of
from tbviz.results.requests import unknown
from tbviz.store.format.foreign_format import clause
from tbviz.store.format.six_digits import nearest
from tbviz.store.read.health_columns import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tbviz.results.health_history import AdviceChange, FaultChange
    from tbviz.store.read.reader import Reader

Numbers = Mapping[str, "NDArray[np.float64]"]


class Health(Mapping[str, Numbers]):
    """The health numbers of each layer: `health["conv1"]["dead"]`.

    Every array is float64 and has one value per entry of `positions`, NaN if there is none.

    Attributes:
        positions: The positions at which health was captured.
        channels: The number of channels of each layer.
        names: The numbers that the run has, such as `"dead"`, `"sparsity"` and `"weight_norm"`.
        advice: When advice begins, changes and ends, in the order of positions. A row is
            `(position, layer, rule, text)`: an index of `run.positions`, a path (`""` for the whole
            model), the rule, and the sentence (None if the rule no longer holds).
        not_finite: When a layer begins and ceases not to be finite. A row is
            `(position, layer, what)`; `what` is `"NaN"`, `"infinite"`, `"not finite"` or None.
    """

    def __init__(
        self,
        positions: tuple[Position, ...],
        channels: Mapping[str, int],
        numbers: Mapping[str, Numbers],
        names: tuple[str, ...],
        advice: list[AdviceChange],
        not_finite: list[FaultChange],
    ) -> None:
        self.positions = positions
        self.channels = channels
        self.names = names
        self.advice = advice
        self.not_finite = not_finite
        self._numbers = numbers

    def __getitem__(self, layer: str) -> Numbers:
        if layer not in self._numbers:
            raise unknown("layer", layer, list(self._numbers))
        return self._numbers[layer]

    def __contains__(self, layer: object) -> bool:
        return layer in self._numbers

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __repr__(self) -> str:
        return (
            f"<health of {len(self)} layers at {len(self.positions)} positions: "
            f"{', '.join(self.names)}>"
        )


def health(reader: Reader, positions: Positions) -> Health:
    """Return the health of a run, with the values that `./health` serves."""
    extent = health_history.extent(reader)
    logged = health_history.logged(reader)
    numbers: dict[str, Numbers] = {}
    for layer in extent.channels:
        columns = health_history.numbers(reader, layer, extent.names)[logged].T
        numbers[layer] = {
            name: _doubles(column) for name, column in zip(extent.names, columns, strict=True)
        }
    return Health(
        positions.select(logged),
        extent.channels,
        numbers,
        tuple(extent.held),
        health_history.advice(reader),
        health_history.not_finite(reader),
    )


def channels(
    reader: Reader, positions: Positions, layer: str, position: object, *, earlier: bool
) -> dict[str, NDArray[np.float64]]:
    """Return the numbers per channel of a layer, with the values that `./channels` serves.

    Args:
        reader: The run.
        positions: All positions.
        layer: Path of the layer.
        position: What the user gave; None for the last one that has a table.
        earlier: Whether the last table before the position counts if there is none at it.

    Raises:
        TbvizError: If there is no such table.
        StoreError: If it is damaged.
    """
    known = health_history.extent(reader).channels
    if layer not in known:
        raise unknown("layer", layer, list(known), clause(reader.refused))
    index = len(positions) - 1 if position is None else index_of(positions, position)
    table = health_history.table(reader, layer, index)
    if table is None or not (table.position == index or position is None or earlier):
        last = "" if table is None else f"; earlier=True takes that of {positions[table.position]}"
        raise TbvizError(
            f"received {positions[index]}, at which there are no numbers per channel of {layer!r}; "
            f"expected a position that has them{last}"
        )
    return {
        name: np.array([float(f"{value:.7g}") for value in values], np.float64)
        for name, values in table.columns.items()
    }


def _doubles(column: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the six-digit numbers that were logged, NaN if there is none."""
    missing = column == MISSING
    values = np.array(nearest(np.where(missing, 0, column)), np.float64)
    values[missing] = np.nan
    return values
