"""Find the canvas: the inputs of a model that are painted on, their size and value range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from tbviz.arrays.value_range import value_range
from tbviz.errors import TbvizError
from tbviz.taps import keras_private
from tbviz.taps.image_inputs import image_input_index, image_layout


@dataclass(frozen=True)
class Canvas:
    """The inputs of a model on which an image is painted.

    Attributes:
        inputs: One sample of every input of the model, in its structure, batch axis 1.
        input_indices: Indices of the flattened inputs that are painted on, all with the same
            image: if a model takes two, each layer sees one of them, and it is unknown which.
        size: Height and width.
        channels: How many.
        channels_first: Whether the model takes them first.
        low: Value of black.
        high: Value of white.
    """

    inputs: Any
    input_indices: tuple[int, ...]
    size: tuple[int, int]
    channels: int
    channels_first: bool
    low: float
    high: float

    @property
    def key(self) -> tuple[Any, ...]:
        """Return a hashable key, equal for canvases that can share a compiled ascent."""
        others = keras.tree.flatten(self.inputs)
        for index in self.input_indices:
            others[index] = np.zeros(0, np.float32)
        fixed = tuple((np.shape(leaf), np.asarray(leaf).tobytes()) for leaf in others)
        bounds = self.low, self.high
        return self.input_indices, self.size, self.channels, self.channels_first, *bounds, fixed

    def blank(self, count: int) -> Any:
        """Return a batch of `count` even gray images, as the model takes them."""
        shape = (count, *self.size, self.channels)
        return self.fill(np.full(shape, 0.5, np.float32), np)

    def fill(self, images: Any, numbers: Any = ops) -> Any:
        """Return the model's inputs with images between 0 and 1 painted on them.

        Args:
            images: `(images, height, width, channels)`, tensor or array.
            numbers: `keras.ops` for tensors, `numpy` for arrays. Defaults to ops.
        """
        painted = images * (self.high - self.low) + self.low
        if self.channels_first:
            painted = numbers.transpose(painted, (0, 3, 1, 2))
        count = int(images.shape[0])
        like = np.asarray if numbers is np else ops.convert_to_tensor
        leaves = [
            painted if index in self.input_indices else like(np.repeat(leaf, count, axis=0))
            for index, leaf in enumerate(keras.tree.flatten(self.inputs))
        ]
        return keras.tree.pack_sequence_as(self.inputs, leaves)


def canvas_of(model: Any, images: Any = None, bounds: tuple[float, float] | None = None) -> Canvas:
    """Return the canvas of a model.

    Args:
        model: Any built Keras model.
        images: A probe batch in the model's structure; without, the model's own input shape is
            used, and zeros for inputs that are no images. Defaults to None.
        bounds: Values of black and white; learned. Defaults to None.

    Raises:
        TbvizError: If no input is an image, or its size is unknown.
    """
    inputs = _samples(model) if images is None else _first(images)
    leaves = keras.tree.flatten(inputs)
    layouts = [image_layout(np.shape(leaf)) for leaf in leaves]
    layout = next((layout for layout in layouts if layout is not None), None)
    if layout is not None:
        height, width, channels, first = layout
        indices = tuple(index for index, other in enumerate(layouts) if other == layout)
        low, high = bounds or (
            _range_of(model)
            if images is None
            else value_range(np.asarray(keras.tree.flatten(images)[indices[0]]))
        )
        return Canvas(inputs, indices, (height, width), channels, first, low, high)
    msg = (
        "none of the model's inputs is a batch of images, (batch, height, width, channels) with 1 "
        f"to 4 channels, to paint on; their shapes are {[np.shape(leaf) for leaf in leaves]}"
    )
    raise TbvizError(msg)


def blank_inputs(model: Any) -> Any:
    """Return one sample of every input of a model: even gray for images, zeros for others.

    Raises:
        TbvizError: If the size of an input is unknown.
    """
    samples = _samples(model)
    return samples if image_input_index(samples) is None else canvas_of(model).blank(1)


def _first(images: Any) -> Any:
    return keras.tree.map_structure(lambda leaf: np.asarray(leaf)[:1], images)


def _samples(model: Any) -> Any:
    struct = keras_private.input_structure(model)
    if struct is None:
        msg = (
            f"the input shape of {type(model).__name__} is not known from the model itself; "
            "pass images=, a batch from which size and range are learned"
        )
        raise TbvizError(msg)
    for tensor in keras.tree.flatten(struct):
        if None in tensor.shape[1:]:
            msg = (
                f"input {tensor.name!r} has the shape {tensor.shape}, of unknown size; pass "
                "images=, a batch of the size to paint on"
            )
            raise TbvizError(msg)
    return keras.tree.map_structure(
        lambda tensor: np.zeros((1, *tensor.shape[1:]), tensor.dtype), struct
    )


def _range_of(model: Any) -> tuple[float, float]:
    """Return 0 to 1, unless the model's own preprocessing implies another range.

    It may divide by 255 or 127.5, or subtract a mean that it has learned from the data.
    """
    for layer in keras_private.all_layers(model):
        if isinstance(layer, keras.layers.Rescaling):
            scale = np.asarray(layer.scale, dtype=np.float64).max()
            return (0.0, 255.0) if scale < 0.1 else (0.0, 1.0)
        known = getattr(layer, "mean", None) is not None
        if known and isinstance(layer, keras.layers.Normalization) and not layer.invert:
            mean, spread = (
                keras.ops.convert_to_numpy(value).astype(np.float64).ravel()
                for value in (layer.mean, ops.sqrt(layer.variance))
            )
            return value_range(np.concatenate([mean - spread, mean + spread]))
    return 0.0, 1.0
