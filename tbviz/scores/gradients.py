"""Compute gradients of class scores: in the outputs of layers, and in the model's inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from tbviz.arrays.types import Floats, Integers
from tbviz.scores.class_target import ClassTarget, take
from tbviz.scores.output_head import OutputHead, head_of, probabilities, with_scores
from tbviz.scores.recording import FeatureMaps
from tbviz.taps import backends, keras_private
from tbviz.taps.image_inputs import image_layout
from tbviz.taps.input_finiteness import faulty_images, propagate_images
from tbviz.taps.inspector import ModelInspector
from tbviz.taps.outputs import Output, as_maps
from tbviz.taps.random_state import same_draw
from tbviz.taps.tap import unreachable_error

# A power of two, so that multiplying and dividing are exact. Unscaled, the gradients of the early
# layers of a float16 network are below the smallest float16 (all zeros in MobileNetV2).
_HALF_PRECISION_SCALE = 2.0**12


@dataclass(frozen=True)
class ExplainedScores:
    """The class and the score of each image that were explained.

    Attributes:
        classes: The class of each image.
        against: The class that it was compared with, `class_target.NOTHING` if there is none.
        scores: The score before softmax or sigmoid, or the difference of the two.
        probabilities: Of all classes, `(images, classes)`, None if the model has none.
    """

    classes: Integers
    against: Integers
    scores: Floats
    probabilities: Floats | None


@dataclass(frozen=True)
class ClassGradients(ExplainedScores):
    """Layers' maps, and the derivatives of one class score per image in them.

    Attributes:
        activations: Of each layer by key, `(images, height, width, channels)`, float32.
        gradients: The derivative of the score in each of them.
    """

    activations: FeatureMaps
    gradients: FeatureMaps


@dataclass(frozen=True)
class InputGradients(ExplainedScores):
    """The derivatives of one class score per image in the inputs.

    Attributes:
        gradients: In the model's input structure and layout, float32; zeros for inputs of whole
            numbers that are no images.
    """

    gradients: Any


def class_gradients(
    inspector: ModelInspector, outputs: Sequence[Output], inputs: Any, class_target: ClassTarget
) -> ClassGradients:
    """Compute layers' maps and the derivatives of the target scores in them, in one pass.

    Args:
        inspector: Of the model.
        outputs: The layers.
        inputs: The probe batch.
        class_target: Which score of each image, and of which output of the model.

    Raises:
        TbvizError: If there is no such class or output, or a layer cannot be tapped.
    """
    model_outputs = inspector.model_outputs_like(inputs)
    head = head_of(model_outputs, class_target.output)
    backend = backends.current()
    by_key = {output.key: output for output in outputs}

    def compute(model: Any, inputs: Any, classes: Any, against: Any, scale: Any) -> Any:
        order: list[str] = []  # JAX sorts a dict's keys

        def forward(watch: Callable[[Any], Any]) -> Any:
            seen: dict[str, Any] = {}
            order.clear()

            def on_output(path: str, call: int, value: Any) -> Any:
                for key, output in by_key.items():
                    if output.node.path == path and output.call == call:
                        first, *others = keras.tree.flatten(value)
                        watched = watch(first)
                        seen[key] = backend.detached(watched)
                        order.append(key)
                        value = keras.tree.pack_sequence_as(value, [watched, *others])
                return value

            with same_draw(model):  # on JAX this runs twice
                values, scores = with_scores(model, inputs, head, outputs, on_output)
            for key in by_key:
                if key not in seen:
                    raise unreachable_error(key)
            return seen, values, take(scores, classes, against)

        (maps, values, target), slopes = backend.gradients(
            forward, lambda seen: ops.sum(seen[2][2]) * scale
        )
        derivatives = dict(zip(order, slopes, strict=True))
        return (
            {key: as_maps(output, maps[key]) for key, output in by_key.items()},
            {key: as_maps(output, derivatives[key]) / scale for key, output in by_key.items()},
            ops.cast(values, "float32"),
            target,
        )

    key = ("class_gradients", tuple(outputs), head)
    maps, slopes, values, target = _scaled(inspector, key, compute, inputs, class_target, head)
    classes, against, scores = target
    maps = {
        one: inspector.propagate_channel_faults(by_key[one], found, model_outputs)
        for one, found in maps.items()
    }
    slopes, values, scores = inspector.propagate_faults(
        model_outputs.final_output(head.output).reads, (slopes, values, scores)
    )
    found = probabilities(head, values)
    return ClassGradients(classes, against, scores, found, FeatureMaps(maps), FeatureMaps(slopes))


def input_gradients(
    inspector: ModelInspector, inputs: Any, class_target: ClassTarget, *, guided: bool = False
) -> InputGradients:
    """Compute the derivatives of the target scores in the model's inputs.

    Args:
        inspector: Of the model.
        inputs: The probe batch; whole numbers of images are taken as float32.
        class_target: Which score of each image.
        guided: Guided backpropagation (Springenberg et al. 2015, "Striving for Simplicity"): every
            ReLU passes back only what is positive, where its input was. Defaults to False.

    Raises:
        TbvizError: If there is no such class.
    """
    model_outputs = inspector.model_outputs_like(inputs)
    head = head_of(model_outputs, class_target.output)
    backend = backends.current()

    def compute(model: Any, inputs: Any, classes: Any, against: Any, scale: Any) -> Any:
        def forward(watch: Callable[[Any], Any]) -> Any:
            leaves = [
                watch(leaf) if keras.backend.is_float_dtype(leaf.dtype) else leaf
                for leaf in keras.tree.flatten(inputs)
            ]
            moved = keras.tree.pack_sequence_as(inputs, leaves)
            with same_draw(model):
                values, scores = with_scores(model, moved, head, guided=guided)
            return values, take(scores, classes, against)

        (values, target), slopes = backend.gradients(
            forward, lambda seen: ops.sum(seen[1][2]) * scale
        )
        left = iter(slopes)
        gradients = [
            ops.cast(next(left), "float32") / scale
            if keras.backend.is_float_dtype(leaf.dtype)
            else ops.zeros(leaf.shape, "float32")
            for leaf in keras.tree.flatten(inputs)
        ]
        packed = keras.tree.pack_sequence_as(inputs, gradients)
        return None, packed, ops.cast(values, "float32"), target

    inputs = keras.tree.map_structure(_image_as_float, inputs)
    key = ("input_gradients", guided, head)
    _, slopes, values, target = _scaled(inspector, key, compute, inputs, class_target, head)
    classes, against, scores = target
    slopes, values, scores = inspector.propagate_faults(
        model_outputs.final_output(head.output).reads, (slopes, values, scores)
    )
    found = probabilities(head, values)
    return InputGradients(classes, against, scores, found, slopes)


def gradient_scale(model: Any) -> float:
    """Return the factor of a score before its gradient is taken, which is divided by it."""
    in_half = any(
        getattr(layer, "compute_dtype", None) == "float16"
        for layer in keras_private.all_layers(model)
    )
    return _HALF_PRECISION_SCALE if in_half else 1.0


def _scaled(
    inspector: ModelInspector,
    key: Any,
    compute: Callable[..., Any],
    inputs: Any,
    class_target: ClassTarget,
    head: OutputHead,
) -> Any:
    """Run a pass that returns maps, derivatives, values and target.

    They are NaN for images that are not finite.

    It is run again without the scale if the derivatives overflowed.
    """
    arrays = inputs, *class_target.arrays(head.classes)
    scale = gradient_scale(inspector.model)
    found = inspector.run(key, compute, *arrays, np.float32(scale))
    finite = (np.isfinite(leaf).all() for leaf in keras.tree.flatten(found[1]))
    if scale > 1 and not all(finite):
        found = inspector.run(key, compute, *arrays, np.float32(1))
    maps, slopes, values, (classes, against, scores) = found
    maps, slopes, values, scores = propagate_images(
        faulty_images(inputs), (maps, slopes, values, scores)
    )
    return maps, slopes, values, (classes, against, scores)


def _image_as_float(leaf: Any) -> Any:
    array = np.asarray(leaf)
    return array.astype(np.float32) if image_layout(array.shape) is not None else array
