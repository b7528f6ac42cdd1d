"""(layer) => (the ends of its activation), (maps) => (how much of each channel stands there).

At a bound the slope of an activation is zero or nearly: nothing is learned through it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tbviz.taps.keras_private import snake_case

Bounds = tuple[float | None, float]
"""The lower and the upper bound; no lower one where that is the zero of a ReLU, which is wanted."""

NEAR = 0.01
"""A value is at a bound within this share of the distance between the bounds."""

_BOUNDS: dict[str, Bounds] = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "sparse_sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu6": (None, 6.0),
}


def bounds_of(layer: Any) -> Bounds | None:
    """The bounds of a layer's activation, `None` where it has none or is not known.

    Args:
        layer: a layer, or an operation of a functional model such as `ops.sigmoid`.
    """
    layer = getattr(layer, "layer", layer)  # what a wrapper holds
    if type(layer).__name__ == "ReLU":
        most = layer.max_value
        return None if most is None else (None, float(most))
    activation = getattr(layer, "activation", None)
    if activation is None:
        return _BOUNDS.get(snake_case(type(layer).__name__))
    name = getattr(activation, "__name__", None)  # a layer may be an activation, too
    return _BOUNDS.get(name) if isinstance(name, str) else bounds_of(activation)


def at_bounds(flat: npt.NDArray[np.float32], bounds: Bounds | None) -> npt.NDArray[np.float64]:
    """The share of each channel's values that are at a bound.

    Without known bounds, the share that equals the channel's own largest value, for what is cut
    off there; 0 where a channel is one number everywhere, which is dead and need not be cut off.

    Args:
        flat: `(values, channels)`.
        bounds: of the activation.

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
