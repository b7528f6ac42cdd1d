"""(model, image batch, channels) => (a score an image): what the ascent climbs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from tbviz.taps import backends
from tbviz.taps.randomness import same_draw
from tbviz.taps.survey import as_maps, first_tensor
from tbviz.taps.tap import Enough, Tap, unreached

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
    middle of a map counts most and its border nothing, since padding with zeros draws frames there.
    """
    linear = getattr(output.node.layer, "activation", None) in (None, keras.activations.linear)

    def objective(model: Any, images: Any, channels: Any) -> Any:
        seen: dict[str, Any] = {}

        def touch(path: str, call: int, value: Any) -> Any:
            del path
            if call != output.call:
                return value
            seen.setdefault("value", first_tensor(value))
            raise Enough  # what lies behind this layer need not run

        def before(path: str, call: int, value: Any) -> None:
            del path
            if call == output.call and tuple(value.shape[1:]) == output.shape[1:]:
                seen["value"] = backends.current().kept(value)

        layers = {output.node.path: output.node.layer}
        with (
            same_draw(model),  # at every step, so that steps compare
            contextlib.suppress(Enough),
            Tap(layers, touch, model, before=None if linear else before),
        ):
            model(canvas.fill(images), training=False)
        if "value" not in seen:
            raise unreached(output.key)
        maps = as_maps(output, seen["value"])
        # Each image's own channel first: everything behind it is 1/channels of the work. A product
        # of matrices, since `einsum` with an ellipsis takes twice the time of the convolution.
        picked = ops.one_hot(channels, output.channels, dtype="float32")
        flat = ops.reshape(maps, (maps.shape[0], -1, maps.shape[-1]))
        own = ops.matmul(flat, ops.expand_dims(picked, -1))
        own = ops.reshape(own, maps.shape[:-1])
        own = ops.maximum(own, _LEAK * own)
        if len(own.shape) == 3:
            own = own * ops.convert_to_tensor(window(int(own.shape[1]), int(own.shape[2])))
        return ops.mean(ops.reshape(own, (own.shape[0], -1)), axis=1)

    return objective


def window(height: int, width: int) -> npt.NDArray[np.float32]:
    """Weights of a map's places, `(height, width)`: of mean 1, none in the outermost sixteenth."""
    sides = []
    for side in (height, width):
        border = side // 16
        inner = side - 2 * border
        wave = np.sin(np.pi * (np.arange(inner) + 0.5) / inner)
        sides.append(np.pad(wave, border))
    weights = np.outer(*sides)
    return np.asarray(weights / weights.mean(), np.float32)
