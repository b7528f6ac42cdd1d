"""Find the inputs of a model that are batches of images, and the order of their axes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

MAX_COLORS = 4
"""An axis this short or shorter is taken for color channels."""


def image_layout(shape: tuple[int, ...]) -> tuple[int, int, int, bool] | None:
    """Return height, width, channels and whether these come first; `None` for no images."""
    if len(shape) != 4:
        return None
    last_fits, first_fits = shape[3] <= MAX_COLORS, shape[1] <= MAX_COLORS
    first = keras.config.image_data_format() == "channels_first"
    if first_fits and (first or not last_fits):
        return shape[2], shape[3], shape[1], True
    return (shape[1], shape[2], shape[3], False) if last_fits else None


def image_input_index(inputs: Any) -> int | None:
    """Return the index of the first image batch in the flattened inputs, `None` if none is."""
    leaves = keras.tree.flatten(inputs)
    layouts = (image_layout(np.shape(leaf)) for leaf in leaves)
    return next((index for index, layout in enumerate(layouts) if layout is not None), None)


def image_batch(inputs: Any) -> npt.NDArray[Any] | None:
    """Return the first input that is a batch of images, channels last; `None` if none is."""
    index = image_input_index(inputs)
    if index is None:
        return None
    return channels_last(np.asarray(keras.tree.flatten(inputs)[index]))


def channels_last(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a batch of images, or of its shape such as gradients, with channels last."""
    layout = image_layout(images.shape)
    return np.moveaxis(images, 1, -1) if layout is not None and layout[3] else images
