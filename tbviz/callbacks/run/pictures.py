"""Carry pictures to the store: arrays now, encoded on the writer's thread."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tbviz.arrays.resample import area_average
from tbviz.callbacks.run.caption import Caption
from tbviz.callbacks.run.layout import Layout, LayoutRecord
from tbviz.images.display import display
from tbviz.images.sheet import EncodedSheet, encode_gray, encode_rgb
from tbviz.store.format.schema import FitPosition
from tbviz.store.write.writer import Writer

TILES_PER_ROW = 16
"""Tiles per row of a stored sheet."""

MAX_TILE_SIDE = 64
"""Feature maps are reduced to this many pixels per side."""


class Picture(ABC):
    """The base of all pictures: a kind, a layer, and the record that is made of the sheets."""

    kind: str
    layer: str
    layout: Layout
    columns: int

    @property
    def layers(self) -> tuple[str, ...]:
        """The layer that it shows, `""` if it shows the whole model."""
        return (self.layer,)

    @abstractmethod
    def write(self, writer: Writer, position: FitPosition | None) -> None:
        """Encode and append one record."""

    def _append(
        self,
        writer: Writer,
        position: FitPosition | None,
        media: str,
        tiles: tuple[int, ...],
        sheets: Sequence[EncodedSheet],
        derived: LayoutRecord,
    ) -> None:
        count, height, width = tiles
        fields: LayoutRecord = {
            "picture": self.kind,
            "layer": self.layer,
            "media": media,
            "tile": [height, width],
            "tiles": count,
            "columns": min(self.columns, count),
            **derived,
            **self.layout,
        }
        meta = {
            "kind": self.kind,
            **_position_fields(position),
            "layer": self.layer,
            "layout": writer.layout(fields),
            "media": media,
        }
        summaries = [sheet.summary for sheet in sheets if sheet.summary is not None]
        writer.append(meta, [sheet.png for sheet in sheets], summaries or None)


@dataclass(frozen=True)
class GrayPicture(Picture):
    """Float tiles: one sheet per probe image, or one that belongs to no image.

    Attributes:
        kind: `"activations"`, `"cam"`, or with a variant, `"cam:score-cam"`.
        layer: The path, `""` for what belongs to the whole model.
        tiles: `(sheets, tiles, height, width)`.
        layout: The fields of the layout record that do not follow from the tiles.
        texts: The caption of each sheet, or None. Defaults to None: no captions.
        images: Which probe image each sheet shows. Defaults to the first, the second and so on.
        columns: Tiles per row. Defaults to 16.
        max_side: Tiles are reduced to this many pixels per side by averaging areas. Defaults to
            64.
        of_images: Whether a sheet belongs to a probe image; if not, there is one sheet. Defaults
            to True.
    """

    kind: str
    layer: str
    tiles: npt.NDArray[np.float32]
    layout: Layout = field(default_factory=Layout)
    texts: Sequence[Caption | None] | None = None
    images: Sequence[int] | None = None
    columns: int = TILES_PER_ROW
    max_side: int = MAX_TILE_SIDE
    of_images: bool = True

    def with_note(self, note: str) -> GrayPicture:
        """Return the same with a further note on each sheet."""
        texts = self.texts or [None] * len(self.tiles)
        return replace(self, texts=[_with_note(text, note) for text in texts])

    def write(self, writer: Writer, position: FitPosition | None) -> None:
        """Encode and append one record."""
        tiles = area_average(self.tiles, self.max_side)
        count = len(tiles)
        texts = self.texts or [None] * count
        sheets = [
            encode_gray(image, self.columns, text) for image, text in zip(tiles, texts, strict=True)
        ]
        derived: LayoutRecord = {
            "images": count if self.of_images else 0,
            "map": list(self.tiles.shape[2:]),
        }
        if self.images is not None and list(self.images) != list(range(count)):
            derived["probes"] = list(self.images)
        self._append(writer, position, "gray8", tiles.shape[1:], sheets, derived)


@dataclass(frozen=True)
class ColorPicture(Picture):
    """Color tiles on one sheet that belongs to no probe image.

    Attributes:
        kind: `"maximization"` ...
        layer: The path, `""` for what belongs to the whole model.
        tiles: `(tiles, height, width, 1 to 3)`, between 0 and 1.
        layout: The fields of the layout record that do not follow from the tiles.
        text: The caption of the sheet. Defaults to None: no caption.
        columns: Tiles per row. Defaults to 16.
        max_side: Tiles are reduced to this many pixels per side. Defaults to None: not reduced.
    """

    kind: str
    layer: str
    tiles: npt.NDArray[np.float32]
    layout: Layout = field(default_factory=Layout)
    text: Caption | None = None
    columns: int = TILES_PER_ROW
    max_side: int | None = None

    def with_note(self, note: str) -> ColorPicture:
        """Return the same with a further note."""
        return replace(self, text=_with_note(self.text, note))

    def write(self, writer: Writer, position: FitPosition | None) -> None:
        """Encode and append one record."""
        tiles = self.tiles
        if self.max_side is not None:
            tiles = np.moveaxis(area_average(np.moveaxis(tiles, -1, 1), self.max_side), 1, -1)
        pixels, _ = display(tiles, (0.0, 1.0))
        sheet = encode_rgb(pixels, self.columns, self.text)
        self._append(writer, position, "rgb8", pixels.shape[:3], [sheet], {"images": 0})


@dataclass(frozen=True)
class MetaRecord:
    """A record that is complete except for its position: numbers, notices.

    Attributes:
        meta: Its fields.
        payload: Its sheets. Defaults to none.
        positioned: Whether it belongs to a position. Defaults to True.
    """

    meta: Mapping[str, Any]
    payload: Sequence[bytes] = ()
    positioned: bool = True

    @property
    def kind(self) -> str:
        """The kind of the record in the store."""
        return str(self.meta["kind"])

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers whose numbers it holds."""
        return tuple(self.meta.get("layers", ()))

    def write(self, writer: Writer, position: FitPosition | None) -> None:
        """Append it, without a position if there is none yet or none any more."""
        row = _position_fields(position if self.positioned else None)
        writer.append({"kind": self.kind, **row, **self.meta}, self.payload)


LogEntry = GrayPicture | ColorPicture | MetaRecord


def _with_note(text: Caption | None, note: str) -> Caption:
    known = text or Caption()
    return {**known, "note": "; ".join([*filter(None, [known.get("note")]), note])}


def _position_fields(position: FitPosition | None) -> dict[str, int | bool]:
    return {} if position is None else position.fields()
