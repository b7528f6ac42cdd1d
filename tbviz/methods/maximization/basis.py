"""Define bases: the meaning of the coefficients of an image along one of its sides.

An image is a product, `rows^T x coefficients x columns`. A basis gives the contribution of each
coefficient of a line to any point of it, whole pixel or not, so that a shift and a zoom are the
same product at other points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from keras import ops

from tbviz.arrays.types import Floats


class Basis(Protocol):
    """How an image is parametrized."""

    def coefficient_scale(self, height: int, width: int) -> Floats:
        """Return how much a unit of each coefficient changes the image, `(height, width)`.

        It is normalized so that coefficients of deviation 1 make an image of deviation 1.
        """

    def line(self, size: int, points: Any) -> Any:
        """Return the contribution of each coefficient of a line of pixels to points on it.

        Args:
            size: Pixels; a point beyond them is one on the other side, as on a ring.
            points: Tensor `(points,)`, in pixels.

        Returns:
            Tensor `(size, points)`, orthonormal at the whole pixels.
        """


@dataclass(frozen=True)
class Fourier:
    """Waves, of which low ones are scaled up. Between pixels they are exact, without interpolation.

    Ascent on pixels finds high-frequency noise. Here every frequency moves at the same visible
    rate. Olah et al. 2017, "Feature Visualization", https://doi.org/10.23915/distill.00007, section
    "Preconditioning and Parameterization".

    Attributes:
        decay: A wave is scaled by frequency to the power of minus this; 1 as photographs have it,
            more for smoother images.
    """

    decay: float = 1.0

    def coefficient_scale(self, height: int, width: int) -> Floats:
        """See `Basis.coefficient_scale`: frequency ^ -decay."""
        frequency = np.hypot(frequencies(height)[:, None], frequencies(width)[None])
        scale = 1.0 / np.maximum(frequency, 1.0 / max(height, width)) ** self.decay
        return np.asarray(scale * np.sqrt(height * width / (scale**2).sum()), np.float32)

    def line(self, size: int, points: Any) -> Any:
        """See `Basis.line`: an even wave, then cosine and sine of each frequency."""
        sine = (np.arange(size) % 2 == 0) & (np.arange(size) > 0)
        height = np.full(size, np.sqrt(2 / size))
        height[0] = np.sqrt(1 / size)
        if size % 2 == 0:  # the finest wave has a cosine only
            height[-1] = np.sqrt(1 / size)
        turns, phase, height = (
            ops.convert_to_tensor(np.asarray(column, np.float32)[:, None])
            for column in (2 * np.pi * frequencies(size), sine * np.pi / 2, height)
        )
        return height * ops.cos(turns * points[None] - phase)


@dataclass(frozen=True)
class Pixels:
    """Pixels. Between them values are interpolated linearly."""

    def coefficient_scale(self, height: int, width: int) -> Floats:
        """See `Basis.coefficient_scale`: 1 for each."""
        return np.ones((height, width), np.float32)

    def line(self, size: int, points: Any) -> Any:
        """See `Basis.line`: 1 at the pixel itself, falling to 0 at its neighbors."""
        pixels = ops.convert_to_tensor(np.arange(size, dtype=np.float32)[:, None])
        apart = ops.mod(points[None] - pixels + size / 2, size) - size / 2
        return ops.maximum(1 - ops.abs(apart), 0)


def frequencies(size: int) -> npt.NDArray[np.float64]:
    """Return cycles per pixel of each wave: 0, then a cosine and a sine of each, `(size,)`."""
    cycles = np.arange(size) + 1
    return np.asarray(cycles // 2 / size, dtype=np.float64)
