"""Draw frames over time as one PNG: a hundred snapshots of a channel in one small answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from tbviz.plugin.errors import GoneError, MalformedError, NotFoundError
from tbviz.results.tile_size import MAX_PIXELS, tile_size
from tbviz.store.errors import StoreError
from tbviz.store.read.segment import SheetAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tbviz.store.read.reader import Reader

_log = logging.getLogger("tbviz.plugin")

# Sheets held in memory at a time.
_AT_ONCE = 64


class Frame(NamedTuple):
    """The sheet that the frames of one position are cropped from."""

    position: int
    sheet: SheetAddress
    tiles: int  # how many the sheet has


class Plan(NamedTuple):
    """The frames of a strip."""

    frames: list[Frame]
    tile: tuple[int, int]


def plan(
    reader: Reader, kind: str, layer: str, image: int, tiles: Sequence[int], span: Collection[int]
) -> Plan:
    """Select the sheets that a strip is cropped from.

    Positions whose tiles have another size than the newest's, or that lack a tile, are left out.

    Args:
        reader: The run.
        kind: Kind of the pictures.
        layer: Path of their layer.
        image: Index of the sheet in the record, 0 if the series belongs to no image.
        tiles: Which tiles.
        span: The positions.

    Raises:
        NotFoundError: If there is no such series, or nothing of it in the span.
        MalformedError: If the strip would be too large.
    """
    try:
        parts = reader.columns(kind, layer)
    except StoreError as error:
        raise NotFoundError(str(error)) from error
    laid_out = parts[-1][1].layouts.get(parts[-1][2].layouts[-1][0])
    if laid_out is None:
        raise NotFoundError(f"received kind {kind!r}, expected a kind of picture that was logged")
    newest = laid_out.meta
    size = tile_size(newest.get("tile"))
    frames = []
    for base, segment, columns in parts:
        for record, ordinal in enumerate(columns.positions.values()):
            if base + ordinal not in span or image >= columns.sheets:
                continue
            layout = segment.layouts[columns.layout_of(record)].meta
            count = layout.get("tiles")
            if size is None or tile_size(layout.get("tile")) != size or type(count) is not int:
                continue
            if max(tiles) < count:
                sheet = SheetAddress(segment.uid, *columns.sheet(record, image))
                frames.append(Frame(base + ordinal, sheet, count))
    if size is None or not frames:
        raise NotFoundError(
            f"received {kind!r} of layer {layer!r}, image {image}, tiles {list(tiles)}, positions "
            f"{min(span)} to {max(span)}; expected some that were logged"
        )
    pixels = len(frames) * len(tiles) * size[0] * size[1]
    if pixels > MAX_PIXELS:
        raise MalformedError(
            f"received a strip of {pixels} pixels, expected at most {MAX_PIXELS}; ask for fewer "
            "tiles or positions"
        )
    return Plan(frames, size)


def draw(
    made: Plan, tiles: Sequence[int], read: Callable[[Sequence[SheetAddress]], list[bytes | None]]
) -> tuple[bytes, list[int]]:
    """Draw the strip, and return the positions that it shows.

    Args:
        made: The result of `plan`.
        tiles: Which tiles, the rows of the strip.
        read: Returns the bytes of several sheets, None for one that cannot be read.

    Raises:
        GoneError: If none of the sheets can be read.
    """
    import numpy as np

    from tbviz.images import sheet as images

    columns: list[NDArray[np.uint8]] = []
    ranges: list[NDArray[np.float32]] = []
    shown: list[int] = []
    for frame, data in _with_data(made.frames, read):
        try:
            sheet = images.decode(data)
            cropped = images.split(sheet.pixels, made.tile, frame.tiles)[list(tiles)]
            gray = sheet.ranges[list(tiles)] if sheet.ranges is not None else None
        except Exception as error:  # damaged, gone, or of another size than its layout says
            _log.debug("position %d is left out of a strip: %s", frame.position, error)
            continue
        if columns and cropped.shape != columns[0].shape:
            continue
        columns.append(cropped)
        shown.append(frame.position)
        if gray is not None:
            ranges.append(gray)
    if not columns:
        raise GoneError("no sheet of the strip can be read; expected at least one")
    # (position, tile, ...) to one row per tile, one column per position.
    levels = np.swapaxes(np.stack(columns), 0, 1).reshape(-1, *columns[0].shape[1:])
    spans = None
    if len(ranges) == len(columns):
        spans = np.swapaxes(np.stack(ranges), 0, 1)
    return images.encode_levels(levels, spans, len(shown)), shown


def _with_data(
    frames: Sequence[Frame], read: Callable[[Sequence[SheetAddress]], list[bytes | None]]
) -> Iterator[tuple[Frame, bytes]]:
    for first in range(0, len(frames), _AT_ONCE):
        some = frames[first : first + _AT_ONCE]
        for frame, data in zip(some, read([frame.sheet for frame in some]), strict=True):
            if data is not None:
                yield frame, data
