"""Find the bounds of a layer's activation, and the share of each channel at a bound.

At a bound the slope of an activation is nearly zero: no gradient passes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tbviz.taps.keras_private import snake_case

ActivationBounds = tuple[float | None, float]
"""The lower and the upper bound; there is no lower one if that is the zero of a ReLU."""

NEAR = 0.01
"""A value is at a bound within this share of the distance between the bounds."""

_BOUNDS: dict[str, ActivationBounds] = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "sparse_sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu6": (None, 6.0),
}


def bounds_of(layer: Any) -> ActivationBounds | None:
    """Return the bounds of a layer's activation, None if it has none or is unknown.

    Args:
        layer: A layer, or an operation of a functional model such as `ops.sigmoid`.
    """
    layer = getattr(layer, "layer", layer)  # the layer inside a wrapper
    if type(layer).__name__ == "ReLU":
        upper = layer.max_value
        return None if upper is None else (None, float(upper))
    activation = getattr(layer, "activation", None)
    if activation is None:
        return _BOUNDS.get(snake_case(type(layer).__name__))
    name = getattr(activation, "__name__", None)  # a layer may be an activation, too
    return _BOUNDS.get(name) if isinstance(name, str) else bounds_of(activation)


def at_bounds(
    flat: npt.NDArray[np.float32], bounds: ActivationBounds | None
) -> npt.NDArray[np.float64]:
    """Return the share of each channel's values that are at a bound.

    Without known bounds it is the share that equals the channel's own largest value, in case it is
    cut off there; 0 if a channel is constant, which is dead and need not be cut off.

    Args:
        flat: `(values, channels)`.
        bounds: Of the activation.

    Returns:
        `(channels,)`, 0 to 1.
    """
    if not flat.size:
        return np.zeros(flat.shape[1])
    if bounds is None:
        largest = flat.max(axis=0)
        varied = flat.min(axis=0) < largest
        return np.where(varied, (flat == largest).mean(axis=0), 0.0)
    low, high = bounds
    near = NEAR * (high - (0.0 if low is None else low))
    found = flat >= high - near
    if low is not None:
        found |= flat <= low + near
    return np.asarray(found.mean(axis=0))
