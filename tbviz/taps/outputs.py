"""Describe the output of a layer, and how its tensor is read as a batch of feature maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from tbviz.taps.paths import Node


@dataclass(frozen=True)
class Output:
    """One output that can be tapped: a layer, or one call of a layer that is called several times.

    Attributes:
        key: Its name: the layer's path, with `#0`, `#1` for the calls of a shared layer.
        node: The layer.
        call: Number of the call.
        shape: Shape of its first tensor, batch axis included.
        order: Index in the order in which the model computes its outputs.
        channels_first: Whether the channels stand before height and width.
        tokens: Height and width of the grid that a sequence of tokens was cut from, None if
            the output is no such sequence.
        skipped: How many tokens before the grid belong to no cell of it (a class token).
        reason: Why the output is no batch of feature maps, None if it is one.
        frames: Inside a `TimeDistributed`, how many frames there are; the first one is recorded.
    """

    key: str
    node: Node
    call: int
    shape: tuple[int, ...]
    order: int
    channels_first: bool = False
    tokens: tuple[int, int] | None = None
    skipped: int = 0
    reason: str | None = None
    frames: int | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width, None if the output is not a batch of feature maps."""
        if self.tokens is not None:
            return self.tokens
        if len(self.shape) != 4 or self.reason is not None:
            return None
        first = 2 if self.channels_first else 1
        return self.shape[first], self.shape[first + 1]

    @property
    def channels(self) -> int:
        """Return the number of channels: the size of the channel axis, at any rank."""
        if len(self.shape) > 2 and self.channels_first:
            return self.shape[1]
        return self.shape[-1] if len(self.shape) > 1 else 1

    @property
    def spatial(self) -> bool:
        """Tell whether it has a map to draw: height and width above one pixel."""
        return self.size is not None and min(self.size) > 1

    @property
    def whole(self) -> bool:
        """Tell whether it is drawn as one layer: it holds no layer that could be drawn instead."""
        return self.node.leaf or isinstance(self.node.layer, (*ATTENTION, keras.layers.RNN))


def has_maps(output: Output) -> bool:
    """Tell whether an output is a batch of feature maps, even of a single pixel."""
    return output.size is not None


def is_attention(output: Output) -> bool:
    """Tell whether the output is that of one of Keras' attention layers."""
    return isinstance(output.node.layer, ATTENTION)


ATTENTION = (
    keras.layers.MultiHeadAttention,
    keras.layers.GroupQueryAttention,
    keras.layers.Attention,
    keras.layers.AdditiveAttention,
)


def first_tensor(output: Any) -> Any | None:
    """Return the first tensor of a layer's output, in any structure."""
    leaves = [leaf for leaf in keras.tree.flatten(output) if hasattr(leaf, "shape")]
    return leaves[0] if leaves else None


def as_maps(output: Output, value: Any) -> Any:
    """Return a tensor of an output's shape as float32, channels last and tokens as a grid.

    Args:
        output: Describes its layout.
        value: The output of the layer, or the derivatives in it.

    Returns:
        `(batch, height, width, channels)` if the output has a size; else its own rank.
    """
    value = ops.cast(value, "float32")
    if output.tokens is not None:
        height, width = output.tokens
        return ops.reshape(value[:, output.skipped :], (-1, height, width, output.channels))
    return ops.moveaxis(value, 1, -1) if output.channels_first else value
