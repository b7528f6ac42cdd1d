"""(bytes that anybody may have written) => the pixels, ranges and text of a sheet."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tbviz.images.sheet import decode
from tbviz.results.tile_size import MAX_PIXELS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEADER = struct.Struct(">8s4x4sII")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_png(
    png: bytes, media: str
) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None, Mapping[str, Any]]:
    """Decode a PNG of one media, in bounded memory.

    Raises:
        ValueError: If the bytes are no such PNG.
    """
    if len(png) < _HEADER.size:
        raise ValueError(f"it has {len(png)} bytes")
    signature, chunk, width, height = _HEADER.unpack_from(png)
    if (signature, chunk) != (_SIGNATURE, b"IHDR"):
        raise ValueError("it is no PNG")
    if width * height > MAX_PIXELS:
        raise ValueError(f"it has {width} x {height} pixels, expected at most {MAX_PIXELS}")
    try:
        found = decode(png)
    except Exception as error:  # whatever Pillow does with damaged content
        raise ValueError(str(error)) from error
    gray = found.pixels.ndim == 2
    if media != ("gray8" if gray else "rgb8"):
        raise ValueError(f"its pixels are not of media {media}")
    if gray and found.ranges is None:
        raise ValueError("it has no ranges of its tiles")
    text = found.text if isinstance(found.text, Mapping) else {}
    return found.pixels, found.ranges if gray else None, text
