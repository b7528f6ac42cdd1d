"""Find the channel axis of a batch of images or maps, of rank four."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

_NORMAL = (keras.layers.BatchNormalization, keras.layers.Normalization)


def first_axis(images: Sequence[tuple[int, ...]]) -> int:
    """Return the axis of a model's channels before any layer: 1 or 3.

    Args:
        images: Shapes of the inputs of rank four. The first one decides; without any, Keras'
            setting does.
    """
    return 1 if _first(images[0] if images else None) else 3


def channel_axis(layer: Any, before: int) -> int:
    """Return the axis of the channels after a layer: 1, 2 or 3.

    Args:
        layer: A layer or operation whose output has rank four.
        before: The channel axis of the layer's input.
    """
    if isinstance(layer, keras.layers.TorchModuleWrapper):
        # Torch's convolutions have no other layout; its activations take what they get.
        inside = [type(module).__name__ for module in layer.module.modules()]
        return 1 if any("2d" in name for name in inside) else before
    own = getattr(layer, "data_format", None)
    if own is not None:
        return 1 if own == "channels_first" else 3
    if isinstance(layer, _NORMAL):
        return 1 if layer.axis in (1, (1,)) else before
    if isinstance(layer, keras.layers.Permute):
        return int(layer.dims.index(before)) + 1
    if type(layer).__name__ == "Transpose" and layer.axes:  # the operation
        return [axis % 4 for axis in layer.axes].index(before) or before
    return before


def sides(image: tuple[int, ...]) -> tuple[int, int]:
    """Return height and width of an input of rank four."""
    height, width = image[2:] if _first(image) else image[1:3]
    return height, width


def _first(image: tuple[int, ...] | None) -> bool:
    """Tell whether channels come first: by the axis that fits, else by Keras' setting."""
    if image is not None and (image[1] <= 4) != (image[3] <= 4):
        return image[1] <= 4
    return bool(keras.config.image_data_format() == "channels_first")
