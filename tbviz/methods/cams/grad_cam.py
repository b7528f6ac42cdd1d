"""Grad-CAM: each channel weighs as much as the score moves with its mean.

Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def weights(gradients: Floats) -> Floats:
    """Equation 1: the mean of the gradient over the map, `(images, channels)`."""
    return np.asarray(gradients.mean(axis=(1, 2)), dtype=np.float32)


def combine(activations: Floats, gradients: Floats) -> Floats:
    """Equation 2: ReLU of the weighted sum of the maps.

    Args:
        activations: `(images, height, width, channels)`.
        gradients: the score's derivatives in them, same shape.

    Returns:
        `(images, height, width)`, at least 0; NaN stays NaN, so that a broken network shows.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        summed = np.einsum("nhwc,nc->nhw", activations, weights(gradients))
        return np.asarray(np.maximum(summed, 0), np.float32)  # of NaN and 0 it gives NaN
