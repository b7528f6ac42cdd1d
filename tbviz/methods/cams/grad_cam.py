"""Compute Grad-CAM: the weight of a channel is the derivative of the score in its mean.

Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", https://arxiv.org/abs/1610.02391.
"""

from __future__ import annotations

from typing import ClassVar

from tbviz.arrays.types import Doubles
from tbviz.methods.cams.cam import Cam, Evidence, means


class GradCam(Cam):
    """Weights are the means of the gradients."""

    name: ClassVar[str] = "grad-cam"
    title: ClassVar[str] = "Grad-CAM"

    def weights(self, evidence: Evidence) -> Doubles:
        """Compute equation 1; `combine` is equation 2."""
        return means(evidence.gradients)
