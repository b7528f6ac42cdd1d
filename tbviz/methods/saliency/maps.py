"""Saliency maps of a model and images, for those who do not train with callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tbviz.arrays.types import Floats
from tbviz.methods.cams.captions import note_of
from tbviz.methods.cams.classes import class_target_of, in_words, of_class, resolve_predictions
from tbviz.methods.cams.perturbed_model import PerturbedModel
from tbviz.methods.saliency.attribution import Attribution
from tbviz.methods.saliency.registry import attribution_of
from tbviz.taps.inspector import inspector_for

NO_EFFECT = "no pixel moves the score"
"""What a map of zeros means."""

__all__ = ["SaliencyMap", "saliency_maps"]


@dataclass(frozen=True)
class SaliencyMap:
    """Saliency maps of a batch.

    Attributes:
        maps: `(images, height, width)` at the input's size, not scaled.
        classes: the class of each image.
        scores: its score before softmax or sigmoid; with `against` the difference of the two.
        probabilities: its probability, `None` where the model has none.
        target: what was explained, in words.
        method: name of the method.
        signed: whether negative values (against the class) mean something.
        against: the class that each was compared with, `None` for none.
        completeness: of integrated gradients, the sum of each map as a share of the difference of
            scores that it should be: 1 is complete; `None` of other methods.
        notes: of each image why its map shows nothing, `None` where it shows something.
    """

    maps: Floats
    classes: npt.NDArray[np.int64]
    scores: Floats
    probabilities: Floats | None
    target: str
    method: str
    signed: bool
    against: npt.NDArray[np.int64] | None
    completeness: npt.NDArray[np.float64] | None
    notes: tuple[str | None, ...]


def saliency_maps(
    model: keras.Model,
    images: Any,
    classes: npt.ArrayLike | None = None,
    method: str | Attribution = "gradients",
    against: npt.ArrayLike | None = None,
) -> SaliencyMap:
    """Which pixels a class score comes from.

    Of the score before softmax; the methods, each with its paper, are the files beside this one.
    Neither the model nor its weights are changed or cloned.

    Args:
        model: any built Keras model.
        images: a batch, in the structure that the model takes; of several images the first is
            explained.
        classes: a class for all images or one for each; the predicted ones unless given.
        method: `"gradients"`, `"gradients-x-input"`, `"smoothgrad"`, `"integrated-gradients"`,
            `"occlusion"` or `"guided-grad-cam"`; or one with settings, such as
            `Occlusion(window=0.1, stride=0.05)`.
        against: a class for all images or one for each: explained is by how much the score of the
            class is above that of this one.

    Returns:
        The maps, at the input's size.

    Raises:
        TbvizError: no such method or class, or none of the inputs is a batch of images.
    """
    attribution = attribution_of(method)
    inspector = inspector_for(model)
    changed = PerturbedModel(inspector, images)
    model_outputs = inspector.model_outputs(images)
    scores, likely = changed.unchanged
    class_target = resolve_predictions(
        class_target_of(len(changed.images), classes, against), scores[:, 0]
    )
    found = attribution.attribute(changed, class_target)
    picked = None
    if likely is not None:
        picked = np.take_along_axis(likely[:, 0], class_target.classes[:, None], axis=1)[:, 0]
    cause = inspector.faults.cause_of(model_outputs.output_reads)
    explained = of_class(scores[:, 0], class_target).astype(np.float32)
    return SaliencyMap(
        found.maps,
        class_target.classes,
        explained,
        picked,
        attribution.target(in_words(model_outputs.head.target, class_target)),
        attribution.name,
        attribution.signed,
        class_target.against,
        found.completeness,
        tuple(map(note_of, found.maps, repeat(NO_EFFECT), explained, repeat(cause))),
    )
