"""(a field of a layout that anybody may have written) => the size of a tile."""

from __future__ import annotations

from typing import Final

MAX_PIXELS: Final = 1 << 26
"""64 million pixels: more than any screen shows, and a limit to what a forged sheet takes."""


def tile_size(tile: object) -> tuple[int, int] | None:
    """Return the height and the width that a layout states, None if it states none."""
    if not isinstance(tile, list) or len(tile) != 2:
        return None
    height, width = tile
    if type(height) is not int or type(width) is not int:
        return None
    if not 1 <= min(height, width) <= max(height, width) <= MAX_PIXELS:
        return None
    return height, width
