"""(parameters) => (image batch between 0 and 1): the image in a Fourier basis, colours apart.

Ascent on pixels finds high-frequency noise. In a basis of waves, with low frequencies scaled up,
every frequency moves at the same visible pace; and with the colours decorrelated the image keeps
to combinations that photographs have. Both change the path of the ascent, not what it can reach.
Olah et al. 2017, "Feature Visualization", section "Preconditioning and Parameterization".
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from keras import ops

Floats = npt.NDArray[np.float32]

# Square root of the colour covariance of ImageNet, from Lucid, optvis/param/color.py (Apache-2.0).
_COLOUR = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
_COLOUR_TO_RGB = (_COLOUR / np.linalg.norm(_COLOUR, axis=0).max()).astype(np.float32)


def frequencies(size: int) -> npt.NDArray[np.float64]:
    """Cycles a pixel of each wave of the basis: 0, then a cosine and a sine of each, `(size,)`."""
    cycles = np.arange(size) + 1
    return np.asarray(cycles // 2 / size, dtype=np.float64)


def waves(size: int, places: npt.ArrayLike | None = None) -> Floats:
    """The real Fourier basis of a line of pixels, orthonormal at whole pixels.

    Args:
        size: pixels.
        places: where to take the waves, in pixels; at every pixel unless given. Elsewhere they
            give the line shifted or stretched, without any interpolation.

    Returns:
        `(size, places)`, a wave a row: an even one, then cosine and sine of each frequency.
    """
    at = np.arange(size) if places is None else np.asarray(places)
    angle = 2 * np.pi * frequencies(size)[:, None] * at[None]
    basis = np.sqrt(2 / size) * np.where(
        np.arange(size)[:, None] % 2 == 1, np.cos(angle), np.sin(angle)
    )
    basis[0] = np.sqrt(1 / size)
    if size % 2 == 0:  # the finest wave has a cosine only
        basis[-1] *= np.sqrt(0.5)
    return np.asarray(basis, np.float32)


def pace(height: int, width: int, decay: float = 1.0) -> Floats:
    """How much a unit of each coefficient changes the image: 1 / frequency, `(height, width)`.

    Scaled so that coefficients of deviation 1 make an image of deviation 1.
    """
    frequency = np.hypot(frequencies(height)[:, None], frequencies(width)[None])
    scale = 1.0 / np.maximum(frequency, 1.0 / max(height, width)) ** decay
    return np.asarray(scale * np.sqrt(height * width / (scale**2).sum()), np.float32)


def to_image(coefficients: Any, rows: Any = None, columns: Any = None) -> Any:
    """The image that Fourier coefficients stand for.

    Args:
        coefficients: tensor `(images, channels, height, width)`; zeros are an even gray.
        rows: waves down the image, `(height, height)`; `waves(height)` unless given.
        columns: waves across the image, `(width, width)`.

    Returns:
        `(images, height, width, channels)`, between 0 and 1. Three channels are decorrelated
        colours, any other number is taken as it is.
    """
    images, channels, height, width = (int(size) for size in coefficients.shape)
    # Tensors first: torch does not multiply by numpy arrays.
    rows, columns = (
        ops.convert_to_tensor(waves(size) if given is None else given)
        for size, given in ((height, rows), (width, columns))
    )
    # Two large products, with a transposition between, take half the time of many small ones.
    lines = ops.reshape(coefficients * ops.convert_to_tensor(pace(height, width)), (-1, width))
    lines = ops.reshape(ops.matmul(lines, columns), (images, channels, height, width))
    lines = ops.reshape(ops.transpose(lines, (0, 3, 1, 2)), (-1, height))
    pixels = ops.reshape(ops.matmul(lines, rows), (images, width, channels, height))
    pixels = ops.transpose(pixels, (0, 3, 1, 2))
    if channels == 3:
        pixels = ops.matmul(pixels, ops.convert_to_tensor(_COLOUR_TO_RGB.T))
    return ops.sigmoid(pixels)
