"""(a photograph, a map of what explains a class) => the map over it, as the page draws it.

Class activation maps are coarse: they are scaled by their maximum, and the photograph stays in
color. Saliency maps are as fine as the photograph, and a few pixels reach far beyond the others:
they are scaled by a percentile, and the photograph fades to gray. `tests/browser/test_kinds.py`
holds Python and the page to the same pixels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tbviz.images.overlay import overlay

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOOR: Final = 0.05
"""A map below this share of the series' maximum is drawn faint, not stretched."""
SHOWN: Final = 0.99
"""The share of a fine map's pixels that its colors span."""

# What a map without a photograph is drawn on, and how much larger than its pixels.
_GRAY: Final = 128
_ENLARGED: Final = 8


class Style(NamedTuple):
    """How maps are drawn over their photographs.

    Args:
        colormap: A key of `COLORMAPS`.
        opacity: Opacity of a map at its maximum, 0 to 1.
        fine: Whether maps are as fine as the photograph.
        signed: Whether zero is the middle of the values.
        maximum: The greatest value that maps of the series reach, not finite if it is unknown.
    """

    colormap: str
    opacity: float
    fine: bool
    signed: bool
    maximum: float


def drawn_size(photograph: NDArray[np.uint8] | None, size: tuple[int, int]) -> tuple[int, int]:
    """Return the height and width of the picture of a map of this height and width."""
    if photograph is None:
        return size[0] * _ENLARGED, size[1] * _ENLARGED
    height, width = photograph.shape[:2]
    times = max(1, math.ceil(max(size[0] / height, size[1] / width)))
    return height * times, width * times


def explained(
    photograph: NDArray[np.uint8] | None,
    values: NDArray[np.float64],
    span: tuple[float, float],
    style: Style,
) -> NDArray[np.uint8]:
    """Draw a map over its photograph.

    Args:
        photograph: RGB `(height, width, 3)`; None draws the map on gray.
        values: The map, `(h, w)`.
        span: The range that the map was stored with.
        style: How to draw it.

    Returns:
        RGB `(H, W, 3)`, the size of the photograph, doubled, tripled ... if the map is finer.
    """
    size = drawn_size(photograph, values.shape[:2])
    cover = style.opacity if style.fine else 0.0
    if photograph is None:
        ground = np.full((*size, 3), _GRAY, np.uint8)
    else:
        times = size[0] // len(photograph)
        ground = _faded(photograph, cover, 255 if style.signed else 0)
        ground = ground.repeat(times, axis=0).repeat(times, axis=1)
    low, high = span
    own = _magnitude(low, high) if style.signed else high
    scale = _scale(_percentile(values) or own if style.fine else own, style.maximum)
    strength = math.sqrt(style.opacity) if style.fine else style.opacity
    return overlay(ground, values, scale, style.colormap, strength, signed=style.signed)


def _magnitude(low: float, high: float) -> float:
    return math.nan if math.isnan(low) or math.isnan(high) else max(high, -low)


def _scale(own: float, maximum: float) -> float:
    """Return the value that gets full color; 0 for a map of zeros."""
    if not own > 0:
        return 0.0
    floor = FLOOR * maximum
    return floor if math.isfinite(floor) and floor > own else own


def _percentile(values: NDArray[np.float64]) -> float:
    """Return the magnitude that a share of the finite values does not exceed, 0 without any."""
    sizes = np.sort(np.abs(values[np.isfinite(values)]))
    return float(sizes[math.ceil(SHOWN * sizes.size) - 1]) if sizes.size else 0.0


def _faded(photograph: NDArray[np.uint8], cover: float, end: int) -> NDArray[np.uint8]:
    """Fade a photograph in gray, the more the map covers it; without a cover it stays in color."""
    if cover <= 0:
        return photograph
    red, green, blue = np.moveaxis(photograph.astype(np.float64), -1, 0)
    gray = 0.299 * red + 0.587 * green + 0.114 * blue
    faded = (gray + (end - gray) * cover).astype(np.uint8)
    return np.repeat(faded[..., np.newaxis], 3, axis=-1)
