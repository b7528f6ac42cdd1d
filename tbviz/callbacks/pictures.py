"""Pictures on their way to the store: arrays now, encoded on the writer's thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tbviz.arrays.resample import area_average
from tbviz.images.display import display
from tbviz.images.sheet import encode_gray, encode_rgb
from tbviz.store.schema import Position
from tbviz.store.writer import Writer

COLUMNS = 16
"""Tiles a row of a stored sheet."""

LARGEST_TILE = 64
"""Feature maps are reduced to this many pixels a side."""


@dataclass(frozen=True)
class Maps:
    """Float tiles of one layer, a sheet an image.

    Attributes:
        kind: `"activations"`, `"cam"` ...
        layer: path.
        tiles: `(images, tiles, height, width)`.
        layout: fields of the layout record beside those that follow from the tiles.
        texts: what each sheet shows, `None` for nothing to say.
        images: which probe image each sheet is of, where it is not simply the first, second ...
    """

    kind: str
    layer: str
    tiles: npt.NDArray[np.float32]
    layout: Mapping[str, Any] = field(default_factory=dict)
    texts: Sequence[Mapping[str, Any] | None] | None = None
    images: Sequence[int] | None = None

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that it shows."""
        return (self.layer,)

    def write(self, writer: Writer, position: Position | None) -> None:
        """Encodes and appends one record."""
        tiles = area_average(self.tiles, LARGEST_TILE)
        texts = self.texts or [None] * len(tiles)
        sheets = [
            encode_gray(image, COLUMNS, text) for image, text in zip(tiles, texts, strict=True)
        ]
        count, _, height, width = tiles.shape
        layout = {
            "of": self.kind,
            "layer": self.layer,
            "media": "gray8",
            "tile": [height, width],
            "tiles": tiles.shape[1],
            "columns": min(COLUMNS, tiles.shape[1]),
            "images": count,
            "map": list(self.tiles.shape[2:]),
            **self.layout,
        }
        if self.images is not None and list(self.images) != list(range(count)):
            layout["probes"] = list(self.images)
        writer.append(
            {
                "kind": self.kind,
                **_place(position),
                "layer": self.layer,
                "layout": writer.layout(layout),
                "media": "gray8",
            },
            [sheet.png for sheet in sheets],
            [sheet.summary for sheet in sheets if sheet.summary is not None],
        )


@dataclass(frozen=True)
class Colours:
    """Colour tiles of one layer, one sheet that belongs to no image.

    Attributes:
        kind: `"maximization"` ...
        layer: path.
        tiles: `(tiles, height, width, 1 to 3)`, between 0 and 1.
        layout: fields of the layout record beside those that follow from the tiles.
        text: what the sheet shows.
    """

    kind: str
    layer: str
    tiles: npt.NDArray[np.float32]
    layout: Mapping[str, Any] = field(default_factory=dict)
    text: Mapping[str, Any] | None = None

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that it shows."""
        return (self.layer,)

    def write(self, writer: Writer, position: Position | None) -> None:
        """Encodes and appends one record."""
        pixels, _ = display(self.tiles, (0.0, 1.0))
        sheet = encode_rgb(pixels, COLUMNS, self.text)
        layout = {
            "of": self.kind,
            "layer": self.layer,
            "media": "rgb8",
            "tile": list(pixels.shape[1:3]),
            "tiles": len(pixels),
            "columns": min(COLUMNS, len(pixels)),
            "images": 0,
            **self.layout,
        }
        writer.append(
            {
                "kind": self.kind,
                **_place(position),
                "layer": self.layer,
                "layout": writer.layout(layout),
                "media": "rgb8",
            },
            [sheet.png],
        )


@dataclass(frozen=True)
class Record:
    """A record that is ready but for its position: numbers, notices.

    Attributes:
        meta: its fields.
        payload: its sheets.
        placed: whether it belongs to a position.
    """

    meta: Mapping[str, Any]
    payload: Sequence[bytes] = ()
    placed: bool = True

    @property
    def kind(self) -> str:
        """What the store calls it."""
        return str(self.meta["kind"])

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that it has numbers of."""
        return tuple(self.meta.get("layers", ()))

    def write(self, writer: Writer, position: Position | None) -> None:
        """Appends it; without a position where there is none yet or any more."""
        place = _place(position if self.placed else None)
        writer.append({"kind": self.kind, **place, **self.meta}, self.payload)


Entry = Maps | Colours | Record


def _place(position: Position | None) -> dict[str, int | bool]:
    return {} if position is None else position.fields()
