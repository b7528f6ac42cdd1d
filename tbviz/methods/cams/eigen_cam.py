"""Compute Eigen-CAM: the strongest direction of a layer's response, for every class the same.

Muhammad and Yeasin 2020, "Eigen-CAM: Class Activation Map using Principal Components",
https://arxiv.org/abs/2008.00299.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tbviz.arrays.types import Doubles
from tbviz.methods.cams.cam import Cam, Evidence


class EigenCam(Cam):
    """The weights are the first right singular vector of an image's maps, which are not centered.

    The sign of a singular vector is arbitrary. It is chosen so that the response along the vector
    is more positive than negative.
    """

    name: ClassVar[str] = "eigen-cam"
    title: ClassVar[str] = "Eigen-CAM"
    class_specific: ClassVar[bool] = False

    def weights(self, evidence: Evidence) -> Doubles:
        """Return V_1 per image, `(images, 1, 1, channels)`; NaN if the maps are not finite."""
        directions = [_first_direction(image) for image in evidence.activations]
        return np.stack(directions)[:, None, None, :]

    def target(self, score: str) -> str:
        """Describe the pattern: there is no score."""
        return "the layer's strongest pattern, whatever the class"


def _first_direction(maps: np.ndarray) -> Doubles:
    pixels = maps.reshape(-1, maps.shape[-1]).astype(np.float64)
    if not np.all(np.isfinite(pixels)):
        return np.full(pixels.shape[1], np.nan)
    largest = np.abs(pixels).max(initial=0.0)
    if largest == 0:
        return np.zeros(pixels.shape[1])
    pixels = pixels / largest  # so that squares cannot overflow
    direction: Doubles = np.linalg.svd(pixels, full_matrices=False)[2][0]
    return direction if (pixels @ direction).sum() >= 0 else -direction
