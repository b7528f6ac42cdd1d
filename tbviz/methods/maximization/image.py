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


def waves(size: int) -> tuple[Floats, Floats]:
    """The real Fourier basis of a line of pixels.

    Args:
        size: pixels.

    Returns:
        An orthonormal `(size, size)` matrix, a wave a row, and each one's frequency in cycles a
        pixel, `(size,)`.
    """
    place = np.arange(size)
    rows = [np.full(size, np.sqrt(1 / size))]
    frequencies = [0.0]
    for cycle in range(1, size // 2 + 1):
        angle = 2 * np.pi * cycle * place / size
        if 2 * cycle == size:  # the finest wave has a cosine only
            rows.append(np.sqrt(1 / size) * np.cos(angle))
            frequencies.append(cycle / size)
        else:
            rows += [np.sqrt(2 / size) * np.cos(angle), np.sqrt(2 / size) * np.sin(angle)]
            frequencies += [cycle / size] * 2
    return np.array(rows, np.float32), np.array(frequencies, np.float32)


def pace(height: int, width: int, decay: float = 1.0) -> Floats:
    """How much a unit of each coefficient changes the image: 1 / frequency, `(height, width)`.

    Scaled so that coefficients of deviation 1 make an image of deviation 1.
    """
    rows, columns = waves(height)[1], waves(width)[1]
    frequency = np.sqrt(rows[:, None] ** 2 + columns[None] ** 2)
    scale = 1.0 / np.maximum(frequency, 1.0 / max(height, width)) ** decay
    return np.asarray(scale * np.sqrt(height * width / (scale**2).sum()), np.float32)


def to_image(coefficients: Any) -> Any:
    """The image that Fourier coefficients stand for.

    Args:
        coefficients: tensor `(images, height, width, channels)`; zeros are an even gray.

    Returns:
        The same shape, between 0 and 1. Three channels are decorrelated colours, any other number
        is taken as it is.
    """
    height, width, channels = (int(size) for size in coefficients.shape[1:])
    scaled = coefficients * pace(height, width)[None, :, :, None]
    pixels = ops.einsum("nklc,ky,lx->nyxc", scaled, waves(height)[0], waves(width)[0])
    if channels == 3:
        pixels = ops.einsum("nyxc,rc->nyxr", pixels, _COLOUR_TO_RGB)
    return ops.sigmoid(pixels)
