"""Pad, move, scale and turn an image before each step of the ascent.

A pattern that activates a filter only at one exact position is noise to the eye. Mordvintsev et
al. 2015 jitter; Olah et al. 2017, "Feature Visualization",
https://doi.org/10.23915/distill.00007, section "Transformation robustness", scale and rotate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from tbviz.arrays.types import Floats

# Multiples of these fill a circle most evenly: the golden ratio's and the silver ratio's inverse.
_EVENLY = (0.6180339887498949, 0.4142135623730951)


@dataclass(frozen=True)
class Transforms:
    """The limits within which a step may move the image.

    Attributes:
        jitter: Shift to each side, as a share of the side. At 0.5 every part of the image comes
            everywhere, so that none of it stays at the border.
        scale: Share of the size, larger and smaller, about the middle.
        rotate: Degrees, to the left and to the right, about the middle.
        pad: What lies beyond the image's edges: even gray if true, its other side if false.
    """

    jitter: float = 0.5
    scale: float = 0.1
    rotate: float = 0.0
    pad: bool = False

    def draw(self, random: np.random.Generator, steps: int, size: tuple[int, int]) -> Floats:
        """Draw the views of all steps, `(steps, 4)`: shift down, shift right (pixels), zoom, angle.

        They are drawn beforehand from a separate generator, so that no global random state moves.
        Shifts are spread evenly from a random start: a few dozen at random would leave gaps.
        """
        zoom = random.uniform(1 - self.scale, 1 + self.scale, steps)
        shifts = [
            (2 * ((random.uniform() + increment * np.arange(steps)) % 1.0) - 1) * self.jitter * side
            for side, increment in zip(size, _EVENLY, strict=True)
        ]
        angle = np.radians(random.uniform(-self.rotate, self.rotate, steps))
        return np.stack([*shifts, zoom, angle], axis=1).astype(np.float32)

    def margin(self, size: tuple[int, int]) -> int:
        """Return the number of extra pixels on each side, for the corners of a turned view."""
        if not self.rotate:
            return 0
        return math.ceil(math.sin(math.radians(self.rotate)) * max(size) / 2) + 1

    def points(self, size: tuple[int, int], view: Any) -> list[Any]:
        """Return the points of a view's rows and columns on the image, in pixels, with margin."""
        margin = self.margin(size)
        found = []
        for side, shift in zip(size, (view[0], view[1]), strict=True):
            middle = (side - 1) / 2
            away = np.arange(-margin, side + margin, dtype=np.float32) - np.float32(middle)
            found.append(middle + shift + view[2] * ops.convert_to_tensor(away))
        return found


def inside(size: int, points: Any) -> Any:
    """Return 1 where a point is on the image, 0 beyond its edges."""
    within = ops.logical_and(points >= -0.5, points <= size - 0.5)
    return ops.cast(within, "float32")


def turned(pixels: Any, angle: Any, margin: int) -> Any:
    """Turn images about their middle, and cut off the margin that fills their corners.

    Args:
        pixels: `(height, width, values)`; all images turn together, and the pixels come first,
            since taking whole rows of values is fast.
        angle: In radians; positive turns the picture anticlockwise.
        margin: Pixels on each side that are not part of the result.
    """
    height, width, values = (int(size) for size in pixels.shape)
    inner = height - 2 * margin, width - 2 * margin
    middle = (height - 1) / 2, (width - 1) / 2
    down, right = (
        ops.convert_to_tensor(axis.astype(np.float32) - np.float32((side - 1) / 2))
        for axis, side in zip(np.indices(inner).reshape(2, -1), inner, strict=True)
    )
    cosine, sine = ops.cos(angle), ops.sin(angle)
    row = middle[0] + cosine * down + sine * right
    column = middle[1] + cosine * right - sine * down
    above, left = ops.floor(row), ops.floor(column)
    low, aside = ops.expand_dims(row - above, -1), ops.expand_dims(column - left, -1)
    first = ops.cast(above, "int32") * width + ops.cast(left, "int32")
    flat = ops.reshape(pixels, (-1, values))

    def at(offset: int) -> Any:
        return ops.take(flat, first + offset, axis=0)

    upper = at(0) * (1 - aside) + at(1) * aside
    lower = at(width) * (1 - aside) + at(width + 1) * aside
    return ops.reshape(upper * (1 - low) + lower * low, (*inner, values))
