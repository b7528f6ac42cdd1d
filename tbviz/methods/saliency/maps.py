"""Compute saliency maps of a model and images, without callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import Any, overload

import keras
import numpy as np
import numpy.typing as npt

from tbviz.arrays.types import Floats
from tbviz.methods.captions import note_of
from tbviz.methods.perturbed_model import PerturbedModel
from tbviz.methods.saliency.attribution import Attribution
from tbviz.methods.saliency.registry import attribution_of
from tbviz.scores.class_target import (
    ClassTarget,
    describe_target,
    resolve_predictions,
    target_scores,
)
from tbviz.scores.given_classes import given_classes
from tbviz.scores.known_classes import class_targets_of
from tbviz.scores.target import Score, Target, Targets, is_several
from tbviz.taps.final_outputs import OutputName
from tbviz.taps.input_finiteness import CAUSE, faulty_images
from tbviz.taps.inspector import inspector_for

NO_EFFECT = "no pixel moves the score"
"""The meaning of a map of zeros."""


@dataclass(frozen=True)
class SaliencyMap:
    """Saliency maps of a batch.

    Attributes:
        maps: `(images, height, width)` at the input's size, not scaled.
        classes: The class of each image.
        scores: Its score before softmax or sigmoid; with `against` the difference of the two.
        probabilities: Its probability, None if the model has none.
        target: The explained quantity, in words.
        method: Name of the method.
        signed: Whether negative values (against the class) mean something.
        against: The class that each was compared with, None for none.
        completeness: Of integrated gradients, the sum of each map as a share of the difference of
            scores that it should be: 1 is complete; None of other methods.
        notes: For each image the reason if its map shows nothing, else None.
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


@overload
def saliency_maps(
    model: keras.Model,
    images: Any,
    labels: Any = ...,
    *,
    class_names: Any = ...,
    method: str | Attribution = ...,
    targets: Target | Score = ...,
    output: OutputName | None = ...,
) -> SaliencyMap: ...


@overload
def saliency_maps(
    model: keras.Model,
    images: Any,
    labels: Any = ...,
    *,
    class_names: Any = ...,
    method: str | Attribution = ...,
    targets: list[Target | Score],
    output: OutputName | None = ...,
) -> list[SaliencyMap]: ...


def saliency_maps(
    model: keras.Model,
    images: Any,
    labels: Any = None,
    *,
    class_names: Any = None,
    method: str | Attribution = "gradients",
    targets: Targets = "predicted",
    output: OutputName | None = None,
) -> SaliencyMap | list[SaliencyMap]:
    """Compute the pixels of an image that a class score depends on.

    The simplest map is `max_color |d(score)/d(pixel)|`; the other methods reduce its noise or
    replace it. The score is the one before softmax. Neither the model nor its weights are changed
    or cloned.

    | method | paper |
    |---|---|
    | `"gradients"` | Simonyan et al. 2014, section 3.1, https://arxiv.org/abs/1312.6034 |
    | `"gradients-x-input"` | Shrikumar et al. 2016, https://arxiv.org/abs/1605.01713 |
    | `"smoothgrad"` | Smilkov et al. 2017, section 2, https://arxiv.org/abs/1706.03825 |
    | `"integrated-gradients"` | Sundararajan et al. 2017, eq. 1, https://arxiv.org/abs/1703.01365 |
    | `"occlusion"` | Zeiler and Fergus 2014, section 4.2, https://arxiv.org/abs/1311.2901 |
    | `"guided-grad-cam"` | Selvaraju et al. 2017, section 3.2, https://arxiv.org/abs/1610.02391 |

    Args:
        model: Any built Keras model.
        images: A batch, in the structure that the model takes. Of several images the first is
            explained.
        labels: The class of each image, for the target `"true"`. Defaults to None.
        class_names: The name of each class, for targets by name. Defaults to None.
        method: `"gradients"`, `"gradients-x-input"`, `"smoothgrad"`, `"integrated-gradients"`,
            `"occlusion"` or `"guided-grad-cam"`; or one with settings, such as
            `Occlusion(window=0.1, stride=0.05)`. Defaults to "gradients".
        targets: The class score to explain: `"predicted"`, `"true"`, the index or the name of a
            class, an integer array with one class per image, a `tbviz.Target`, or a list of these.
            Defaults to "predicted".
        output: The index or the name of the model's output that is explained, if the model has
            several. Defaults to the first.

    Returns:
        A `SaliencyMap`, or a list of them for a list of targets. Its `maps` are float32
        `(images, height, width)`, at the input's size, not scaled; negative values, if the method
        has them, speak against the class.

    Raises:
        TbvizError: If there is no such method, class or output, or none of the inputs is a batch
            of images.

    Example:
        >>> found = tbviz.methods.saliency_maps(model, images, targets=tbviz.Target(3, against=5))
        >>> found.maps.shape
        (4, 224, 224)
    """
    attribution = attribution_of(method)
    inspector = inspector_for(model)
    model_outputs = inspector.model_outputs(images)
    count = len(keras.tree.flatten(images)[0])
    given = given_classes(labels, class_names, count)
    by_output: dict[int, PerturbedModel] = {}
    found = []
    for head, class_target in class_targets_of(targets, count, given, model_outputs, output):
        perturbed = by_output.setdefault(
            head.output, PerturbedModel(inspector, images, output=head.output)
        )
        score = attribution.target(describe_target(head.target, class_target))
        found.append(_saliency_map(attribution, class_target, perturbed, score))
    return found if is_several(targets) else found[0]


def _saliency_map(
    attribution: Attribution, class_target: ClassTarget, perturbed: PerturbedModel, score: str
) -> SaliencyMap:
    """Compute the maps for one target, which is described as `score`."""
    inspector, images = perturbed.inspector, perturbed.inputs
    scores, probabilities = perturbed.unperturbed
    class_target = resolve_predictions(class_target, scores[:, 0])
    found = attribution.attribute(perturbed, class_target)
    picked = None
    if probabilities is not None:
        picked = np.take_along_axis(probabilities[:, 0], class_target.classes[:, None], axis=1)[
            :, 0
        ]
    reads = inspector.model_outputs(images).final_output(class_target.output).reads
    cause = inspector.faults.cause_of(reads)
    causes = [cause or (CAUSE if faulty else None) for faulty in faulty_images(images)]
    explained = target_scores(scores[:, 0], class_target).astype(np.float32)
    return SaliencyMap(
        found.maps,
        class_target.classes,
        explained,
        picked,
        score,
        attribution.name,
        attribution.signed,
        class_target.against,
        found.completeness,
        tuple(map(note_of, found.maps, repeat(NO_EFFECT), explained, causes)),
    )
