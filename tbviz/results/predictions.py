"""(a reader) => what the model predicts for each probe image, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tbviz.results.along import room
from tbviz.results.prediction_records import prediction_records, prediction_scale
from tbviz.results.probe_images import caption_of
from tbviz.store.format.schema import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tbviz.results.positions import Position, Positions
    from tbviz.store.read.reader import Reader


@dataclass(frozen=True, eq=False)
class Predictions:
    """The strongest classes of each probe image.

    The last axis of `classes` and `values` is the rank, strongest first; behind the strongest ones
    is the image's own class if it is not among them. `classes[..., 0] == labels` tells which
    predictions are correct.

    Args:
        positions: The positions at which predictions were captured.
        classes: int64 `(positions, images, ranks)`, -1 if there is none.
        values: float64 `(positions, images, ranks)`, NaN if there is none.
        labels: int64 `(positions, images)`, the image's own class, -1 if it is unknown.
        scale: What the values are: `"probability"` or `"score"`.
        images: A name for each probe image, those of the newest segment with predictions.
        class_names: The name of each class, None if they are unknown.
    """

    positions: tuple[Position, ...]
    classes: NDArray[np.int64]
    values: NDArray[np.float64]
    labels: NDArray[np.int64]
    scale: str
    images: tuple[str, ...]
    class_names: tuple[str, ...] | None

    def __repr__(self) -> str:
        count, images, ranks = self.classes.shape
        return (
            f"<predictions at {count} positions, of {images} images, {ranks} classes each: "
            f"{self.scale}>"
        )


def predictions(reader: Reader, positions: Positions) -> Predictions:
    """Return the predictions of a run, with the values that `./predictions` serves."""
    records = prediction_records(reader)
    logged = [index for index, record in enumerate(records) if record is not None]
    held = [record for record in records if record is not None]
    where = positions.select(logged)
    images = min(max((len(record) for record in held), default=0), room(reader))
    ranks = max((len(_ranked(one)) for record in held for one in record[:images]), default=0)
    ranks = min(ranks, room(reader, values=images))  # tbviz writes six at most
    classes = np.full((len(held), images, ranks), -1, np.int64)
    values = np.full(classes.shape, np.nan)
    for at, record in enumerate(held):
        for image, ranked in enumerate(record[:images]):
            for rank, entry in enumerate(_ranked(ranked)[:ranks]):
                classes[at, image, rank], values[at, image, rank] = _entry(entry)
    newest = caption_of(reader, where[-1].segment if where else len(reader.segments))
    return Predictions(
        where,
        classes,
        values,
        _labels(reader, where, images),
        prediction_scale(reader),
        newest.names,
        newest.class_names,
    )


def _ranked(ranked: object) -> Sequence[Any]:
    return ranked if isinstance(ranked, list) else ()


def _entry(entry: object) -> tuple[int, float]:
    """Return a class and its value; -1 and NaN for what makes no sense."""
    if not isinstance(entry, list) or len(entry) != 2:
        return -1, np.nan
    index, value = entry
    if type(index) is not int or not 0 <= index < 1 << 62:
        return -1, np.nan
    try:
        return index, number(value)
    except (ValueError, OverflowError):
        return index, np.nan


def _labels(reader: Reader, positions: Sequence[Position], images: int) -> NDArray[np.int64]:
    labels = np.full((len(positions), images), -1, np.int64)
    of_segment = {
        segment: caption_of(reader, segment).labels[:images]
        for segment in {position.segment for position in positions}
    }
    for row, position in zip(labels, positions, strict=True):
        known = of_segment[position.segment]
        row[: len(known)] = known
    return labels
