"""HiResCAM: each place of each channel weighs as much as the score moves with it.

Draelos and Carin 2020, "Use HiResCAM instead of Grad-CAM for faithful explanations of
convolutional neural networks". Averaging the gradients, as Grad-CAM does, moves what a dense
layer after flattening has learned to places that it does not look at.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tbviz.arrays.types import Doubles
from tbviz.methods.cams.cam import Cam, Evidence


class HiResCam(Cam):
    """Weights are the gradients. The paper shows the sum as it is, here its positive part."""

    name: ClassVar[str] = "hirescam"
    title: ClassVar[str] = "HiResCAM"

    def weights(self, evidence: Evidence) -> Doubles:
        """Equation 5."""
        return evidence.gradients.astype(np.float64)
