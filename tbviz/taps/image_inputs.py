"""Images: which of a model's inputs are batches of them, and how their axes are laid out."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

MAX_COLORS = 4
"""An axis of so many entries at most is one of colors."""


def image_layout(shape: tuple[int, ...]) -> tuple[int, int, int, bool] | None:
    """Height, width, channels and whether these come first; `None` for what is no image batch."""
    if len(shape) != 4:
        return None
    last_fits, first_fits = shape[3] <= MAX_COLORS, shape[1] <= MAX_COLORS
    first = keras.config.image_data_format() == "channels_first"
    if first_fits and (first or not last_fits):
        return shape[2], shape[3], shape[1], True
    return (shape[1], shape[2], shape[3], False) if last_fits else None


def image_input_index(inputs: Any) -> int | None:
    """Which of the inputs, flattened, is the first batch of images; `None` where none is."""
    leaves = keras.tree.flatten(inputs)
    layouts = (image_layout(np.shape(leaf)) for leaf in leaves)
    return next((place for place, layout in enumerate(layouts) if layout is not None), None)


def image_batch(inputs: Any) -> npt.NDArray[Any] | None:
    """The first input that is a batch of images, channels last; `None` where none is."""
    place = image_input_index(inputs)
    if place is None:
        return None
    return channels_last(np.asarray(keras.tree.flatten(inputs)[place]))


def channels_last(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A batch of images, or something of its shape such as gradients, with its channels behind."""
    layout = image_layout(images.shape)
    return np.moveaxis(images, 1, -1) if layout is not None and layout[3] else images
