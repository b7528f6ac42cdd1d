"""Compute class activation maps of a model and images, without callbacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, overload

import keras
import numpy as np
import numpy.typing as npt

from tbviz.arrays.resample import enlarge
from tbviz.arrays.types import Doubles, Floats
from tbviz.methods.cams.cam import Cam, Evidence
from tbviz.methods.cams.registry import cam_of
from tbviz.methods.cams.score_cam import masks
from tbviz.methods.captions import note_of
from tbviz.methods.perturbed_model import ModelScores, PerturbedModel
from tbviz.scores.class_target import (
    ClassTarget,
    describe_target,
    target_scores,
)
from tbviz.scores.given_classes import given_classes
from tbviz.scores.gradients import ClassGradients, class_gradients
from tbviz.scores.known_classes import class_targets_of
from tbviz.scores.target import Score, Target, Targets, is_several
from tbviz.taps.final_outputs import OutputName
from tbviz.taps.image_inputs import image_batch
from tbviz.taps.input_finiteness import CAUSE, faulty_images
from tbviz.taps.inspector import inspector_for
from tbviz.taps.outputs import Output
from tbviz.taps.select import Filter, cam_layer, select

NO_RESPONSE = "nothing in this layer raises the score"
"""The meaning of a map of zeros."""


@dataclass(frozen=True)
class ClassMap:
    """Class activation maps of a batch.

    Attributes:
        maps: `(images, height, width)`, at least 0. Of one layer at its own size and not scaled:
            its unit is the score's. Of several layers at the input's size, each layer's map
            divided by its largest value before the mean is taken.
        classes: The class of each image.
        scores: Its score before softmax or sigmoid; with `against` the difference of the two.
        probabilities: Its probability, None if the model has none.
        layer: Path of the layer; of several, all of them, with commas.
        target: The explained quantity, in words.
        method: Name of the method.
        against: The class that each was compared with, None for none.
        layers: Path of each layer.
        notes: For each image the reason if its map shows nothing, else None.
    """

    maps: Floats
    classes: npt.NDArray[np.int64]
    scores: Floats
    probabilities: Floats | None
    layer: str
    target: str
    method: str = "grad-cam"
    against: npt.NDArray[np.int64] | None = None
    layers: tuple[str, ...] = ()
    notes: tuple[str | None, ...] = ()


@overload
def grad_cam(
    model: keras.Model,
    images: Any,
    labels: Any = ...,
    *,
    class_names: Any = ...,
    layers: Filter | None = ...,
    method: str | Cam = ...,
    targets: Target | Score = ...,
    output: OutputName | None = ...,
) -> ClassMap: ...


@overload
def grad_cam(
    model: keras.Model,
    images: Any,
    labels: Any = ...,
    *,
    class_names: Any = ...,
    layers: Filter | None = ...,
    method: str | Cam = ...,
    targets: list[Target | Score],
    output: OutputName | None = ...,
) -> list[ClassMap]: ...


def grad_cam(
    model: keras.Model,
    images: Any,
    labels: Any = None,
    *,
    class_names: Any = None,
    layers: Filter | None = None,
    method: str | Cam = "grad-cam",
    targets: Targets = "predicted",
    output: OutputName | None = None,
) -> ClassMap | list[ClassMap]:
    """Compute class activation maps: the areas of an image that a class score depends on.

    A map is `ReLU(sum_k a_k A_k)`: the positive part of the sum of the layer's channels `A_k`,
    weighted by `a_k`. The methods differ in the weights; those of Grad-CAM are the means of
    `d(score)/d(A_k)` over all pixels. The score is the one before softmax, y^c in the papers.
    Neither the model nor its weights are changed or cloned.

    | method | paper |
    |---|---|
    | `"grad-cam"` | Selvaraju et al. 2017, equations 1 and 2, https://arxiv.org/abs/1610.02391 |
    | `"grad-cam++"` | Chattopadhay et al. 2018, https://arxiv.org/abs/1710.11063 |
    | `"hirescam"` | Draelos and Carin 2020, https://arxiv.org/abs/2011.08891 |
    | `"layercam"` | Jiang et al. 2021, https://doi.org/10.1109/TIP.2021.3089943 |
    | `"score-cam"` | Wang et al. 2020, https://arxiv.org/abs/1910.01279 |
    | `"eigen-cam"` | Muhammad and Yeasin 2020, https://arxiv.org/abs/2008.00299 |

    Args:
        model: Any built Keras model.
        images: A batch, in the structure that the model takes.
        labels: The class of each image, for the target `"true"`. Defaults to None.
        class_names: The name of each class, for targets by name. Defaults to None.
        layers: Filter of layers at any depth, see `activations`. The maps of several layers are
            averaged. Defaults to None: the last layer with a feature map.
        method: `"grad-cam"`, `"grad-cam++"`, `"hirescam"`, `"layercam"`, `"score-cam"` or
            `"eigen-cam"`; or one with settings, such as `ScoreCam(channels=16)`. Defaults to
            "grad-cam".
        targets: The class score to explain: `"predicted"`, `"true"`, the index or the name of a
            class, an integer array with one class per image, a `tbviz.Target`, or a list of these.
            Defaults to "predicted".
        output: The index or the name of the model's output that is explained, if the model has
            several. Defaults to the first.

    Returns:
        A `ClassMap`, or a list of them for a list of targets. Its `maps` are float32
        `(images, height, width)`, at least 0: in units of the score and at the layer's size for
        one layer, from 0 to 1 and at the input's size for several. `tbviz.render.overlays` draws
        them over the images.

    Raises:
        TbvizError: If there is no such method, layer, class or output, or no layer has feature
            maps.

    Example:
        >>> found = tbviz.methods.grad_cam(model, images, targets=["predicted", tbviz.Target(3)])
        >>> [one.maps.shape for one in found]
        [(4, 7, 7), (4, 7, 7)]
    """
    cam = cam_of(method)
    inspector = inspector_for(model)
    model_outputs = inspector.model_outputs(images)
    count = len(keras.tree.flatten(images)[0])
    given = given_classes(labels, class_names, count)
    found = []
    for head, class_target in class_targets_of(targets, count, given, model_outputs, output):
        outputs = (
            [cam_layer(model_outputs, head.output)]
            if layers is None
            else select(model_outputs, layers)
        )
        perturbed = PerturbedModel(inspector, images, output=head.output)
        score = cam.target(describe_target(head.target, class_target))
        found.append(_class_map(cam, outputs, class_target, perturbed, score))
    return found if is_several(targets) else found[0]


def _class_map(
    cam: Cam,
    outputs: Sequence[Output],
    class_target: ClassTarget,
    perturbed: PerturbedModel,
    score: str,
) -> ClassMap:
    """Compute the mean of the maps of some layers for one target, described as `score`."""
    inspector, images = perturbed.inspector, perturbed.inputs
    found = class_gradients(inspector, outputs, images, class_target)
    picked = None
    if found.probabilities is not None:
        picked = np.take_along_axis(found.probabilities, found.classes[:, None], axis=1)[:, 0]
    layers = tuple(output.key for output in outputs)
    each = [layer_maps(cam, key, found, perturbed) for key in layers]
    reads = inspector.model_outputs(images).final_output(class_target.output).reads
    cause = inspector.faults.cause_of(reads)
    causes = [cause or (CAUSE if faulty else None) for faulty in faulty_images(images)]
    maps = each[0] if len(each) == 1 else _mean(each, _size(images, each))
    return ClassMap(
        maps,
        found.classes,
        found.scores,
        picked,
        ", ".join(layers),
        score,
        cam.name,
        None if class_target.against is None else found.against,
        layers,
        tuple(map(note_of, maps, repeat(NO_RESPONSE), found.scores, causes)),
    )


def layer_maps(cam: Cam, key: str, found: ClassGradients, perturbed: PerturbedModel) -> Floats:
    """Compute the maps of one layer, `(images, height, width)` at its own size.

    Args:
        cam: The method.
        key: Of the layer.
        found: Its outputs and gradients among others, and the classes.
        perturbed: The same model and images, for methods that run the model.
    """
    class_target = ClassTarget(found.classes, found.against)

    def confidence(found: ModelScores) -> Doubles:
        scores = found.scores if found.probabilities is None else found.probabilities
        return target_scores(scores, class_target)

    def score_gain(maps: Doubles) -> Doubles:
        def masked(index: int) -> Doubles:
            share = masks(maps[index], perturbed.size)[..., None]
            shown: Doubles = perturbed.mean + share * (perturbed.images[index] - perturbed.mean)
            return shown

        return confidence(perturbed.evaluate((key, cam), masked)) - confidence(
            perturbed.filled(perturbed.mean)
        )

    with np.errstate(invalid="ignore", over="ignore"):
        return cam.combine(Evidence(found.activations[key], found.gradients[key], score_gain))


def _mean(each: Sequence[Floats], size: tuple[int, int]) -> Floats:
    with np.errstate(invalid="ignore"):
        total = np.zeros((), np.float64)
        for maps in each:
            large = enlarge(maps, size)
            largest = large.max(axis=(1, 2), keepdims=True)
            total = total + large / np.where(largest == 0, 1.0, largest)
        return (total / len(each)).astype(np.float32)


def _size(images: Any, each: Sequence[Floats]) -> tuple[int, int]:
    """Return height and width of the input, or of the largest layer if no input is images."""
    batch = image_batch(images)
    height, width = batch.shape[1:3] if batch is not None else max(m.shape[1:] for m in each)
    return height, width
