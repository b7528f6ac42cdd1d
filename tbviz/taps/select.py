"""Which layers: one filter accepted everywhere, and defaults that need no thought."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterable
from typing import Any

import keras

from tbviz.errors import TbvizError
from tbviz.taps.survey import Output, Survey

Filter = str | re.Pattern[str] | type | Callable[[Any], bool] | Iterable[Any]
"""A path, a layer's name, a glob, a compiled regex, a layer class, a layer, a callable of a
layer, or a list of these."""

_WEIGHTED = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)


class LayerNotFoundError(TbvizError):
    """A filter matched no layer that could be drawn."""


def select(survey: Survey, wanted: Filter, usable: Callable[[Output], bool]) -> list[Output]:
    """The outputs that a filter names, in the model's order.

    Args:
        survey: of the model.
        wanted: the filter.
        usable: which outputs the caller can draw, such as `lambda output: output.spatial`.

    Raises:
        LayerNotFoundError: nothing matches, or what matches cannot be drawn; names near
            misses and what would fit.
    """
    chosen: dict[str, Output] = {}
    for part in _parts(wanted):
        matches = _matching(survey, part)
        fitting = [output for output in matches if usable(output)]
        if not fitting:
            raise LayerNotFoundError(_miss(survey, part, matches, usable))
        chosen.update((output.key, output) for output in fitting)
    return sorted(chosen.values(), key=lambda output: output.order)


def _parts(wanted: Filter) -> list[Any]:
    if isinstance(wanted, str | re.Pattern | type) or callable(wanted):  # layers are callable
        return [wanted]
    return [part for item in wanted for part in _parts(item)]


def _matching(survey: Survey, part: Any) -> list[Output]:
    outputs = list(survey.outputs.values())
    if not isinstance(part, str):
        return [output for output in outputs if _matches(part, output)]
    # The most exact reading that fits: `dense_1` may be one layer's path and another's own name.
    readings: tuple[Callable[[Output], bool], ...] = (
        lambda output: part in (output.key, output.node.path),
        lambda output: part == output.node.layer.name,
        lambda output: part == output.node.name,
        lambda output: any(
            fnmatch.fnmatchcase(name, part)
            for name in (output.key, output.node.path, output.node.name)
        ),
    )
    return next((found for reads in readings if (found := list(filter(reads, outputs)))), [])


def _matches(part: Any, output: Output) -> bool:
    layer = output.node.layer
    if isinstance(part, re.Pattern):
        return part.search(output.key) is not None
    if isinstance(part, type):
        return isinstance(layer, part)
    if isinstance(part, keras.layers.Layer):
        return part is layer
    return bool(part(layer))


def _miss(
    survey: Survey, part: Any, matches: list[Output], usable: Callable[[Output], bool]
) -> str:
    fitting = [output.key for output in survey.outputs.values() if usable(output)]
    would_fit = ", ".join(fitting[:12]) + (" ..." if len(fitting) > 12 else "")
    if matches:
        first = matches[0]
        what = f"layer {first.key!r} has the output shape {first.shape}, which cannot be drawn here"
    else:
        what = f"no layer matches {part!r}"
        blocked = [path for path in survey.unreachable if isinstance(part, str) and part in path]
        if blocked:
            what += f" ({blocked[0]!r}: {survey.unreachable[blocked[0]]})"
        elif isinstance(part, str):
            known = [*survey.outputs, *(o.node.name for o in survey.outputs.values())]
            near = difflib.get_close_matches(part, dict.fromkeys(known), n=3)
            if near:
                what += f"; did you mean {' or '.join(map(repr, near))}?"
    return f"{what}. Layers that would fit: {would_fit or 'none'}"


def is_convolution(output: Output) -> bool:
    """Whether the output is that of a convolution of any sort."""
    return isinstance(output.node.layer, _WEIGHTED)


def is_pooling(output: Output) -> bool:
    """Whether the output is that of a pooling layer."""
    return "Pool" in output.node.kind


def is_activation(output: Output) -> bool:
    """Whether the output is that of an activation: a layer, or an operation such as `ops.relu`."""
    module = type(output.node.layer).__module__
    return ".layers.activations" in module or module.endswith("ops.nn")


def is_preprocessing(output: Output) -> bool:
    """Whether the output is an image still: rescaled, normalised, augmented."""
    return ".layers.preprocessing" in type(output.node.layer).__module__


def is_merge(output: Output) -> bool:
    """Whether branches come together here (`Add`, `Concatenate`)."""
    return ".layers.merging" in type(output.node.layer).__module__


def spread(outputs: list[Output], limit: int) -> list[Output]:
    """At most `limit` of them, evenly over the depth, first and last included."""
    if len(outputs) <= limit:
        return outputs
    if limit == 1:
        return outputs[-1:]
    steps = [round(i * (len(outputs) - 1) / (limit - 1)) for i in range(limit)]
    return [outputs[step] for step in steps]


def default_layers(survey: Survey, limit: int = 12) -> list[Output]:
    """Up to `limit` layers worth looking at, spread over the depth.

    Convolutions, poolings, activations and merges with feature maps. Where a convolution is
    followed by an activation layer of its own, the activation stands for both.
    """
    candidates = [
        output
        for output in survey.outputs.values()
        if output.spatial
        and output.node.leaf
        and (
            is_convolution(output)
            or is_pooling(output)
            or is_activation(output)
            or is_merge(output)
        )
    ]
    if len(candidates) > limit:
        kept = [o for o in candidates if is_activation(o) or is_merge(o)]
        plain = [o for o in candidates if is_convolution(o) or is_pooling(o)]
        candidates = kept if len(kept) >= limit else plain if len(plain) >= limit else candidates
    return spread(candidates, limit)


def default_convolutions(survey: Survey, limit: int) -> list[Output]:
    """Up to `limit` convolutions, spread over the depth: what maximization looks at."""
    convolutions = [output for output in survey.outputs.values() if is_convolution(output)]
    return spread([o for o in convolutions if o.node.leaf and len(o.shape) == 4], limit)


def cam_layer(survey: Survey) -> Output:
    """The layer for class activation maps: the last with a spatial output, at any depth.

    Trailing poolings, dropouts and the like are passed over: they hold the same maps at a lower
    resolution or unchanged.

    Raises:
        LayerNotFoundError: no layer has a spatial output.
    """
    found = [
        output
        for output in survey.outputs.values()
        if output.spatial and output.node.leaf and not is_preprocessing(output)
    ]
    # Where the model's output is a map itself, its last layer says nothing: the score is read
    # before its activation, and does not depend on what comes behind it.
    found = [output for output in found if output.node.path not in survey.last] or found
    for output in reversed(found):
        passes_on = isinstance(
            output.node.layer,
            keras.layers.Dropout
            | keras.layers.SpatialDropout2D
            | keras.layers.Identity
            | keras.layers.ZeroPadding2D
            | keras.layers.UpSampling2D,
        )
        if not is_pooling(output) and not passes_on:
            return output
    if found:
        return found[-1]
    msg = (
        "this model has no layer whose output is a feature map larger than one pixel, so there is "
        "no place for a class activation map; use ActivationGrid or LayerHealth on other layers"
    )
    raise LayerNotFoundError(msg)
