"""Maximize the images of all channels or classes together, in one compiled loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from tbviz.arrays.types import Floats
from tbviz.methods.maximization.image import to_image
from tbviz.methods.maximization.objectives import ChannelMean, Objective, Response
from tbviz.methods.maximization.regularizers import contrast, gram_cosine, total_variation
from tbviz.methods.maximization.result import Maximized, notes_of, require_signal
from tbviz.methods.maximization.settings import Ascent, basis_of
from tbviz.scores.gradients import gradient_scale
from tbviz.taps import backends

if TYPE_CHECKING:
    from tbviz.methods.maximization.canvas import Canvas
    from tbviz.taps.inspector import ModelInspector
    from tbviz.taps.outputs import Output

# Adam (Kingma and Ba 2015) by hand: a Keras optimizer would make variables and draw from Python's
# random state. Its epsilon, usually 1e-8, is a thirtieth of the usual slope here: divided by
# only its own size, a wave whose slope is mere rounding would grow as fast as the others, and a
# detector of one color would be covered with blotches.
_FIRST, _SECOND, _EPSILON = 0.9, 0.999, 0.03


def maximize(
    inspector: ModelInspector,
    output: Output,
    channels: Sequence[int],
    canvas: Canvas,
    settings: Ascent,
    seed: int = 0,
    start: Floats | None = None,
) -> Maximized:
    """Find images that activate channels of one layer, one per channel; see `maximize_objective`.

    Raises:
        TbvizError: If all of them are blank.
    """
    return require_signal(
        maximize_objective(inspector, ChannelMean(output), channels, canvas, settings, seed, start)
    )


def maximize_objective(
    inspector: ModelInspector,
    objective: Objective,
    indices: Sequence[int],
    canvas: Canvas,
    settings: Ascent,
    seed: int = 0,
    start: Floats | None = None,
) -> Maximized:
    """Find images that activate channels or classes, one each. Some, or all, may be blank.

    Args:
        inspector: Of the model.
        objective: The score that is maximized.
        indices: The channels or classes.
        canvas: What the model takes as input.
        settings: Of the ascent.
        seed: Of the start and the transforms. Defaults to 0.
        start: Coefficients of a former ascent to continue from, in place of a blank image. Defaults
            to None.

    Raises:
        TbvizError: If a layer cannot be tapped.
    """
    views = settings.transforms.draw(np.random.default_rng([seed, 0]), settings.steps, canvas.size)
    selected = np.repeat(np.asarray(indices, np.int32), settings.diversity)
    if start is None:
        start = _blank(indices, canvas, settings, seed)
    basis, transforms = basis_of(settings), settings.transforms
    backend = backends.current()  # here, not in the loop: AutoGraph cannot convert an import

    def compute(model: Any, selected: Any, start: Any, views: Any, scale: Any) -> Any:
        true = [(variable, variable.value) for variable in model.variables]
        finite = [(variable, _finite(value)) for variable, value in true]

        def respond(images: Any, selected: Any, weights: Any) -> Response:
            # A new scope at every step: layers that draw see the same draw in each.
            with keras.StatelessScope(state_mapping=weights):
                return objective(model, canvas.fill(images), selected)

        # A channel that is off has no slope: the contrast of its start image grows until it is on.
        away = start / (_size(start) + 1e-12)

        def step(index: Any, state: Any) -> Any:
            coefficients, first, second, reached = state

            def scored(value: Any) -> Any:
                response = respond(
                    to_image(value, basis, transforms, views[index]), selected, finite
                )
                values = _regularized(response, value, settings)
                return ops.sum(values) * scale, values

            _, _, slope = backend.value_and_gradient(scored, coefficients)
            slope = _finite(slope)
            # A channel's scale would set the step size of its image: every slope has length one.
            size = _size(slope)
            slope = ops.where(size > 0, slope / (size + 1e-30), away)
            first = _FIRST * first + (1 - _FIRST) * slope
            second = _SECOND * second + (1 - _SECOND) * ops.square(slope)
            count = ops.cast(index + 1, "float32")
            unbiased = first / (1 - ops.power(_FIRST, count))
            spread = ops.sqrt(second / (1 - ops.power(_SECOND, count)))
            moved = coefficients + settings.rate * unbiased / (spread + _EPSILON)
            return moved, first, second, ops.maximum(reached, size)

        state = (start, ops.zeros_like(start), ops.zeros_like(start), _size(start) * 0)
        end, _, _, reached = ops.fori_loop(0, settings.steps, step, state)
        # One batch: the model is compiled once instead of twice.
        images = ops.concatenate([to_image(start, basis), to_image(end, basis)])
        response = respond(images, ops.concatenate([selected, selected]), true)
        count = selected.shape[0]
        before, after = response.scores[:count], response.scores[count:]
        output = () if response.output is None else response.output[count:]
        return images[count:], before, after, end, ops.reshape(reached, (-1,)), output

    key = ("maximize", objective, settings, canvas.key)
    scale = np.float32(gradient_scale(inspector.model))
    images, before, after, coefficients, reached, last = inspector.run(
        key, compute, selected, start, views, scale
    )
    reached = reached if settings.steps else np.ones_like(after)
    cause = None
    if inspector.faults:
        model_outputs = inspector.model_outputs_like(canvas.inputs)
        cause = inspector.faults.cause_of(objective.reads(model_outputs))
        faulty = objective.faulty(inspector, model_outputs, selected.tolist())
        before, after = (np.where(faulty, np.float32(np.nan), each) for each in (before, after))
        last = inspector.propagate_faults(objective.reads(model_outputs), last)
    notes = notes_of(after, reached)
    blank = np.array([note is not None for note in notes])[:, None, None, None]
    return Maximized(
        selected.tolist(),
        np.where(blank, np.float32(0.5), images),
        before,
        after,
        np.where(blank, start, coefficients),
        notes,
        None if isinstance(last, tuple) else last,
        reached,
        objective.name,
        painted_equally=len(canvas.input_indices) > 1,
        cause=cause,
    )


def _blank(indices: Sequence[int], canvas: Canvas, settings: Ascent, seed: int) -> Floats:
    shape = (canvas.channels, *canvas.size)
    # One generator per image: an image is the same in any batch.
    each = [
        np.random.default_rng([seed, 1, one, copy]).normal(size=shape)
        for one in indices
        for copy in range(settings.diversity)
    ]
    return settings.start * np.asarray(each, np.float32)


def _regularized(response: Response, coefficients: Any, settings: Ascent) -> Any:
    """Return score minus penalties: ln(score) minus penalties, times the score; same slope."""
    penalties = []
    if settings.total_variation or settings.l2:
        image = to_image(coefficients, basis_of(settings))
        penalties = [
            settings.total_variation * total_variation(image),
            settings.l2 * contrast(image),
        ]
    if settings.diversity > 1:
        penalties.append(settings.apart * gram_cosine(response.features, settings.diversity))
    size = ops.stop_gradient(ops.abs(response.scores))
    return response.scores - size * sum(penalties)


def _finite(values: Any) -> Any:
    """Replace NaN and infinity by 0; a channel with such weights would spoil all gradients."""
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(values.dtype)):
        return values
    return ops.where(ops.isfinite(values), values, ops.zeros_like(values))


def _size(values: Any) -> Any:
    """Return the root mean square of each image, `(images, 1, 1, 1)`."""
    return ops.sqrt(ops.mean(ops.square(values), axis=(1, 2, 3), keepdims=True))
