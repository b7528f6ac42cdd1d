"""Draw the weights of a model's convolutions, of any type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from tbviz.arrays.types import Floats
from tbviz.errors import TbvizError
from tbviz.methods.activation_maps.feature_maps import MAX_CHANNELS
from tbviz.methods.conv_kernels.tiles import Kernel, kernel_tiles
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.paths import walk
from tbviz.taps.select import is_convolution, select, spread

if TYPE_CHECKING:
    from tbviz.taps.select import Filter


MAX_LAYERS = 12
"""The number of layers whose kernels are drawn by default."""

_TRANSPOSED = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)
_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
_PLAIN = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_DRAWN = (*_PLAIN, *_TRANSPOSED, *_DEPTHWISE, *_SEPARABLE)


def kernels(
    model: keras.Model,
    *,
    layers: Filter | None = None,
    filters: int | Sequence[int] = MAX_CHANNELS,
) -> dict[str, Kernel]:
    """Return the kernels of a model's convolutions, at any depth, without running the model.

    Structured kernels are a sign that a layer has learned. Each filter is one tile: its only input
    slice, or the pattern that its input slices share most, `s_1 v_1 / sqrt(inputs)` of their
    singular value decomposition (Eckart and Young 1936, https://doi.org/10.1007/BF02288367).

    Args:
        model: Any built Keras model.
        layers: Filter of layers, see `activations`. Defaults to None: up to twelve convolutions,
            spread over the depth, those with kernels larger than one pixel first.
        filters: How many filters of each layer, or a list of their numbers. Defaults to 64.

    Returns:
        Layer path to its kernel; its `tiles` are float32 `(filters, height, width)`, in the unit
        of the weights. The pointwise kernel of a separable convolution has
        `:pointwise` after the path.

    Raises:
        TbvizError: If the model is not built, a filter matches no convolution, or a layer does not
            have one of the filters.

    Example:
        >>> found = tbviz.methods.kernels(model, layers="conv1", filters=16)
        >>> found["conv1"].tiles.shape
        (16, 3, 3)
    """
    if not model.built:
        msg = f"model {model.name!r} is not built: its layers have no weights yet; build or fit it"
        raise TbvizError(msg)
    found = {}
    for output in chosen_kernels(model_outputs_without_run(model), layers):
        for kernel in layer_kernels(output.node.layer, filters):
            suffix = f":{kernel.variant}" if kernel.variant else ""
            found[output.key + suffix] = kernel
    return found


def chosen_kernels(
    model_outputs: ModelOutputs, layers: Filter | None = None, limit: int = MAX_LAYERS
) -> list[Output]:
    """Return the convolutions whose kernels are drawn, each layer once, in the model's order.

    Args:
        model_outputs: Of the model.
        layers: A filter; by default up to `limit` of those that can be drawn, spread over the
            depth, kernels of one pixel only if there is room. Defaults to None.
        limit: How many by default. Defaults to MAX_LAYERS.

    Raises:
        LayerNotFoundError: If a filter matches nothing that could be drawn.
    """
    outputs = {
        key: replace(output, reason=reason_without_kernel(output.node.layer))
        for key, output in model_outputs.outputs.items()
    }
    if layers is not None:
        drawn = replace(model_outputs, outputs=outputs)
        return _once(select(drawn, layers, lambda output: output.reason is None))
    found = _once([output for output in outputs.values() if output.reason is None])
    large = spread([o for o in found if _is_spatial(o.node.layer)], limit)
    small = [o for o in found if not _is_spatial(o.node.layer)]
    if len(large) < limit:
        large += spread(small, limit - len(large))
    return sorted(large, key=lambda output: output.order)


def without_kernels(model_outputs: ModelOutputs) -> dict[str, str]:
    """Return the layers that act as convolutions without a kernel to draw, with the reason."""
    found = {}
    for output in model_outputs.outputs.values():
        reason = reason_without_kernel(output.node.layer)
        if reason is not None and (is_convolution(output) or _wraps_torch(output.node.layer)):
            found[output.key] = reason
    return found


def reason_without_kernel(layer: Any) -> str | None:
    """Return why no kernel of a layer can be drawn, None if one can."""
    kind = type(layer).__name__
    if _wraps_torch(layer):
        return "it wraps a torch module, whose weights do not say which of them is a kernel"
    if "ConvLSTM" in kind:
        return "its kernels belong to the gates of a recurrent cell"
    if not isinstance(layer, _DRAWN):
        return f"{kind} is not a convolution"
    if not layer.built:
        return "it is not built: it has no weights yet"
    first = layer.depthwise_kernel if isinstance(layer, _SEPARABLE) else layer.kernel
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(first.dtype)):
        return f"its kernel is quantized to {first.dtype}, which is no weight by itself"
    return None


def layer_kernels(layer: Any, filters: int | Sequence[int] = MAX_CHANNELS) -> list[Kernel]:
    """Return the kernels of one convolution: one, or two if it is separable.

    Weights are read as the layer uses them: with LoRA its update is added.

    Args:
        layer: A convolution of Keras.
        filters: How many filters, or which. Defaults to MAX_CHANNELS.

    Raises:
        TbvizError: If it is none, or does not have one of the filters.
    """
    reason = reason_without_kernel(layer)
    if reason is not None:
        msg = f"layer {getattr(layer, 'name', layer)!r} has no kernel to draw: {reason}"
        raise TbvizError(msg)
    if isinstance(layer, _SEPARABLE):
        depthwise = _one_input(_read(layer.depthwise_kernel))
        pointwise = _filters_first(_read(layer.pointwise_kernel))
        return [
            kernel_tiles(depthwise, filters, "depthwise"),
            replace(kernel_tiles(pointwise, filters, "pointwise"), variant="pointwise"),
        ]
    kernel = _read(layer.kernel)
    if isinstance(layer, _DEPTHWISE):
        return [kernel_tiles(_one_input(kernel), filters, "depthwise")]
    if isinstance(layer, _TRANSPOSED):
        # Its last axes are filters, inputs: the reverse of every other convolution's.
        return [kernel_tiles(_filters_first(kernel.swapaxes(-1, -2)), filters, "transposed")]
    return [kernel_tiles(_filters_first(kernel), filters, groups=int(layer.groups))]


def _read(kernel: Any) -> Floats:
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(kernel, "float32")))


def _filters_first(kernel: Floats) -> Floats:
    """Reorder `(..., inputs, filters)` to `(filters, inputs, ...)`."""
    return np.moveaxis(kernel, (-1, -2), (0, 1))


def _one_input(kernel: Floats) -> Floats:
    """Reorder `(..., inputs, multiplier)` of a depthwise kernel to `(inputs * multiplier, 1, ...)`.

    Output channel `k * multiplier + q` is filter q of input k.
    """
    return np.moveaxis(kernel.reshape(*kernel.shape[:-2], -1), -1, 0)[:, np.newaxis]


def _wraps_torch(layer: Any) -> bool:
    return type(layer).__name__ == "TorchModuleWrapper"


def _is_spatial(layer: Any) -> bool:
    """Tell whether a kernel covers more than one pixel."""
    return bool(max(layer.kernel_size) > 1)


def _once(outputs: list[Output]) -> list[Output]:
    """Return the first call of each layer: its kernels are the same at every call."""
    return list({output.node.path: output for output in reversed(outputs)}.values())[::-1]


NOT_RUN = "the model was not run: callbacks that take images show what its layers answer"
"""The reason for missing maps if only weights are logged."""


def model_outputs_without_run(model: Any) -> ModelOutputs:
    """Return the layers of a model as model outputs, without a pass over any input."""
    nodes = list(walk(model))
    outputs = {
        node.path: Output(node.path, node, 0, _shape(node.layer), order, reason=NOT_RUN)
        for order, node in enumerate(nodes)
    }
    return ModelOutputs(nodes, outputs)


def _shape(layer: Any) -> tuple[int, ...]:
    try:
        return tuple(layer.output.shape)
    except (AttributeError, ValueError):  # it was never called on a symbol
        return ()
