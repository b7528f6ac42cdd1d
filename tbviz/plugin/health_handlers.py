"""Compute the answers of `./health` and `./channels` from a reader and parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tbviz.plugin.errors import NotFoundError
from tbviz.plugin.json_numbers import Value, json_values, span
from tbviz.results import health_history
from tbviz.store.format.foreign_format import clause
from tbviz.store.read.columns import join_runs

if TYPE_CHECKING:
    from collections.abc import Collection

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
    extent = health_history.extent(reader, since, names, layer)
    answer = span(reader, since)
    selected: NDArray[np.intp] | slice = slice(None)
    if points is not None:
        selected = _evenly(health_history.logged(reader, since), points)
        answer["positions"] = join_runs((since + int(at), 1) for at in selected)
    numbers: dict[str, list[list[Value]]] = {name: [] for name in extent.names}
    for one in extent.channels if extent.names else ():
        columns = health_history.numbers(reader, one, extent.names, since)[selected].T
        for name, column in zip(extent.names, columns, strict=True):
            numbers[name].append(json_values(column))
    answer |= {
        "layers": [*extent.channels],
        "channels": [*extent.channels.values()],
        "names": extent.held,
        "numbers": numbers,
    }
    if layer is None and points is None:
        answer["advice"] = health_history.advice(reader, since)
        rows = health_history.not_finite(reader, since)
        answer |= {"not_finite": rows} if rows else {}
    return answer


def _evenly(values: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Return at most this many of them, evenly spaced, including the last one."""
    if len(values) <= count:
        return values
    return values[np.linspace(len(values) - 1, 0, count, dtype=np.intp)[::-1]]


def channels(reader: Reader, layer: str, position: int) -> dict[str, Any]:
    """Return the table of numbers per channel of the last health record at or before a position.

    Args:
        reader: The run.
        layer: Path of the layer.
        position: Where.

    Raises:
        NotFoundError: If there is no such record.
        DamagedError: If its bytes are damaged, or no table.
    """
    table = health_history.table(reader, layer, position)
    if table is None:
        raise NotFoundError(
            f"received layer {layer!r} at position {position}, expected one that has health by then"
            f"{clause(reader.refused)}"
        )
    return {
        "position": table.position,
        "columns": {
            name: [float(f"{value:.7g}") for value in values]
            for name, values in table.columns.items()
        },
    }
