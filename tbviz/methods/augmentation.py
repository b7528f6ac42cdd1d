"""Show the images of a model that rotates, shifts or recolors them in training.

Strong augmentation may crop away the part of an image that identifies its class. These pictures
show it before training.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tbviz.arrays.types import Floats
from tbviz.arrays.value_range import value_range
from tbviz.errors import TbvizError
from tbviz.scores.recording import record
from tbviz.taps import backends
from tbviz.taps.input_finiteness import faulty_images, propagate_images
from tbviz.taps.inspector import ModelInspector, inspector_for
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output, as_maps, first_tensor
from tbviz.taps.select import is_preprocessing
from tbviz.taps.tap import StopForwardPass, Tap, tapped, unreachable_error

DRAWS = 8
"""The default number of augmented versions per image."""


@dataclass(frozen=True)
class Augmented:
    """Images as they are, and as training sees them.

    Attributes:
        images: `(images, height, width, channels)`, float32, the output of the last augmentation
            layer at inference: the image in the units that the model has there.
        draws: `(images, draws, height, width, channels)`, its output in training.
        bounds: The usual range that holds the images: the values of black and white.
        layer: Path of that layer.
    """

    images: Floats
    draws: Floats
    bounds: tuple[float, float]
    layer: str

    @property
    def colors(self) -> Floats:
        """Return all images between 0 and 1, `(images, 1 + draws, height, width, 1 or 3)`."""
        low, high = self.bounds
        together = np.concatenate([self.images[:, None], self.draws], axis=1)
        shown = together[..., :3] if together.shape[-1] >= 3 else together[..., :1]
        with np.errstate(all="ignore"):
            scaled = (shown - low) / ((high - low) or 1.0)
        return np.clip(np.nan_to_num(scaled, nan=0.0), 0, 1).astype(np.float32)


def augmented_images(model: keras.Model, images: Any, *, num_draws: int = DRAWS) -> Augmented:
    """Return images as a model's augmentation layers change them, after the last of them.

    Strong augmentation may crop away the part of an image that identifies its class. These images
    show that before training.

    Args:
        model: Any built Keras model. Its seeds are left as they were.
        images: A batch, in the structure that the model takes.
        num_draws: Number of augmented versions per image. Defaults to 8.

    Raises:
        TbvizError: If the model has no augmentation layer.

    Example:
        >>> found = tbviz.methods.augmented_images(model, x_val[:4], num_draws=6)
        >>> found.draws.shape
        (4, 6, 32, 32, 3)
    """
    inspector = inspector_for(model)
    output = augmentation_layer(inspector.model_outputs(images))
    if output is None:
        msg = (
            f"model {model.name!r} has no augmentation layer; expected a layer without weights "
            "that draws random numbers and comes before the first layer with weights"
        )
        raise TbvizError(msg)
    maps = record(inspector, [output], images).maps
    return augmented_by(inspector, output, images, maps, num_draws)


def augmented_by(
    inspector: ModelInspector,
    output: Output,
    images: Any,
    maps: dict[str, Floats],
    draws: int = DRAWS,
) -> Augmented:
    """Return images as one layer changes them.

    Args:
        inspector: Of the model.
        output: The layer's.
        images: A batch, in the structure that the model takes.
        maps: The outputs recorded at inference, with the layer's.
        draws: Number of augmented versions per image. Defaults to DRAWS.
    """
    as_it_is = maps[output.key]
    found = outputs_in_training(inspector, output, images, draws)
    return Augmented(as_it_is, np.moveaxis(found, 0, 1), value_range(as_it_is), output.key)


def outputs_in_training(
    inspector: ModelInspector, output: Output, inputs: Any, draws: int
) -> Floats:
    """Record the output of a layer in training, such as randomly rotated and shifted images.

    Args:
        inspector: The inspector of the model.
        output: The layer.
        inputs: A batch, in the structure that the model takes.
        draws: The number of draws per image.

    Returns:
        `(draws, images, ...)`, float32. Seeds are restored afterwards.

    Raises:
        TbvizError: If the layer cannot be tapped.
    """
    backend = backends.current()

    def compute(model: Any, inputs: Any) -> Any:
        seen: list[Any] = []

        def on_output(path: str, call: int, value: Any) -> Any:
            del path
            if call == output.call:
                seen.append(as_maps(output, backend.detached(first_tensor(value))))
                raise StopForwardPass  # later layers need not run
            return value

        layers = tapped([(output.node.path, output.node.layer)])
        with contextlib.suppress(StopForwardPass), Tap(layers, on_output, model):
            model(inputs, training=True)
        if not seen:
            raise unreachable_error(output.key)
        return seen[0]

    many = keras.tree.map_structure(lambda leaf: np.concatenate([np.asarray(leaf)] * draws), inputs)
    found = inspector.run(("augmented", output), compute, many)
    found = propagate_images(faulty_images(many), found)
    found = inspector.propagate_channel_faults(output, found, inspector.model_outputs_like(inputs))
    return np.asarray(found.reshape(draws, -1, *found.shape[1:]))


def augmentation_layer(model_outputs: ModelOutputs) -> Output | None:
    """Return the last layer that changes images in training only; None if a model has none.

    It draws random numbers (Keras' `Random...` layers, `RandAugment`, `GaussianNoise`, any of
    yours that holds a `SeedGenerator` or is named `Random...`), has no weights, has images as
    output, and comes before the first layer with weights: dropout between convolutions is no
    augmentation. A layer that is called only in training cannot be recorded and is skipped.
    """
    last = None
    for output in model_outputs.outputs.values():
        layer = output.node.layer
        if output.node.leaf and getattr(layer, "weights", None) and not is_preprocessing(output):
            break
        if output.size is not None and output.channels <= 4 and _draws(layer):
            last = output
    return last


def _draws(layer: Any) -> bool:
    weights = getattr(layer, "weights", ())
    seeds = len(getattr(layer, "variables", ())) - len(weights)
    return not weights and (seeds > 0 or type(layer).__name__.startswith("Random"))
