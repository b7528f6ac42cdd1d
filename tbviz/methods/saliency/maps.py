"""Saliency maps of a model and images, for those who do not train with callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tbviz.arrays.types import Floats
from tbviz.methods.captions import note_of
from tbviz.methods.perturbed_model import PerturbedModel
from tbviz.methods.saliency.attribution import Attribution
from tbviz.methods.saliency.registry import attribution_of
from tbviz.scores.targets import (
    class_target_of,
    describe_target,
    resolve_predictions,
    target_scores,
)
from tbviz.taps.input_finiteness import CAUSE, faulty_images
from tbviz.taps.inspector import inspector_for

NO_EFFECT = "no pixel moves the score"
"""The meaning of a map of zeros."""

__all__ = ["SaliencyMap", "saliency_maps"]


@dataclass(frozen=True)
class SaliencyMap:
    """Saliency maps of a batch.

    Attributes:
        maps: `(images, height, width)` at the input's size, not scaled.
        classes: the class of each image.
        scores: its score before softmax or sigmoid; with `against` the difference of the two.
        probabilities: its probability, `None` if the model has none.
        target: the explained quantity, in words.
        method: name of the method.
        signed: whether negative values (against the class) mean something.
        against: the class that each was compared with, `None` for none.
        completeness: of integrated gradients, the sum of each map as a share of the difference of
            scores that it should be: 1 is complete; `None` of other methods.
        notes: for each image the reason if its map shows nothing, else `None`.
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
    """Compute which pixels a class score depends on.

    The score is the one before softmax; the methods, each with its paper, are the files beside this
    one. Neither the model nor its weights are perturbed or cloned.

    Args:
        model: any built Keras model.
        images: a batch, in the structure that the model takes; of several images the first is
            explained.
        classes: a class for all images or one for each; the predicted ones unless given.
        method: `"gradients"`, `"gradients-x-input"`, `"smoothgrad"`, `"integrated-gradients"`,
            `"occlusion"` or `"guided-grad-cam"`; or one with settings, such as
            `Occlusion(window=0.1, stride=0.05)`.
        against: a class for all images or one for each: the difference of the class score and the
            score of this class is explained.

    Returns:
        The maps, at the input's size.

    Raises:
        TbvizError: no such method or class, or none of the inputs is a batch of images.
    """
    attribution = attribution_of(method)
    inspector = inspector_for(model)
    perturbed = PerturbedModel(inspector, images)
    model_outputs = inspector.model_outputs(images)
    scores, probabilities = perturbed.unperturbed
    class_target = resolve_predictions(
        class_target_of(len(perturbed.images), classes, against), scores[:, 0]
    )
    found = attribution.attribute(perturbed, class_target)
    picked = None
    if probabilities is not None:
        picked = np.take_along_axis(probabilities[:, 0], class_target.classes[:, None], axis=1)[
            :, 0
        ]
    cause = inspector.faults.cause_of(model_outputs.output_reads)
    causes = [cause or (CAUSE if faulty else None) for faulty in faulty_images(images)]
    explained = target_scores(scores[:, 0], class_target).astype(np.float32)
    return SaliencyMap(
        found.maps,
        class_target.classes,
        explained,
        picked,
        attribution.target(describe_target(model_outputs.head.target, class_target)),
        attribution.name,
        attribution.signed,
        class_target.against,
        found.completeness,
        tuple(map(note_of, found.maps, repeat(NO_EFFECT), explained, causes)),
    )
