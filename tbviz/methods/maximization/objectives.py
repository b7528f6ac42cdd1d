"""(model, image batch, channels) => (a score an image): what the ascent climbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from tbviz.taps.looker import channels_last
from tbviz.taps.survey import first_tensor
from tbviz.taps.tap import Tap

if TYPE_CHECKING:
    from tbviz.methods.maximization.canvas import Canvas
    from tbviz.taps.survey import Output

_LEAK = 0.1

Objective = Callable[[Any, Any, Any], Any]


def channel_means(output: Output, canvas: Canvas) -> Objective:
    """Image `i` scores the mean response of channel `channels[i]` of one layer.

    Where the layer ends in an activation of its own, the response is what goes into it: behind a
    ReLU a channel that is off has no slope and would stay blank for ever. Negative responses count
    a tenth: with all of them a linear filter's mean depends on nothing but the mean colour. The
    outermost sixteenth is left out, since padding with zeros draws frames there.
    """
    linear = getattr(output.node.layer, "activation", None) in (None, keras.activations.linear)

    def objective(model: Any, images: Any, channels: Any) -> Any:
        seen: dict[str, Any] = {}

        def touch(path: str, call: int, value: Any) -> Any:
            del path
            if call == output.call:
                seen.setdefault("value", first_tensor(value))
            return value

        def before(path: str, call: int, value: Any) -> None:
            del path
            if call == output.call and tuple(value.shape[1:]) == output.shape[1:]:
                seen.setdefault("value", value)

        layers = {output.node.path: output.node.layer}
        with Tap(layers, touch, model, before=None if linear else before):
            model(canvas.fill(images), training=False)
        maps = channels_last(output, seen["value"])
        if len(maps.shape) == 4:
            top, left = int(maps.shape[1]) // 16, int(maps.shape[2]) // 16
            maps = maps[:, top : maps.shape[1] - top, left : maps.shape[2] - left]
        # Each image's own channel first: everything behind it is 1/channels of the work.
        picked = ops.one_hot(channels, output.channels, dtype="float32")
        own = ops.einsum("n...c,nc->n...", maps, picked)
        own = ops.maximum(own, _LEAK * own)
        return ops.mean(own, axis=tuple(range(1, len(own.shape))))

    return objective
