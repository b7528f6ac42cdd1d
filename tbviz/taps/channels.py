"""Find the layers that compute each channel of their output from one channel of the input.

Layers that are not known to keep channels apart count as mixing them.
"""

from __future__ import annotations

from typing import Any

import keras

from tbviz.taps import keras_private

_ELEMENTWISE = frozenset(
    {
        "celu",
        "elu",
        "exponential",
        "gelu",
        "hard_shrink",
        "hard_sigmoid",
        "hard_silu",
        "hard_swish",
        "hard_tanh",
        "leaky_relu",
        "linear",
        "log_sigmoid",
        "mish",
        "relu",
        "relu6",
        "selu",
        "sigmoid",
        "silu",
        "soft_shrink",
        "softplus",
        "softsign",
        "sparse_plus",
        "sparse_sigmoid",
        "squareplus",
        "swish",
        "tanh",
        "tanh_shrink",
        "threshold",
    }
)
"""Names of activations that compute every number from one number."""

_FUNCTIONS = {
    id(function)
    for module in (keras.activations, keras.ops)
    for name in _ELEMENTWISE
    if (function := getattr(module, name, None)) is not None
}

_WITH_ACTIVATION: tuple[type, ...] = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Dense,
)

_ACTIVATIONS: tuple[type, ...] = (
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
)

_NOISE: tuple[type, ...] = (
    keras.layers.Identity,
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.AlphaDropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.ActivityRegularization,
    keras.layers.Rescaling,
    keras.layers.BatchNormalization,
)

_MERGES: tuple[type, ...] = (
    keras.layers.Add,
    keras.layers.Subtract,
    keras.layers.Multiply,
    keras.layers.Average,
    keras.layers.Maximum,
    keras.layers.Minimum,
)

_MOVES: tuple[type, ...] = tuple(
    kind
    for name in (
        "MaxPooling",
        "AveragePooling",
        "GlobalMaxPooling",
        "GlobalAveragePooling",
        "AdaptiveMaxPooling",
        "AdaptiveAveragePooling",
        "ZeroPadding",
        "Cropping",
        "UpSampling",
    )
    for size in (1, 2, 3)
    if (kind := getattr(keras.layers, f"{name}{size}D", None)) is not None
)

_DEPTHWISE: tuple[type, ...] = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)


def is_elementwise(activation: Any) -> bool:
    """Tell whether an activation is known to compute every number from one number."""
    if activation is None or id(activation) in _FUNCTIONS:
        return True
    if type(activation) is keras.layers.Activation:
        return is_elementwise(activation.activation)
    return type(activation) in _ACTIVATIONS


def separates_weights(layer: Any) -> bool:
    """Tell whether each weight belongs to one channel of the output, along its last axis."""
    if type(layer) is keras.layers.BatchNormalization:
        return layer.axis in (-1, 3)
    known = type(layer) in (*_WITH_ACTIVATION, *_DEPTHWISE)
    return known and is_elementwise(layer.activation)


def separates_inputs(layer: Any, *, channels_first: bool) -> bool:
    """Tell whether each channel of the output is computed from that channel of the inputs.

    Args:
        layer: A layer, or an operation of a functional model.
        channels_first: Whether the channels of its input stand before height and width.
    """
    kind = type(layer)
    if kind in _MOVES or kind in _DEPTHWISE:
        if (getattr(layer, "data_format", None) == "channels_first") != channels_first:
            return False
        if kind in _MOVES:
            return True
        return layer.depth_multiplier == 1 and is_elementwise(layer.activation)
    if kind in _NOISE or kind in _MERGES or is_elementwise(layer):
        return True
    # An operation of a functional model, such as `ops.relu(x)`.
    name = keras_private.snake_case(kind.__name__)
    return kind.__module__.startswith("keras.") and name in _ELEMENTWISE


def gathers(layer: Any) -> bool:
    """Tell whether a layer picks rows of its weights, so that the other rows have no effect."""
    gather = keras.layers.Embedding.call
    return isinstance(layer, keras.layers.Embedding) and type(layer).call is gather
