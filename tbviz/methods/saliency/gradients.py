"""Compute gradients: the change of the score with each pixel.

Simonyan et al. 2014, "Deep Inside Convolutional Networks: Visualizing Image Classification Models
and Saliency Maps", section 3.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tbviz.methods.perturbed_model import PerturbedModel
from tbviz.methods.saliency.attribution import Attributed, Attribution, largest, total
from tbviz.scores.class_target import ClassTarget


class Gradients(Attribution):
    """The largest absolute derivative over the colors of a pixel, as in section 3.1."""

    name: ClassVar[str] = "gradients"
    title: ClassVar[str] = "Gradients"

    def attribute(self, perturbed: PerturbedModel, class_target: ClassTarget) -> Attributed:
        """Compute the maps in one pass."""
        return Attributed(largest(perturbed.gradients(perturbed.images, class_target)))


class GradientsTimesInput(Attribution):
    """The derivative times the pixel, summed over the colors.

    Shrikumar et al. 2016, "Not Just a Black Box". For a network of ReLUs without biases the sum of
    the map is the score. What is black in an input of 0 to 1 always has the attribution 0.
    """

    name: ClassVar[str] = "gradients-x-input"
    title: ClassVar[str] = "Gradients x input"
    signed: ClassVar[bool] = True

    def attribute(self, perturbed: PerturbedModel, class_target: ClassTarget) -> Attributed:
        """Compute the maps in one pass."""
        slopes = perturbed.gradients(perturbed.images, class_target).astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            return Attributed(total(slopes * perturbed.images))
