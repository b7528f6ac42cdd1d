"""Class activation maps of a model and images, for those who do not train with callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tbviz.errors import TbvizError
from tbviz.methods.cams.grad_cam import combine

if TYPE_CHECKING:
    import keras

    from tbviz.taps.select import Filter

Floats = npt.NDArray[np.float32]

__all__ = ["ClassMap", "grad_cam"]


@dataclass(frozen=True)
class ClassMap:
    """Class activation maps of a batch.

    Attributes:
        maps: `(images, height, width)` at the layer's own size, at least 0, not scaled: its unit
            is the score's.
        classes: the class of each image.
        scores: its score before softmax or sigmoid.
        probabilities: its probability, `None` where the model has none.
        layer: path of the layer.
        target: what was differentiated, in words.
    """

    maps: Floats
    classes: npt.NDArray[np.int64]
    scores: Floats
    probabilities: Floats | None
    layer: str
    target: str


def grad_cam(
    model: keras.Model,
    images: Any,
    classes: npt.ArrayLike | None = None,
    layer: Filter | None = None,
) -> ClassMap:
    """Where the model sees a class, by Grad-CAM.

    Selvaraju et al. 2017, "Grad-CAM", equations 1 and 2, of the score before softmax; the paper's
    y^c. Neither the model nor its weights are changed or cloned.

    Args:
        model: any built Keras model, the layer at any depth.
        images: a batch, in the structure that the model takes.
        classes: a class for all images or one for each; the predicted ones unless given.
        layer: a filter for one layer; the last with a feature map unless given.

    Returns:
        The maps at the layer's own size; `tbviz.images.overlay.overlay` lays one over its image.

    Raises:
        TbvizError: no such layer or class, or none with feature maps.
    """
    import keras  # late: who uses `combine` alone needs no Keras

    from tbviz.taps.looker import PREDICTED, looker_of
    from tbviz.taps.select import cam_layer, select

    looker = looker_of(model)
    survey = looker.survey(images)
    output = cam_layer(survey) if layer is None else select(survey, layer)[-1]
    count = len(keras.tree.flatten(images)[0])
    wanted = np.full(count, PREDICTED) if classes is None else np.asarray(classes)
    if wanted.shape not in ((), (count,)):
        msg = f"received classes of shape {wanted.shape}; expected one class, or ({count},)"
        raise TbvizError(msg)
    found = looker.class_gradients(output, images, np.broadcast_to(wanted, (count,)))
    picked = None
    if found.probabilities is not None:
        picked = np.take_along_axis(found.probabilities, found.classes[:, None], axis=1)[:, 0]
    maps = combine(found.activations, found.gradients)
    return ClassMap(maps, found.classes, found.scores, picked, output.key, survey.head.target)
