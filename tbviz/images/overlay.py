"""Draw a class activation map of the layer's own size over a photograph.

The page draws the same; `tests/golden/vectors.json` tests both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tbviz.arrays.resample import enlarge
from tbviz.images.colormaps import colormap, pick

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def overlay(
    image: NDArray[np.uint8],
    cam: ArrayLike,
    maximum: float,
    name: str = "turbo",
    strength: float = 0.6,
    *,
    signed: bool = False,
) -> NDArray[np.uint8]:
    """Draw a class activation map over its image: the higher the value, the more opaque.

    Opacity grows with the map, so the photograph is unchanged where the map is 0. A constant
    opacity would cover all of it with the lowest color. With `t` the enlarged map divided by
    `maximum`, clipped to 0 to 1, and `a = strength * t`:
    `floor(image * (1 - a) + color(t) * a + 0.5)`.

    Args:
        image: uint8 RGB of shape `(H, W, 3)`.
        cam: The map, real numbers of shape `(h, w)`; NaN counts as 0.
        maximum: The value of the map that is drawn in the last color. If it is not a positive
            finite number, the image is returned unchanged.
        name: A key of `COLORMAPS`. Defaults to "turbo".
        strength: Opacity at the maximum, 0 to 1. Defaults to 0.6.
        signed: Clip `t` to -1 to 1 instead, with `a = strength * |t|` and the color of
            `(t + 1) / 2`. Defaults to False.

    Returns:
        uint8 RGB of shape `(H, W, 3)`.

    Raises:
        ValueError: If the image is not uint8 RGB, the map does not have two axes, `strength` is not
            within 0 to 1, or there is no such color map.
    """
    if np.ndim(cam) != 2:
        raise ValueError(f"received a map of shape {np.shape(cam)}; expected one map (h, w)")
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(
            f"received an image of shape {image.shape}, {image.dtype}; expected uint8 RGB "
            "(H, W, 3), as tbviz.images.display.display makes them"
        )
    if not 0 <= strength <= 1:
        raise ValueError(f"received strength {strength}; expected an opacity from 0 to 1")
    enlarged = enlarge(cam, image.shape[:2])
    heat = np.zeros_like(enlarged)
    if 0 < maximum < np.inf:
        with np.errstate(over="ignore"):
            share = np.nan_to_num(enlarged / maximum, nan=0.0, posinf=1.0, neginf=-1.0)
        heat = np.clip(share, -1.0 if signed else 0.0, 1.0)
    opacity = (strength * np.abs(heat))[..., np.newaxis]
    colors = pick((heat + 1) / 2 if signed else heat, colormap(name))
    mixed = image * (1 - opacity) + colors * opacity
    return np.floor(mixed + 0.5).astype(np.uint8)
