"""The ascent: all channels of a layer climb at once, in one compiled loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from keras import ops

from tbviz.errors import TbvizError
from tbviz.methods.maximization.image import to_image
from tbviz.methods.maximization.objectives import channel_means
from tbviz.methods.maximization.transforms import Wobble
from tbviz.taps import backends

if TYPE_CHECKING:
    from tbviz.methods.maximization.canvas import Canvas
    from tbviz.taps.looker import Looker
    from tbviz.taps.survey import Output

Floats = npt.NDArray[np.float32]

# Adam (Kingma and Ba 2015) with its usual constants; a Keras optimizer would make variables and
# draw from Python's random state.
_FIRST, _SECOND, _EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Ascent:
    """Settings of the ascent.

    Attributes:
        steps: how many.
        rate: Adam's step, in deviations of a coefficient.
        start: deviation of the random start; 0 starts from an even gray.
        wobble: how far a step moves the image.

    The defaults were chosen by eye: twice the steps climb a tenth higher and look the same.
    """

    steps: int = 24
    rate: float = 0.2
    start: float = 0.05
    wobble: Wobble = field(default_factory=Wobble)


@dataclass(frozen=True)
class Maximized:
    """What excites the channels of one layer.

    Attributes:
        channels: which.
        images: `(channels, height, width, colours)`, 0 to 1.
        before: each channel's objective on the unmoved start image.
        after: the same at the end.
        coefficients: the image's parameters, to go on from at the next step of a run.
    """

    channels: list[int]
    images: Floats
    before: Floats
    after: Floats
    coefficients: Floats


def maximize(
    looker: Looker,
    output: Output,
    channels: Sequence[int],
    canvas: Canvas,
    settings: Ascent,
    seed: int = 0,
    start: Floats | None = None,
) -> Maximized:
    """Images that excite channels of one layer, each its own.

    Args:
        looker: into the model.
        output: the layer.
        channels: which of its channels; one image each.
        canvas: what the model takes as input.
        settings: of the ascent.
        seed: of the start and the transforms.
        start: coefficients of a former ascent to go on from, in place of a blank image.

    Raises:
        TbvizError: no gradient reaches the input from this layer, or it cannot be tapped.
    """
    rows, columns = settings.wobble.draw(
        np.random.default_rng([seed, 0]), settings.steps, canvas.size
    )
    if start is None:
        shape = (canvas.channels, *canvas.size)
        # Each channel has a generator of its own, so that its image is the same in any company.
        each = [np.random.default_rng([seed, 1, c]).normal(size=shape) for c in channels]
        start = settings.start * np.asarray(each, np.float32)
    objective = channel_means(output, canvas)
    backend = backends.current()  # here, not in the loop: AutoGraph cannot convert an import

    def climb(model: Any, chosen: Any, start: Any, rows: Any, columns: Any) -> Any:
        def step(index: Any, state: Any) -> Any:
            coefficients, first, second = state

            def scored(value: Any) -> Any:
                image = to_image(value, rows[index], columns[index])
                values = objective(model, image, chosen)
                return ops.sum(values), values

            _, _, slope = backend.value_and_gradient(scored, coefficients)
            # A channel's scale would set the pace of its image: every slope has length one.
            norm = ops.sqrt(ops.mean(ops.square(slope), axis=(1, 2, 3), keepdims=True))
            slope = slope / (norm + 1e-12)
            first = _FIRST * first + (1 - _FIRST) * slope
            second = _SECOND * second + (1 - _SECOND) * ops.square(slope)
            count = ops.cast(index + 1, "float32")
            unbiased = first / (1 - ops.power(_FIRST, count))
            spread = ops.sqrt(second / (1 - ops.power(_SECOND, count)))
            return coefficients + settings.rate * unbiased / (spread + _EPSILON), first, second

        state = (start, ops.zeros_like(start), ops.zeros_like(start))
        end = ops.fori_loop(0, settings.steps, step, state)[0]
        # One batch: the model is compiled once less.
        images = ops.concatenate([to_image(start), to_image(end)])
        scores = objective(model, images, ops.concatenate([chosen, chosen]))
        before, after = ops.split(scores, 2)
        return images[chosen.shape[0] :], before, after, end

    key = ("maximize", output, settings, canvas.key)
    images, before, after, coefficients = looker.run(
        key, climb, np.asarray(channels, np.int32), start, rows, columns
    )
    if not np.any(np.isfinite(after)):
        msg = (
            f"layer {output.key!r} puts out NaN or infinity for every image: its weights, or those "
            "before it, are no longer finite; see the loss"
        )
        raise TbvizError(msg)
    if settings.steps and np.array_equal(coefficients, start):
        msg = (
            f"the image did not move: no gradient reaches the input from layer {output.key!r}; "
            "it or a layer before it is dead on an even gray (see their health), or something "
            "rounds, such as an input of whole numbers (declare it as float32)"
        )
        raise TbvizError(msg)
    return Maximized(list(channels), images, before, after, coefficients)
