"""Compute Guided Grad-CAM: fine lines in the area that Grad-CAM marks.

Selvaraju et al. 2017, "Grad-CAM", https://arxiv.org/abs/1610.02391, section 3.2; guided
backpropagation is Springenberg et al. 2015, "Striving for Simplicity: The All Convolutional Net",
https://arxiv.org/abs/1412.6806.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tbviz.arrays.resample import enlarge
from tbviz.methods.cams.grad_cam import GradCam
from tbviz.methods.cams.maps import layer_maps
from tbviz.methods.perturbed_model import PerturbedModel
from tbviz.methods.saliency.attribution import Attributed, Attribution, largest
from tbviz.scores.class_target import ClassTarget
from tbviz.scores.gradients import class_gradients
from tbviz.taps.select import cam_layer, select

if TYPE_CHECKING:
    from tbviz.taps.select import Filter


@dataclass(frozen=True)
class GuidedGradCam(Attribution):
    """Guided backpropagation, the largest absolute value over the colors, times enlarged Grad-CAM.

    The lines are not evidence: guided backpropagation gives nearly the same picture for a network
    whose weights are random, and so fails the sanity check of Adebayo et al. 2018, "Sanity Checks
    for Saliency Maps", https://arxiv.org/abs/1810.03292. Trust their location, which is
    Grad-CAM's, and not their shape.

    Args:
        layer: A filter for Grad-CAM's layer; the last with a feature map. Defaults to None.
    """

    layer: Filter | None = None

    name: ClassVar[str] = "guided-grad-cam"
    title: ClassVar[str] = "Guided Grad-CAM"

    def attribute(self, perturbed: PerturbedModel, class_target: ClassTarget) -> Attributed:
        """Compute the maps in two passes.

        Raises:
            LayerNotFoundError: If there is no such layer, or none with feature maps.
        """
        model_outputs = perturbed.inspector.model_outputs(perturbed.inputs)
        output = (
            cam_layer(model_outputs, class_target.output)
            if self.layer is None
            else select(model_outputs, self.layer)[-1]
        )
        found = class_gradients(perturbed.inspector, [output], perturbed.inputs, class_target)
        where = enlarge(layer_maps(GradCam(), output.key, found, perturbed), perturbed.size)
        lines = largest(perturbed.gradients(perturbed.images, class_target, guided=True))
        with np.errstate(invalid="ignore", over="ignore"):
            return Attributed(np.asarray(lines * where, np.float32))
