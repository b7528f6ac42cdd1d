"""Cache choices per layer that later snapshots share with the first one."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from tbviz.taps.outputs import Output

Value = TypeVar("Value")


class PerLayerCache(Generic[Value]):
    """Choices by layer, such as which channels are shown and what colors mean.

    They outlive a `fit`: a second one with the same callback and the same layers shows the same
    channels in the same colors, so that the two can be compared. They end with the layer: layers
    of another model that happen to have the same names get new choices.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, ...], tuple[list[weakref.ref[Any]], list[int], Value]] = {}

    def get(self, outputs: Sequence[Output]) -> Value | None:
        """Return the cached value, None if the layers are new or have other channels."""
        layers, channels, value = self._found.get(_key(outputs), ([], [], None))
        if channels != _channels(outputs):
            return None
        same = (held() is output.node.layer for held, output in zip(layers, outputs, strict=True))
        return value if all(same) else None

    def set(self, outputs: Sequence[Output], value: Value) -> Value:
        """Cache a value for these layers, and return it."""
        layers = [output.node.held for output in outputs]
        self._found[_key(outputs)] = (layers, _channels(outputs), value)
        return value


def _key(outputs: Sequence[Output]) -> tuple[str, ...]:
    return tuple(output.key for output in outputs)


def _channels(outputs: Sequence[Output]) -> list[int]:
    return [output.channels for output in outputs]
