"""Compute Grad-CAM++: pixels that raise the score have weight, so that all objects show.

Chattopadhay et al. 2018, "Grad-CAM++: Improved Visual Explanations for Deep Convolutional
Networks", https://arxiv.org/abs/1710.11063.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tbviz.arrays.types import Doubles
from tbviz.methods.cams.cam import Cam, Evidence


class GradCamPlusPlus(Cam):
    """The weights are means of the positive gradients, weighted by the curvature of the score.

    The paper explains exp(score), whose n-th derivative is exp(score) times the n-th power of the
    gradient: the factor is the same for all channels of an image and overflows at a score of 89,
    so it is left out. As in the authors' code, the coefficients of a channel are normalized
    to the sum 1 where its gradient is positive (tf-keras-vis sums them everywhere, including
    negative ones, which may flip a channel's sign).
    """

    name: ClassVar[str] = "grad-cam++"
    title: ClassVar[str] = "Grad-CAM++"

    def weights(self, evidence: Evidence) -> Doubles:
        """Compute equations 19 (the coefficients) and 5 (the weights)."""
        gradients = evidence.gradients.astype(np.float64)
        total = evidence.activations.sum(axis=(1, 2), keepdims=True, dtype=np.float64)
        squares = gradients**2
        curved = 2 * squares + gradients * squares * total
        # Not `gradients > 0`, which would take NaN for no gradient.
        coefficients = np.where(gradients <= 0, 0.0, squares / np.where(curved == 0, 1.0, curved))
        whole = coefficients.sum(axis=(1, 2), keepdims=True)
        coefficients = coefficients / np.where(whole == 0, 1.0, whole)
        return np.asarray((coefficients * gradients).sum(axis=(1, 2), keepdims=True))
