"""Class activation maps of a model and images, for those who do not train with callbacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tbviz.arrays.resample import enlarge
from tbviz.arrays.types import Doubles, Floats
from tbviz.methods.cams.cam import Cam, Evidence
from tbviz.methods.cams.captions import note_of
from tbviz.methods.cams.classes import class_target_of, in_words, of_class
from tbviz.methods.cams.perturbed_model import Answers, PerturbedModel
from tbviz.methods.cams.registry import cam_of
from tbviz.methods.cams.score_cam import masks
from tbviz.taps.class_target import ClassTarget
from tbviz.taps.gradients import ClassGradients, class_gradients
from tbviz.taps.image_inputs import image_batch
from tbviz.taps.inspector import inspector_for
from tbviz.taps.select import Filter, cam_layer, select

NO_RESPONSE = "nothing in this layer raises the score"
"""What a map of zeros means."""

__all__ = ["ClassMap", "grad_cam"]


@dataclass(frozen=True)
class ClassMap:
    """Class activation maps of a batch.

    Attributes:
        maps: `(images, height, width)`, at least 0. Of one layer at its own size and not scaled:
            its unit is the score's. Of several layers at the input's size, each layer's map
            divided by its largest value before the mean is taken.
        classes: the class of each image.
        scores: its score before softmax or sigmoid; with `against` the difference of the two.
        probabilities: its probability, `None` where the model has none.
        layer: path of the layer; of several, all of them, with commas.
        target: what was explained, in words.
        method: name of the method.
        against: the class that each was compared with, `None` for none.
        layers: path of each layer.
        notes: of each image why its map shows nothing, `None` where it shows something.
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


def grad_cam(
    model: keras.Model,
    images: Any,
    classes: npt.ArrayLike | None = None,
    layer: Filter | None = None,
    method: str | Cam = "grad-cam",
    against: npt.ArrayLike | None = None,
) -> ClassMap:
    """Where the model sees a class.

    Of the score before softmax, the papers' y^c; the methods, each with its paper, are the files
    beside this one. Neither the model nor its weights are changed or cloned.

    Args:
        model: any built Keras model, the layer at any depth.
        images: a batch, in the structure that the model takes.
        classes: a class for all images or one for each; the predicted ones unless given.
        layer: a filter; the last layer with a feature map unless given. The maps of several are
            averaged.
        method: `"grad-cam"`, `"grad-cam++"`, `"hirescam"`, `"layercam"`, `"score-cam"` or
            `"eigen-cam"`; or one with settings, such as `ScoreCam(channels=16)`.
        against: a class for all images or one for each: explained is by how much the score of the
            class is above that of this one.

    Returns:
        The maps; `tbviz.images.overlay.overlay` lays one over its image.

    Raises:
        TbvizError: no such method, layer or class, or no layer with feature maps.
    """
    cam = cam_of(method)
    inspector = inspector_for(model)
    model_outputs = inspector.model_outputs(images)
    outputs = [cam_layer(model_outputs)] if layer is None else select(model_outputs, layer)
    class_target = class_target_of(len(keras.tree.flatten(images)[0]), classes, against)
    found = class_gradients(inspector, outputs, images, class_target)
    picked = None
    if found.probabilities is not None:
        picked = np.take_along_axis(found.probabilities, found.classes[:, None], axis=1)[:, 0]
    changed = PerturbedModel(inspector, images)
    layers = tuple(output.key for output in outputs)
    each = [layer_maps(cam, key, found, changed) for key in layers]
    cause = inspector.faults.cause_of(model_outputs.output_reads)
    maps = each[0] if len(each) == 1 else _mean(each, _size(images, each))
    return ClassMap(
        maps,
        found.classes,
        found.scores,
        picked,
        ", ".join(layers),
        cam.target(in_words(model_outputs.head.target, class_target)),
        cam.name,
        None if against is None else found.against,
        layers,
        tuple(map(note_of, maps, repeat(NO_RESPONSE), found.scores, repeat(cause))),
    )


def layer_maps(cam: Cam, key: str, found: ClassGradients, changed: PerturbedModel) -> Floats:
    """The maps of one layer, `(images, height, width)` at its own size.

    Args:
        cam: the method.
        key: of the layer.
        found: its outputs and gradients among others, and the classes.
        changed: the same model and images, for methods that ask the model.
    """
    class_target = ClassTarget(found.classes, found.against)

    def confidence(answers: Answers) -> Doubles:
        likely = answers.probabilities
        return of_class(answers.scores if likely is None else likely, class_target)

    def through(maps: Doubles) -> Doubles:
        def seen(index: int) -> Doubles:
            share = masks(maps[index], changed.size)[..., None]
            shown: Doubles = changed.mean + share * (changed.images[index] - changed.mean)
            return shown

        return confidence(changed.answers((key, cam), seen)) - confidence(
            changed.filled(changed.mean)
        )

    with np.errstate(invalid="ignore", over="ignore"):
        return cam.combine(Evidence(found.activations[key], found.gradients[key], through))


def _mean(each: Sequence[Floats], size: tuple[int, int]) -> Floats:
    with np.errstate(invalid="ignore"):
        total = np.zeros((), np.float64)
        for maps in each:
            large = enlarge(maps, size)
            largest = large.max(axis=(1, 2), keepdims=True)
            total = total + large / np.where(largest == 0, 1.0, largest)
        return (total / len(each)).astype(np.float32)


def _size(images: Any, each: Sequence[Floats]) -> tuple[int, int]:
    """Height and width of the input; of the largest layer where no input is a batch of images."""
    batch = image_batch(images)
    height, width = batch.shape[1:3] if batch is not None else max(m.shape[1:] for m in each)
    return height, width
