"""Eigen-CAM: the direction that most of a layer's response lies along, whatever the class.

Muhammad and Yeasin 2020, "Eigen-CAM: Class Activation Map using Principal Components".
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tbviz.arrays.types import Doubles
from tbviz.methods.cams.cam import Cam, Evidence


class EigenCam(Cam):
    """Weights are the first right singular vector of an image's maps, which are not centerd.

    A singular vector has no sign of its own: it is turned so that the response along it is more
    positive than negative.
    """

    name: ClassVar[str] = "eigen-cam"
    title: ClassVar[str] = "Eigen-CAM"
    of_class: ClassVar[bool] = False

    def weights(self, evidence: Evidence) -> Doubles:
        """V_1 of each image, `(images, 1, 1, channels)`; NaN where the maps are not finite."""
        directions = [_first_direction(image) for image in evidence.activations]
        return np.stack(directions)[:, None, None, :]

    def target(self, score: str) -> str:
        """No score."""
        return "the layer's strongest pattern, whatever the class"


def _first_direction(maps: np.ndarray) -> Doubles:
    places = maps.reshape(-1, maps.shape[-1]).astype(np.float64)
    if not np.all(np.isfinite(places)):
        return np.full(places.shape[1], np.nan)
    largest = np.abs(places).max(initial=0.0)
    if largest == 0:
        return np.zeros(places.shape[1])
    places = places / largest  # so that squares cannot overflow
    direction: Doubles = np.linalg.svd(places, full_matrices=False)[2][0]
    return direction if (places @ direction).sum() >= 0 else -direction
