"""Compute HiResCAM: the weight of a pixel of a channel is the derivative of the score in it.

Draelos and Carin 2020, "Use HiResCAM instead of Grad-CAM for faithful explanations of
convolutional neural networks", https://arxiv.org/abs/2011.08891. Averaging the gradients, as
Grad-CAM does, moves what a dense layer after flattening has learned to pixels that it does not
use.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tbviz.arrays.types import Doubles
from tbviz.methods.cams.cam import Cam, Evidence


class HiResCam(Cam):
    """Weights are the gradients. The paper shows the whole sum; here its positive part is shown."""

    name: ClassVar[str] = "hirescam"
    title: ClassVar[str] = "HiResCAM"

    def weights(self, evidence: Evidence) -> Doubles:
        """Compute equation 5."""
        return evidence.gradients.astype(np.float64)
