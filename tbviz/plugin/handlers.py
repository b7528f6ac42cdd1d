"""Compute answers from a reader and parameters: pure functions, one per route of http_api.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tbviz.plugin.errors import NotFoundError
from tbviz.plugin.json_numbers import Value, json_values, span
from tbviz.results.along import along, metric_names, room
from tbviz.results.prediction_records import prediction_records, prediction_scale
from tbviz.results.series_range import SERIES_DIGITS
from tbviz.store.errors import StoreError
from tbviz.store.format.foreign_format import clause
from tbviz.store.format.schema import COSTS, decode_json
from tbviz.store.read.columns import encode_runs, join_runs
from tbviz.store.read.segment import IndexEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tbviz.store.read.reader import Reader

_GRAY = ("lo", "hi", "p", "q")


def series(reader: Reader, kind: str, layer: str, since: int) -> dict[str, Any]:
    """Return the addresses of the sheets of a series, from the record with the number `since` on.

    Raises:
        NotFoundError: If nothing of this kind is logged for this layer.
    """
    try:
        parts = reader.columns(kind, layer)
    except StoreError as error:
        raise NotFoundError(str(error)) from error
    names = ("offset", "length", "crc", *(_GRAY if parts[-1][2].gray else ()))
    columns: dict[str, list[Value]] = {name: [] for name in names}
    positions: list[int] = []
    writers: list[str] = []
    layouts: list[str] = []
    skip = since
    for base, segment, held in parts:
        total = held.positions.total
        begin = min(skip, total)
        skip -= begin
        positions += [base + ordinal for ordinal in held.positions.values()][begin:]
        writers += [segment.uid] * (total - begin)
        layouts += [layout for layout, count in held.layouts for _ in range(count)][begin:]
        table = held.table(begin)
        columns["offset"] += held.offsets(begin).tolist()
        for name in names[1:]:
            if name not in _GRAY:
                columns[name] += table[name].tolist()
            elif held.gray:
                columns[name] += json_values(table[name], SERIES_DIGITS)
            else:
                columns[name] += [None] * len(table)
    return {
        "since": since - skip,
        "images": parts[-1][1].images(kind, layer),
        "positions": join_runs((position, 1) for position in positions),
        "writers": encode_runs(writers),
        "layouts": encode_runs(layouts),
        **columns,
    }


def scalars(reader: Reader, since: int) -> dict[str, Any]:
    """Return the metrics and costs of the positions from `since` on, as the store has them."""

    def metric(tag: str) -> list[float | None]:
        return along(reader, lambda s: s.metrics.get(tag), since)

    def cost(name: str) -> list[float | None]:
        return along(reader, lambda s: s.cost[name], since)

    return {
        "source": "store",
        **span(reader, since),
        "tags": {tag: metric(tag) for tag in metric_names(reader, since)},
        "cost": {name: cost(name) for name in COSTS},
    }


def aligned_scalars(
    reader: Reader, since: int, found: Mapping[str, Mapping[int, float]]
) -> dict[str, Any]:
    """Align TensorBoard's own scalars with the run's positions by epoch; later segments win.

    Args:
        reader: The run.
        since: The first position of the answer.
        found: Metric to epoch to value.
    """
    positions = dict(_epochs(reader))
    tags: dict[str, list[float | None]] = {}
    for tag, values in found.items():
        column: list[float | None] = [None] * len(reader)
        for epoch, value in values.items():
            if epoch in positions:
                column[positions[epoch]] = value
        tags[tag] = column[since:]
    return {"source": "tensorboard", "tags": tags}


def predictions(reader: Reader, since: int) -> dict[str, Any]:
    """Return the strongest classes of each probe image at the positions from `since` on."""
    records = prediction_records(reader, since)
    images = max((len(record) for record in records if record is not None), default=0)
    return {
        **span(reader, since),
        "scale": prediction_scale(reader),
        "images": [
            [
                # Empty if the image belongs to a submodel that was not captured there.
                (record[image] or None) if record is not None and image < len(record) else None
                for record in records
            ]
            for image in range(min(images, room(reader, since)))
        ],
    }


def model(reader: Reader, number: int | None) -> tuple[int, IndexEntry]:
    """Return the record of the layer tree, and the number of its segment.

    Args:
        reader: The run.
        number: The segment, None for the newest one that has a tree.

    Raises:
        NotFoundError: If there is none.
    """
    for index in reversed(range(len(reader.segments))):
        models = reader.segments[index].models
        if models and number in {None, index + 1}:
            return index + 1, models[-1]
    asked = "no segment" if number is None else f"segment {number}"
    raise NotFoundError(
        f"received {asked}, expected one whose model was logged{clause(reader.refused)}"
    )


def tree(segment: int, entry: IndexEntry, payload: bytes) -> dict[str, Any]:
    """Return the layer tree with the fields of the whole model.

    Raises:
        ValueError: If the payload is not a tree.
    """
    held = decode_json(payload)
    if not isinstance(held, dict):
        raise TypeError("a layer tree is an object")
    names = ("name", "class", "parameters", "trainable")
    return {"segment": segment, **{name: entry.meta.get(name) for name in names}, **held}


def _epochs(reader: Reader) -> Iterator[tuple[int, int]]:
    """Yield every epoch's end: epoch and position, later segments after earlier ones."""
    for base, segment in reader.based():
        for ordinal in range(len(segment)):
            epoch, batch, final = segment.position(ordinal)
            if batch is None and not final:
                yield epoch, base + ordinal
