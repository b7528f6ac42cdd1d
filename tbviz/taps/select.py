"""Select layers with one filter that is accepted everywhere, or by useful defaults."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from tbviz.errors import TbvizError
from tbviz.taps import keras_private
from tbviz.taps.final_outputs import FinalOutput, OutputName
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output, has_maps, is_attention
from tbviz.taps.provenance import calls_before

Filter = str | re.Pattern[str] | type | Callable[[Any], bool] | Iterable[Any]
"""A path, a layer's name, a glob, a compiled regex, a layer class, a layer, a callable of a
layer, or a list of these."""

_CONVOLUTIONS = (
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
    keras.layers.ConvLSTM2D,
)


class LayerNotFoundError(TbvizError):
    """A filter matched no layer that could be drawn."""


def select(
    model_outputs: ModelOutputs,
    layer_filter: Filter,
    usable: Callable[[Output], bool] = has_maps,
) -> list[Output]:
    """Return the outputs that a filter matches, in the model's order.

    Args:
        model_outputs: Of the model.
        layer_filter: The filter.
        usable: Which outputs the caller can draw. Defaults to those with feature maps.

    Raises:
        LayerNotFoundError: If nothing matches, or what matches cannot be drawn; names near
            misses and what would fit.
    """
    selected: dict[str, Output] = {}
    for part in _parts(layer_filter):
        matches = _matching(model_outputs, part)
        fitting = [output for output in matches if usable(output)]
        if not fitting:
            raise LayerNotFoundError(_miss(model_outputs, part, matches, usable))
        selected.update((output.key, output) for output in fitting)
    return sorted(selected.values(), key=lambda output: output.order)


def check_filter(layer_filter: Any, *, numbers: bool = False) -> Any:
    """Return a filter, if it is one; an iterator becomes a list, which can be read again.

    Args:
        layer_filter: The user's argument.
        numbers: Whether the numbers of layers are allowed too. Defaults to False.

    Raises:
        TbvizError: If it is not, or if it is empty.
    """
    found = list(layer_filter) if isinstance(layer_filter, Iterator) else layer_filter
    parts = _parts(found, numbers=numbers)
    if parts and "" not in [part for part in parts if isinstance(part, str)]:
        return found
    raise TbvizError(_no_filter(layer_filter))


def _parts(layer_filter: Any, *, numbers: bool = False) -> list[Any]:
    """Return the single filters of a filter.

    Raises:
        TbvizError: If it is no filter.
    """
    if isinstance(layer_filter, str | re.Pattern | type) or callable(
        layer_filter
    ):  # layers are callable
        return [layer_filter]
    if (
        numbers
        and isinstance(layer_filter, int | np.integer)
        and not isinstance(layer_filter, bool)
    ):
        return [layer_filter]
    if isinstance(layer_filter, bytes | Mapping) or not isinstance(layer_filter, Iterable):
        raise TbvizError(_no_filter(layer_filter))
    return [part for item in layer_filter for part in _parts(item, numbers=numbers)]


def _no_filter(given: Any) -> str:
    return (
        f"layers received {given!r}; expected a path, a name, a glob, a compiled regular "
        "expression, a layer class, a callable that takes a layer, or a list of these, such as "
        "layers=['conv1', 'block_*_add']"
    )


def _matching(model_outputs: ModelOutputs, part: Any) -> list[Output]:
    outputs = list(model_outputs.outputs.values())
    if not isinstance(part, str):
        return [output for output in outputs if _matches(part, output)]
    # The most exact match: `dense_1` may be one layer's path and another's own name.
    tests: tuple[Callable[[Output], bool], ...] = (
        lambda output: part in (output.key, output.node.path),
        lambda output: part == output.node.layer.name,
        lambda output: part == output.node.name,
        lambda output: any(
            fnmatch.fnmatchcase(name, part)
            for name in (output.key, output.node.path, output.node.name)
        ),
    )
    return next((found for test in tests if (found := list(filter(test, outputs)))), [])


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
    model_outputs: ModelOutputs, part: Any, matches: list[Output], usable: Callable[[Output], bool]
) -> str:
    fitting = [output.key for output in model_outputs.outputs.values() if usable(output)]
    would_fit = ", ".join(fitting[:12]) + (" ..." if len(fitting) > 12 else "")
    if matches:
        first = matches[0]
        what = f"layer {first.key!r} has the output shape {first.shape}, which cannot be drawn here"
        if first.reason is not None:
            what += f": {first.reason}"
    else:
        what = f"no layer matches {part!r}"
        blocked = [
            path for path in model_outputs.unreachable if isinstance(part, str) and part in path
        ]
        if blocked:
            what += f" ({blocked[0]!r}: {model_outputs.unreachable[blocked[0]]})"
        elif isinstance(part, str):
            known = [*model_outputs.outputs, *(o.node.name for o in model_outputs.outputs.values())]
            near = difflib.get_close_matches(part, dict.fromkeys(known), n=3)
            if near:
                what += f"; did you mean {' or '.join(map(repr, near))}?"
    end = "" if what.endswith("?") else "."
    return f"{what}{end} Layers that would fit: {would_fit or 'none'}"


def is_convolution(output: Output) -> bool:
    """Tell whether the output is that of a convolution of any sort."""
    return isinstance(output.node.layer, _CONVOLUTIONS)


def is_pooling(output: Output) -> bool:
    """Tell whether the output is that of a pooling layer."""
    return "Pool" in output.node.kind


def is_activation(output: Output) -> bool:
    """Tell whether the output is that of an activation: a layer, or an operation (`ops.relu`)."""
    module = type(output.node.layer).__module__
    return ".layers.activations" in module or module.endswith("ops.nn")


def is_preprocessing(output: Output) -> bool:
    """Tell whether the output is still an image: rescaled, normalized, augmented."""
    return ".layers.preprocessing" in type(output.node.layer).__module__


def is_merge(output: Output) -> bool:
    """Tell whether branches merge here: a layer such as `Add`, or an operation as in `a + b`."""
    layer = output.node.layer
    if isinstance(layer, keras.layers.Layer):
        return ".layers.merging" in type(layer).__module__
    return output.node.kind in _JOINING and keras_private.joins(layer)


_JOINING = {"Add", "Subtract", "Multiply", "Maximum", "Minimum", "Concatenate"}


def spread(outputs: list[Output], limit: int) -> list[Output]:
    """Return at most `limit` of them, evenly over the depth, first and last included."""
    if len(outputs) <= limit:
        return outputs
    if limit == 1:
        return outputs[-1:]
    steps = [round(i * (len(outputs) - 1) / (limit - 1)) for i in range(limit)]
    return [outputs[step] for step in steps]


def default_layers(model_outputs: ModelOutputs, limit: int = 12) -> list[Output]:
    """Return up to `limit` layers to draw by default, spread over the depth.

    They are convolutions, poolings, activations, merges and attentions with feature maps, and dense
    layers that process one token after the other. If there are more, only one of two groups is
    taken: activations, merges and attentions, or the others.
    """
    found = _drawable(model_outputs)
    results = [o for o in found if is_activation(o) or is_merge(o) or is_attention(o)]
    plain = [o for o in found if is_convolution(o) or is_pooling(o) or _is_tokenwise(o)]
    if len(results) >= limit:
        return spread(results, limit)
    if len(results) + len(plain) > limit and len(plain) >= limit:
        return spread(plain, limit)
    return spread(sorted(results + plain, key=lambda output: output.order), limit)


def _drawable(model_outputs: ModelOutputs) -> list[Output]:
    return [output for output in model_outputs.outputs.values() if output.spatial and output.whole]


def _is_tokenwise(output: Output) -> bool:
    dense = keras.layers.Dense | keras.layers.EinsumDense
    return output.tokens is not None and isinstance(output.node.layer, dense)


def default_convolutions(model_outputs: ModelOutputs, limit: int) -> list[Output]:
    """Return up to `limit` convolutions, spread over the depth: those that are maximized."""
    convolutions = [output for output in model_outputs.outputs.values() if is_convolution(output)]
    return spread([o for o in convolutions if o.node.leaf and has_maps(o)], limit)


def cam_layer(model_outputs: ModelOutputs, explained: OutputName | None = None) -> Output:
    """Return the layer for class activation maps: the last with a spatial output, at any depth.

    Trailing poolings, dropouts and similar layers are skipped, since they have the same maps at a
    lower resolution or unchanged. There are two exceptions. If the model's output is a map, the
    layer that computes it explains little (each score would depend on one channel), so the features
    before it are taken. If a class token is read, no layer after the last attention depends on the
    other tokens, so the layer before that attention is taken. If the model has several outputs,
    only layers that the explained output depends on are candidates, if that is known.

    Args:
        model_outputs: The outputs of the model's layers.
        explained: The output of the model that is explained. Defaults to None: the first.

    Raises:
        LayerNotFoundError: If no layer has a spatial output.
        TbvizError: If the model has no such output.
    """
    final = model_outputs.final_output(explained)
    found = [output for output in _drawable(model_outputs) if not is_preprocessing(output)]
    if len(model_outputs.final) > 1:
        found = _before_the_output(model_outputs, final, found) or found
    if not found:
        msg = (
            "this model has no layer whose output is a feature map larger than one pixel, so it "
            "has no class activation map"
        )
        near = next(
            (o for o in model_outputs.outputs.values() if o.reason and len(o.shape) > 2), None
        )
        if near is not None:
            msg += f" ({near.key!r}: {near.reason})"
        raise LayerNotFoundError(msg)
    if found[-1].skipped:
        found = _before_the_last_attention(model_outputs, found) or found
    else:
        found = _before_the_map(final, found) or found
    computed = [output for output in found if not is_pooling(output) and not _passes_on(output)]
    return (computed or found)[-1]


def _passes_on(output: Output) -> bool:
    """Tell whether a layer passes maps on unchanged, or larger."""
    return isinstance(
        output.node.layer,
        keras.layers.Dropout
        | keras.layers.SpatialDropout2D
        | keras.layers.Identity
        | keras.layers.Reshape
        | keras.layers.ZeroPadding2D
        | keras.layers.Cropping2D
        | keras.layers.UpSampling2D
        | keras.layers.Resizing,
    )


def _before_the_output(
    model_outputs: ModelOutputs, final: FinalOutput, found: list[Output]
) -> list[Output]:
    """Return the outputs that an output of the model depends on; all, if that is not known."""
    calls = calls_before(model_outputs.flows, final.call)
    if calls is None:
        return found
    return [output for output in found if (output.node.path, output.call) in calls]


def _before_the_map(final: FinalOutput, found: list[Output]) -> list[Output]:
    """Return the outputs before the layer that computes the model's output, if that is a map."""
    ends = [index for index, output in enumerate(found) if output.node.path in final.last]
    if not ends:
        return found
    end = ends[-1]
    while end and (_passes_on(found[end]) or is_activation(found[end])):
        end -= 1
    return found[:end]


def _before_the_last_attention(model_outputs: ModelOutputs, found: list[Output]) -> list[Output]:
    """Return the outputs before the last layer that mixes tokens, without projections."""
    # A hand-written attention is recognized by its heads, of rank four and yet no maps.
    mixing = [
        output.order
        for output in model_outputs.outputs.values()
        if is_attention(output) or (len(output.shape) == 4 and output.reason is not None)
    ]
    end = max(mixing, default=0)
    return [
        output
        for output in found
        if output.order < end and not is_attention(output) and not _is_tokenwise(output)
    ]
