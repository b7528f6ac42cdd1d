"""Compute LayerCAM: the weight of a pixel of a channel is the positive part of its derivative.

Jiang et al. 2021, "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization",
https://doi.org/10.1109/TIP.2021.3089943. It suits early layers, too, where the mean gradient of a
channel says little about one pixel.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tbviz.arrays.types import Doubles
from tbviz.methods.cams.cam import Cam, Evidence


class LayerCam(Cam):
    """Weights are the positive gradients."""

    name: ClassVar[str] = "layercam"
    title: ClassVar[str] = "LayerCAM"

    def weights(self, evidence: Evidence) -> Doubles:
        """Compute equation 5; `combine` is equations 6 and 7."""
        return np.maximum(evidence.gradients.astype(np.float64), 0)
