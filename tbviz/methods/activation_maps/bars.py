"""Draw one number per channel as a bar, for layers without height and width.

The pixels of a bar hold the number itself. Colors and ranges mean the same as in maps, and the
number can be read off the picture. All pictures of a call share one scale.
"""

from __future__ import annotations

import numpy as np

from tbviz.arrays.types import Floats

HEIGHT = 64
"""Pixels between the ends of the scale, about: as high as the largest tile of a map."""

_WIDTH = 256
_MAX_BAR_WIDTH = 16


def bars(values: Floats) -> Floats:
    """Draw vectors as bars that stand on a zero line, or hang from it if negative.

    Args:
        values: `(images, channels)`, or `(images, 1, 1, channels)`.

    Returns:
        `(images, height, width)`: 0 where there is no bar, else the value of the channel. The
        scale goes from the least value or 0 to the greatest value or 0, over all images. Every
        value but 0 has at least one pixel. NaN fills its column, infinities fill their side.
    """
    vectors = np.asarray(values, np.float32).reshape(len(values), -1)
    finite = np.where(np.isfinite(vectors), vectors, 0).astype(np.float64)
    largest = float(np.abs(finite).max(initial=0))
    shares = finite / largest if largest > 0 else finite
    up, down = float(shares.max(initial=0)), -float(shares.min(initial=0))
    span = up + down
    if span == 0:  # nothing but zeros, or nothing finite: room for both sides
        up = down = span = 1.0
    above = max(round(HEIGHT * up / span), 1 if up > 0 else 0)
    below = max(round(HEIGHT * down / span), 1 if down > 0 else 0)
    lengths = np.maximum(np.rint(HEIGHT * np.abs(shares) / span), shares != 0)
    lengths = np.where(np.isfinite(vectors), lengths, HEIGHT)
    # Rows count from the top: the first one above the zero line is `above - 1`.
    rows = np.arange(above + below)[:, None]
    rising = (rows < above) & (rows >= above - lengths[:, None, :])
    falling = (rows >= above) & (rows < above + lengths[:, None, :])
    held = vectors[:, None, :]
    undefined = np.isnan(held)
    picture = np.where((rising & ((held > 0) | undefined)) | (falling & ~(held > 0)), held, 0)
    return _widened(picture)


def _widened(columns: Floats) -> Floats:
    """Widen each column as far as it fits, with a gap of one pixel after it if there is room."""
    channels = columns.shape[-1]
    width = min(max(_WIDTH // channels, 1), _MAX_BAR_WIDTH)
    wide = np.repeat(columns, width, axis=-1)
    if width > 2:
        wide[..., width - 1 :: width] = 0
    return wide
