"""(the bytes of a sheet, its layout) => its tiles in the units of the layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tbviz.errors import TbvizError
from tbviz.images.ranges import dequantize
from tbviz.images.sheet import split
from tbviz.results.captions import captions
from tbviz.results.png import read_png
from tbviz.results.probe_images import caption_of
from tbviz.results.tile_size import tile_size
from tbviz.store.errors import DamagedError
from tbviz.store.read.segment import SheetAddress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tbviz.results.positions import Position, Positions
    from tbviz.results.records import SheetRecord
    from tbviz.store.read.reader import Reader


_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class Sheet:
    """The tiles of one kind and layer at one position, of one image if the kind has images.

    Args:
        kind: The kind of the picture.
        layer: Path of the layer, `""` for the whole model.
        position: Where it was captured.
        image: Index of the probe image, None if the picture belongs to no image.
        layout: What is the same at all positions: `tile`, `channels`, `roles`, `title` ..., as
            docs/format.md lists them.
        text: What the writer says of the tiles of this sheet, such as the `class` and the
            `probability` of each; empty if it says nothing.
        images: A name for each probe image of the segment.
        levels: uint8 `(tiles, height, width)`, or RGB `(tiles, height, width, 3)`, as stored.
        ranges: float32 `(tiles, 2)`, the values of levels 0 and 252; None for RGB.
    """

    kind: str
    layer: str
    position: Position
    image: int | None
    layout: Mapping[str, Any]
    text: Mapping[str, Any]
    images: tuple[str, ...]
    levels: NDArray[np.uint8]
    ranges: NDArray[np.float32] | None

    @property
    def tiles(self) -> NDArray[np.float32] | NDArray[np.uint8]:
        """Return the values: float32 `(tiles, height, width)`, or uint8 RGB `(..., 3)`.

        Values are those that the page shows under the pointer: a tile has 253 different ones at
        most, and NaN and infinities where they were logged.
        """
        if self.ranges is None:
            return self.levels
        values = np.empty(self.levels.shape, np.float32)
        with np.errstate(all="ignore"):  # ranges of a forged sheet
            for some in in_parts(len(values)):
                values[some] = dequantize(self.levels[some], *self.ranges[some].T)
        return values

    @property
    def captions(self) -> tuple[str, ...]:
        """Return a name for each tile, as on the page."""
        return captions(self.kind, self.layout, self.images, self.text)

    def __repr__(self) -> str:
        image = "" if self.image is None else f", image {self.image}"
        shape = " x ".join(map(str, self.levels.shape))
        return f"<sheet {self.kind!r} of {self.layer!r} at {self.position}{image}: {shape}>"


def in_parts(tiles: int) -> Iterator[slice]:
    """Yield slices of tiles, so that tables of 256 entries per tile take bounded memory."""
    return (slice(first, first + _AT_ONCE) for first in range(0, tiles, _AT_ONCE))


def read_sheet(reader: Reader, positions: Positions, record: SheetRecord, image: object) -> Sheet:
    """Read one sheet of a record.

    Args:
        reader: The run.
        positions: All positions.
        record: The record.
        image: Index or name of the probe image, None for the first one that the record has.

    Raises:
        TbvizError: If the record has no such image.
        DamagedError: If the sheet is damaged.
    """
    images, position = record.images(), positions[record.at]
    caption = caption_of(reader, position.segment)
    if images is None and image is not None:
        raise TbvizError(
            f"received image {image!r}, expected none: a picture of kind {record.kind!r} belongs "
            "to no single image"
        )
    index, number = None, 0
    if images is not None:
        index = images[0] if image is None else caption.index(image, images)
        number = images.index(index)
    address = SheetAddress(record.segment.uid, *record.columns.sheet(record.number, number))
    try:
        levels, ranges, text = decoded(reader.read(address), record.layout, record.columns.media)
    except (ValueError, DamagedError) as error:
        raise DamagedError(
            f"the sheet of {record.title}, {position}, image {number}, cannot be read: {error}; "
            "`tbviz inspect LOG_DIR --verify` lists all damage"
        ) from error
    layout = dict(record.layout)
    return Sheet(
        record.kind, record.layer, position, index, layout, text, caption.names, levels, ranges
    )


def decoded(
    png: bytes, layout: Mapping[str, Any], media: str
) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None, Mapping[str, Any]]:
    """Decode a sheet and cut it into tiles.

    Args:
        png: The bytes.
        layout: The layout of its record.
        media: `"gray8"` or `"rgb8"`.

    Returns:
        The levels, the ranges and the text of a `Sheet`.

    Raises:
        ValueError: If the bytes are no such sheet.
    """
    size, count = tile_size(layout.get("tile")), layout.get("tiles")
    if size is None or type(count) is not int or count < 1:
        raise ValueError("its layout states no size or no number of tiles")
    pixels, ranges, text = read_png(png, media)
    levels = split(pixels, size, count)
    if ranges is not None and len(ranges) < count:
        raise ValueError(f"it has ranges of {len(ranges)} tiles, expected {count}")
    return levels, None if ranges is None else ranges[:count], text
