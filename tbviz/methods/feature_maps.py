"""Feature maps: a layer's output on an image, one tile a channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tbviz.errors import TbvizError

if TYPE_CHECKING:
    import keras

    from tbviz.taps.select import Filter

Floats = npt.NDArray[np.float32]

MOST_CHANNELS = 64
"""How many channels of a layer are shown unless more are asked for: four rows of sixteen."""


def activations(model: keras.Model, images: Any, layers: Filter | None = None) -> dict[str, Floats]:
    """What chosen layers of a model answer to images, at any depth of nesting.

    Args:
        model: any built Keras model.
        images: a batch, in the structure that the model takes.
        layers: a filter (path, name, glob, regex, type, callable, or a list of these); up to
            twelve layers spread over the depth unless given.

    Returns:
        Layer path to feature maps `(images, height, width, channels)`, float32, before nothing
        and after everything that the layer itself does.

    Raises:
        TbvizError: a filter matches no layer with feature maps.
    """
    from tbviz.taps.looker import looker_of
    from tbviz.taps.select import default_layers, select

    looker = looker_of(model)
    survey = looker.survey(images)
    chosen = default_layers(survey) if layers is None else select(survey, layers)
    return looker.record(chosen, images).maps


def choose_channels(total: int, channels: int | Sequence[int]) -> list[int]:
    """The channels to show: the first ones, or those given. The same at every step of a run.

    Args:
        total: how many the layer has.
        channels: how many at most, or which.

    Raises:
        TbvizError: a channel is given that the layer does not have.
    """
    if isinstance(channels, int):
        if channels < 1:
            raise TbvizError(f"received channels={channels}; it takes at least 1, or a list")
        return list(range(min(channels, total)))
    chosen = [int(channel) for channel in channels]
    wrong = [channel for channel in chosen if not 0 <= channel < total]
    if wrong or not chosen:
        msg = f"received channels {wrong}; the layer has {total}, counted from 0"
        raise TbvizError(msg)
    return chosen


def channel_tiles(maps: Floats, channels: Sequence[int]) -> Floats:
    """Feature maps `(images, height, width, channels)` as `(images, tiles, height, width)`."""
    return np.ascontiguousarray(np.moveaxis(maps[..., list(channels)], -1, 1))
