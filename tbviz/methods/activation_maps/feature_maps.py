"""Compute feature maps: a layer's output on an image, one tile per channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from tbviz.arrays.types import Floats
from tbviz.errors import TbvizError

if TYPE_CHECKING:
    import keras

    from tbviz.taps.outputs import Output
    from tbviz.taps.select import Filter


MAX_CHANNELS = 64
"""The number of channels per layer that are shown by default: four rows of sixteen."""

Channels = int | Sequence[int]
"""A number of channels, or a list of channels, counted from 0."""

Order = Literal["first", "most-active"]
"""The order of channels: by number (or as listed), or the most active ones by `activity` first."""


def activations(
    model: keras.Model, images: Any, *, layers: Filter | None = None
) -> dict[str, Floats]:
    """Return the outputs of layers of a model on images, at any depth of nesting.

    They show the patterns that a layer responds to, and the places where it finds them. The model
    runs once, in inference mode.

    Args:
        model: Any built Keras model.
        images: A batch, in the structure that the model takes.
        layers: Layers to record: a path, a name, a glob, a compiled regular expression, a layer
            class, a callable that takes a layer, or a list of these. Defaults to None: up to
            twelve layers with feature maps, spread over the depth.

    Returns:
        Layer path to feature maps `(images, height, width, channels)`, or `(images, channels)`
        of a layer whose output is vectors; float32, the layer's final output, activation
        included.

    Raises:
        TbvizError: If a filter matches no layer with feature maps or vectors.

    Example:
        >>> maps = tbviz.methods.activations(model, x_val[:4], layers="conv1")
        >>> maps["conv1"].shape
        (4, 32, 32, 16)
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


def check_channels(channels: Channels, argument: str = "channels") -> Channels:
    """Return a choice of channels, if it is one.

    Args:
        channels: How many of the first at most, or which.
        argument: The name of the user's argument. Defaults to "channels".

    Raises:
        TbvizError: If it is not.
    """
    given: Any = channels
    if isinstance(given, int | np.integer):
        usable = given >= 1 and not isinstance(given, bool)
    else:
        listed = hasattr(given, "__len__") and not isinstance(given, str | bytes | Mapping)
        usable = listed and len(given) > 0 and all(map(_may_be_channel, given))
    if usable:
        return channels
    ordered = isinstance(given, str) and argument == "channels"
    hint = '; for the most active ones, pass order="most-active"' if ordered else ""
    msg = (
        f"received {argument}={given!r}; expected a number of {argument} (at least 1), or a list "
        f"of {argument}, counted from 0{hint}"
    )
    raise TbvizError(msg)


def _may_be_channel(one: Any) -> bool:
    return isinstance(one, int | np.integer) and not isinstance(one, bool) and bool(one >= 0)


def check_order(order: Order) -> Order:
    """Return an order of channels, if it is one.

    Raises:
        TbvizError: If it is not.
    """
    if order not in get_args(Order):
        raise TbvizError(f"received order={order!r}; expected 'first' or 'most-active'")
    return order


def select_channels(total: int, channels: Channels) -> list[int]:
    """Return the channels to show, in the order in which they are shown.

    Args:
        total: The number of channels of the layer.
        channels: The maximum number of channels, taken from the first on, or a list of channels.

    Raises:
        TbvizError: If a channel is given that the layer does not have.
    """
    given: Any = channels
    listed = given if isinstance(given, Iterable) else ()
    numbers = [int(one) for one in listed if isinstance(one, int | np.integer)]
    wrong = [channel for channel in numbers if not 0 <= channel < total]
    if wrong:
        msg = (
            f"received channels {wrong}; the layer has {total} channels, expected 0 to {total - 1}"
        )
        raise TbvizError(msg)
    check_channels(channels)
    if isinstance(channels, int | np.integer):
        return list(range(min(int(channels), total)))
    return numbers


def most_active(maps: Floats, channels: Channels) -> list[int]:
    """Return the channels to show, the most active ones first.

    Args:
        maps: The layer's output, `(images, ..., channels)`.
        channels: The maximum number of channels, or a list of the candidates.

    Raises:
        TbvizError: If a channel is given that the layer does not have.
    """
    total = maps.shape[-1]
    count = isinstance(channels, int | np.integer)
    among = np.asarray(select_channels(total, total if count else channels))
    ordered = among[np.argsort(-activity(maps)[among], kind="stable")]
    return [int(channel) for channel in ordered[: channels if count else None]]


def activity(maps: Floats) -> npt.NDArray[np.float64]:
    """Return how active each channel is: the mean distance of its values from their mean.

    A channel with the same large number everywhere distinguishes nothing and is not active. If no
    channel varies (vectors of a single image), the activity is the mean absolute value.

    Args:
        maps: `(images, ..., channels)`.

    Returns:
        `(channels,)`, in the layer's units; -1 for channels with a value that is not finite, which
        come last.
    """
    values = maps.reshape(-1, maps.shape[-1])
    with np.errstate(all="ignore"):
        found = np.array([_distance(channel) for channel in values.T])
        if not np.any(found > 0):
            found = np.abs(values).mean(axis=0, dtype=np.float64)
    return np.where(np.isfinite(found), found, -1.0)


def _distance(values: npt.NDArray[Any]) -> float:
    exact = values.astype(np.float64)  # one channel at a time, since all may not fit in memory
    return float(np.abs(exact - exact.mean()).mean())


def channel_tiles(maps: Floats, channels: Sequence[int]) -> Floats:
    """Reorder maps `(images, height, width, channels)` to `(images, tiles, height, width)`."""
    return np.ascontiguousarray(np.moveaxis(maps[..., list(channels)], -1, 1))
