"""Find the principal components: the few directions in which many channels vary most.

Pearson 1901, "On lines and planes of closest fit". The axes are separate from what is projected
on them, so that equal colors at two snapshots mean equal vectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Number = TypeVar("Number", bound=np.generic)

# As a share of the largest variance: anything below is rounding, and its color would be noise.
_MIN_VARIANCE: Final = 1e-10
# A few hot pixels would leave the rest of the picture in one color.
_PERCENTILES: Final = (1, 99)
MAX_VECTORS: Final = 20_000
"""More vectors would change no axis visibly."""


@dataclass(frozen=True)
class Axes:
    """Directions to project on, and the range of each that is shown.

    Attributes:
        mean: `(channels,)`, subtracted first.
        directions: `(axes, channels)`, of length one, the strongest first; fewer than were
            requested if the data vary in fewer.
        low: `(axes,)`, the projection that is shown as 0.
        high: `(axes,)`, the one that is shown as 1.
        share: `(axes,)`, of the variance.
    """

    mean: NDArray[np.float64]
    directions: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    share: NDArray[np.float64]

    def colors(self, vectors: ArrayLike) -> NDArray[np.float32]:
        """Return the color of each vector.

        Args:
            vectors: `(..., channels)`.

        Returns:
            float32 `(..., 3)`, 0 to 1: the strongest axis red, then green, then blue; 0.5 if
            there is no such axis. A vector that is not finite is black.

        Raises:
            ValueError: If the vectors have another number of channels than the axes.
        """
        array = np.asarray(vectors, np.float64)
        if array.shape[-1:] != self.mean.shape:
            raise ValueError(
                f"received vectors of shape {array.shape}; expected (..., {self.mean.size})"
            )
        colors = np.full((*array.shape[:-1], 3), 0.5)
        known = np.isfinite(array).all(axis=-1)
        count = min(3, len(self.directions))
        with np.errstate(over="ignore", invalid="ignore"):
            coordinates = (array[known] - self.mean) @ self.directions[:count].T
            shown = (coordinates - self.low[:count]) / (self.high - self.low)[:count]
        colors[known, :count] = np.clip(np.nan_to_num(shown, nan=0.5), 0, 1)
        colors[~known] = 0
        return colors.astype(np.float32)


def principal_axes(vectors: ArrayLike, count: int = 3) -> Axes:
    """Find the directions in which vectors vary most.

    Signs are fixed: each direction points to where the entry farthest from its zero is positive,
    so that the same vectors give the same axes. Extents are the 1st and 99th percentiles.

    Args:
        vectors: `(..., channels)`; of more than 20,000 an even sample is taken. Those that are
            not finite are left out.
        count: Maximum number of axes. Defaults to 3.

    Returns:
        The axes; none if the vectors do not vary.
    """
    array = sample(np.asarray(vectors, np.float64))
    channels = array.shape[1]
    largest = float(np.abs(array).max(initial=0))
    scale = largest if largest > 0 else 1.0  # squares of large numbers would overflow
    mean = array.mean(axis=0) if len(array) else np.zeros(channels)
    centered = (array - mean) / scale
    variances, columns = np.linalg.eigh(centered.T @ centered / max(len(array), 1))
    order = np.argsort(-variances, kind="stable")[:count]
    order = order[variances[order] > _MIN_VARIANCE * max(1.0, float(variances.max(initial=0)))]
    directions = columns.T[order]
    farthest = np.abs(directions).argmax(axis=1)
    directions *= np.sign(directions[np.arange(len(directions)), farthest])[:, np.newaxis]
    coordinates = (array - mean) @ directions.T
    if len(order):
        low, high = np.percentile(coordinates, _PERCENTILES, axis=0)
        flat = high <= low  # nearly all values are equal
        low = np.where(flat, coordinates.min(axis=0), low)
        high = np.where(flat, coordinates.max(axis=0), high)
    else:
        low = high = np.zeros(0)
    total = float(np.maximum(variances, 0).sum())
    share = variances[order] / total if total > 0 else np.zeros(0)
    return Axes(mean, directions, low, high, share)


def sample(vectors: NDArray[Number], limit: int = MAX_VECTORS) -> NDArray[Number]:
    """Return an even sample of vectors `(..., channels)`: at most `limit`, finite ones."""
    rows = vectors.reshape(math.prod(vectors.shape[:-1]), vectors.shape[-1])
    # Not at a fixed interval: that might be the same column of every row.
    selected = np.linspace(0, len(rows) - 1, min(limit, len(rows))).astype(np.intp)
    rows = rows[selected]
    finite: NDArray[Number] = rows[np.isfinite(rows).all(axis=1)]
    return finite
