"""Compute the norm of a layer's weights, and of their change since the last snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tbviz.arrays.types import Floats
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.select import is_activation, is_convolution

MAX_COMPARED = 1 << 20
"""The number of weights per layer that are stored for comparison; larger layers are thinned out."""


def weight_owner(
    output: Output, model_outputs: ModelOutputs, measured: Sequence[Output] = ()
) -> Any | None:
    """Return the layer whose weights represent a layer.

    It is the layer itself; or, for an activation after a convolution or a dense layer (with other
    layers between them, such as a normalization), the last of those with as many channels.

    Args:
        output: Of the layer.
        model_outputs: Of the model.
        measured: The outputs of layers that represent themselves. Defaults to none.

    Returns:
        None for a layer without weights that represents no other.
    """
    if _floats(output.node.layer):
        return output.node.layer
    if not is_activation(output):
        return None
    represented = {other.node.path for other in measured}
    for other in sorted(model_outputs.outputs.values(), key=lambda o: -o.order):
        before = other.order < output.order and other.channels == output.channels
        if before and (is_convolution(other) or isinstance(other.node.layer, _DENSE)):
            return None if other.node.path in represented else other.node.layer
    return None


def has_weights(layer: Any | None) -> bool:
    """Tell whether a layer has float weights of its own."""
    return bool(_floats(layer))


def has_kernel(layer: Any | None) -> bool:
    """Tell whether a layer has weights that mix its inputs, and do not only scale them."""
    return any(sum(side > 1 for side in variable.shape) > 1 for variable in _floats(layer))


def weight_norm(layer: Any | None) -> float:
    """Return the Euclidean norm of all float weights of a layer, moving averages included.

    Args:
        layer: None for none.

    Returns:
        NaN if there are no weights, or they are quantized: integers are no weights by
        themselves.
    """
    return _norm([_read(variable) for variable in _floats(layer)])


class WeightHistory:
    """The weights of layers at the last snapshot, as float32, at most a million per layer."""

    def __init__(self) -> None:
        self._former: dict[str, list[Floats]] = {}

    def reset(self) -> None:
        """Drop the stored weights."""
        self._former.clear()

    def measure(self, key: str, layer: Any | None) -> tuple[float, float]:
        """Return the norm of a layer's weights, and the relative norm of their change.

        Args:
            key: Under which its weights are stored.
            layer: None for none.

        Returns:
            `|w|` in the weights' own unit, and `|w - former w| / |former w|`, NaN the first time.
            For a layer with more than a million weights the second is that of an even sample.
        """
        variables = _floats(layer)
        if not variables:
            return float("nan"), float("nan")
        arrays = [_read(variable) for variable in variables]
        stride = -(-sum(array.size for array in arrays) // MAX_COMPARED)
        # A copy: on a CPU the array may be the variable's own memory.
        compared = [array[::stride].copy() for array in arrays]
        former, self._former[key] = self._former.get(key), compared
        if former is None or [a.shape for a in former] != [a.shape for a in compared]:
            return _norm(arrays), float("nan")
        size = _norm(former)
        with np.errstate(all="ignore"):
            moved = _norm([now - then for now, then in zip(compared, former, strict=True)])
        return _norm(arrays), moved / size if size > 0 else float("nan")


_DENSE = (keras.layers.Dense, keras.layers.EinsumDense)


def _floats(layer: Any | None) -> list[Any]:
    if getattr(layer, "quantization_mode", None) is not None:
        return []
    weights = getattr(layer, "weights", None) or ()
    return [v for v in weights if keras.backend.is_float_dtype(v.dtype)]


def _read(variable: Any) -> Floats:
    array = keras.ops.convert_to_numpy(variable)
    return np.asarray(array).astype(np.float32, copy=False).reshape(-1)


def _norm(arrays: list[Floats]) -> float:
    if not arrays:
        return float("nan")
    with np.errstate(all="ignore"):
        squares = [float(np.einsum("i,i->", a, a, dtype=np.float64)) for a in arrays]
    return float(np.sqrt(sum(squares)))
