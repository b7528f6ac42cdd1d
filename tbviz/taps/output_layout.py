"""Tell which outputs are feature maps or grids of tokens, and give a reason for the others.

A shape alone is ambiguous: (batch, 8, 8, 16) may be maps, or 8 tokens split into 8 heads. The
earlier outputs decide, so outputs are read one after the other, in the order in which a model
computes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tbviz.taps.channel_axis import channel_axis, first_axis, sides
from tbviz.taps.paths import Node

_SERIES = (keras.layers.TimeDistributed, keras.layers.ConvLSTM1D, keras.layers.ConvLSTM2D)
_STEPPED = (*_SERIES, keras.layers.RNN, keras.layers.Bidirectional, keras.layers.RepeatVector)


@dataclass(frozen=True)
class OutputLayout:
    """The layout of one output; the fields are those of `Output`."""

    channels_first: bool = False
    tokens: tuple[int, int] | None = None
    skipped: int = 0
    reason: str | None = None


@dataclass(frozen=True)
class LayerContext:
    """The layer that an output comes from, and the layers around it.

    Attributes:
        node: The layer.
        attention: Path of the attention layer that it is inside of.
        series: Path of the `TimeDistributed` that it is inside of.
        inner: Path of the layer that it repeats, if it is a `TimeDistributed`.
    """

    node: Node
    attention: str | None = None
    series: str | None = None
    inner: str | None = None


class OutputLayoutReader:
    """Read the outputs of one pass, in the order of computation.

    Args:
        inputs: The model's inputs: arrays.
    """

    def __init__(self, inputs: Iterable[Any]) -> None:
        shapes = [(np.shape(leaf), np.asarray(leaf).dtype.kind) for leaf in inputs]
        # Lengths in time or text: a sequence of such a length is no grid of tokens.
        self._lengths = {
            shape[1]
            for shape, kind in shapes
            if len(shape) in {3, 5} or (len(shape) == 2 and kind != "f")
        }
        self._images = [shape for shape, _ in shapes if len(shape) == 4]
        self._grids: list[tuple[int, int, str | None]] = []
        self._channels = first_axis(self._images)
        self._steps: int | None = None
        self._before: int | None = None  # rank of the output before
        self._unlike: dict[tuple[int, ...], str | None] = {}
        self._fifth = "axis"

    def read(self, context: LayerContext, shape: tuple[int, ...]) -> OutputLayout:
        """Return the layout of the next output.

        Args:
            context: Where it comes from.
            shape: Its own, batch axis included.
        """
        rank = len(shape)
        before, self._before = self._before, rank
        own = getattr(context.node.layer, "data_format", None)
        first = own == "channels_first"
        if context.attention is not None:
            return OutputLayout(reason=_inside(context.attention))
        if rank == 3:
            return self._sequence(context, shape, first, before)
        if rank != 4:
            return OutputLayout(first and rank > 4, reason=self._other(context, shape))
        reason = self._no_maps(context, shape)
        self._unlike[shape[1:]] = reason
        if reason is not None:
            return OutputLayout(reason=reason)
        # An activation or an addition has its channels where the last convolution has them.
        self._channels = channel_axis(context.node.layer, self._channels)
        if self._channels == 2:
            return OutputLayout(
                reason=f"its output of {_size(shape)} has its channels between height and width"
            )
        first = self._channels == 1
        height, width = shape[2:] if first else shape[1:3]
        self._grids.append((height, width, context.series))
        return OutputLayout(first)

    def _sequence(
        self, context: LayerContext, shape: tuple[int, ...], first: bool, before: int | None
    ) -> OutputLayout:
        steps, channels = (shape[2], shape[1]) if first else shape[1:]
        if _unrolls(context.node.layer, before):
            self._lengths.add(steps)
        cut = None if first else self._cut(context, steps)
        if cut is not None:
            self._steps = steps
            height, width, skipped = cut
            return OutputLayout(tokens=(height, width), skipped=skipped)
        if steps > 1:
            self._steps = steps
        return OutputLayout(
            first,
            reason=(
                f"its output is a sequence of {_count(steps, 'step')} with "
                f"{_count(channels, 'channel')}, which has no height and width"
            ),
        )

    def _cut(self, context: LayerContext, steps: int) -> tuple[int, int, int] | None:
        """Return the grid that so many tokens were cut from, and how many tokens come before it."""
        grids = [grid[:2] for grid in self._grids if grid[2] == context.series][::-1]
        pictures = [sides(image) for image in self._images]
        own = not type(context.node.layer).__module__.startswith("keras.")
        if own and all(grid in pictures for grid in grids):
            # A layer of the user cuts the picture into patches. (Keras' own `Reshape` would cut
            # it into strips.)
            # As many as there are rows or columns may well be these, unless it has the name.
            named = "patch" in type(context.node.layer).__name__.lower()
            patches = [
                _patches(picture, steps - skip)
                for picture in pictures
                for skip in (0, 1)
                if named or steps - skip not in picture
            ]
            grids += [grid for grid in patches if grid is not None]
        for skipped in (0, 1):
            if steps in self._lengths or steps - skipped in self._lengths:
                continue
            for height, width in grids:
                if height * width == steps - skipped > 1:
                    self._grids.append((height, width, context.series))
                    return height, width, skipped
        return None

    def _no_maps(self, context: LayerContext, shape: tuple[int, ...]) -> str | None:
        """Return why an output of rank four has no feature maps, None if it has."""
        layer = context.node.layer
        if isinstance(layer, keras.layers.TimeDistributed | keras.layers.ConvLSTM1D):
            self._lengths.add(shape[1])
            return f"{_frames(shape)}, which together have no height and width"
        if "2D" in type(layer).__name__:
            return None
        if shape[1:] in self._unlike:  # an activation or an addition is what it acts on
            return self._unlike[shape[1:]]
        # Tokens, heads and features; heads, tokens and features; or heads, tokens and tokens.
        # (A picture in gray, given as rows of pixels, may get an axis for its one channel.)
        if shape[3] > 1 and (shape[1] == self._steps) != (shape[2] == self._steps):
            return (
                f"its output of {_size(shape)} splits a sequence of {self._steps} tokens into the "
                "heads of an attention, which have no height and width"
            )
        return None

    def _other(self, context: LayerContext, shape: tuple[int, ...]) -> str:
        """Return why an output of any other rank has no feature maps."""
        layer, size = context.node.layer, _size(shape)
        if len(shape) < 3:
            return (
                f"its output of {_count(int(size or 1), 'value')} has no height and width to draw"
            )
        if isinstance(layer, _SERIES):
            self._fifth = "time"
            self._lengths.add(shape[1])
        elif "3D" in type(layer).__name__:
            self._fifth = "depth"
        if isinstance(layer, keras.layers.ConvLSTM2D):
            return f"{_frames(shape)}; with return_sequences=False the last one could be drawn"
        if context.inner is not None and len(shape) == 5:
            return (
                f"{_frames(shape)}; choose {context.inner!r} inside it, whose first frame is shown"
            )
        if len(shape) == 5 and self._fifth == "time":
            return f"{_frames(shape)}, and has no single height and width"
        if len(shape) == 5 and self._fifth == "depth":
            return f"its output of {size} is a volume: it has a depth beside height and width"
        return f"its output of {size} has more axes than a picture"


def _inside(attention: str) -> str:
    return (
        f"it is a part of the attention layer {attention!r}: its axes are tokens and heads, not "
        f"height and width; choose {attention!r}"
    )


def _frames(shape: tuple[int, ...]) -> str:
    return f"its output of {_size(shape)} is a series of {_count(shape[1], 'frame')}"


def _unrolls(layer: Any, before: int | None) -> bool:
    """Tell whether a layer makes steps in time: of a vector, or one after the other.

    Args:
        layer: Puts out a sequence.
        before: Rank of the output before, the input of a layer that was called on arrays alone.
    """
    if type(layer).__name__ == "Reshape":  # the layer or the operation
        return len(shape) == 2 if (shape := _input_shape(layer)) is not None else before == 2
    return isinstance(layer, _STEPPED)


def _input_shape(layer: Any) -> tuple[int | None, ...] | None:
    try:
        return tuple(layer.input.shape)
    except (AttributeError, ValueError):  # it was never called on a symbol
        return None


def _patches(picture: tuple[int, int], count: int) -> tuple[int, int] | None:
    """Return how many square patches a picture has in height and width if cut into `count`."""
    height, width = picture
    for side in range(2, min(picture) + 1):
        if height % side == width % side == 0 and height * width == count * side * side:
            return height // side, width // side
    return None


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape[1:]))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
