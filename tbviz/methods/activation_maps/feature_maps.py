"""Feature maps: a layer's output on an image, one tile per channel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tbviz.arrays.types import Floats
from tbviz.errors import TbvizError

if TYPE_CHECKING:
    import keras

    from tbviz.taps.outputs import Output
    from tbviz.taps.select import Filter


MAX_CHANNELS = 64
"""How many channels of a layer are shown unless more are asked for: four rows of sixteen."""

Channels = int | str | Sequence[int]
"""Which channels: how many of the first, `"most-active"` (with a number: `"most-active:16"`), or
a list."""

_MAX_ACTIVE = re.compile(r"most-active(?::(\d+))?")


def activations(model: keras.Model, images: Any, layers: Filter | None = None) -> dict[str, Floats]:
    """Return the outputs of layers of a model on images, at any depth of nesting.

    Args:
        model: any built Keras model.
        images: a batch, in the structure that the model takes.
        layers: a filter (path, name, glob, regex, type, callable, or a list of these); up to
            twelve layers spread over the depth unless given.

    Returns:
        Layer path to feature maps `(images, height, width, channels)`, or `(images, channels)`
        of a layer whose output is vectors; float32, the layer's final output, activation
        included.

    Raises:
        TbvizError: a filter matches no layer with feature maps or vectors.
    """
    from tbviz.scores.recording import record
    from tbviz.taps.inspector import inspector_for
    from tbviz.taps.select import default_layers, select

    inspector = inspector_for(model)
    model_outputs = inspector.model_outputs(images)
    selected = (
        default_layers(model_outputs) if layers is None else select(model_outputs, layers, drawable)
    )
    return record(inspector, selected, images).maps


def drawable(output: Output) -> bool:
    """Tell whether an output can be drawn on request: as maps, or as a bar per value."""
    return output.size is not None or len(output.shape) == 2


def is_vector(output: Output) -> bool:
    """Tell whether an output is one number per channel: a vector, or maps of one pixel."""
    return len(output.shape) == 2 or output.size == (1, 1)


def check_channels(channels: Channels) -> Channels:
    """Return a choice of channels, if it is one.

    Raises:
        TbvizError: it is not.
    """
    if isinstance(channels, str):
        if _MAX_ACTIVE.fullmatch(channels) is None or channels.endswith(":0"):
            raise TbvizError(f"received channels={channels!r}; {_TAKES}")
    elif isinstance(channels, int | np.integer):
        if channels < 1:
            raise TbvizError(f"received channels={channels}; {_TAKES}")
    elif not len(channels):
        raise TbvizError(f"received channels {channels!r}, none at all; {_TAKES}")
    return channels


_TAKES = (
    "it takes how many (at least 1), 'most-active', 'most-active:16', or a list of channels, "
    "counted from 0"
)


def select_channels(total: int, channels: Channels, maps: Floats | None = None) -> list[int]:
    """Return the channels to show, in the order in which they are shown.

    Args:
        total: how many the layer has.
        channels: how many of the first at most; which; or `"most-active"`, by `activity`.
        maps: the layer's output `(images, ..., channels)`, for the most active ones.

    Raises:
        TbvizError: a channel is given that the layer does not have, or there are no maps to find
            the most active ones by.
    """
    check_channels(channels)
    if isinstance(channels, str):
        if maps is None:
            raise TbvizError(f"received channels={channels!r} where only numbers can be chosen")
        found = _MAX_ACTIVE.fullmatch(channels)
        count = int((found and found[1]) or MAX_CHANNELS)
        order = np.argsort(-activity(maps), kind="stable")
        return [int(channel) for channel in order[:count]]
    if isinstance(channels, int | np.integer):
        return list(range(min(int(channels), total)))
    selected = [int(channel) for channel in channels]
    wrong = [channel for channel in selected if not 0 <= channel < total]
    if wrong:
        msg = f"received channels {wrong}; the layer has {total}, counted from 0"
        raise TbvizError(msg)
    return selected


def activity(maps: Floats) -> npt.NDArray[np.float64]:
    """Return how active each channel is: the mean distance of its values from their mean.

    A channel that is one large number everywhere distinguishes nothing, so it is not active.
    If no channel varies (vectors of a single image) it is the mean absolute value.

    Args:
        maps: `(images, ..., channels)`.

    Returns:
        `(channels,)`, in the layer's units; -1 where a value is not finite: those come last.
    """
    values = maps.reshape(-1, maps.shape[-1])
    with np.errstate(all="ignore"):
        found = np.array([_distance(channel) for channel in values.T])
        if not np.any(found > 0):
            found = np.abs(values).mean(axis=0, dtype=np.float64)
    return np.where(np.isfinite(found), found, -1.0)


def _distance(values: npt.NDArray[Any]) -> float:
    exact = values.astype(np.float64)  # a channel at a time: all of them may not fit in memory
    return float(np.abs(exact - exact.mean()).mean())


def channel_tiles(maps: Floats, channels: Sequence[int]) -> Floats:
    """Reorder maps `(images, height, width, channels)` to `(images, tiles, height, width)`."""
    return np.ascontiguousarray(np.moveaxis(maps[..., list(channels)], -1, 1))
